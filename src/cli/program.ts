/**
 * The command line as one program: every command, the options they share, and what misuse is answered with. It runs
 * in any terminal it is given, so that a test can be one.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { packageFile } from '../package.ts';
import type { Connect } from './connection.ts';
import { EXIT } from './exit.ts';
import type { Exit } from './exit.ts';
import { addCommands } from './groups.ts';
import { createRun } from './run.ts';
import type { GlobalFlags, Run } from './run.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line and says with what code to leave. */
export async function runCommandLine(argv: string[], terminal: Terminal, connect?: Connect): Promise<Exit> {
  let exit: Exit = EXIT.done;
  let invoked: Command | null = null;
  const run = createRun({
    terminal,
    connect,
    flags: () => flagsOf(program, invoked),
    leaveWith: (code) => (exit = code),
  });
  const program = await createProgram(terminal, run, commandOf(argv));
  program.hook('preAction', (_program, command) => {
    invoked = command;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.misuse;
  }
  return exit;
}

/** Every command with its arguments and options, or those beside `command`; what it does goes through `run`. */
export async function createProgram(terminal: Terminal, run: Run, command?: string): Promise<Command> {
  const program = createRoot(terminal);
  await addCommands(program, run, command);
  shareOptions(program);
  return program;
}

/** The command of a command line, where nothing but shared options stands before it. */
function commandOf(argv: readonly string[]): string | undefined {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (!word.startsWith('-')) return word;
    const option = GLOBAL_OPTIONS().find(({ long }) => word === long || word.startsWith(`${long}=`));
    if (option === undefined) return undefined;
    if (option.required && word === option.long) at += 1;
  }
  return undefined;
}

const GLOBAL_OPTIONS = (): Option[] => [
  new Option('--config <file>', 'the configuration (default: chartroom.yaml here, then in ~/.config/chartroom)'),
  new Option('--json', 'for programs: one JSON object, or one per line'),
  new Option('--nats <url>', 'where NATS is'),
  new Option('--namespace <name>', 'whose actors'),
  new Option('--data <directory>', 'the data directory (before the command where that has a --data of its own)'),
];

function createRoot({ stdout, stderr }: Terminal): Command {
  const program = new Command('chartroom');
  const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string };
  program
    .description('Run coding agents as actors: every session, mission and agent is a statechart with a mailbox.')
    .version(version)
    .exitOverride()
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, '✗ ').replace(/\n$/, ' — see: chartroom --help\n')),
    })
    .addHelpText(
      'after',
      '\nAn actor is an address (session/eng-42), or an id or name that fits exactly one (eng-42, ENG-42).' +
        '\nExit: 0 done, 1 failed, 2 misuse, 3 unreachable, 4 refused, 5 superseded, 6 unknown.',
    );
  for (const option of GLOBAL_OPTIONS()) program.addOption(option);
  return program;
}

/** The shared options work behind the command as well, except where it has one of that name itself. */
function shareOptions(program: Command): void {
  for (const command of leaves(program)) {
    const own = new Set(command.options.map(({ long }) => long));
    for (const option of GLOBAL_OPTIONS()) if (!own.has(option.long)) command.addOption(option.hideHelp());
    command.copyInheritedSettings(command.parent ?? program);
  }
}

export function leaves(command: Command): Command[] {
  return command.commands.flatMap((inner) => (inner.commands.length === 0 ? [inner] : leaves(inner)));
}

const GLOBAL_NAMES = ['config', 'json', 'nats', 'namespace', 'data'] as const;

/** What stands behind the command wins over what stands before it. */
function flagsOf(program: Command, invoked: Command | null): GlobalFlags {
  const before = program.opts();
  const behind = invoked === null ? {} : invoked.opts();
  const shared = new Set(invoked?.options.filter(({ hidden }) => hidden).map((option) => option.attributeName()));
  const flags: Record<string, unknown> = {};
  for (const name of GLOBAL_NAMES) {
    const value = (shared.has(name) ? (behind[name] as unknown) : undefined) ?? (before[name] as unknown);
    if (value !== undefined) flags[name] = value;
  }
  return flags;
}
