/** What `report` tells of a run: from the session, from its agent, and from the log in the data directory. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { folderAt, writeRecord } from '../../src/effects/process/folder.ts';
import { IMPLEMENTER, SESSION, openScreen, temporary } from './parts.ts';

const WORK = 'session/eng-42';
const ADA = 'agent/ada';
const [H1, H2] = ['1111111aaaaaaa', '2222222bbbbbbb'];

/** A session whose agent is at work in epoch 1. */
async function working(t: TestContext) {
  const cwd = await temporary(t);
  const screen = await openScreen({ cwd });
  t.after(() => screen.stop());
  const send = async (to: string, type: string, data: Record<string, unknown> = {}): Promise<void> => {
    const { outcome, reason } = await screen.send(to, type, data);
    assert.ok(outcome === 'taken' || outcome === 'recorded', `${type}: ${outcome} ${reason}`);
    await screen.node.quiet();
  };
  await send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
  await send(ADA, 'hire', IMPLEMENTER);
  await send(WORK, 'open', { ...SESSION, source: { kind: 'manual' } });
  await send(WORK, 'worktree.prepared', { path: '/w', branch: 'b', head: H1 });
  await send(ADA, 'driver.started', { pid: 1, startedAt: '2026-01-01T00:00:00.000Z' });
  screen.clock.advance(120_000);
  return { screen, send, data: path.join(cwd, '.chartroom') };
}

const usage = { inputTokens: 1_000, outputTokens: 200, costUsd: 0.25 };

test('report tells of the newest run what it was for, did, changed and cost, how it was judged, and what it said', async (t) => {
  const { screen, send, data } = await working(t);
  const result = { summary: 'Said hello.\nTwice.', pull: 7 };
  await send(ADA, 'driver.turned', { outcome: 'completed', usage, result });
  await send(ADA, 'driver.exited', { class: 'clean', usage });
  const evidence = {
    headBefore: H1,
    headAfter: H2,
    pull: 7,
    dirty: [],
    unpushed: 0,
    protected: [],
    changed: { files: ['src/hello.ts', 'test/hello.test.ts'], count: 3 },
  };
  await send(WORK, 'run.verified', { run: 1, ok: true, evidence });
  const folder = folderAt(data, 'eng-42-1');
  const preparedAt = '2026-01-01T00:00:00.000Z';
  const of = { agent: ADA, session: WORK, epoch: 1 };
  await writeRecord(folder, {
    run: 'eng-42-1',
    ...of,
    driver: 'scripted',
    mode: 'worker',
    bootId: 'b',
    preparedAt,
    prompted: [],
  });
  await writeFile(folder.files.live, `${preparedAt} command: npm test\n${preparedAt} message: All is well.\n`);
  const { exit, out } = await screen.run('report', 'eng-42');
  assert.equal(exit, 0);
  assert.match(out, /session\/eng-42, epoch 1\s+agent\/ada for implement/);
  assert.match(out, /begun .*, ended after 2 min/);
  assert.match(out, /outcome +completed, verified$/m);
  assert.match(out, /cost +1000 tokens in, 200 out, 0\.25 USD/);
  assert.match(out, /head +1111111 → 2222222, pull request #7/);
  assert.match(out, /changed +src\/hello\.ts\n +changed +test\/hello\.test\.ts\n +changed +and 1 more/);
  assert.match(out, /summary +Said hello\.\n +Twice\./);
  assert.match(out, /command: npm test\n.*message: All is well\.\n$/);
  const [told] = (await screen.run('report', 'eng-42', '--epoch', '1', '--json')).json();
  const { usage: cost, evidence: found, log } = told as { usage: object; evidence: object; log: string[] };
  assert.deepEqual([cost, found, log.length], [usage, evidence, 2]);
});

test('report tells of a run in progress what is known, and of one without a log here where that is', async (t) => {
  const { screen } = await working(t);
  const { exit, out, err } = await screen.run('report', 'eng-42');
  assert.equal(exit, 0);
  assert.match(out, /begun .*, at work for 2 min/);
  assert.doesNotMatch(out, /outcome/);
  assert.match(err, /its log is not in this data directory/);
});

test('a run that a session does not have is exit 6, with those it has', async (t) => {
  const { screen } = await working(t);
  const { exit, err } = await screen.run('report', 'eng-42', '--epoch', '9');
  assert.equal(exit, 6);
  assert.match(err, /remembers no run of epoch 9 — it has: 1/);
  await screen.send('session/new', 'open', { ...SESSION, title: 'New', source: { kind: 'manual' } });
  assert.match((await screen.run('report', 'new')).err, /has had no run — chartroom why session\/new/);
});
