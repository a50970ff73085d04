/** Wrong uses a person makes on the first day: each ends with its exit code and says what would be right. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openScreen } from './parts.ts';

test('a kind that does not exist is exit 6 and names those that do, not an empty list', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  const { exit, out, err } = await screen.run('ps', 'sessions');
  assert.equal(exit, 6);
  assert.equal(out, '');
  assert.match(err, /there is no kind “sessions” — kinds: .*session/);
  assert.equal((await screen.run('ps', 'session')).exit, 0);
});

test('a time that is none is misuse, before anybody is asked', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  const { exit, err } = await screen.run('at', 'ada', '--time', 'yesterday');
  assert.equal(exit, 2);
  assert.match(err, /it must be a moment, e\.g\. 2026-/);
  assert.deepEqual(screen.reached, []);
});

test('an agent is not hired for a driver that does not exist', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  const { exit, err } = await screen.run('hire', 'eve', '--role', 'implementer', '--driver', 'nosuch');
  assert.equal(exit, 2);
  assert.match(err, /there is no driver “nosuch” — drivers: .*command/);
  assert.equal((await screen.run('show', 'agent/eve')).exit, 6);
});

test('init names a schema for editors that is where it says', async (t) => {
  const cwd = mkdtempSync(path.join(os.tmpdir(), 'chartroom-init-'));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  const screen = await openScreen({ cwd });
  t.after(() => screen.stop());
  assert.equal((await screen.run('init')).exit, 0);
  const [, schema] = /\$schema=(\S+)/.exec(readFileSync(path.join(cwd, 'chartroom.yaml'), 'utf8')) ?? [];
  assert.ok(JSON.parse(readFileSync(path.resolve(cwd, schema!), 'utf8')));
});
