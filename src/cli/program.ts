/**
 * The command line as one program: every command, the options they share, and what misuse is answered with. It runs
 * in any terminal it is given, so that a test can be one.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { packageFile } from '../package.ts';
import { addAttachCommand } from './commands/attach.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addCareCommands } from './commands/care.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addCreateCommands } from './commands/create.ts';
import { addDeadCommands } from './commands/dead.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addHookCommands } from './commands/hooks.ts';
import { addImportCommand } from './commands/import.ts';
import { addInitCommand } from './commands/init.ts';
import { addLinkCommand } from './commands/link.ts';
import { addMachineCommands } from './commands/machine.ts';
import { addMissionCommands } from './commands/mission.ts';
import { addPurgeCommand } from './commands/purge.ts';
import { addReadCommands } from './commands/read.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addReportCommand } from './commands/report.ts';
import { addSendCommands } from './commands/send.ts';
import { addTailCommand } from './commands/tail.ts';
import { addUpCommands } from './commands/up.ts';
import type { Connect } from './connection.ts';
import { EXIT } from './exit.ts';
import type { Exit } from './exit.ts';
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
  const program = createProgram(terminal, run);
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

/** Every command with its arguments and options; what a command does goes through `run`. */
export function createProgram(terminal: Terminal, run: Run): Command {
  const program = createRoot(terminal);
  addReadCommands(program, run);
  addLinkCommand(program, run);
  addTailCommand(program, run);
  addSendCommands(program, run);
  addAttachCommand(program, run);
  addAuditCommand(program, run);
  addReportCommand(program, run);
  addCreateCommands(program, run);
  addMissionCommands(program, run);
  addPurgeCommand(program, run);
  addImportCommand(program, run);
  addDeadCommands(program, run);
  addHookCommands(program, run);
  addReplayCommand(program, run);
  addCareCommands(program, run);
  addUpCommands(program, run);
  addInitCommand(program, run);
  addDoctorCommand(program, run);
  addMachineCommands(program, run);
  addCompletionCommand(program, run);
  shareOptions(program);
  return program;
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
