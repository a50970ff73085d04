/** The page in a real browser, over a real server: one of each for all tests, each with actors of its own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Download, Page } from 'playwright-core';
import { MACHINES } from '../../machines/index.ts';
import type { Definition } from '../../src/actor/state.ts';
import { createDecisions } from '../../src/bridge/decisions.ts';
import { createHookLog } from '../../src/bridge/hook-log.ts';
import { hookId, subjectOf } from '../../src/bridge/hook.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { realClock } from '../../src/clock.ts';
import type { Store } from '../../src/store/store.ts';
import { KEYS } from '../../src/store/keys.ts';
import { listenOperator } from '../../src/visualizer/listen.ts';
import { createRunLogs } from '../../src/visualizer/run-logs.ts';
import { decisionRows } from '../support/decision-rows.ts';
import { lampDefinition } from '../support/lamp.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { goOn, noBrowser, visit } from './browser.ts';
import { putUp, startSiteOn } from './site.ts';
import type { Site, SiteOptions } from './site.ts';
import { startChat, startRun } from './work.ts';

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

/** Deliveries come over a bus of their own, runs lie in a folder of their own. */
const hookBus = createMemoryServer({ clock: realClock }).bus();
const decisions = createDecisions(decisionRows());
let data = '';
let site: Running;
let health: Record<string, unknown> = { ready: true };

before(async () => {
  if (skip !== false) return;
  data = await mkdtemp(path.join(tmpdir(), 'chartroom-page-'));
  site = await serve(await openMemoryStore(), '127.0.0.1:0', {
    definitions: [lampDefinition as unknown as Definition, ...MACHINES],
    health: async () => health,
    hooks: { log: createHookLog(hookBus), decisions },
    runs: createRunLogs(data),
  });
});
after(async () => {
  if (skip !== false) return;
  await site.stop();
  await rm(data, { recursive: true });
});

const press = (lamp: string, of: Site = site) => of.node.send(letter(`lamp/${lamp}`, 'press'));
/** In the page that is open already, which is quicker; what loads it anew says so. */
const open = (view: string) => goOn(site.url + view);
const lit = (page: Page, state: string) => page.locator(`.state[data-active][data-state="${state}"]`);

test('the list is found by what is typed and by its counts, and changes as it happens', { skip }, async () => {
  await putUp(site.node, 'list-desk', 'list-hall', 'list-attic');
  await press('list-hall');
  const { page, complaints } = await open('/?kind=lamp');
  const rows = page.locator('.row');
  await page.getByRole('status').getByText('live').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('list-');
  await page.waitForURL(/text=list-/);
  await page.getByRole('link', { name: 'lamp 3', exact: true }).waitFor();
  assert.equal(await rows.count(), 3);
  await page.getByRole('link', { name: 'on 1', exact: true }).click();
  await page.waitForURL(/phase=on/);
  await rows.nth(1).waitFor({ state: 'detached' });
  assert.equal(await rows.getAttribute('data-address'), 'lamp/list-hall');
  await page.getByRole('link', { name: 'on 1', exact: true }).click();
  await press('list-desk');
  await page.locator('[data-address="lamp/list-desk"] .phase').getByText('on').waitFor();
  await page.getByRole('link', { name: 'on 2', exact: true }).waitFor();
  // One that did not exist when the list was read.
  await putUp(site.node, 'list-cellar');
  await page.getByRole('link', { name: 'lamp of list-cellar' }).waitFor();
  // By what it waits on, and by the state it is in.
  await page.getByRole('link', { name: 'waits: human 4' }).click();
  await page.waitForURL(/gate=human/);
  await page.getByRole('searchbox').fill('list- light.on');
  await rows.nth(2).waitFor({ state: 'detached' });
  await page.getByRole('searchbox').fill('nothing like it');
  await page.getByText('No actor fits').waitFor();
  assert.deepEqual(complaints, []);
});

test(
  'of 10,000 actors only what is near the screen is drawn, all are found, and a change is seen',
  { skip },
  async (t) => {
    const store = await openMemoryStore();
    const waitingOn = [
      { gate: 'agent', on: 'agent/ada', since: '2026-01-01T00:00:00.000Z', until: null, detail: '', moves: [] },
    ];
    await store.write(
      Array.from({ length: 9_999 }, (_, index) => {
        const address = `lamp/room-${String(index).padStart(5, '0')}`;
        const row = {
          address,
          value: 'up',
          phase: 'off',
          epoch: 1,
          owner: null,
          waitingOn,
          updatedAt: waitingOn[0]!.since,
        };
        const rest = { title: `lamp of ${index}`, user: null, mission: null, refs: [], tags: {}, final: false };
        return { put: KEYS.index(address), value: JSON.stringify({ ...row, ...rest }) };
      }),
    );
    const large = await serve(store, '127.0.0.1:0');
    t.after(() => large.stop());
    await putUp(large.node, 'desk');
    const { page, complaints } = await visit(large.url);
    // What has left the screen goes when the browser says so, a moment later.
    const fewRows = () => page.waitForFunction(() => document.querySelectorAll('.row').length < 200);
    // Who needs a person is seen at once, whoever else there is.
    await page.getByRole('region', { name: 'Needs a person' }).locator('[data-address="lamp/desk"]').waitFor();
    await page.getByRole('link', { name: 'all 10000', exact: true }).waitFor();
    await fewRows();
    await press('desk', large);
    await page.locator('[data-address="lamp/desk"] .phase').getByText('on').waitFor();
    await page.keyboard.press('End');
    await page.locator('[data-address="lamp/room-09998"]').waitFor();
    await fewRows();
    await page.getByRole('searchbox').fill('lamp of 7777');
    await page.locator('[data-address="lamp/room-07777"]').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('.row').length === 1);
    assert.deepEqual(complaints, []);
  },
);

test('an actor’s page lights its active states and its history grows as it happens', { skip }, async () => {
  await putUp(site.node, 'lit');
  const { page, complaints } = await open('/?text=lamp/lit');
  await page.getByRole('link', { name: 'lamp of lit' }).click();
  await page.waitForURL(/\/actor\/lamp\/lit$/);
  await lit(page, 'up.light.off').waitFor();
  await lit(page, 'up.dimmer.ready').waitFor();
  await press('lit');
  await lit(page, 'up.light.on').waitFor();
  await lit(page, 'up.light.off').waitFor({ state: 'detached' });
  const held = page.getByRole('region', { name: 'Particulars' });
  await held.getByText(/^offer in \d+ (s|min) up\.light\.on$/).waitFor();
  await held.getByText('room:lit').waitFor();
  await press('lit');
  await held.getByText('pull.say for').waitFor();
  await press('lit');
  await page.locator('.step[data-seq="2"] summary').press('Enter');
  await page.locator('.step[data-seq="2"]').getByText('test/person').first().waitFor();
  // What a state means can be read without a mouse.
  await page.getByRole('button', { name: /^on\b.*active/ }).press('Enter');
  await page.locator('.meaning').getByText('Lit; goes out by itself.').waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Actors' }).waitFor();
  assert.deepEqual(complaints, []);
});

test('of a very large context as much is shown as can be read, and how much more there is', { skip }, async () => {
  await putUp(site.node, 'large');
  await site.node.send(letter('lamp/large', 'fyi', { text: 'long '.repeat(150_000) }));
  const { page, complaints } = await open('/actor/lamp/large?at=2');
  await page.locator('.difference').getByText('notes.0').waitFor();
  await page.getByRole('heading', { name: 'Notes', exact: true }).waitFor();
  await page.getByText('Whole context').click();
  await page
    .getByLabel('Whole context')
    .getByText(/7\d\d\d\d\d characters more/)
    .waitFor();
  const letters = await page.evaluate(() => document.body.textContent.length);
  assert.ok(letters < 100_000, `${letters} letters are on the page`);
  assert.deepEqual(complaints, []);
});

test('when the runtime is gone the page says so, and goes on where it was when it is back', { skip }, async (t) => {
  const store = await openMemoryStore();
  let own = await serve(store, '127.0.0.1:0');
  t.after(() => own.stop());
  await putUp(own.node, 'desk');
  const { page, complaints } = await visit(`${own.url}/actor/lamp/desk`);
  await page.locator('.step[data-seq="1"]').waitFor();
  await own.stop();
  await page.getByText('The runtime has not answered').waitFor();
  assert.ok(await page.locator('.step[data-seq="1"]').isVisible(), 'what was seen stays');
  // Back on the same address, with steps that nobody was told of.
  const resumed = page.waitForRequest(
    (request) => request.url().endsWith('/api/stream') && request.headers()['last-event-id'] !== undefined,
  );
  own = await serve(store, new URL(own.url).host);
  for (let time = 0; time < 3; time++) await press('desk', own);
  await resumed;
  await page.getByRole('status').getByText('live').waitFor();
  await page.locator('.step[data-seq="4"]').waitFor();
  await press('desk', own);
  await page.locator('.step[data-seq="5"]').waitFor();
  const steps = await page.locator('.step').evaluateAll((found) => found.map((step) => step.getAttribute('data-seq')));
  assert.deepEqual(steps, ['5', '4', '3', '2', '1'], 'nothing missed, nothing doubled');
  assert.equal(await page.getByText('The runtime has not answered').count(), 0);
  await page.getByRole('link', { name: 'Chartroom' }).click();
  await page.locator('[data-address="lamp/desk"]').waitFor();
  assert.deepEqual(complaints, []);
});

test('what is not there is said in its place, with a way on', { skip }, async () => {
  await putUp(site.node, 'there');
  const { page } = await open('/actor/lamp/thare');
  await page.getByRole('alert').getByText('there is no lamp/thare').waitFor();
  await page.getByRole('link', { name: 'All of kind lamp' }).click();
  await page.locator('[data-address="lamp/there"]').waitFor();
  await open('/machine/lamb');
  await page.getByRole('alert').getByText('there is no kind “lamb”').waitFor();
  await open('/machine/lamp?version=0');
  await page.getByRole('alert').getByText('version 0 of lamp is not here, only 1').waitFor();
  await open('/nowhere');
  await page.getByRole('alert').getByText('There is nothing at /nowhere').waitFor();
  await open('/actor/lamp/there?at=99');
  await page.getByRole('alert').getByText('lamp/there has 1 steps, there is no 99').waitFor();
  await open('/actor/lamp/there?at=0');
  await page.getByRole('alert').getByText('was not born yet').waitFor();
});

test('a runtime with a token asks for it, refuses a wrong one and opens to the right one', { skip }, async (t) => {
  const own = await serve(await openMemoryStore(), '127.0.0.1:0', { token: 'correct horse battery' });
  t.after(() => own.stop());
  await putUp(own.node, 'desk');
  const { page } = await visit(own.url);
  await page.getByLabel('This runtime asks for its token').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByLabel('That token is not the one').fill('correct horse battery');
  await page.getByRole('button', { name: 'Open' }).click();
  await page.locator('[data-address="lamp/desk"]').waitFor();
  await press('desk', own);
  await page.locator('[data-address="lamp/desk"] .phase').getByText('on').waitFor();
});

test('any step can be gone to: chart, context and waits as they were, and what it changed', { skip }, async () => {
  await putUp(site.node, 'past');
  for (let time = 0; time < 3; time++) await press('past');
  const { page, complaints } = await open('/actor/lamp/past');
  await lit(page, 'up.light.on').waitFor();
  await page.getByText('now, step 4').waitFor();
  await page.keyboard.press('ArrowLeft');
  await page.waitForURL(/at=3$/);
  await lit(page, 'up.light.off').waitFor();
  await page.locator('.difference ins').getByText('up.light.off').waitFor();
  await page.getByRole('row', { name: 'presses 1 2', exact: true }).waitFor();
  // A step that is taken meanwhile does not move who looks at the past.
  await press('past');
  await page.locator('.step[data-seq="5"]').waitFor();
  assert.equal(await page.locator('article').getAttribute('data-at'), '3');
  // The address alone leads there.
  await visit(`${site.url}/actor/lamp/past?at=2`);
  await lit(page, 'up.light.on').waitFor();
  await page.getByText('step 2 of 5').waitFor();
  await page.locator('.step[data-seq="1"] summary').click();
  await page.locator('.step[data-seq="1"]').getByRole('link', { name: 'Show this moment' }).click();
  await lit(page, 'up.light.off').waitFor();
  await page.getByRole('slider', { name: 'Step of the journal' }).fill('4');
  await page.waitForURL(/at=4$/);
  await page.getByRole('link', { name: 'Back to now' }).click();
  await page.getByText('now, step 5').waitFor();
  assert.deepEqual(complaints, []);
});

test(
  'the chart is drawn with its ways and watches, counts what was taken, and folds by keyboard',
  { skip },
  async () => {
    await putUp(site.node, 'drawn');
    for (let time = 0; time < 3; time++) await press('drawn');
    const { page, complaints } = await open('/actor/lamp/drawn');
    await page.getByRole('button', { name: 'Diagram' }).press('Enter');
    const way = page.locator('[data-line="up.light.off>up.light.on"]');
    await way.and(page.locator('[data-taken="2"][data-last="did"]')).waitFor();
    await way.locator('text', { hasText: 'press [isBright]' }).waitFor();
    await page.locator('.drawn[data-state="up.light.off"]:not([data-tint="0"])').waitFor();
    await page.locator('.drawn[data-state="up.light.on"][data-active]').getByText('⟳ consumer').waitFor();
    await press('drawn');
    await page.locator('[data-line="up.light.on>up.light.off"][data-taken="2"][data-last="did"]').waitFor();
    // Moved, enlarged and fitted without a mouse.
    const canvas = page.getByRole('group', { name: /^Drawing of lamp/ });
    const seen = (): Promise<string | null> => canvas.getAttribute('viewBox');
    const whole = await seen();
    await canvas.press('+');
    await canvas.press('ArrowRight');
    assert.notEqual(await seen(), whole);
    await page.getByRole('button', { name: 'Fold light' }).press('Enter');
    await page.locator('.drawn[data-state="up.light.on"]').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Unfold light' }).press(' ');
    await page.getByRole('button', { name: 'off, active' }).press('Enter');
    await page.locator('.meaning').getByText('Dark.').waitFor();
    assert.deepEqual(complaints, []);
  },
);

test('an event is previewed on the chart, then sent, then receipted; a refusal says why', { skip }, async () => {
  await putUp(site.node, 'sent', 'told');
  const { page, complaints } = await open('/actor/lamp/sent');
  await page.getByText('What could happen now').click();
  await page.getByText('Events of the runtime and of others').click();
  const event = (type: string) => page.locator(`[data-event="${type}"]`);
  const preview = page.locator('[data-preview]');
  await event('press').and(page.locator('[data-would="move"]')).getByText('off → on').waitFor();
  await event('dim').and(page.locator('[data-would="depend"]')).getByText('guarded by is too bright').waitFor();
  await page.getByRole('button', { name: 'ring', exact: true }).click();
  await page.getByRole('textbox', { name: 'to', exact: true }).fill('lamp/told');
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview.getByText('press to lamp/told').waitFor();
  await page.getByRole('button', { name: 'press', exact: true }).click();
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview.getByText('Would be taken').waitFor();
  await preview.getByText('up.light.off → up.light.on').waitFor();
  await preview.getByText('up.light.on:offer').waitFor();
  await page.locator('.state[data-state="up.light.on"][data-move="would-enter"]').waitFor();
  assert.equal(site.node.actors.row('lamp/sent')?.phase, 'off', 'a preview changes nothing');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.outcome').getByText('taken as step 2').waitFor();
  await lit(page, 'up.light.on').waitFor();
  await page.getByRole('button', { name: 'dim', exact: true }).click();
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('to is needed').waitFor();
  await page.getByRole('textbox', { name: 'to', exact: true }).fill('400');
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview.getByText('brighter than 100 (limit)').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Send' }).isDisabled(), 'what is refused is not sent');
  await page.getByRole('textbox', { name: 'to', exact: true }).fill('40');
  assert.ok(await page.getByRole('button', { name: 'Send' }).isDisabled(), 'nothing is sent that was not previewed');
  assert.deepEqual(complaints, []);
});

test('a mission shows its items as graph, board and ledger, and an item is corrected in place', { skip }, async () => {
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
  const { page, complaints } = await open('/actor/mission/launch');
  await page.locator('[data-way="api>page"][data-critical]').waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'table', exact: true }).click();
  await page.locator('[data-row="ship"]').getByText('page', { exact: true }).waitFor();
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
  // What happened to its sessions stands in its ledger too, and what was refused.
  await site.node.send(letter('session/launch-api', 'run.ended', { outcome: 'completed' }, { expectepoch: 9 }));
  await page.getByRole('button', { name: 'ledger' }).click();
  await page.locator('[data-entry="session/launch-page 1"]').getByText('open').first().waitFor();
  await page.locator('[data-entry="session/launch-api 0"][data-outcome="superseded"]').waitFor();
  assert.deepEqual(complaints, []);
});

test('a run’s question is answered where it is read, and its output comes as it is put out', { skip }, async () => {
  await startRun(site, { session: 'session/eng-1', agent: 'agent/ada' });
  const folder = path.join(data, 'runs', 'eng-1-1');
  await mkdir(folder, { recursive: true });
  const record = {
    run: 'eng-1-1',
    agent: 'agent/ada',
    driver: 'scripted',
    mode: 'worker',
    session: 'session/eng-1',
    epoch: 1,
  };
  const times = { bootId: 'b', preparedAt: '2026-01-01T00:00:00.000Z' };
  await writeFile(path.join(folder, 'record.json'), JSON.stringify({ ...record, ...times }));
  const log = path.join(folder, 'live.log');
  await writeFile(log, '2026-01-01T00:00:01.000Z message: I begin\n');
  const { page, complaints } = await open('/actor/session/eng-1');
  const held = page.getByRole('region', { name: 'Particulars' });
  await held.getByText('/worktrees/session/eng-1', { exact: true }).waitFor();
  await held.getByRole('heading', { name: 'Owed' }).waitFor();
  await page.getByText('Waits for an agent, on agent/ada').waitFor();
  await page.getByText(/^for \d+ (s|min), gives up in \d+ (s|min|h)$/).waitFor();
  await page.locator('.head').getByText('with agent/ada').waitFor();
  await page.locator('.head').getByText('epoch 1').waitFor();
  await held.getByText('Evidence').first().click();
  await page.getByRole('link', { name: 'eng-1-1' }).click();
  await page.waitForURL(/run=eng-1-1$/);
  const output = page.getByRole('log', { name: 'Output of eng-1-1' });
  await output.getByText('I begin').waitFor();
  await appendFile(log, '2026-01-01T00:00:02.000Z command: npm test\nok 1\n');
  const command = output.locator('[data-kind="command"]');
  await command.getByText('npm test').waitFor();
  await command.getByText('ok 1').waitFor();
  const choices = { kind: 'question', text: 'Which greeting?', choices: ['hello', 'hi'] };
  await site.node.send(letter('agent/ada', 'driver.asked', { question: 'q1', ...choices }));
  const question = page.getByRole('form', { name: 'Open question' });
  await question.getByText('Which greeting?').waitFor();
  await question.getByRole('button', { name: 'hi', exact: true }).click();
  await question.waitFor({ state: 'detached' });
  await site.node.quiet();
  const answered = site.node.outbox.of('agent/ada').find(({ act }) => act === 'driver.answer');
  assert.equal(answered?.params['choice'] ?? answered?.params['text'], 'hi');
  // Its folder lies on the runtime's machine: the path can be copied, the branch is named.
  await held.getByText('branch chartroom/').waitFor();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await held.getByRole('button', { name: 'Copy path' }).press('Enter');
  await held.getByRole('status').getByText('copied').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '/worktrees/session/eng-1');
  // What it has cost stands with the session and with the agent.
  const usage = { inputTokens: 1_200, outputTokens: 340, costUsd: 0.02 };
  await site.node.send(letter('agent/ada', 'driver.exited', { class: 'clean', usage }));
  await held.getByText('1,200 tokens in, 340 out, $0.02').waitFor();
  await open('/actor/agent/ada');
  await held.getByText('1 run, 1,200 tokens in, 340 out, $0.02').waitFor();
  await open('/actor/session/eng-1');
  await page.getByRole('link', { name: 'run log' }).click();
  await output.getByText('I begin').waitFor();
  assert.deepEqual(complaints, []);
});

test('a chat is written to and read as it answers, and knows that a page looks', { skip }, async (t) => {
  const beats: { consumer: string; kind: string; leaving?: boolean }[] = [];
  const listening = site.bus.listen('consumer.eve', (_subject, body) =>
    beats.push(JSON.parse(Buffer.from(body).toString('utf8')) as (typeof beats)[number]),
  );
  t.after(() => listening.stop());
  await startChat(site, 'agent/eve');
  const { page, complaints } = await open('/');
  /** Resolves when the runtime has taken a beat of the page. */
  const beaten = (isLast: boolean) =>
    page.waitForResponse(
      (response) =>
        response.url().endsWith('/api/attend') && response.request().postData()?.includes('leaving') === isLast,
    );
  const came = beaten(false);
  await open('/actor/agent/eve');
  await page.getByText('You are here').waitFor();
  await came;
  await page.getByRole('textbox', { name: 'Message' }).fill('Is all quiet?');
  await page.keyboard.press('Enter');
  const said = page.getByRole('log', { name: 'What was said' });
  await said.getByText('Is all quiet?').waitFor();
  await said.getByText('waits to be read').waitFor();
  const eve = async (type: string, more: object): Promise<void> => {
    const { outcome, reason } = await site.node.send(letter('agent/eve', type, { ...more }));
    assert.ok(outcome === 'taken' || outcome === 'recorded', `${type}: ${reason}`);
  };
  await eve('driver.started', { pid: 1, startedAt: '2026-01-01T00:00:00.000Z', conversation: 'c' });
  await said.getByText('is being read').waitFor();
  await eve('driver.said', { text: 'Let me look', final: false });
  await said.locator('[data-final="not-yet"]').getByText('Let me look').waitFor();
  await eve('driver.said', { text: 'All is quiet.', final: true });
  await said.locator('[data-kind="answer"]').getByText('All is quiet.').waitFor();
  const left = beaten(true);
  await page.getByRole('button', { name: 'Only read' }).click();
  await page.getByText('You only read').waitFor();
  await left;
  await page.getByRole('link', { name: 'Chartroom' }).click();
  await page.getByRole('heading', { name: 'Actors' }).waitFor();
  assert.deepEqual([beats[0]?.kind, beats[0]?.leaving], ['page', undefined]);
  assert.deepEqual(beats.at(-1), { kind: 'page', consumer: beats[0]!.consumer, leaving: true });
  assert.deepEqual(complaints, []);
});

test('what waits in the mailbox of a parked actor is read, envelope by envelope', { skip }, async () => {
  await putUp(site.node, 'parked');
  // Nobody gets a receipt from who is parked.
  for (const type of ['break', 'press'])
    site.node.send(letter('lamp/parked', type, {}, { source: 'cli/ann' }), { door: 'mail' }).catch(() => {});
  const { page, complaints } = await open('/actor/lamp/parked');
  await page.getByRole('heading', { name: 'Parked', exact: true }).waitFor();
  const waiting = page.locator('[data-waiting]');
  await waiting.filter({ hasText: 'press from cli/ann' }).getByText('Envelope').click();
  await waiting.getByText('"type": "press"').waitFor();
  assert.deepEqual(complaints, []);
});

test(
  'the bus shows how each source stands, what a delivery led to, and letters to be sent again',
  { skip },
  async () => {
    const hook = { source: 'github' as const, event: 'pull_request', action: 'closed', delivery: 'd-1', headers: {} };
    const delivered = { ...hook, receivedAt: '2026-01-01T00:00:00.000Z', body: { number: 7 } };
    await hookBus.publish('hook', subjectOf(delivered), JSON.stringify(delivered), { msgId: hookId(delivered) });
    await putUp(site.node, 'hooked');
    decisions.note(hook, { poked: [], sent: [{ to: 'lamp/hooked', type: 'press', id: 'github:d-1:0' }] });
    await site.node.send(letter('lamp/hooked', 'press', {}, { id: 'github:d-1:0', causationid: 'github:d-1' }));
    await site.node.send(letter('lamp/later', 'press'));
    const sight = { since: '2026-01-01T00:00:00.000Z', lastHookAt: null, sweptAt: null, missing: 1, recovered: 0 };
    health = { ready: true, sources: { github: { state: 'gap', reason: '1 delivery is missing', ...sight } } };
    const { page, complaints } = await open('/');
    await page.locator('[data-health]').getByText('github: 1 delivery is missing').waitFor();
    await page.getByRole('link', { name: 'Look at the bus' }).click();
    await page.locator('[data-source="github"][data-state="gap"]').getByText('1 missing').waitFor();
    await page.getByText('queued bytes').waitFor();
    const line = page.locator('[data-hook]');
    await line.getByText('1 envelope').waitFor();
    await line.getByText('Led to, and payload').click();
    await line.getByText('"number": 7').waitFor();
    await line.getByRole('button', { name: 'Redeliver' }).click();
    await page.getByText('delivered again as d-1#1').waitFor();
    const dead = page.locator('[data-letter]').filter({ hasText: 'lamp/later' });
    await putUp(site.node, 'later');
    await dead.getByRole('button', { name: 'Resend' }).click();
    await dead.getByRole('status').getByText('taken').waitFor();
    assert.equal(site.node.actors.row('lamp/later')?.phase, 'on');
    await line.getByRole('link', { name: 'taken as step 2' }).click();
    await page.waitForURL(/\/actor\/lamp\/hooked\?at=2$/);
    health = { ready: true };
    assert.deepEqual(complaints, []);
  },
);

test('a machine is looked at without an actor: its ways counted over all, its drawing saved', { skip }, async () => {
  await putUp(site.node, 'counted');
  await press('counted');
  const { page, complaints } = await open('/machine/lamp');
  await page.locator('.drawn[data-state="up.light.on"]').waitFor();
  const row = page.getByRole('row', { name: /^up\.light\.off press isBright up\.light\.on count \d+$/ });
  await row.waitFor();
  await page.locator('[data-line="up.light.off>up.light.on"][data-taken]').waitFor();
  const save = async (name: string): Promise<Download> => {
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: `Save ${name}`, exact: true }).click();
    return saved;
  };
  const contentOf = async (download: Download): Promise<Buffer> => readFile(await download.path());
  const svg = await save('SVG');
  assert.equal(svg.suggestedFilename(), 'lamp.svg');
  assert.match(String(await contentOf(svg)), /^<svg .*Statechart of lamp/);
  const png = await save('PNG');
  assert.equal(png.suggestedFilename(), 'lamp.png');
  assert.deepEqual([...(await contentOf(png)).subarray(1, 4)], [...Buffer.from('PNG')]);
  assert.match(String(await contentOf(await save('Mermaid'))), /^stateDiagram-v2\n/);
  const { id, initial } = JSON.parse(String(await contentOf(await save('XState JSON')))) as Record<string, string>;
  assert.deepEqual([id, initial], ['lamp', 'up']);
  assert.deepEqual(complaints, []);
});

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];

/** What axe finds on the page as it stands, each with the place it is at. */
async function findings(page: Page, only: { type: 'tag' | 'rule'; values: string[] }): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  return page.evaluate(async (runOnly) => {
    type Node = { target: string[]; failureSummary: string };
    type Axe = { run(where: Document, how: object): Promise<{ violations: { id: string; nodes: Node[] }[] }> };
    const { violations } = await (window as unknown as { axe: Axe }).axe.run(document, {
      runOnly,
      resultTypes: ['violations'],
    });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
    );
  }, only);
}

test(
  'every view is fit for all: axe finds nothing, light or dark, and nothing is wider than a telephone',
  { skip },
  async (t) => {
    const long = 'a-lamp-with-a-name-that-is-much-longer-than-a-screen-of-a-telephone-is-wide';
    await putUp(site.node, long);
    await press(long);
    const views: [view: string, ready: (page: Page) => Promise<unknown>][] = [
      ['/', (page) => page.locator('.row').first().waitFor()],
      [`/actor/lamp/${long}?at=2`, (page) => page.locator('.difference').waitFor()],
      ['/actor/session/eng-1?run=eng-1-1', (page) => page.getByRole('log').getByText('npm test').waitFor()],
      ['/actor/agent/eve', (page) => page.getByText('All is quiet.').waitFor()],
      ['/actor/mission/launch', (page) => page.locator('[data-item="ship"]').waitFor()],
      ['/bus', (page) => page.locator('[data-hook]').first().waitFor()],
      ['/machine/lamp', (page) => page.locator('.drawn').first().waitFor()],
      ['/actor/lamp/nobody', (page) => page.getByRole('alert').waitFor()],
    ];
    const { page } = await open('/');
    const size = page.viewportSize()!;
    t.after(async () => {
      await page.emulateMedia({ colorScheme: null });
      await page.setViewportSize(size);
    });
    const found: string[] = [];
    for (const [view, ready] of views) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: 'light' });
      await open(view);
      await ready(page);
      found.push(...(await findings(page, { type: 'tag', values: RULES })).map((what) => `${view}: ${what}`));
      await page.emulateMedia({ colorScheme: 'dark' });
      const dark = await findings(page, { type: 'rule', values: ['color-contrast'] });
      found.push(...dark.map((what) => `${view} in the dark: ${what}`));
      await page.setViewportSize({ width: 360, height: 740 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > 360) found.push(`${view}: on a telephone it is ${width} wide`);
    }
    assert.deepEqual(found, []);
  },
);
