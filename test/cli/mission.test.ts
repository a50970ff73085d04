/** A mission before it is started: its graph, who would get what, every mistake; and missions made of issues. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { namedIn } from '../../src/cli/issue-graph.ts';
import type { Plan } from '../../src/cli/plan.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createGithubStandIn } from '../../src/demo/github/stand-in.ts';
import { createLinearStandIn } from '../../src/demo/linear/linear.ts';
import { openScreen } from './parts.ts';
import type { Screen } from './parts.ts';

type Data = Record<string, unknown>;

const TOKEN = 'a-token';

async function screenWith(
  t: TestContext,
  { mission, config = {} }: { mission?: Data; config?: Data },
): Promise<Screen> {
  const cwd = await mkdtemp(path.join(tmpdir(), 'mission-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const repos = [{ name: 'acme/api', clone: '/tmp/api.git', linear: { teams: ['ENG'] } }];
  await writeFile(path.join(cwd, 'chartroom.yaml'), stringify({ repos, ...config }));
  if (mission !== undefined) await writeFile(path.join(cwd, 'm.yaml'), stringify(mission));
  const screen = await openScreen({ cwd, env: { TOKEN } });
  t.after(() => screen.stop());
  await screen.send('dispatcher/main', 'fleet.configured', { maxRuns: 4 });
  return screen;
}
const item = (key: string, dependsOn: string[] = [], more: Data = {}): Data => ({
  key,
  title: `Do ${key}`,
  dependsOn,
  ...more,
});
const missions = async (screen: Screen): Promise<string> => (await screen.run('ps', 'mission', '--json')).out;

test('a dry run shows steps, critical path and who would get each item, and starts nothing', async (t) => {
  const screen = await screenWith(t, {
    mission: {
      id: 'ship',
      objective: 'Ship it',
      items: [item('c', ['b']), item('a'), item('b', ['a'], { kind: 'test' }), item('d', [], { role: 'painter' })],
    },
  });
  await screen.send('agent/ada', 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' });
  await screen.send('agent/ben', 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' });
  await screen.send('agent/susan', 'hire', { role: 'reviewer', driver: 'scripted', mode: 'worker' });
  await screen.node.quiet();
  const dry = await screen.run('mission', 'start', '--file', 'm.yaml', '--dry-run');
  assert.equal(dry.exit, 0, dry.out + dry.err);
  assert.match(dry.out, /mission\/ship would be taken/);
  assert.match(dry.out, /^1 +a +Do a +agent\/ada, or agent\/ben$/m);
  assert.match(dry.out, /^2 +b +Do b +a +agent\/ada, or agent\/ben$/m, 'a tester is asked first, an implementer may');
  assert.match(dry.out, /^3 +c +Do c +b +agent/m);
  assert.match(dry.out, /^critical path: a → b → c$/m);
  assert.match(dry.out, /^! d: there is no role “painter”; roles: /m);
  assert.equal(await missions(screen), '');

  const [said] = (await screen.run('mission', 'start', '--file', 'm.yaml', '--dry-run', '--json')).json<Data>();
  const { plan, outcome, actor } = said as unknown as { plan: Plan; outcome: string; actor: string };
  assert.deepEqual([outcome, actor, plan.criticalPath, plan.mistakes], ['taken', 'mission/ship', ['a', 'b', 'c'], []]);
  assert.deepEqual(
    plan.items.map(({ key, level }) => [key, level]),
    [
      ['c', 2],
      ['a', 0],
      ['b', 1],
      ['d', 0],
    ],
  );
});

test('whom nobody hired could take is said with what rules each out, also where all who could are busy or gone', async (t) => {
  const screen = await screenWith(t, {
    mission: {
      id: 'm',
      objective: 'Ship it',
      items: [item('a', [], { kind: 'review' }), item('b', [], { lane: 'web' })],
    },
  });
  await screen.send('agent/ada', 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker', lanes: ['web'] });
  await screen.send('agent/susan', 'hire', { role: 'reviewer', driver: 'scripted', mode: 'worker' });
  await screen.send('agent/susan', 'correct.stop');
  await screen.send('agent/ada', 'correct.pause');
  await screen.node.quiet();
  const dry = await screen.run('mission', 'start', '--file', 'm.yaml', '--dry-run');
  assert.equal(dry.exit, 0, 'it may be started: what is missing is waited for, and asked for');
  assert.match(dry.out, /^! a: no reviewer is hired \(.*agent\/susan: is stopped/m);
  assert.match(dry.out, /^1 +b +Do b +agent\/ada$/m, 'a pause passes');
});

test('every mistake is named at once, with the path of a cycle, and the exit code is that of the real start', async (t) => {
  const screen = await screenWith(t, {
    mission: {
      id: 'wrong',
      objective: 'Ship it',
      items: [
        item('a', ['c']),
        item('b', ['a']),
        item('c', ['b']),
        item('d', ['zed']),
        item('d'),
        item('e', ['f']),
        item('f', ['e']),
      ],
    },
  });
  const named = [
    /the key “d” is used twice/,
    /“d” depends on “zed”, which is not an item/,
    /a cycle: a → c → b → a/,
    /a cycle: e → f → e/,
  ];
  const dry = await screen.run('mission', 'start', '--file', 'm.yaml', '--dry-run');
  for (const mistake of named) assert.match(dry.out, new RegExp(`^✗ ${mistake.source}$`, 'm'));
  const real = await screen.run('mission', 'start', '--file', 'm.yaml');
  for (const mistake of named) assert.match(real.out, mistake);
  assert.deepEqual([dry.exit, real.exit], [4, 4]);
  assert.equal(await missions(screen), '');
});

test('mistakes of form and of the graph are named together', async (t) => {
  const screen = await screenWith(t, {
    mission: { id: 'm', objective: 'Ship it', items: [item('a', ['zed'], { colour: 'red' }), item('B')] },
  });
  const dry = await screen.run('mission', 'start', '--file', 'm.yaml', '--dry-run');
  assert.equal(dry.exit, 4);
  for (const mistake of [/items\.0\.colour: unknown field/, /items\.1\.key: must be lower case/, /“zed”/])
    assert.match(dry.out, mistake);
});

test('what a text says it depends on', () => {
  const named = (body: string, ref = 'acme/api#9'): string[] => namedIn({ ref, body });
  assert.deepEqual(named('Depends on #1.'), ['acme/api#1']);
  assert.deepEqual(named('blocked by: #1, #2 and acme/web#3'), ['acme/api#1', 'acme/api#2', 'acme/web#3']);
  assert.deepEqual(named('It is Blocked by https://github.com/acme/web/issues/4'), ['acme/web#4']);
  assert.deepEqual(named('Depends on ENG-1 & ENG-2', 'ENG-3'), ['ENG-1', 'ENG-2']);
  assert.deepEqual(named('See #1. Fixes #2. Does not depend on much. `depends on #3`'), []);
  assert.deepEqual(named('```\nblocked by #4\n```\n<!-- depends on #5 -->'), []);
  assert.deepEqual(named('depends on #9, #1, #1'), ['acme/api#1'], 'itself and twice count not');
});

test('a mission of GitHub issues depends on what blocks them, natively and by their words', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'mission-github-'));
  const github = await createGithubStandIn({ directory, clock: createFakeClock() });
  t.after(async () => {
    await github.close();
    await rm(directory, { recursive: true, force: true });
  });
  github.addUser({ login: 'acme', token: TOKEN });
  await github.addRepository({ owner: 'acme', name: 'api', files: { 'a.txt': 'a\n' } });
  const post = async (
    route: string,
    body: Data,
    method: 'POST' | 'PATCH' = 'POST',
  ): Promise<{ number: number; id: number }> => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const request = new Request(`${github.apiUrl}/repos/acme/api${route}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    const response = await fetch(request, { method });
    assert.ok(response.ok, `${route}: ${response.status}`);
    return (await response.json()) as { number: number; id: number };
  };
  const first = await post('/issues', { title: 'First', body: 'Nothing before it.' });
  const second = await post('/issues', { title: 'Second', body: 'Depends on #1.', labels: ['docs'] });
  const third = await post('/issues', { title: 'Third', body: '' });
  const closed = await post('/issues', { title: 'Long done', body: '' });
  await post(`/issues/${closed.number}`, { state: 'closed' }, 'PATCH');
  const outside = await post('/issues', { title: 'Of somebody else', body: 'depends on #4' });
  await post(`/issues/${third.number}/dependencies/blocked_by`, { issue_id: second.id });
  await post(`/issues/${third.number}/dependencies/blocked_by`, { issue_id: closed.id });

  const screen = await screenWith(t, { config: { github: { apiUrl: github.apiUrl, token: '${TOKEN}' } } });
  const refs = [first, second, third].map(({ number }) => `acme/api#${number}`);
  const started = await screen.run('mission', 'start', '--issues', ...refs, '--name', 'm');
  assert.equal(started.exit, 0, started.out + started.err);
  await screen.node.quiet();
  const [shown] = (await screen.run('show', 'mission/m', '--json')).json<{
    context: { items: { session: string; spec: { key: string; dependsOn: string[]; kind: string; source: Data } }[] };
  }>();
  assert.deepEqual(
    shown!.context.items.map(({ session, spec }) => [session, spec.key, spec.dependsOn, spec.kind]),
    [
      ['session/m-acme-api-1', 'acme-api-1', [], 'implement'],
      ['session/m-acme-api-2', 'acme-api-2', ['acme-api-1'], 'docs'],
      ['session/m-acme-api-3', 'acme-api-3', ['acme-api-2'], 'implement'],
    ],
  );
  assert.equal(shown!.context.items[0]!.spec.source['ref'], 'acme/api#1');

  const dry = await screen.run('mission', 'start', '--issues', refs.join(','), '--name', 'n', '--dry-run');
  assert.equal(dry.exit, 0, dry.out + dry.err);
  assert.match(dry.out, /critical path: acme-api-1 → acme-api-2 → acme-api-3/);
  const done = await screen.run('mission', 'start', '--issues', `acme/api#${outside.number}`, '--dry-run');
  assert.equal(done.exit, 0, 'what it depends on is done');
  const wrong = await screen.run('mission', 'start', '--issues', refs[1]!, 'acme/api#77', '--name', 'o');
  assert.equal(wrong.exit, 4);
  assert.match(wrong.err, /acme\/api#2 depends on acme\/api#1, which is not in the list and not over/);
  assert.match(wrong.err, /there is no issue acme\/api#77/);
  assert.doesNotMatch(await missions(screen), /mission\/[no]\b/);
});

test('a mission of Linear issues depends on what blocks them; a circle of them is refused with its path', async (t) => {
  const linear = await createLinearStandIn({ clock: createFakeClock(), appToken: TOKEN });
  t.after(() => linear.close());
  const first = linear.createIssue({ title: 'First', state: 'Todo' });
  const second = linear.createIssue({ title: 'Second', state: 'Todo' });
  linear.block(first, second);
  const screen = await screenWith(t, { config: { linear: { apiUrl: linear.url, token: '${TOKEN}' } } });
  const refs = [first.identifier, second.identifier];
  const dry = await screen.run('mission', 'start', '--issues', ...refs, '--dry-run', '--json');
  assert.equal(dry.exit, 0, dry.out + dry.err);
  const [said] = dry.json<{ plan: Plan }>();
  assert.deepEqual(said!.plan.criticalPath, ['eng-1', 'eng-2']);
  linear.block(second, first);
  const wrong = await screen.run('mission', 'start', '--issues', ...refs);
  assert.equal(wrong.exit, 4, wrong.out + wrong.err);
  assert.match(wrong.out, /a cycle: eng-1 → eng-2 → eng-1/);
});

test('a mission needs a file or issues, not both; its schema for editors is printed', async (t) => {
  const screen = await screenWith(t, {});
  assert.equal((await screen.run('mission', 'start')).exit, 2);
  assert.equal((await screen.run('mission', 'start', '--file', 'm.yaml', '--issues', 'ENG-1')).exit, 2);
  const { out } = await screen.run('mission', 'schema');
  assert.equal((JSON.parse(out) as { title: string }).title, 'A mission');
});
