/** The command line as a person has it: processes of their own, a real store, a real NATS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import type { IndexRow } from '../../src/actor/actors.ts';
import { folderOf, writeRecord } from '../../src/effects/process/folder.ts';
import { findProcess, readBootId } from '../../src/effects/process/group.ts';
import { KEYS } from '../../src/store/keys.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { asKilled } from '../support/killed.ts';
import { IMPLEMENTER, SESSION, chartroom, openHost, temporary } from './parts.ts';

const rows = (stdout: string): IndexRow[] => stdout.split('\n').map((line) => JSON.parse(line) as IndexRow);

test('commands reach the runtime over NATS, and the store alone when it is down, with the same answers', async (t) => {
  const cwd = await temporary(t);
  const host = await openHost(path.join(cwd, '.chartroom'));
  t.after(() => host.close());
  await host.send('agent/ada', 'hire', { ...IMPLEMENTER });
  await host.send('session/eng-42', 'open', { ...SESSION });
  await host.node.quiet();

  const online = await chartroom(cwd, 'ps', '--json');
  assert.equal(online.exitCode, 0, online.stderr);
  assert.deepEqual(
    rows(online.stdout)
      .map(({ address }) => address)
      .sort(),
    ['agent/ada', 'session/eng-42'],
  );
  const said = await chartroom(cwd, 'fyi', 'ENG-42', 'hello');
  assert.equal(said.exitCode, 0, said.stderr);
  assert.match(said.stdout, /✓ session\/eng-42 recorded/);
  const unknown = await chartroom(cwd, 'show', 'session/eng-99');
  assert.equal(unknown.exitCode, 6);

  await host.goSilent();
  const silent = await chartroom(cwd, 'ps');
  assert.equal(silent.exitCode, 3);
  assert.match(
    silent.stderr,
    /in use by the runtime of “chartroom” \(pid \d+\), which does not answer — .*nothing was changed/,
  );

  await host.leaveStore();
  const alone = await chartroom(cwd, 'ps', '--json');
  assert.equal(alone.exitCode, 0, alone.stderr);
  assert.match(alone.stderr, /the runtime does not run .*this is from the store in /);
  assert.deepEqual(
    rows(alone.stdout)
      .map(({ address }) => address)
      .sort(),
    ['agent/ada', 'session/eng-42'],
  );
  const history = await chartroom(cwd, 'history', 'eng-42');
  assert.match(history.stdout, /\n2 +\S+ +fyi +cli\/alice/);
  const why = await chartroom(cwd, 'why', 'eng-42');
  assert.match(why.stdout, /session\/eng-42 is delegated/);

  const unsent = await chartroom(cwd, 'pause', 'session/eng-42');
  assert.equal(unsent.exitCode, 3);
  assert.match(unsent.stderr, /✗ the runtime does not answer: .* — nothing was sent; start it with: chartroom up/);
  const after = await chartroom(cwd, 'history', 'eng-42', '--json');
  assert.equal(after.stdout.split('\n').length, 2);
});

test('deliveries in the stream are listed and taken once more under a new id; with the runtime down none is', async (t) => {
  const cwd = await temporary(t);
  const host = await openHost(path.join(cwd, '.chartroom'));
  t.after(() => host.close());
  const hook = { source: 'github', event: 'push', action: '-', delivery: 'd1', receivedAt: '2026-01-01T00:00:00.000Z' };
  await host.bus.publish('hook', 'github.push.-', JSON.stringify({ ...hook, headers: {}, body: {} }), {
    msgId: 'github:d1',
  });
  const list = await chartroom(cwd, 'hooks', 'list', '--json');
  assert.equal(list.exitCode, 0, list.stderr);
  assert.equal((JSON.parse(list.stdout) as { delivery: string }).delivery, 'd1');
  assert.equal((await chartroom(cwd, 'hooks', 'redeliver', 'd9')).exitCode, 6);
  const again = await chartroom(cwd, 'hooks', 'redeliver', 'd1');
  assert.equal(again.exitCode, 0, again.stderr);
  assert.match(again.stdout, /github\.push\.- +d1#1/);
  await host.goSilent();
  assert.equal((await chartroom(cwd, 'hooks', 'redeliver', 'd1')).exitCode, 3);
  assert.equal((await chartroom(cwd, 'hooks', 'list')).stdout.split('\n').length, 3);
});

test('reading the store alone changes not one byte of it, though mail waits and timers are due', async (t) => {
  const cwd = await temporary(t);
  const data = path.join(cwd, '.chartroom');
  const host = await openHost(data);
  await host.send('session/eng-42', 'open', { ...SESSION });
  await host.close();
  const store = await openLevelStore(path.join(data, 'store'));
  const envelope = {
    specversion: '1.0',
    id: 'w1',
    source: 'agent/ada',
    type: 'fyi',
    subject: 'session/eng-42',
    data: { text: 'waits' },
  };
  await store.write([
    { put: KEYS.mail('session/eng-42', 1), value: JSON.stringify({ door: 'inside', envelope }) },
    { put: KEYS.timer('2020-01-01T00:00:00.000Z', 'session/eng-42', 'x'), value: '1' },
  ]);
  const content = async (): Promise<string> => {
    let text = '';
    for await (const [key, value] of store.scan({})) text += `${key} ${value}\n`;
    return text;
  };
  const before = await content();
  await store.close();

  const mail = await chartroom(cwd, 'mail', 'eng-42');
  assert.equal(mail.exitCode, 0, mail.stderr);
  assert.match(mail.stdout, /\nw1 +fyi +agent\/ada/);
  assert.equal((await chartroom(cwd, 'show', 'eng-42')).exitCode, 0);

  const again = await openLevelStore(path.join(data, 'store'));
  t.after(() => again.close());
  let text = '';
  for await (const [key, value] of again.scan({})) text += `${key} ${value}\n`;
  assert.equal(text, before);
});

test('offboarding, archiving and purging take their steps on the store alone', async (t) => {
  const cwd = await temporary(t);
  const host = await openHost(path.join(cwd, '.chartroom'));
  for (const name of ['pia', 'quin']) await host.send(`agent/${name}`, 'hire', { ...IMPLEMENTER, mode: 'chat' });
  await host.close();
  const archived = await chartroom(cwd, 'archive', 'pia');
  assert.equal(archived.exitCode, 0, archived.stderr);
  const purged = await chartroom(cwd, 'purge', 'chats');
  assert.equal(purged.exitCode, 0, purged.stderr);
  assert.match(purged.stdout, /✓ agent\/quin taken/);
  const list = await chartroom(cwd, 'ps', 'agent', '--json');
  assert.deepEqual(
    rows(list.stdout).map(({ address, phase }) => [address, phase]),
    [
      ['agent/pia', 'archived'],
      ['agent/quin', 'archived'],
    ],
  );
});

for (const [verb, phase] of [
  ['offboard', 'offboarded'],
  ['stop', 'stopped'],
]) {
  test(`${verb} of a chat on the store alone ends its process, and it is ${phase}`, async (t) => {
    const cwd = await temporary(t);
    const data = path.join(cwd, '.chartroom');
    const worker = execa('sleep', ['600'], { detached: true, reject: false });
    const pid = worker.pid!;
    t.after(() => worker.kill('SIGKILL'));
    const host = await openHost(data);
    await host.send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
    await host.send('agent/pia', 'hire', { ...IMPLEMENTER, mode: 'chat' });
    await host.send('agent/pia', 'say', { text: 'are you there?' });
    await host.node.quiet();
    const started = { pid, startedAt: new Date().toISOString() };
    assert.equal((await host.send('agent/pia', 'driver.started', started)).outcome, 'taken');
    await host.close();
    const run = { run: 'life-1', agent: 'agent/pia', driver: 'scripted', mode: 'chat' } as const;
    await writeRecord(folderOf(data, run), {
      ...run,
      bootId: await readBootId(),
      preparedAt: started.startedAt,
      pid,
      start: (await findProcess(pid))!.start,
      prompted: [],
    });

    const corrected = await chartroom(cwd, verb!, 'pia');
    assert.equal(corrected.exitCode, 0, corrected.stderr);
    assert.match(corrected.stdout, /✓ agent\/pia taken/);
    const [shown] = (await chartroom(cwd, 'show', 'pia', '--json')).stdout
      .split('\n')
      .map((line) => JSON.parse(line) as { phase: string; outbox: unknown[] });
    assert.equal(shown!.phase, phase);
    assert.deepEqual(shown!.outbox, []);
    assert.equal((await worker).signal, 'SIGTERM');
  });
}

test('replay --all --check proves a store, and names the actor, step and batch where it was damaged', async (t) => {
  const cwd = await temporary(t);
  const data = path.join(cwd, '.chartroom');
  const host = await openHost(data);
  await host.send('session/eng-42', 'open', { ...SESSION });
  for (let note = 0; note < 40; note++) await host.send('session/eng-42', 'fyi', { text: `note ${note}` });
  await host.close();
  const whole = await chartroom(cwd, 'replay', '--all', '--check');
  assert.equal(whole.exitCode, 0, whole.stdout + whole.stderr);
  assert.match(whole.stdout, /✓ 41 steps of session\/eng-42 in \d+ batches/);

  const store = await openLevelStore(path.join(data, 'store'));
  const key = KEYS.journal('session/eng-42', 7);
  const snapshot = KEYS.snapshot('session/eng-42');
  await store.write([
    { put: key, value: store.get(key)!.replace('note 5', 'note 6') },
    { put: snapshot, value: store.get(snapshot)!.replace('Add hello', 'Add hullo') },
  ]);
  await store.close();
  const flipped = await chartroom(cwd, 'replay', '--all', '--check');
  assert.equal(flipped.exitCode, 1);
  const alone = await chartroom(cwd, 'replay', 'session/eng-42', '--check');
  assert.match(
    alone.stdout,
    /session\/eng-42: batch \d+ \(.*session\/eng-42 7.*\) does not have the hash it was written with/,
  );
  assert.match(flipped.stdout, /✗ batch \d+ \(session\/eng-42 7\) does not have the hash it was written with/);
  assert.match(flipped.stdout, /✗ session\/eng-42: its snapshot at step \d+ differs in context/);

  const holed = await openLevelStore(path.join(data, 'store'));
  await holed.write([{ del: key }]);
  await holed.close();
  const hole = await chartroom(cwd, 'replay', 'session/eng-42', '--check', '--json');
  assert.equal(hole.exitCode, 1);
  assert.ok(
    (JSON.parse(hole.stdout) as { differences: string[] }).differences.includes(
      'its journal has no entry 7; the next is 8',
    ),
  );
});

test('a flipped byte in a file of the store is named by replay and doctor, and nothing is opened over it', async (t) => {
  const cwd = await temporary(t);
  const data = path.join(cwd, '.chartroom');
  const directory = path.join(data, 'store');
  const host = await openHost(data);
  await host.send('session/eng-42', 'open', { ...SESSION });
  for (let note = 0; note < 40; note++) await host.send('session/eng-42', 'fyi', { text: `note ${note}` });
  await asKilled(directory, () => host.close());
  const flip = async (ending: string): Promise<{ name: string; undo: () => Promise<void> }> => {
    for (const name of await readdir(directory)) {
      const file = path.join(directory, name);
      const whole = await readFile(file);
      if (!name.endsWith(ending) || whole.length === 0) continue;
      const bytes = Buffer.from(whole);
      bytes[Math.floor(bytes.length / 2)]! ^= 1;
      await writeFile(file, bytes);
      return { name, undo: () => writeFile(file, whole) };
    }
    throw new Error(`there is no ${ending}`);
  };

  const log = await flip('.log');
  for (const command of [['up'], ['replay', '--all', '--check']]) {
    const refused = await chartroom(cwd, ...command);
    assert.equal(refused.exitCode, 1, command.join(' '));
    assert.ok(refused.stderr.includes(`is damaged: ${log.name} holds at byte`), refused.stderr);
  }
  await log.undo();
  const store = await openLevelStore(directory);
  const mail = KEYS.mail('session/eng-42', 1);
  await store.write([{ put: mail, value: 'no JSON' }]);
  await store.close();
  const one = await chartroom(cwd, 'doctor');
  assert.match(one.stdout, /✓ store: /);
  assert.match(one.stdout, /✗ session\/eng-42: row 1 of its stored mail is no mail — it alone waits, with its mail;/);
  const table = await flip('.ldb');
  const checked = await chartroom(cwd, 'replay', '--all', '--check');
  assert.equal(checked.exitCode, 1);
  assert.ok(checked.stdout.includes(`${table.name} holds at byte`), checked.stdout);
  assert.match(checked.stderr, /is damaged — see: chartroom doctor/);
  const { stdout } = await chartroom(cwd, 'doctor');
  assert.match(stdout, new RegExp(`✗ store: ${table.name} holds at byte .* — nothing was changed; keep a copy of`));
});

test('without runtime and store a command says so and is exit 3; misuse is exit 2 before anything is asked', async (t) => {
  const cwd = await temporary(t);
  const nothing = await chartroom(cwd, 'ps');
  assert.equal(nothing.exitCode, 3);
  assert.match(
    nothing.stderr,
    /✗ no runtime answers, and there is no store in .*\/\.chartroom\/store — start it with: chartroom up/,
  );
  const away = await chartroom(cwd, 'say', 'session/eng-42', 'hello', '--nats', 'nats://127.0.0.1:1');
  assert.equal(away.exitCode, 3);
  assert.match(away.stderr, /NATS is not reachable at nats:\/\/127\.0\.0\.1:1/);
  const wrong = await chartroom(cwd, 'sho', 'eng-42');
  assert.equal(wrong.exitCode, 2);
  assert.equal(wrong.stdout, '');
});

test('up names every mistake of its configuration at once, with its line, and is exit 2', async (t) => {
  const cwd = await temporary(t);
  await writeFile(
    path.join(cwd, 'chartroom.yaml'),
    'namespcae: x\nlog: loud\nrepos:\n  - name: acme\n    clone: /tmp/x\noperator: { token: hunter22 }\n',
  );
  const { exitCode, stderr, stdout } = await chartroom(cwd, 'up');
  assert.equal(exitCode, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /chartroom\.yaml:1 namespcae: unknown key; did you mean namespace\?/);
  assert.match(stderr, /chartroom\.yaml:2 log: /);
  assert.match(stderr, /chartroom\.yaml:4 repos\[0\]\.name: must be owner\/repo/);
  assert.match(stderr, /chartroom\.yaml:6 operator\.token: a secret may not stand in the file/);
});

test('up says which port is taken and how to choose another, and who holds a data directory', async (t) => {
  const cwd = await temporary(t);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const taken = await chartroom(cwd, 'up', '--webhooks', `127.0.0.1:${port}`, '--operator', '127.0.0.1:0');
  assert.equal(taken.exitCode, 1, taken.stderr);
  assert.match(
    taken.stderr,
    new RegExp(`✗ webhooks cannot listen on 127\\.0\\.0\\.1:${port}: .* — choose another .*webhooks\\.listen`),
  );
  const host = await openHost(path.join(cwd, '.chartroom'));
  t.after(() => host.close());
  const held = await chartroom(cwd, 'up', '--webhooks', '127.0.0.1:0', '--operator', '127.0.0.1:0');
  assert.equal(held.exitCode, 1);
  assert.match(
    held.stderr,
    /✗ the store in .* is in use by the runtime of “chartroom” \(pid \d+\) — stop it first, or choose another directory with --data/,
  );
});

test('up prints one line when it is ready, serves other terminals, and stops at an interrupt', async (t) => {
  const cwd = await temporary(t);
  const up = chartroom(cwd, 'up', '--json', '--webhooks', '127.0.0.1:0', '--operator', '127.0.0.1:0');
  t.after(() => up.kill('SIGKILL'));
  const [line] = (await once(up.stdout, 'data')) as [Buffer];
  const ready = JSON.parse(line.toString('utf8')) as Record<string, string | boolean>;
  assert.equal(ready['ready'], true);
  for (const name of ['webhooks', 'operator']) assert.match(String(ready[name]), /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.match(String(ready['nats']), /^nats:\/\/127\.0\.0\.1:\d+$/);
  const hired = await chartroom(cwd, 'hire', 'ada', '--role', 'implementer');
  assert.equal(hired.exitCode, 0, hired.stderr);
  assert.equal((await chartroom(cwd, 'health')).exitCode, 0);
  up.kill('SIGINT');
  const { exitCode } = await up;
  assert.equal(exitCode, 0);
  assert.match((await chartroom(cwd, 'ps')).stdout, /agent\/ada/);
});

test('up ends a process that no actor has, names what else is nobody’s, and removes none of it', async (t) => {
  const cwd = await temporary(t);
  const data = path.join(cwd, '.chartroom');
  const stray = execa('sleep', ['600'], { detached: true, reject: false });
  t.after(() => stray.kill('SIGKILL'));
  const pid = stray.pid!;
  const run = { run: 's9-1', agent: 'agent/gone', driver: 'scripted', mode: 'worker' } as const;
  const folder = folderOf(data, run);
  const preparedAt = new Date().toISOString();
  const { start } = (await findProcess(pid))!;
  await writeRecord(folder, { ...run, bootId: await readBootId(), preparedAt, pid, start, prompted: [] });
  const credential = path.join(data, 'homes', 'gone', 'auth.json');
  const work = path.join(data, 'worktrees', 's9', 'work.txt');
  for (const file of [credential, work]) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, 'x');
  }

  const up = chartroom(cwd, 'up', '--json', '--webhooks', '127.0.0.1:0', '--operator', '127.0.0.1:0');
  t.after(() => up.kill('SIGKILL'));
  await once(up.stdout, 'data');
  stray.kill('SIGKILL');
  assert.equal((await stray).signal, 'SIGTERM', 'it had been ended when the runtime said that it is ready');
  up.kill('SIGINT');
  const said = (await up).stderr
    .split('\n')
    .filter((line) => line.includes('no actor has'))
    .map((line) => JSON.parse(line) as { count: number; paths: string[]; msg: string });
  assert.equal(said.length, 1);
  assert.match(said[0]!.msg, /see chartroom doctor/);
  assert.deepEqual(said[0]!.paths, [folder.path, path.dirname(credential), path.dirname(work)]);
  assert.equal(said[0]!.count, 3);
  for (const file of [credential, work]) assert.equal(await readFile(file, 'utf8'), 'x');
});

test('init writes a configuration that loads, and refuses to write over one', async (t) => {
  const cwd = await temporary(t);
  const first = await chartroom(cwd, 'init');
  assert.equal(first.exitCode, 0, first.stderr);
  const written = await readFile(path.join(cwd, 'chartroom.yaml'), 'utf8');
  assert.ok(written.includes('#'));
  await writeFile(path.join(cwd, 'chartroom.yaml'), 'log: info\n');
  const second = await chartroom(cwd, 'init');
  assert.equal(second.exitCode, 2);
  assert.match(second.stderr, /is there already — nothing was changed/);
  assert.equal(await readFile(path.join(cwd, 'chartroom.yaml'), 'utf8'), 'log: info\n');
});

test('doctor says of each part whether it is well and else what to do, and is exit 1 where one is not', async (t) => {
  const cwd = await temporary(t);
  await writeFile(
    path.join(cwd, 'chartroom.yaml'),
    'webhooks: { listen: 127.0.0.1:0 }\noperator: { listen: 127.0.0.1:0 }\n',
  );
  const { exitCode, stdout } = await chartroom(cwd, 'doctor');
  assert.equal(exitCode, 1);
  for (const part of ['node', 'git', 'configuration', 'data directory', 'webhooks', 'operator']) {
    assert.match(stdout, new RegExp(`✓ ${part}: `), stdout);
  }
  assert.match(stdout, /✗ github: there is no token — set github\.token/);
  await writeFile(path.join(cwd, 'chartroom.yaml'), 'log: loud\n');
  const broken = await chartroom(cwd, 'doctor', '--json');
  const configuration = broken.stdout
    .split('\n')
    .map((line) => JSON.parse(line) as { part: string; ok: boolean; todo: string })
    .find(({ part }) => part === 'configuration');
  assert.equal(configuration?.ok, false);
  assert.match(configuration.todo, /chartroom\.yaml:1 log/);
});

test('doctor names the actors that a running runtime has set aside, and says that they alone wait', async (t) => {
  const cwd = await temporary(t);
  const host = await openHost(path.join(cwd, '.chartroom'));
  t.after(() => host.close());
  await host.store.write([{ put: KEYS.snapshot('session/eng-9'), value: '{"seq":' }]);
  assert.equal((await host.send('session/eng-9', 'correct.pause')).code, 'parked');
  assert.equal((await host.send('session/eng-42', 'open', { ...SESSION })).outcome, 'taken');
  const { exitCode, stdout } = await chartroom(cwd, 'doctor', '--json');
  assert.equal(exitCode, 1);
  const found = stdout.split('\n').map((line) => JSON.parse(line) as { part: string; ok: boolean; todo: string });
  assert.deepEqual(
    found
      .filter(({ part }) => part === 'runtime' || part === 'store' || part.startsWith('session/'))
      .map(({ ok, part }) => [part, ok]),
    [
      ['store', true],
      ['runtime', true],
      ['session/eng-9', false],
    ],
  );
  const { detail, todo } = found.find(({ part }) => part === 'session/eng-9') as { detail?: string; todo: string };
  assert.equal(detail, 'its snapshot is not JSON');
  assert.match(
    todo,
    /^it alone waits, with its mail; see what is left: chartroom replay session\/eng-9 --check; only a backup/,
  );
});

test('a completion script completes commands and their options, and each shell accepts its own', async (t) => {
  const cwd = await temporary(t);
  const bash = await chartroom(cwd, 'completion', 'bash');
  assert.equal(bash.exitCode, 0);
  assert.match(bash.stdout, /"mission start"\) words="[^"]*--file/);
  assert.match(bash.stdout, /"correct"\) words="[^"]*--dry-run/);
  const fish = await chartroom(cwd, 'completion', 'fish');
  assert.match(fish.stdout, /-a 'ps'/);
  assert.equal((await chartroom(cwd, 'completion', 'csh')).exitCode, 2);
});
