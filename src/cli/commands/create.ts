/** Commands that create: open a session or mission from a file, hire an agent. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { parse } from 'yaml';
import { workKind } from '../../../machines/events/common.ts';
import { addressOf, slug } from '../../actor/address.ts';
import type { Config } from '../../config/config.ts';
import { hireOf, loadRoles, openSettingsOf } from '../../config/roles.ts';
import { DRIVERS } from '../../config/schema.ts';
import { sendTo } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import type { Run } from '../run.ts';
import { changing, sendOptions } from './send.ts';
import type { ChangeFlags } from './send.ts';

interface HireFlags extends ChangeFlags {
  role: string;
  user?: string;
  lane?: string[];
  driver?: string;
  mode: 'worker' | 'chat';
  github?: string;
}

type FileFlags = ChangeFlags & { file: string };
export type Input = Record<string, unknown>;

export function addCreateCommands(program: Command, run: Run): void {
  changing(program.command('open').description('open a session or a mission from a file'))
    .requiredOption('--file <file>', 'YAML or JSON: {kind, id?, …input}; kind session or mission, or a kind of work')
    .action((flags: FileFlags) => run((context) => open(context, flags)));

  changing(program.command('hire').argument('<name>').description('hire an agent'))
    .requiredOption('--role <role>', 'implementer, reviewer, tester, conductor, or one of your own')
    .option('--user <user>', 'whose work it does')
    .option('--lane <lane...>', 'lanes it works in')
    .option('--driver <driver>', 'how it is run (default: the role’s)')
    .addOption(new Option('--mode <mode>').choices(['worker', 'chat']).default('worker'))
    .option('--github <login>', 'the GitHub login it reviews as')
    .action((name: string, flags: HireFlags) => run((context) => hire(context, name, flags)));
}

function hire(context: CommandContext, name: string, flags: HireFlags): Promise<Exit> {
  const { role, user = 'default', lane, driver, mode, github } = flags;
  const drivers = [...DRIVERS, ...Object.keys(context.config().drivers.own ?? {})];
  if (driver !== undefined && !drivers.includes(driver)) {
    throw new CommandError(EXIT.misuse, `there is no driver “${driver}”`, `drivers: ${drivers.join(', ')}`);
  }
  const data = hireOf(
    {
      role,
      user,
      mode,
      ...(driver === undefined ? {} : { driver }),
      ...(lane === undefined ? {} : { lanes: lane }),
      ...(github === undefined ? {} : { github: { token: '', login: github } }),
    },
    loadRoles({ directory: context.config().roles }),
  );
  return sendTo(context, addressOf('agent', name.replace(/^agent\//, '')), 'hire', data, sendOptions(flags));
}

async function open(context: CommandContext, flags: FileFlags): Promise<Exit> {
  const { id, actor, input } = readInput(path.resolve(context.terminal.cwd, flags.file));
  const address = addressFrom(flags.file, actor, id, input);
  const config = context.config();
  const data = actor === 'session' ? sessionInput(input, config, context) : missionInput(input, config, context);
  return sendTo(context, address, 'open', data, sendOptions(flags));
}

/** The id that the file names, or one made of the title. @throws CommandError misuse where there is neither */
export function addressFrom(file: string, actor: 'session' | 'mission', id: string | undefined, input: Input): string {
  const name = actor === 'session' ? 'title' : 'objective';
  const title = input[name];
  if (id === undefined && (typeof title !== 'string' || title === '')) {
    throw new CommandError(
      EXIT.misuse,
      `${file} has no ${name}`,
      'write one; the id is made of it where the file names none',
    );
  }
  return addressOf(actor, id ?? `${slug(String(title))}-${randomBytes(2).toString('hex')}`);
}

/** `kind` names the actor, or, of a session, the kind of work. @throws CommandError misuse */
export function readInput(
  file: string,
  wanted?: 'mission',
): { actor: 'session' | 'mission'; id?: string; input: Input } {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CommandError(EXIT.misuse, `${file} cannot be read: ${causeOf(error)}`);
  }
  if (content === null || typeof content !== 'object' || Array.isArray(content)) {
    throw new CommandError(EXIT.misuse, `${file} is not an object`, 'write {kind, id?, …input} in YAML or JSON');
  }
  const { kind = wanted, id, ...input } = content as Input;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
    throw new CommandError(EXIT.misuse, `${file}: id must be a name`, 'lower case letters, digits, - and _');
  }
  const named = id === undefined ? {} : { id: String(id) };
  if (kind === 'mission') return { actor: 'mission', ...named, input };
  if (wanted === undefined && kind === 'session') return { actor: 'session', ...named, input };
  if (wanted === undefined && workKind.safeParse(kind).success) {
    return { actor: 'session', ...named, input: { ...input, kind } };
  }
  throw new CommandError(
    EXIT.misuse,
    `${file}: kind is ${JSON.stringify(kind) ?? 'missing'}`,
    wanted === undefined
      ? `write session, mission, or a kind of work (${workKind.options.join(', ')}); agents: chartroom hire`
      : 'this command starts missions; sessions: chartroom open',
  );
}

/** Of the system in its own words, of YAML the first line, which has the place. */
function causeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  return message.split('\n')[0]!.replace(/:$/, '');
}

function sessionInput(input: Input, config: Config, context: CommandContext): Input {
  return { body: '', source: { kind: 'manual' }, ...settingsFor(input, config, context), ...input };
}

export function missionInput(input: Input, config: Config, context: CommandContext): Input {
  const items = input['items'];
  if (!Array.isArray(items)) return input;
  return {
    ...input,
    items: items.map((item: Input) => ({
      body: '',
      dependsOn: [],
      ...settingsFor(item, config, context),
      ...item,
    })),
  };
}

/** What the file leaves out, from the repository it names, or from the only one there is. */
function settingsFor(input: Input, { repos }: Config, { out }: CommandContext): Input {
  const name = input['repo'];
  const repo = name === undefined && repos.length === 1 ? repos[0] : repos.find((one) => one.name === name);
  if (repo !== undefined) return openSettingsOf(repo);
  if (typeof name === 'string') out.say(`${name} is not in the configuration here: nothing is filled in`);
  return {};
}
