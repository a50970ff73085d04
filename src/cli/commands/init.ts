/** `init`: writes a commented configuration to begin with. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { sampleConfig } from '../../config/sample.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Run } from '../run.ts';

export function addInitCommand(program: Command, run: Run): void {
  program
    .command('init')
    .description('write a commented chartroom.yaml')
    .action(() => run((context) => Promise.resolve(init(context))));
}

function init({ out, flags, terminal }: CommandContext): 0 {
  const file = path.resolve(terminal.cwd, flags.config ?? 'chartroom.yaml');
  try {
    writeFileSync(file, sampleConfig(), { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new CommandError(EXIT.failed, `${file} cannot be written: ${message}`);
    throw new CommandError(EXIT.misuse, `${file} is there already`, 'nothing was changed; name another with --config');
  }
  if (out.json) out.object({ file });
  else out.answer(`${out.paint('green', '✓')} ${file} — fill in what it names, then: chartroom doctor`);
  return EXIT.done;
}
