import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Audit } from '../../src/actor/audit.ts';
import { KEYS } from '../../src/store/keys.ts';
import { openScreen, temporary } from './parts.ts';
import type { Screen } from './parts.ts';

const SUSAN = 'agent/susan';
const HEAD = 'a'.repeat(40);
const review = { repo: 'acme/api', number: 7, head: HEAD, verdict: 'approve', accepted: true };
/** Somebody who subscribed, judged one head, talked once, was denied one action, and was offboarded. */
async function employed(cwd: string): Promise<Screen> {
  const screen = await openScreen({ cwd });
  const send = async (type: string, data: Record<string, unknown> = {}): Promise<void> => {
    const { outcome, reason } = await screen.send(SUSAN, type, data);
    assert.ok(outcome === 'taken' || outcome === 'recorded', `${type}: ${outcome} ${reason}`);
  };
  await send('hire', { role: 'reviewer', driver: 'scripted', mode: 'chat' });
  await send('correct.subscribe', { repo: 'acme/api' });
  await send('correct.subscribe', { repo: 'acme/api' });
  await send('correct.memory.set', { key: 'style', value: 'short names' });
  await send('say', { text: 'hello' });
  await send('driver.started', { pid: 1, startedAt: '2026-01-01T00:00:00.000Z' });
  const usage = { inputTokens: 100, outputTokens: 20, costUsd: 0.5 };
  await send('driver.turned', { outcome: 'completed', usage });
  await send('review.recorded', review);
  await send('driver.exited', { class: 'clean', usage });
  const denied = {
    at: '2026-01-01T00:00:00.000Z',
    id: 'a1',
    agent: SUSAN,
    run: 'eng-42-3',
    action: 'correct.close',
    allowed: false,
    outcome: 'the role reviewer may not correct.close',
  };
  await screen.node.write([{ key: KEYS.audit(SUSAN, denied.at, denied.id), value: JSON.stringify(denied) }]);
  await send('correct.offboard', { reason: 'the season is over' });
  await send('credential.revoke.done', { key: 'k' });
  await send('correct.offboard');
  return screen;
}

test('an audit has what it did, was denied, reviewed, cost, held and was told, once each, also after it was offboarded', async (t) => {
  const screen = await employed(await temporary(t));
  t.after(() => screen.stop());
  const [audit] = (await screen.run('audit', 'susan', '--json')).json<Audit>();
  assert.deepEqual(audit?.memory, { style: 'short names' });
  assert.deepEqual(
    audit?.actions.map(({ action, allowed }) => [action, allowed]),
    [['correct.close', false]],
  );
  assert.deepEqual(audit?.reviews, [{ ...review, at: '2026-01-01T00:00:00.000Z' }]);
  assert.equal(audit?.runs.length, 1);
  const [run] = audit.runs;
  assert.deepEqual([run?.session, run?.turns, run?.outcome, run?.exit], [null, 1, 'completed', 'clean']);
  assert.deepEqual(audit?.cost, { runs: 1, inputTokens: 100, outputTokens: 20, costUsd: 0.5 });
  assert.deepEqual(
    audit?.corrections.map(({ type, reason }) => [type, reason]),
    [
      ['hire', null],
      ['correct.subscribe', null],
      ['correct.memory.set', null],
      ['correct.offboard', 'the season is over'],
    ],
    'what only repeated is no record',
  );
  assert.deepEqual(
    audit?.claims.map(({ claim, change }) => [claim, change]),
    [
      ['subscription:default:acme/api', 'taken'],
      ['subscription:default:acme/api', 'released'],
    ],
  );
  const { out } = await screen.run('audit', 'susan');
  assert.match(out, /agent\/susan: 1 runs, 100 tokens in, 20 out, 0\.50 USD/);
  assert.match(out, /correct\.close +no +the role reviewer may not/);
});

test('an exported audit is checked by its hashes: a changed, missing or moved line is named', async (t) => {
  const cwd = await temporary(t);
  const screen = await employed(cwd);
  t.after(() => screen.stop());
  assert.equal((await screen.run('audit', 'susan', '--export', 'susan.audit')).exit, 0);
  const file = path.join(cwd, 'susan.audit');
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const whole = await screen.run('audit', '--check', 'susan.audit');
  assert.equal(whole.exit, 0, whole.err);
  assert.match(
    whole.out,
    new RegExp(`✓ susan.audit: ${lines.length} records of agent/susan, ${lines.at(-1)!.slice(0, 64)}`),
  );
  const broken: Record<string, [string[], number]> = {
    changed: [
      lines.map((line) => line.replace('"approve"', '"comment"')),
      lines.findIndex((line) => line.includes('"approve"')) + 1,
    ],
    missing: [lines.filter((_, index) => index !== 2), 3],
    moved: [[lines[0]!, lines[2]!, lines[1]!, ...lines.slice(3)], 2],
    short: [lines.slice(0, -1), lines.length],
    garbled: [['nothing'], 1],
  };
  for (const [how, [text, line]] of Object.entries(broken)) {
    await writeFile(file, text.join('\n'));
    const { exit, err } = await screen.run('audit', '--check', 'susan.audit');
    assert.equal(exit, 1, how);
    assert.match(err, new RegExp(`line ${line}:`), how);
  }
});

test('an audit is of an agent: without one, or of another kind, it says so', async (t) => {
  const screen = await employed(await temporary(t));
  t.after(() => screen.stop());
  assert.equal((await screen.run('audit')).exit, 2);
  assert.equal((await screen.run('audit', 'nobody')).exit, 6);
  assert.equal((await screen.run('audit', '--check', 'absent')).exit, 2);
});
