/** Only the commands beside the one that is asked for are loaded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addCommands, namesOfGroups } from '../../src/cli/groups.ts';

async function commandsFor(name?: string): Promise<string[]> {
  const program = new Command();
  await addCommands(program, () => Promise.resolve(), name);
  return program.commands.map((command) => command.name());
}

test('each command loads its own group and no other', async () => {
  for (const names of namesOfGroups()) {
    for (const name of names) assert.deepEqual(await commandsFor(name), names);
  }
});

test('without a command, or with one that nobody has, all are there: for the help, and for what was meant', async () => {
  const all = [...namesOfGroups().flat(), 'completion'];
  for (const name of [undefined, 'sho', 'completion']) assert.deepEqual(await commandsFor(name), all);
});
