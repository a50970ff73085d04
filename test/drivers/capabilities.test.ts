import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createAcpDriver } from '../../src/drivers/acp/driver.ts';
import { createClaudeDriver } from '../../src/drivers/claude/driver.ts';
import { createCodexDriver } from '../../src/drivers/codex/driver.ts';
import { createCommandDriver } from '../../src/drivers/command/driver.ts';
import type { Capabilities, Driver } from '../../src/drivers/driver.ts';
import { createScriptedDriver } from '../../src/drivers/scripted/driver.ts';
import { packageFile } from '../../src/package.ts';

const DRIVERS: Driver[] = [
  createCodexDriver(),
  createClaudeDriver(),
  createAcpDriver({ program: 'agent' }),
  createCommandDriver({ run: 'true' }),
  createScriptedDriver({ script: { runs: [] }, node: process.execPath }),
];

/** What the contract checks of each, as docs/drivers.md has it. */
function table(): string[] {
  const names = Object.keys(DRIVERS[0]!.capabilities) as (keyof Capabilities)[];
  const row = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(['', ...names]),
    row(['', ...names].map(() => '---')),
    ...DRIVERS.map(({ name, capabilities }) =>
      row([`\`${name}\``, ...names.map((one) => (capabilities[one] ? 'yes' : 'no'))]),
    ),
  ];
}

test('the documentation says of every driver what it declares', () => {
  const plain = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
  const page = plain(readFileSync(packageFile('docs/drivers.md'), 'utf8'));
  assert.ok(page.includes(plain(table().join('\n'))), `docs/drivers.md lacks this table:\n${table().join('\n')}`);
});
