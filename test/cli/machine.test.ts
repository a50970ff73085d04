/** `machine check` at the command line: our machines, a user's own, and what is none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { PACKAGE_ROOT } from '../../src/package.ts';
import { openScreen } from './parts.ts';

/** A door with a lock: small, and right unless something is put in. */
const DOOR = ({ waits = "waitsFor: 'human'", after = '' } = {}): string => `
import { setup } from 'xstate';
import { z } from 'zod';
const nothing = z.strictObject({});
const logic = setup({}).createMachine({
  id: 'door',
  context: () => ({ opened: 0 }),
  initial: 'shut',
  states: {
    shut: { description: 'Shut.', meta: { ${waits} }, on: { push: 'open', wall: 'gone' } ${after} },
    open: { description: 'Open.', meta: { waitsFor: 'human' }, on: { push: 'shut' } },
    gone: { type: 'final', description: 'Walled up.' },
  },
});
export const door = {
  kind: 'door', version: '1', logic,
  events: { push: { data: nothing, means: 'Push.' }, wall: { data: nothing, means: 'Wall it up.' } },
  reasons: {}, recordKeys: [], claims: () => [], watch: () => undefined, whenFinal: () => null,
  project: () => ({}),
};
`;

function folder(t: TestContext, files: Record<string, string>): string {
  const cwd = mkdtempSync(path.join(os.tmpdir(), 'chartroom-machine-'));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  symlinkSync(path.join(PACKAGE_ROOT, 'node_modules'), path.join(cwd, 'node_modules'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(cwd, name), text);
  return cwd;
}

test('the machines of Chartroom are clean, a row for each', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  const { exit, out } = await screen.run('machine', 'check');
  assert.equal(exit, 0);
  assert.match(out, /^MACHINE +VERSION +STATES +TRANSITIONS +EVENTS +FINDINGS\n/);
  for (const kind of ['agent', 'dispatcher', 'mission', 'session'])
    assert.match(out, new RegExp(`^${kind} .* none$`, 'm'));
  const rows = (await screen.run('machine', 'check', '--json')).json<{ machine: string; findings: unknown[] }>();
  assert.deepEqual(
    rows.map(({ machine, findings }) => [machine, findings]),
    [
      ['agent', []],
      ['dispatcher', []],
      ['mission', []],
      ['session', []],
    ],
  );
  assert.deepEqual(screen.reached, [], 'nobody is asked');
});

test('a machine of one’s own is checked by its module, and each finding says what, where, why and what to do', async (t) => {
  const cwd = folder(t, {
    'right.mjs': DOOR(),
    'wrong.mjs': DOOR({ waits: "waitsFor: 'agent'", after: ", after: { soon: 'lost' }" }).replace(
      'gone: {',
      "lost: { description: 'Lost.', meta: { waitsFor: 'human' } }, gone: {",
    ),
  });
  const screen = await openScreen({ cwd });
  t.after(() => screen.stop());
  assert.equal((await screen.run('machine', 'check', 'right.mjs')).exit, 0);
  const { exit, out } = await screen.run('machine', 'check', 'right.mjs', 'wrong.mjs');
  assert.equal(exit, 1);
  assert.match(
    out,
    /✗ door shut after soon: waits “soon”, which the setup does not name \(unknown-delay\)\n {2}why: .+\n {2}do: {2}.+/,
  );
  assert.match(out, /✗ door lost: waits for human and has no way out \(dead-end\)/);
  assert.match(out, /✗ door lost: waits for human without a person’s way out \(no-person\)/);
  assert.match(out, /✗ door lost: leads to no final state \(no-end\)/);
  const [row] = (await screen.run('machine', 'check', 'wrong.mjs', '--json')).json<{
    findings: Record<string, string>[];
  }>();
  for (const finding of row!.findings) {
    assert.deepEqual(Object.keys(finding).sort(), ['machine', 'rule', 'todo', 'what', 'where', 'why']);
  }
});

test('a file that is missing, broken or brings no machine is misuse, and says so', async (t) => {
  const cwd = folder(t, { 'broken.mjs': 'export const = 1;', 'other.mjs': 'export const door = { kind: "door" };' });
  const screen = await openScreen({ cwd });
  t.after(() => screen.stop());
  for (const [file, complaint] of [
    ['nowhere.mjs', /nowhere\.mjs cannot be loaded/],
    ['broken.mjs', /broken\.mjs cannot be loaded/],
    ['other.mjs', /other\.mjs brings no machine\n {2}it exports door; a machine is a MachineDefinition/],
  ] as const) {
    const { exit, out, err } = await screen.run('machine', 'check', file);
    assert.equal(exit, 2, file);
    assert.equal(out, '');
    assert.match(err, complaint);
  }
});
