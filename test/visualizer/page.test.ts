/** The page in a real browser, over a real server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { realClock } from '../../src/clock.ts';
import type { Store } from '../../src/store/store.ts';
import { MACHINES } from '../../machines/index.ts';
import { listenOperator } from '../../src/visualizer/listen.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { noBrowser, openBrowser, visit } from './browser.ts';
import { putUp, startSiteOn } from './site.ts';
import type { Site, SiteOptions } from './site.ts';

const skip = noBrowser();

interface Running extends Site {
  url: string;
}

async function serve(store: Store, listen: string, options: SiteOptions = {}): Promise<Running> {
  const site = await startSiteOn(realClock, { store, ...options });
  const listening = await listenOperator(site.app, listen);
  return {
    ...site,
    url: listening.url,
    async stop() {
      await listening.close();
      await site.stop();
    },
  };
}

async function start(t: TestContext, options: SiteOptions = {}): Promise<Running> {
  const site = await serve(await openMemoryStore(), '127.0.0.1:0', options);
  t.after(() => site.stop());
  return site;
}

const press = (site: Site, lamp: string) => site.node.send(letter(`lamp/${lamp}`, 'press'));

test('the list shows every actor, and a press changes it as it happens', { skip }, async (t) => {
  const site = await start(t);
  await putUp(site.node, 'desk', 'hall');
  const { page, complaints } = await visit(await openBrowser(t), site.url);
  const desk = page.locator('[data-address="lamp/desk"]');
  await desk.getByText('off').waitFor();
  assert.equal(await page.locator('.row').count(), 2);
  await page.getByRole('status').getByText('live').waitFor();
  await press(site, 'desk');
  await desk.locator('.phase').getByText('on').waitFor();
  await page.getByRole('link', { name: 'on 1' }).waitFor();
  // One that did not exist when the list was read.
  await putUp(site.node, 'attic');
  await page.getByRole('link', { name: 'lamp of attic' }).waitFor();
  assert.deepEqual(complaints, []);
});

test('actors are found by what is typed and by the counts of their phases', { skip }, async (t) => {
  const site = await start(t);
  await putUp(site.node, 'desk', 'hall', 'attic');
  await press(site, 'hall');
  const { page } = await visit(await openBrowser(t), site.url);
  const rows = page.locator('.row');
  await rows.nth(2).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('att');
  await page.waitForURL(/text=att/);
  await rows.nth(1).waitFor({ state: 'detached' });
  assert.equal(await rows.getAttribute('data-address'), 'lamp/attic');
  await page.getByRole('searchbox').fill('');
  await page.getByRole('link', { name: 'on 1' }).click();
  await page.waitForURL(/phase=on/);
  await rows.nth(1).waitFor({ state: 'detached' });
  assert.equal(await rows.getAttribute('data-address'), 'lamp/hall');
  await page.getByRole('searchbox').fill('nothing like it');
  await page.getByText('No actor fits').waitFor();
});

test('an actor’s page lights its active states and its history grows as it happens', { skip }, async (t) => {
  const site = await start(t);
  await putUp(site.node, 'desk');
  const { page, complaints } = await visit(await openBrowser(t), site.url);
  await page.getByRole('link', { name: 'lamp of desk' }).click();
  await page.waitForURL(/\/actor\/lamp\/desk$/);
  const lit = (state: string) => page.locator(`.state[data-active][data-state="${state}"]`);
  await lit('up.light.off').waitFor();
  await lit('up.dimmer.ready').waitFor();
  await press(site, 'desk');
  await lit('up.light.on').waitFor();
  await lit('up.light.off').waitFor({ state: 'detached' });
  await page.locator('.step[data-seq="2"]').waitFor();
  await page.getByText('offer').first().waitFor();
  await page.locator('.step[data-seq="2"] summary').press('Enter');
  await page.locator('.step[data-seq="2"]').getByText('test/person').first().waitFor();
  // What a state means can be read without a mouse.
  await page.getByRole('button', { name: /^on\b.*active/ }).press('Enter');
  await page.locator('.meaning').getByText('Lit; goes out by itself.').waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Actors' }).waitFor();
  assert.deepEqual(complaints, []);
});

test('when the runtime is gone the page says so, and goes on where it was when it is back', { skip }, async (t) => {
  const store = await openMemoryStore();
  let site = await serve(store, '127.0.0.1:0');
  const stopIt = (): Promise<void> => site.stop();
  t.after(stopIt);
  await putUp(site.node, 'desk');
  const { page, complaints } = await visit(await openBrowser(t), `${site.url}/actor/lamp/desk`);
  await page.locator('.step[data-seq="1"]').waitFor();
  await site.stop();
  await page.getByText('The runtime has not answered').waitFor();
  assert.ok(await page.locator('.step[data-seq="1"]').isVisible(), 'what was seen stays');
  // Back on the same address, with steps that nobody was told of.
  const resumed = page.waitForRequest(
    (request) => request.url().endsWith('/api/stream') && request.headers()['last-event-id'] !== undefined,
  );
  site = await serve(store, new URL(site.url).host);
  for (let time = 0; time < 3; time++) await press(site, 'desk');
  await resumed;
  await page.getByRole('status').getByText('live').waitFor();
  await page.locator('.step[data-seq="4"]').waitFor();
  await press(site, 'desk');
  await page.locator('.step[data-seq="5"]').waitFor();
  const steps = await page.locator('.step').evaluateAll((found) => found.map((step) => step.getAttribute('data-seq')));
  assert.deepEqual(steps, ['5', '4', '3', '2', '1'], 'nothing missed, nothing doubled');
  assert.equal(await page.getByText('The runtime has not answered').count(), 0);
  await page.getByRole('link', { name: 'Chartroom' }).click();
  await page.locator('[data-address="lamp/desk"]').waitFor();
  assert.deepEqual(complaints, []);
});

test('an actor that does not exist is said in its place, with a way on', { skip }, async (t) => {
  const site = await start(t);
  await putUp(site.node, 'desk');
  const { page } = await visit(await openBrowser(t), `${site.url}/actor/lamp/dask`);
  await page.getByRole('alert').getByText('there is no lamp/dask').waitFor();
  await page.getByRole('link', { name: 'All of kind lamp' }).click();
  await page.locator('[data-address="lamp/desk"]').waitFor();
});

test('a runtime with a token asks for it, refuses a wrong one and opens to the right one', { skip }, async (t) => {
  const site = await start(t, { token: 'correct horse battery' });
  await putUp(site.node, 'desk');
  const { page } = await visit(await openBrowser(t), site.url);
  await page.getByLabel('This runtime asks for its token').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByLabel('That token is not the one').fill('correct horse battery');
  await page.getByRole('button', { name: 'Open' }).click();
  await page.locator('[data-address="lamp/desk"]').waitFor();
  await press(site, 'desk');
  await page.locator('[data-address="lamp/desk"] .phase').getByText('on').waitFor();
});

test('nothing is wider than a narrow telephone', { skip }, async (t) => {
  const site = await start(t);
  await putUp(site.node, 'a-lamp-with-a-name-that-is-much-longer-than-a-screen-of-a-telephone-is-wide');
  const { page } = await visit(await openBrowser(t), site.url);
  await page.setViewportSize({ width: 360, height: 740 });
  const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
  await page.locator('.row').waitFor();
  assert.equal(await width(), 360);
  await page.locator('.row__title').click();
  await page.locator('.step').waitFor();
  assert.equal(await width(), 360);
});

test('any step can be gone to: chart, context and waits as they were, and what it changed', { skip }, async (t) => {
  const site = await start(t);
  await putUp(site.node, 'desk');
  for (let time = 0; time < 3; time++) await press(site, 'desk');
  const { page, complaints } = await visit(await openBrowser(t), `${site.url}/actor/lamp/desk`);
  const lit = (state: string) => page.locator(`.state[data-active][data-state="${state}"]`);
  await lit('up.light.on').waitFor();
  await page.getByText('now, step 4').waitFor();
  await page.keyboard.press('ArrowLeft');
  await page.waitForURL(/at=3$/);
  await lit('up.light.off').waitFor();
  await page.locator('.difference ins').getByText('up.light.off').waitFor();
  await page.getByRole('row', { name: 'presses 1 2', exact: true }).waitFor();
  // A step that is taken meanwhile does not move who looks at the past.
  await press(site, 'desk');
  await page.locator('.step[data-seq="5"]').waitFor();
  assert.equal(await page.locator('article').getAttribute('data-at'), '3');
  // The address alone leads there.
  await page.goto(`${site.url}/actor/lamp/desk?at=2`);
  await lit('up.light.on').waitFor();
  await page.getByText('step 2 of 5').waitFor();
  await page.locator('.step[data-seq="1"] summary').click();
  await page.locator('.step[data-seq="1"]').getByRole('link', { name: 'Show this moment' }).click();
  await lit('up.light.off').waitFor();
  await page.getByRole('link', { name: 'Back to now' }).click();
  await page.getByText('now, step 5').waitFor();
  await page.goto(`${site.url}/actor/lamp/desk?at=99`);
  await page.getByRole('alert').getByText('lamp/desk has 5 steps, there is no 99').waitFor();
  await page.goto(`${site.url}/actor/lamp/desk?at=0`);
  await page.getByRole('alert').getByText('was not born yet').waitFor();
  assert.deepEqual(complaints, []);
});

test('the chart is drawn with its ways, counts what was taken, and folds by keyboard', { skip }, async (t) => {
  const site = await start(t);
  await putUp(site.node, 'desk');
  for (let time = 0; time < 3; time++) await press(site, 'desk');
  const { page, complaints } = await visit(await openBrowser(t), `${site.url}/actor/lamp/desk`);
  await page.getByRole('button', { name: 'Diagram' }).press('Enter');
  const way = page.locator('[data-line="up.light.off>up.light.on"]');
  await way.and(page.locator('[data-taken="2"][data-last="did"]')).waitFor();
  await way.locator('text', { hasText: 'press [isBright]' }).waitFor();
  await page.locator('.drawn[data-state="up.light.on"][data-active]').waitFor();
  await press(site, 'desk');
  await page.locator('[data-line="up.light.on>up.light.off"][data-taken="2"][data-last="did"]').waitFor();
  await page.getByRole('button', { name: 'Fold light' }).press('Enter');
  await page.locator('.drawn[data-state="up.light.on"]').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Unfold light' }).press(' ');
  await page.getByRole('button', { name: 'off, active' }).press('Enter');
  await page.locator('.meaning').getByText('Dark.').waitFor();
  assert.deepEqual(complaints, []);
});

test('an event is previewed on the chart, then sent, then receipted; a refusal says why', { skip }, async (t) => {
  const site = await start(t);
  await putUp(site.node, 'desk');
  const { page, complaints } = await visit(await openBrowser(t), `${site.url}/actor/lamp/desk`);
  await page.getByText('What could happen now').click();
  await page.getByText('Events of the runtime and of others').click();
  const event = (type: string) => page.locator(`[data-event="${type}"]`);
  await event('press').and(page.locator('[data-would="move"]')).getByText('off → on').waitFor();
  await event('dim').and(page.locator('[data-would="depend"]')).getByText('if is too bright').waitFor();
  await page.getByRole('button', { name: 'press', exact: true }).click();
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.locator('[data-preview]').getByText('Would be taken').waitFor();
  await page.locator('[data-preview]').getByText('up.light.off → up.light.on').waitFor();
  await page.locator('.state[data-state="up.light.on"][data-move="would-enter"]').waitFor();
  assert.equal(site.node.actors.row('lamp/desk')?.phase, 'off', 'a preview changes nothing');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.outcome').getByText('taken as step 2').waitFor();
  await page.locator('.state[data-active][data-state="up.light.on"]').waitFor();
  await page.getByRole('button', { name: 'dim', exact: true }).click();
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('to is needed').waitFor();
  await page.getByRole('textbox', { name: 'to', exact: true }).fill('400');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.locator('[data-preview]').getByText('brighter than 100 (limit)').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Send' }).isDisabled(), 'what is refused is not sent');
  await page.getByRole('textbox', { name: 'to', exact: true }).fill('40');
  assert.ok(await page.getByRole('button', { name: 'Send' }).isDisabled(), 'nothing is sent that was not previewed');
  assert.deepEqual(complaints, []);
});

test('a mission shows its items as graph, board and ledger, and an item is corrected in place', { skip }, async (t) => {
  const site = await start(t, { definitions: MACHINES });
  const item = (key: string, dependsOn: string[]) => ({
    key,
    title: `The ${key}`,
    body: 'b',
    kind: 'implement',
    dependsOn,
    repo: 'acme/api',
    deliver: 'pull_request',
  });
  await site.node.send(
    letter('mission/launch', 'open', {
      objective: 'Launch',
      items: [item('api', []), item('page', ['api']), item('ship', ['page'])],
      policy: {},
    }),
  );
  const { page, complaints } = await visit(await openBrowser(t), `${site.url}/actor/mission/launch`);
  await page.locator('[data-way="api>page"][data-critical]').waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'ledger' }).click();
  await page.locator('[data-ledger="ship"]').getByText('page', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'board' }).click();
  await page.locator('[data-item="ship"]').click();
  await page.getByRole('button', { name: 'depends …' }).click();
  await page.getByRole('textbox', { name: /^on/ }).fill('api');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('whoever reads the history wants to know why').waitFor();
  await page.getByRole('textbox', { name: /^reason/ }).fill('the page can come later');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('Would be taken').waitFor();
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.outcome').getByText('taken as step').waitFor();
  await page.getByRole('button', { name: 'graph' }).click();
  await page.locator('[data-way="api>ship"]').waitFor({ state: 'attached' });
  assert.deepEqual(complaints, []);
});

test('dead letters are read and sent again; a machine is looked at without an actor', { skip }, async (t) => {
  const site = await start(t);
  await putUp(site.node, 'desk');
  await site.node.send(letter('lamp/attic', 'press'));
  const { page, complaints } = await visit(await openBrowser(t), `${site.url}/bus`);
  const dead = page.locator('[data-letter]');
  await dead.getByText('lamp/attic').first().waitFor();
  await page.getByText('everything moves').waitFor();
  await page.getByText('queued bytes').waitFor();
  await putUp(site.node, 'attic');
  await dead.getByRole('button', { name: 'Resend' }).click();
  await dead.getByRole('status').getByText('taken').waitFor();
  assert.equal(site.node.actors.row('lamp/attic')?.phase, 'on');
  await page.goto(`${site.url}/machine/lamp`);
  await page.locator('.drawn[data-state="up.light.on"]').waitFor();
  await page.getByRole('row', { name: 'up.light.off press isBright up.light.on count' }).waitFor();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save SVG' }).click();
  assert.equal((await saved).suggestedFilename(), 'lamp.svg');
  await page.goto(`${site.url}/machine/lamb`);
  await page.getByRole('alert').getByText('there is no kind “lamb”').waitFor();
  assert.deepEqual(complaints, []);
});
