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

test('init --service writes a unit that runs this very program with this configuration, and never over one that is there', async (t) => {
  const cwd = mkdtempSync(path.join(os.tmpdir(), 'chartroom-100% "mine" $HOME-'));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  const screen = await openScreen({ cwd, env: { PATH: '/opt/agents/bin:/usr/bin' } });
  t.after(() => screen.stop());
  const early = await screen.run('init', '--service');
  assert.equal(early.exit, 2);
  assert.match(early.err, /there is no configuration to run — write one first: chartroom init/);
  assert.equal((await screen.run('init')).exit, 0);
  const { exit, out } = await screen.run('init', '--service');
  assert.equal(exit, 0);
  assert.match(out, /systemctl --user enable --now/);
  const unit = readFileSync(path.join(cwd, 'chartroom.service'), 'utf8');
  const line = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)![1]!;
  assert.doesNotMatch(unit.replaceAll('%%', ''), /%/, 'systemd would put something in its place');
  // As systemd reads it back.
  const plain = (text: string) => text.replaceAll('%%', '%').replace(/\\(.)/g, '$1');
  const words = [...line('ExecStart').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word]) =>
    plain(word!).replaceAll('$$', '$'),
  );
  assert.equal(words[0], process.execPath);
  assert.deepEqual(words.slice(-3), ['--config', path.join(cwd, 'chartroom.yaml'), 'up']);
  assert.equal(plain(line('WorkingDirectory')), cwd);
  assert.equal(line('Environment'), '"PATH=/opt/agents/bin:/usr/bin"');
  const again = await screen.run('init', '--service');
  assert.equal(again.exit, 2);
  assert.match(again.err, /is there already/);
});
