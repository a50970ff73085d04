/** `init`: writes a commented configuration to begin with, or the unit of a service that runs it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { sampleConfig } from '../../config/sample.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import { serviceUnit } from './service.ts';
import type { Run } from '../run.ts';

export function addInitCommand(program: Command, run: Run): void {
  program
    .command('init')
    .description('write a commented chartroom.yaml')
    .option('--service', 'write chartroom.service beside it: by it systemd keeps the runtime running for you')
    .action(({ service = false }: { service?: boolean }) =>
      run((context) => Promise.resolve(service ? initService(context) : init(context))),
    );
}

function init({ out, flags, terminal }: CommandContext): 0 {
  const file = path.resolve(terminal.cwd, flags.config ?? 'chartroom.yaml');
  write(file, sampleConfig());
  if (out.json) out.object({ file });
  else out.answer(`${out.paint('green', '✓')} ${file} — fill in what it names, then: chartroom doctor`);
  return EXIT.done;
}

function initService({ out, terminal, config: read }: CommandContext): 0 {
  const { file: config } = read();
  if (config === null)
    throw new CommandError(EXIT.misuse, 'there is no configuration to run', 'write one first: chartroom init');
  const file = path.join(path.dirname(config), 'chartroom.service');
  write(file, serviceUnit({ node: process.execPath, config, searchPath: terminal.env['PATH'] ?? '' }));
  if (out.json) out.object({ file });
  else {
    out.answer(`${out.paint('green', '✓')} ${file} — put the secrets into chartroom.env beside it, then:`);
    out.answer(`  systemctl --user enable --now ${file}`);
    out.answer('  loginctl enable-linger      # it runs while you are logged out, too');
  }
  return EXIT.done;
}

/** Never over a file that is there. */
function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new CommandError(EXIT.failed, `${file} cannot be written: ${message}`);
    throw new CommandError(
      EXIT.misuse,
      `${file} is there already`,
      'nothing was changed; move it away, or name another with --config',
    );
  }
}
