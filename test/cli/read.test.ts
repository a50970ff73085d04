import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Explained } from '../../machines/dispatcher/explain.ts';
import { statusLink } from '../../src/bridge/status-link.ts';
import { IMPLEMENTER, SESSION, openScreen, temporary } from './parts.ts';

async function screenWithWork(options: Parameters<typeof openScreen>[0] = {}) {
  const screen = await openScreen(options);
  await screen.send('dispatcher/main', 'fleet.configured', { maxRuns: 2 });
  await screen.send('agent/ada', 'hire', { ...IMPLEMENTER });
  await screen.send('session/eng-42', 'open', { ...SESSION });
  await screen.send('session/eng-42', 'fyi', { text: 'the API is down on Friday' });
  await screen.node.quiet();
  return screen;
}

test('ps lists actors with phase, owner, epoch and what they wait for, and can be narrowed', async (t) => {
  const screen = await screenWithWork();
  t.after(() => screen.stop());
  const all = await screen.run('ps');
  assert.equal(all.exit, 0);
  assert.match(all.out, /^ACTOR +PHASE +OWNER +EPOCH +SINCE +WAITS ON\n/);
  assert.match(all.out, /\nsession\/eng-42 +delegated +– +0 +0 s +dependency: external\/linear 0 s/);
  assert.match(all.out, /\nagent\/ada +asleep/);
  const sessions = await screen.run('ps', 'session', '--json');
  assert.deepEqual(
    sessions.json<{ address: string }>().map(({ address }) => address),
    ['session/eng-42'],
  );
  assert.equal((await screen.run('ps', '--phase', 'done')).out.split('\n').length, 2);
  assert.deepEqual(new Set(screen.reached), new Set(['reading']));
});

test('show tells the whole of an actor: state, owner, what it owes, timers, claims, notes', async (t) => {
  const screen = await screenWithWork();
  t.after(() => screen.stop());
  const { out, exit } = await screen.run('show', 'ENG-42');
  assert.equal(exit, 0);
  assert.match(out, /^session\/eng-42 {2}Add hello\n/);
  for (const line of [/phase +delegated/, /state +authority.delegated/, /owner +nobody, epoch 0/, /owes +implement/]) {
    assert.match(out, line);
  }
  assert.match(out, /claim +source:ENG-42/);
  assert.match(out, /note +test\/person: the API is down on Friday/);
  const [shown] = (await screen.run('show', 'eng-42', '--json')).json<{ address: string; seq: number }>();
  assert.equal(shown?.address, 'session/eng-42');
  assert.equal(shown?.seq, 2);
});

test('why says what an actor waits for and what each event of a person would do now', async (t) => {
  const screen = await screenWithWork();
  t.after(() => screen.stop());
  const { out, exit } = await screen.run('why', 'session/eng-42');
  assert.equal(exit, 0);
  assert.match(out, /session\/eng-42 is delegated\n {2}waits on dependency: external\/linear/);
  assert.match(out, /\ncorrect\.pause +would move/);
  assert.match(out, /\ncorrect\.resume +would be recorded +nothing else changes/);
  assert.doesNotMatch(out, /\nrun\.started/);
  assert.match((await screen.run('why', 'session/eng-42', '--all')).out, /\nrun\.started/);
});

test('history prints the journal in order, with who sent it and what it wished', async (t) => {
  const screen = await screenWithWork();
  t.after(() => screen.stop());
  const { out } = await screen.run('history', 'eng-42');
  const rows = out.trimEnd().split('\n');
  assert.match(rows[0]!, /^SEQ +AT +EVENT +FROM +PHASE +EFFECTS$/);
  assert.match(rows[1]!, /^1 +00:00:00\.000 +open +test\/person +new → delegated/);
  assert.match(rows[2]!, /^2 +00:00:00\.000 +fyi +test\/person +delegated/);
  const entries = (await screen.run('history', 'eng-42', '--from', '2', '--json')).json<{ seq: number }>();
  assert.deepEqual(
    entries.map(({ seq }) => seq),
    [2],
  );
});

test('at shows an actor as it was after a step, and says when there was none', async (t) => {
  const screen = await screenWithWork();
  t.after(() => screen.stop());
  await screen.send('session/eng-42', 'correct.pause', {});
  assert.match((await screen.run('at', 'eng-42', '--seq', '2')).out, /phase +delegated/);
  assert.match((await screen.run('at', 'eng-42', '--seq', '3')).out, /phase +paused/);
  const never = await screen.run('at', 'eng-42', '--seq', '9');
  assert.equal(never.exit, 6);
  assert.match(never.err, /has 3 steps, there is no 9/);
  const both = await screen.run('at', 'eng-42');
  assert.equal(both.exit, 2);
  assert.match(both.err, /either seq or time/);
});

test('an actor nobody knows is exit 6, a name that fits several is exit 2 with the candidates', async (t) => {
  const screen = await screenWithWork();
  t.after(() => screen.stop());
  await screen.send('session/eng-43', 'open', { ...SESSION, source: { kind: 'linear', ref: 'ENG-43' } });
  const nobody = await screen.run('show', 'nemo');
  assert.equal(nobody.exit, 6);
  assert.match(nobody.err, /^✗ there is no actor called “nemo” — see: chartroom ps\n$/);
  assert.equal((await screen.run('show', 'session/eng-99')).exit, 6);
  const several = await screen.run('show', 'eng');
  assert.equal(several.exit, 2);
  assert.match(several.err, /fits 2 actors: session\/eng-42, session\/eng-43 — write the whole address/);
  assert.equal(nobody.out + several.out, '');
});

test('the newest session of an issue is meant by its name', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  await screen.send('session/eng-7', 'open', { ...SESSION, source: { kind: 'linear', ref: 'ENG-7' } });
  await screen.send('session/eng-7', 'correct.close', { outcome: 'cancelled' });
  await screen.send('session/eng-7-2', 'open', { ...SESSION, source: { kind: 'linear', ref: 'ENG-7' } });
  const [shown] = (await screen.run('show', 'ENG-7', '--json')).json<{ address: string }>();
  assert.equal(shown?.address, 'session/eng-7-2');
});

test('receipt finds what became of an envelope, and is exit 6 where nothing is known', async (t) => {
  const screen = await screenWithWork();
  t.after(() => screen.stop());
  await screen.run('fyi', 'eng-42', 'hello', '--id', 'note-1');
  const known = await screen.run('receipt', 'eng-42', 'note-1');
  assert.equal(known.exit, 0);
  assert.match(known.out, /✓ session\/eng-42 recorded/);
  assert.equal((await screen.run('receipt', 'eng-42', 'note-2')).exit, 6);
});

test('chart needs no runtime: it draws a machine, or prints its events as JSON schemas', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  assert.match((await screen.run('chart', 'session')).out, /^stateDiagram-v2\n/);
  const [events] = (await screen.run('chart', 'agent', '--events')).json();
  assert.ok(JSON.stringify(events).includes('"correct.subscribe"'));
  const [chart] = (await screen.run('chart', 'dispatcher', '--format', 'json')).json<{ kind: string }>();
  assert.equal(chart?.kind, 'dispatcher');
  const svg = (await screen.run('chart', 'dispatcher', '--format', 'svg')).out;
  assert.match(svg, /^<svg [\s\S]*aria-label="Statechart of dispatcher"[\s\S]*<\/svg>\n$/);
  for (const name of ['fleet', 'paused', 'draining']) assert.match(svg, new RegExp(`class="name"[^>]*>${name}<`));
  assert.equal((await screen.run('chart', 'lamp')).exit, 6);
  assert.equal((await screen.run('chart', 'session', '--format', 'png')).exit, 2);
  assert.deepEqual(screen.reached, []);
});

test('colour is for terminals only: never in a pipe, with NO_COLOR or for programs', async (t) => {
  const escape = String.fromCodePoint(27);
  const coloured = await screenWithWork({ tty: true });
  const plain = await screenWithWork({ tty: true, env: { NO_COLOR: '1' } });
  const piped = await screenWithWork();
  t.after(() => Promise.all([coloured.stop(), plain.stop(), piped.stop()]));
  assert.ok((await coloured.run('ps')).out.includes(escape));
  assert.ok(!(await coloured.run('ps', '--json')).out.includes(escape));
  assert.ok(!(await plain.run('ps')).out.includes(escape));
  assert.ok(!(await piped.run('ps')).out.includes(escape));
});

test('tail prints facts as they are committed, one line each, until interrupted', async (t) => {
  let seen = (): void => {};
  const shown = new Promise<void>((resolve) => (seen = resolve));
  const screen = await screenWithWork({ onOut: (text) => (text.includes('correct.pause') ? seen() : undefined) });
  t.after(() => screen.stop());
  const tailing = screen.run('tail', 'session/eng-42', '--from', '1');
  await screen.send('session/eng-42', 'correct.pause', {});
  await shown;
  screen.interrupt();
  await screen.send('session/eng-42', 'fyi', { text: 'wakes the tail' });
  const { out, exit } = await tailing;
  assert.equal(exit, 0);
  const lines = out.trimEnd().split('\n');
  assert.match(lines[0]!, /^00:00:00\.000 {2}session\/eng-42 +open +new → delegated +⏳ dependency: external\/linear/);
  assert.match(
    lines.find((line) => line.includes('pause'))!,
    /delegated → paused/,
  );
  assert.ok(lines.every((line) => line.includes('session/eng-42')));
  assert.deepEqual(screen.reached, ['nats']);
});

test('why says of an agent how its last process ended and what keeps it from the next; so does the fact of that step', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  await screen.send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
  await screen.send('agent/eve', 'hire', { role: 'implementer', driver: 'scripted', mode: 'chat' });
  assert.match((await screen.run('why', 'eve')).out, /has no process: no mail waits and nobody is there/);
  await screen.send('agent/eve', 'say', { text: 'hello' });
  const exit = { class: 'crash', reason: 'it died', usage: { inputTokens: 0, outputTokens: 0 } };
  for (let times = 0; times < 3; times++) {
    await screen.node.quiet();
    await screen.send('agent/eve', 'driver.exited', exit);
  }
  const { out } = await screen.run('why', 'eve');
  assert.match(
    out,
    /starts nothing until 2026-01-01T00:10:00.000Z\n {2}last process ended .*: crash, it died\n {2}3 crashes of late, 3 since/,
  );
  const [why] = (await screen.run('why', 'eve', '--json')).json<{ supervision: { crashes: number } }>();
  assert.equal(why?.supervision.crashes, 3);
  const facts: { type: string; supervision?: { lastExit: { class: string } } }[] = [];
  const following = new AbortController();
  for await (const { body } of screen.follow('agent/eve', following.signal)) {
    facts.push((JSON.parse(body) as { data: (typeof facts)[0] }).data);
    // Each of three wakings is one more than what was sent.
    if (facts.length === 5 + 3) break;
  }
  assert.equal(facts.at(-1)?.supervision?.lastExit.class, 'crash');
  assert.equal(facts.find(({ type }) => type === 'say')?.supervision?.lastExit, null);
});

test('why says of the dispatcher, of each piece of work that waits, why each agent does not get it', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  const brief = { body: '', source: { kind: 'manual' }, repo: 'acme/api', deliver: 'pull_request' };
  await screen.send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
  await screen.send('agent/ada', 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' });
  await screen.send('agent/ben', 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' });
  await screen.send('agent/susan', 'hire', { role: 'reviewer', driver: 'scripted', mode: 'worker' });
  await screen.send('session/first', 'open', { ...brief, title: 'First', kind: 'implement' });
  await screen.node.quiet();
  const first = (await screen.run('show', 'session/first', '--json')).json<{ owner: string }>()[0]!.owner;
  const other = first === 'agent/ada' ? 'agent/ben' : 'agent/ada';
  await screen.send('session/second', 'open', { ...brief, title: 'Second', kind: 'implement', lane: 'web' });
  await screen.send('session/third', 'open', { ...brief, title: 'Third', kind: 'docs' });
  await screen.send('session/fourth', 'open', { ...brief, title: 'Fourth', kind: 'implement', pin: first });
  await screen.node.quiet();
  const said = await screen.run('why', 'dispatcher/main');
  assert.equal(said.exit, 0, said.err);
  const of = (session: string): string => said.out.split(`\n\n${session} wants `)[1]!.split('\n\n')[0]!;
  assert.match(of('session/second'), /implementer in lane web for implement/);
  assert.match(of('session/second'), /agent\/susan: a reviewer does not take implement work/);
  assert.match(of('session/second'), new RegExp(`${other}: is not in lane web`));
  assert.match(of('session/third'), new RegExp(`${other}: would take it: all 1 runs at a time are in progress`));
  assert.match(of('session/third'), new RegExp(`${first}: is busy`));
  assert.match(of('session/fourth'), new RegExp(`${first}: is busy with session/first`));
  assert.match(of('session/fourth'), new RegExp(`${other}: the work waits for ${first} alone`));
  const pinned = (await screen.run('why', 'session/fourth')).out;
  assert.match(pinned, new RegExp(`waits for ${first}: is busy with session/first`));
  await screen.send('dispatcher/main', 'correct.pause');
  const [held] = (await screen.run('why', 'dispatcher/main', '--json')).json<Explained>();
  const third = held!.waiting.find(({ session }) => session === 'session/third')!;
  assert.deepEqual(
    third.ruledOut.find(({ agent }) => agent === other),
    { agent: other, why: 'the fleet is paused' },
  );
  assert.deepEqual(held!.slots, { taken: 1, of: 1 });
  assert.deepEqual(
    held!.agents.map(({ agent, session }) => [agent, session]),
    [
      ['agent/ada', first === 'agent/ada' ? 'session/first' : null],
      ['agent/ben', first === 'agent/ben' ? 'session/first' : null],
      ['agent/susan', null],
    ],
  );
});

test('link prints a signed link to the status page of an actor, and says what is missing for one', async (t) => {
  const directory = await temporary(t);
  const screen = await screenWithWork({ cwd: directory });
  t.after(() => screen.stop());
  const none = await screen.run('link', 'eng-42');
  assert.equal(none.exit, 1);
  assert.match(none.err, /there is no public status page.*set status\.url and status\.secret in chartroom\.yaml/);

  const site = { url: 'https://chartroom.example.com', secret: 's'.repeat(32) };
  await writeFile(path.join(directory, 'secret'), site.secret);
  await writeFile(path.join(directory, 'chartroom.yaml'), `status: { url: ${site.url}, secret: "\${file:secret}" }\n`);
  const { url, until } = statusLink(site, 'session/eng-42', screen.clock.now());
  const { exit, out } = await screen.run('link', 'ENG-42');
  assert.deepEqual([exit, out], [0, `${url}\n`]);
  assert.deepEqual((await screen.run('link', 'eng-42', '--json')).json(), [
    { actor: 'session/eng-42', url, until: new Date(until * 1_000).toISOString() },
  ]);
  assert.equal((await screen.run('link', 'eng-43')).exit, 6);
});
