/** Care for the store from the command line, while no runtime has it. */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { thisBuild } from '../../src/care/build.ts';
import { writeFormat } from '../../src/store/format.ts';
import { SESSION, chartroom, openHost, temporary } from '../cli/parts.ts';

const NOTES = 30;

/** A store with one session in it, and nobody who has it open. */
async function stored(cwd: string): Promise<void> {
  const host = await openHost(path.join(cwd, '.chartroom'));
  await host.send('session/eng-42', 'open', { ...SESSION });
  for (let note = 0; note < NOTES; note++) await host.send('session/eng-42', 'fyi', { text: `note ${note}` });
  await host.close();
}

const done = async (cwd: string, ...args: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await chartroom(cwd, ...args);
  assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}${stdout}`);
  return `${stdout}\n${stderr}`;
};

test('compacted, backed up, restored elsewhere, resumed: each says what it did, and history is as it was', async (t) => {
  const cwd = await temporary(t);
  await stored(cwd);
  const history = await done(cwd, 'history', 'eng-42', '--json');

  assert.match(await done(cwd, 'compact', '--keep', '5'), /✓ 26 entries of 1 actors .* archived in 1 files/);
  assert.match(await done(cwd, 'backup', 'one.backup'), /✓ .*one\.backup: \d+ rows and 1 archives up to batch \d+/);
  assert.match(await done(cwd, 'restore-store', 'one.backup', '--data', 'other'), /✓ .*: 31 steps of 1 actors/);
  assert.equal(
    withoutSource(await done(cwd, 'history', 'eng-42', '--json', '--data', 'other')),
    withoutSource(history),
  );
  assert.match(await done(cwd, 'resume', 'effects', '--data', 'other'), /✓ .* by the next chartroom up/);
});

/** What is said of where it was read is another place each time. */
const withoutSource = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .join('\n');

test('a store of other machines is listed by upgrade --check, refused by up, and not touched by either', async (t) => {
  const cwd = await temporary(t);
  await stored(cwd);
  const store = path.join(cwd, '.chartroom', 'store');
  const { chartroom: version, machines } = thisBuild();
  const { session, agent } = machines;
  assert.match(await done(cwd, 'upgrade', '--check'), new RegExp(`session +${session} +${session} +yes`));
  await writeFormat(store, { chartroom: version, machines: { ...machines, session: '9', robot: '2' } });
  const content = async (): Promise<[string, string][]> =>
    Promise.all(
      (await readdir(store, { withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(async ({ name }) => [name, await readFile(path.join(store, name), 'hex')] as [string, string]),
    );
  const before = await content();

  const check = await chartroom(cwd, 'upgrade', '--check');
  assert.equal(check.exitCode, 1);
  assert.match(check.stdout, new RegExp(`session +9 +${session} +no`));
  assert.match(check.stdout, /robot +2 +– +no/);
  assert.match(check.stdout, new RegExp(`agent +${agent} +${agent} +yes`));
  for (const command of [['ps'], ['up']]) {
    const refused = await chartroom(cwd, ...command);
    assert.equal(refused.exitCode, 1, refused.stderr);
    assert.match(
      refused.stderr,
      new RegExp(`session is version 9 in it, version ${session} in this build; .*robot \\(version 2\\)`),
    );
    assert.match(refused.stderr, /nothing was touched; use the build that wrote it/);
  }
  assert.deepEqual(await content(), before);
});
