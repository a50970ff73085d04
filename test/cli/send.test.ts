import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Foretold } from '../../src/actor/foretelling.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { IMPLEMENTER, SESSION, openScreen, temporary } from './parts.ts';

async function screenWithSession(options: Parameters<typeof openScreen>[0] = {}) {
  const screen = await openScreen(options);
  await screen.send('session/eng-42', 'open', { ...SESSION });
  return screen;
}

test('a taken correction prints what changed and is exit 0; the same id again is a duplicate and exit 0', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  const taken = await screen.run('pause', 'eng-42', '--reason', 'lunch', '--id', 'once');
  assert.equal(taken.exit, 0);
  assert.match(taken.out, /✓ session\/eng-42 taken\n {2}delegated → paused\n/);
  const again = await screen.run('pause', 'eng-42', '--id', 'once');
  assert.equal(again.exit, 0);
  assert.match(again.out, /duplicate/);
  const [row] = (await screen.run('history', 'eng-42', '--from', '2', '--json')).json<{
    type: string;
    data: object;
    envelope: { source: string };
  }>();
  assert.equal(row?.type, 'correct.pause');
  assert.deepEqual(row.data, { reason: 'lunch' });
  assert.equal(row.envelope.source, 'cli/alice');
});

test('every outcome has its exit code, and the receipt names code and reason', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  const refused = await screen.run('correct', 'eng-42', 'reassign', '--to', 'agent/nobody');
  assert.equal(refused.exit, 4);
  assert.match(refused.out, /✗ session\/eng-42 refused — target: /);
  const schema = await screen.run('send', 'eng-42', 'say', '--data', '{"words":"hello"}');
  assert.equal(schema.exit, 4);
  assert.match(schema.out, /refused — schema: /);
  const superseded = await screen.run('correct', 'eng-42', 'retry', '--expect-epoch', '7');
  assert.equal(superseded.exit, 5);
  assert.equal((await screen.run('send', 'session/eng-99', 'fyi', '--data', '{"text":"hello"}')).exit, 6);
  assert.equal((await screen.run('send', 'eng-42', 'correct.nonsense')).exit, 6);
  const [receipt] = (
    await screen.run('correct', 'eng-42', 'reassign', '--to', 'agent/nobody', '--json')
  ).json<Receipt>();
  assert.equal(receipt?.code, 'target');
});

test('a dry run says what would happen with the exit code of the real thing, and does nothing', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  const would = await screen.run('pause', 'eng-42', '--dry-run');
  assert.equal(would.exit, 0);
  assert.match(would.out, /would be taken\n {2}delegated → paused\n {2}hold: free → paused/);
  assert.match(would.out, /\n {2}waits on paused/);
  await screen.send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
  await screen.send('session/free', 'open', { ...SESSION, source: { kind: 'manual' } });
  const told = await screen.run('pause', 'free', '--dry-run');
  assert.match(told.out, /\n {2}would tell dispatcher\/main: work\.unwanted\n/);
  const [receipt] = (await screen.run('pause', 'free', '--dry-run', '--json')).json<Receipt & { would: Foretold }>();
  assert.equal(receipt?.after?.phase, 'paused');
  assert.deepEqual(
    receipt.would.tells.map(({ to, type }) => [to, type]),
    [['dispatcher/main', 'work.unwanted']],
  );
  assert.equal((await screen.run('correct', 'eng-42', 'retry', '--expect-epoch', '7', '--dry-run')).exit, 5);
  assert.equal((await screen.run('correct', 'eng-42', 'reassign', '--to', 'agent/nobody', '--dry-run')).exit, 4);
  const [shown] = (await screen.run('show', 'eng-42', '--json')).json<{ seq: number }>();
  assert.equal(shown?.seq, 1);
});

test('a reassignment says beforehand whose the work is, whose it would be, and the epochs', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  await screen.send('agent/ada', 'hire', { ...IMPLEMENTER });
  const dry = await screen.run('assign', 'ada', 'eng-42', '--dry-run');
  assert.match(dry.out, /\n {2}owner nobody → agent\/ada, epoch 0 → \d+\n/);
  const [would] = (await screen.run('correct', 'eng-42', 'reassign', '--to', 'agent/ada', '--dry-run', '--json')).json<
    Receipt & { would: Foretold }
  >();
  assert.equal(would?.would.assignment?.owner.after, 'agent/ada');
  const [held] = (await screen.run('pause', 'eng-42', '--dry-run', '--json')).json<Receipt & { would: Foretold }>();
  assert.equal(held?.would.assignment, null);
});

test('say, fyi and answer carry words; assign is a reassignment to an agent by name', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  await screen.send('agent/ada', 'hire', { ...IMPLEMENTER });
  assert.equal((await screen.run('say', 'eng-42', 'use the new API')).exit, 0);
  assert.equal((await screen.run('fyi', 'eng-42', 'heads up', '--about', 'weather')).exit, 0);
  assert.equal((await screen.run('answer', 'eng-42', 'yes', '--question', 'q1')).exit, 4);
  assert.equal((await screen.run('assign', 'ada', 'eng-42', '--reason', 'knows it')).exit, 0);
  const types = (await screen.run('history', 'eng-42', '--json')).json<{ type: string; data: unknown }>();
  assert.deepEqual(
    types.slice(1).map(({ type, data }) => [type, data]),
    [
      ['say', { text: 'use the new API' }],
      ['fyi', { text: 'heads up', about: 'weather' }],
      ['correct.reassign', { to: 'agent/ada', reason: 'knows it' }],
    ],
  );
  const nobody = await screen.run('assign', 'nemo', 'eng-42');
  assert.equal(nobody.exit, 6);
  assert.match(nobody.err, /there is no agent called “nemo”/);
});

test('mail can be urgent', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  await screen.send('agent/boss', 'hire', { role: 'conductor', driver: 'scripted', mode: 'chat' });
  await screen.run('say', 'agent/boss', 'whenever');
  await screen.run('say', 'agent/boss', 'now', '--urgent');
  await screen.run('send', 'agent/boss', 'query', '--data', '{"text":"now?"}', '--urgent');
  const [shown] = (await screen.run('show', 'agent/boss', '--json')).json<{
    context: { mail: { urgent: boolean }[] };
  }>();
  assert.deepEqual(
    shown?.context.mail.map(({ urgent }) => urgent),
    [false, true, true],
  );
});

test('misuse is exit 2 and says what, why and what to do, and nothing is sent', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  for (const [argv, why] of [
    [['send', 'eng-42', 'say', '--data', '{oops'], /✗ --data is not JSON: .+ — e\.g\. --data/],
    [['send', 'eng-42', 'say', '--data', '[1]'], /✗ --data must be a JSON object/],
    [['correct', 'eng-42', 'retry', '--expect-epoch', 'four'], /✗ .*--expect-epoch.*whole number/],
    [['correct', 'eng-42', 'budget.set', '--limit', 'much'], /✗ --limit much is not a number/],
    [
      ['correct', 'eng-42', 'close', '--outcom', 'done'],
      /✗ unknown option '--outcom' — correct\.close takes .*--outcome/,
    ],
    [['correct', 'eng-42', 'budget.set', '--kind', 'checks', 'three'], /✗ “three” belongs to no option/],
    [['send', 'eng-42', 'say', '--text'], /✗ --text has no value/],
    [['pause'], /✗ missing required argument 'actor' — see: chartroom --help/],
    [['pauze', 'eng-42'], /✗ unknown command 'pauze'[^]*Did you mean pause\?/],
    [['pause', 'eng-42', '--hard'], /✗ unknown option '--hard'/],
  ] as const) {
    const { exit, err, out } = await screen.run(...argv);
    assert.equal(exit, 2, argv.join(' '));
    assert.match(err, why);
    assert.equal(out, '');
  }
  const [shown] = (await screen.run('show', 'eng-42', '--json')).json<{ seq: number }>();
  assert.equal(shown?.seq, 1);
});

test('--wait waits for a state or phase; when time is up it is exit 1 with what it waits for', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  assert.equal((await screen.run('pause', 'eng-42', '--wait', 'paused')).exit, 0);
  assert.equal((await screen.run('fyi', 'eng-42', 'note', '--wait', 'hold.paused')).exit, 0);
  const late = await screen.run('resume', 'eng-42', '--wait', 'done', '--timeout', '0');
  assert.equal(late.exit, 1);
  assert.match(late.err, /✗ session\/eng-42 is delegated, not yet done\n {2}waits on dependency/);
});

test('hire takes kinds and actions from the role, and an unknown role is misuse', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  const hired = await screen.run('hire', 'bea', '--role', 'reviewer', '--lane', 'web', 'api', '--user', 'dev');
  assert.equal(hired.exit, 0);
  const [agent] = (await screen.run('show', 'bea', '--json')).json<{ context: Record<string, unknown> }>();
  assert.deepEqual(agent?.context['lanes'], ['web', 'api']);
  assert.deepEqual(agent.context['kinds'], ['review']);
  assert.equal(agent.context['user'], 'dev');
  assert.equal((await screen.run('hire', 'bea', '--role', 'reviewer')).exit, 4);
  const pilot = await screen.run('hire', 'max', '--role', 'pilot');
  assert.equal(pilot.exit, 2);
  assert.match(pilot.err, /there is no role “pilot”; roles: /);
  assert.equal((await screen.run('hire', 'Max Power', '--role', 'reviewer')).exit, 2);
});

test('open fills in what the file leaves out from the repository, and makes an id of the title', async (t) => {
  const cwd = await temporary(t);
  await writeFile(
    path.join(cwd, 'chartroom.yaml'),
    'repos: [{ name: acme/api, clone: /tmp/api.git, base: trunk, merge: self, user: dev, gates: { checks: [Tests] } }]\n',
  );
  await writeFile(path.join(cwd, 'work.yaml'), 'kind: docs\ntitle: Explain the API!\nmerge: queue\n');
  const screen = await openScreen({ cwd });
  t.after(() => screen.stop());
  const opened = await screen.run('open', '--file', 'work.yaml', '--json');
  assert.equal(opened.exit, 0, opened.err + opened.out);
  const [receipt] = opened.json<Receipt>();
  assert.match(receipt!.actor, /^session\/explain-the-api-[0-9a-f]{4}$/);
  const [entry] = (await screen.run('history', receipt!.actor, '--json')).json<{ data: Record<string, unknown> }>();
  const { repo, base, merge, kind, user, gates } = entry!.data;
  assert.deepEqual(
    { repo, base, merge, kind, user, gates },
    {
      repo: 'acme/api',
      base: 'trunk',
      merge: 'queue',
      kind: 'docs',
      user: 'dev',
      gates: { checks: ['Tests'], review: 'required' },
    },
  );
});

test('mission start opens a mission with its items; a file that is neither is misuse', async (t) => {
  const cwd = await temporary(t);
  await writeFile(path.join(cwd, 'chartroom.yaml'), 'repos: [{ name: acme/api, clone: /tmp/api.git }]\n');
  await writeFile(
    path.join(cwd, 'm.json'),
    JSON.stringify({
      id: 'm1',
      objective: 'Ship',
      items: [
        { key: 'a', title: 'A' },
        { key: 'b', title: 'B', dependsOn: ['a'] },
      ],
    }),
  );
  await writeFile(path.join(cwd, 'bad.yaml'), 'kind: house\ntitle: X\n');
  await writeFile(path.join(cwd, 'text.yaml'), 'just words\n');
  const screen = await openScreen({ cwd });
  t.after(() => screen.stop());
  const started = await screen.run('mission', 'start', '--file', 'm.json');
  assert.equal(started.exit, 0, started.out + started.err);
  await screen.node.quiet();
  assert.match((await screen.run('ps', 'session')).out, /session\/m1-a[^]*session\/m1-b/);
  const item = await screen.run('correct', 'm1', 'pause', '--item', 'none');
  assert.equal(item.exit, 6);
  assert.match(item.out, /unknown — there is no “none” in mission\/m1/);
  for (const argv of [
    ['policy.set', '--maxParallel', '5', '--on-item-failed=continue', '--reason', 'hurry'],
    ['item.depends', '--item', 'b', '--on', ''],
    ['item.remove', '--item', 'b', '--dependants', 'free'],
    ['pause', '--runs'],
  ]) {
    const { exit, out, err } = await screen.run('correct', 'm1', ...argv);
    assert.equal(exit, 0, argv.join(' ') + out + err);
  }
  assert.equal((await screen.run('stop', 'm1', '--force', 'true')).exit, 0);
  const told = (await screen.run('history', 'm1', '--json')).json<{ type: string; data: unknown }>();
  const asked = told.filter(({ type }) => type.startsWith('correct.')).map(({ data }) => data);
  assert.deepEqual(asked, [
    { maxParallel: 5, onItemFailed: 'continue', reason: 'hurry' },
    { item: 'b', on: [] },
    { item: 'b', dependants: 'free' },
    { runs: true },
    { force: true },
  ]);
  for (const file of ['bad.yaml', 'text.yaml', 'absent.yaml']) {
    assert.equal((await screen.run('open', '--file', file)).exit, 2, file);
  }
});

test('purge archives idle chats and reports each; a chat in use stays unless active ones are included', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  await screen.send('agent/ada', 'hire', { ...IMPLEMENTER });
  for (const name of ['pia', 'quin']) await screen.send(`agent/${name}`, 'hire', { ...IMPLEMENTER, mode: 'chat' });
  await screen.send('agent/quin', 'say', { text: 'are you there?' });
  const dry = await screen.run('purge', 'chats', '--dry-run');
  assert.match(dry.out, /agent\/pia would be taken/);
  assert.match(dry.err, /1 of 2 chats would be archived/);
  const kept = await screen.run('purge', 'chats');
  assert.equal(kept.exit, 0, kept.out + kept.err);
  assert.match(kept.out, /✓ agent\/pia taken/);
  assert.match(kept.out, /✗ agent\/quin refused — guard/);
  assert.match(kept.err, /1 of 2 chats archived/);
  const all = await screen.run('purge', 'chats', '--include-active', '--no-wait');
  assert.match(all.out, /✓ agent\/quin taken/);
  assert.doesNotMatch(all.out, /pia|ada/);
  await screen.send('agent/quin', 'driver.exited', { class: 'ended', usage: { inputTokens: 0, outputTokens: 0 } });
  const before = (await screen.run('ps', 'agent', '--json')).out;
  const again = await screen.run('purge', 'chats', '--include-active');
  assert.equal(again.exit, 0);
  assert.match(again.err, /0 of 0 chats archived; put away before: agent\/pia, agent\/quin/);
  assert.equal((await screen.run('ps', 'agent', '--json')).out, before, 'a second purge changes nothing');
  assert.deepEqual([...new Set(screen.reached)], ['changing', 'reading'], 'only ps reads');
});

test('purge waits until the processes are gone, and says what it waits for when that takes too long', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  await screen.send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
  await screen.send('agent/pia', 'hire', { ...IMPLEMENTER, mode: 'chat' });
  await screen.send('agent/pia', 'say', { text: 'hello' });
  await screen.node.quiet();
  const purging = screen.run('purge', 'chats', '--include-active', '--timeout', '5');
  let isOver = false;
  void purging.then(() => (isOver = true));
  while (!isOver) {
    screen.clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { exit, err } = await purging;
  assert.equal(exit, 1);
  assert.match(err, /agent\/pia is stopping, not yet at its end\n {2}waits on stopping/);
});

test('purge user offboards every agent of that user and nobody else’s, and may be repeated', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  await screen.send('agent/ann', 'hire', { ...IMPLEMENTER, user: 'dev' });
  await screen.send('agent/bea', 'hire', { ...IMPLEMENTER, user: 'dev', mode: 'chat' });
  await screen.send('agent/cid', 'hire', { ...IMPLEMENTER });
  const phases = async (): Promise<string[]> =>
    (await screen.run('ps', 'agent', '--json')).json<{ phase: string }>().map(({ phase }) => phase);
  const dry = await screen.run('purge', 'user', 'dev', '--dry-run');
  assert.match(dry.err, /2 of 2 agents of dev would be offboarded/);
  assert.deepEqual(await phases(), ['asleep', 'asleep', 'asleep']);
  const purged = await screen.run('purge', 'user', 'dev', '--no-wait', '--reason', 'the account was closed');
  assert.equal(purged.exit, 0, purged.err);
  assert.match(purged.err, /2 of 2 agents of dev offboarded/);
  assert.deepEqual(await phases(), ['offboarding', 'offboarding', 'asleep']);
  await screen.send('agent/ann', 'credential.revoke.done', { key: 'k' });
  const again = await screen.run('purge', 'user', 'dev', '--no-wait');
  assert.equal(again.exit, 0, again.err);
  assert.match(again.err, /1 of 1 agents of dev offboarded; put away before: agent\/ann/);
  assert.match((await screen.run('purge', 'user', 'nobody')).err, /0 of 0 agents of nobody/);
});

test('work of a night is opened once, however often its timer sends it, and not again over what there is', async (t) => {
  const cwd = await temporary(t);
  const work = 'kind: docs\nid: nightly-2026-01-31\ntitle: Read the logs of the day\nrepo: acme/api\ndeliver: report\n';
  await writeFile(path.join(cwd, 'work.yaml'), work);
  const screen = await openScreen({ cwd });
  t.after(() => screen.stop());
  const open = (id: string) => screen.run('open', '--file', 'work.yaml', '--id', id, '--json');
  const [first, again] = [await open('nightly-2026-01-31'), await open('nightly-2026-01-31')];
  assert.deepEqual([first.exit, again.exit], [0, 0], first.out + first.err);
  assert.deepEqual(
    [first, again]
      .map((screenful) => screenful.json<Receipt>()[0])
      .map((receipt) => [receipt?.seq, receipt?.duplicate]),
    [
      [1, false],
      [1, true],
    ],
  );
  const other = await open('by hand');
  assert.deepEqual([other.exit, other.json<Receipt>()[0]?.code], [4, 'exists']);
});

test('dead letters are listed with why, and sent again under a new id that names the first', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  await screen.run('correct', 'eng-42', 'reassign', '--to', 'agent/ada', '--id', 'too-early');
  const list = await screen.run('dead', 'list');
  assert.match(list.out, /session\/eng-42 +correct\.reassign +cli\/alice +too-early +refused \(target\)/);
  await screen.send('agent/ada', 'hire', { ...IMPLEMENTER });
  assert.equal((await screen.run('dead', 'resend', 'too-early')).exit, 0);
  const last = (await screen.run('history', 'eng-42', '--json')).json<{ envelope: Record<string, unknown> }>().at(-1)!;
  assert.equal(last.envelope['causationid'], 'too-early');
  assert.notEqual(last.envelope['id'], 'too-early');
  assert.equal((await screen.run('dead', 'resend', 'nothing')).exit, 6);
});

test('replay --check folds the journal and finds it equal; one actor or --all must be named', async (t) => {
  const screen = await screenWithSession();
  t.after(() => screen.stop());
  await screen.run('pause', 'eng-42');
  const checked = await screen.run('replay', 'eng-42', '--check');
  assert.equal(checked.exit, 0);
  assert.match(checked.out, /✓ 2 steps of session\/eng-42: what is stored is what the journal says/);
  assert.match((await screen.run('replay', 'eng-42')).out, /\n2 +\S+ +correct\.pause +paused +.*hold\.paused/);
  assert.equal((await screen.run('replay', '--all', '--check')).exit, 0);
  assert.equal((await screen.run('replay')).exit, 2);
  assert.equal((await screen.run('replay', 'eng-42', '--all')).exit, 2);
});
