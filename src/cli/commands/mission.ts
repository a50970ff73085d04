/** `mission start`: from a file or a list of issues; a dry run shows the graph, who would get what, and every mistake. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { AgentRow } from '../../../machines/dispatcher/match.ts';
import { repoOf } from '../../bridge/opening.ts';
import type { Config } from '../../config/config.ts';
import { loadRoles, openSettingsOf } from '../../config/roles.ts';
import type { IssueRead } from '../../effects/issue-reader.ts';
import { createLog } from '../../log.ts';
import { packageFile } from '../../package.ts';
import { sendTo } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { graphOf, namedIn } from '../issue-graph.ts';
import type { Output } from '../output.ts';
import type { Plan } from '../plan.ts';
import type { Run } from '../run.ts';
import { addressFrom, missionInput, readInput } from './create.ts';
import type { Input } from './create.ts';
import { changing, sendOptions } from './send.ts';
import type { ChangeFlags } from './send.ts';

interface StartFlags extends ChangeFlags {
  file?: string;
  issues?: string[];
  objective?: string;
  name?: string;
  conductor?: string;
}

/** Issues asked for at a time. */
const READS_MAX = 8;

export function addMissionCommands(program: Command, run: Run): void {
  const mission = program.command('mission').description('missions: graphs of sessions');
  changing(
    mission
      .command('start')
      .description('start a mission; --dry-run shows its graph, who would get what, and every mistake'),
  )
    .option('--file <file>', 'YAML or JSON: {id?, objective, items, …}')
    .option('--issues <ref...>', 'of issues: owner/repo#12, ENG-42; what blocks one is what it depends on')
    .option('--objective <text>', 'what it is for (default: the issues)')
    .option('--name <id>', 'its id (default: made of the objective)')
    .option('--conductor <who>', 'whom it asks for help: agent/x or person/x')
    .action((flags: StartFlags) => run((context) => start(context, flags)));
  mission
    .command('schema')
    .description('print the JSON schema of a mission’s file, for editors')
    .action(() => run(async ({ out }) => printSchema(out)));
}

async function start(context: CommandContext, flags: StartFlags): Promise<Exit> {
  const { file, issues, name } = flags;
  if ((file === undefined) === (issues === undefined)) {
    throw new CommandError(EXIT.misuse, 'a mission is started from a file or from issues', 'give --file or --issues');
  }
  const config = context.config();
  const { id, input } =
    file === undefined
      ? { id: undefined, input: await fromIssues(context, config, flags) }
      : readInput(path.resolve(context.terminal.cwd, file), 'mission');
  const given = { ...input, ...pick(flags, 'objective', 'conductor') };
  const address = addressFrom(file ?? 'the command', 'mission', name ?? id, given);
  const data = missionInput(given, config, context);
  if (flags.dryRun !== true) return sendTo(context, address, 'open', data, sendOptions(flags));
  const { planOf } = await import('../plan.ts');
  const plan = planOf(data, await agentsKnown(context), loadRoles({ directory: config.roles }));
  const exit = await sendTo(context, address, 'open', data, { ...sendOptions(flags), more: { plan } });
  if (!context.out.json) print(context.out, plan);
  return exit;
}

const pick = (flags: StartFlags, ...names: ('objective' | 'conductor')[]): Input =>
  Object.fromEntries(names.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]] as const])));

/** As the dispatcher knows them. */
async function agentsKnown({ ask }: CommandContext): Promise<AgentRow[]> {
  const { items } = (await ask('list', { kind: 'dispatcher' })) as { items: { address: string }[] };
  if (items.length === 0) return [];
  const { context } = (await ask('show', { actor: items[0]!.address })) as { context: { agents: AgentRow[] } };
  return context.agents;
}

async function fromIssues(context: CommandContext, config: Config, { issues = [] }: StartFlags): Promise<Input> {
  const refs = [...new Set(issues.flatMap((text) => text.split(',')).filter((text) => text !== ''))];
  // Loaded where they are needed: most commands ask no tracker.
  const { createIssueReader } = await import('../../effects/issue-reader.ts');
  const read = createIssueReader({ config, clock: context.clock, log: createLog({ level: 'silent' }) });
  const found = await readAll(refs, read);
  const listed = new Set(found.flatMap(({ issue }) => (issue === undefined ? [] : [issue.ref.toLowerCase()])));
  const list = found.flatMap(({ issue }) => issue ?? []);
  const named = [...new Set(list.flatMap(namedIn))].filter((ref) => !listed.has(ref.toLowerCase()));
  // What cannot be read is said with the issue that names it.
  const others = await readAll(named, (ref) => read(ref).catch(() => undefined));
  const { items, mistakes, remarks } = graphOf(
    list,
    new Map(others.map(({ ref, issue }) => [ref.toLowerCase(), issue ?? null])),
    ({ ref, source, labels }) => {
      const name = repoOf(source, ref, labels, config.repos)?.name;
      const repo = config.repos.find((one) => one.name === name);
      return repo === undefined ? null : openSettingsOf(repo);
    },
  );
  const missing = found.filter(({ issue }) => issue === undefined).map(({ ref }) => `there is no issue ${ref}`);
  for (const remark of remarks) context.out.say(remark);
  const wrong = [...missing, ...mistakes];
  if (wrong.length > 0) {
    throw new CommandError(EXIT.refused, `these issues are no mission:\n${wrong.map((one) => `  ${one}`).join('\n')}`);
  }
  return { objective: `Issues ${refs.join(', ')}`.slice(0, 1_000), items };
}

async function readAll(
  refs: readonly string[],
  read: (ref: string) => Promise<IssueRead | undefined>,
): Promise<{ ref: string; issue: IssueRead | undefined }[]> {
  const found: { ref: string; issue: IssueRead | undefined }[] = [];
  for (let start = 0; start < refs.length; start += READS_MAX) {
    const some = refs.slice(start, start + READS_MAX);
    found.push(...(await Promise.all(some.map(async (ref) => ({ ref, issue: await read(ref) })))));
  }
  return found;
}

function printSchema(out: Output): Exit {
  out.answer(readFileSync(packageFile('src/config/mission.schema.json'), 'utf8').trimEnd());
  return EXIT.done;
}

function print(out: Output, { items, criticalPath, mistakes, gaps }: Plan): void {
  const rows = [...items].sort((a, b) => a.level - b.level);
  if (rows.length > 0) {
    out.table(
      ['step', 'item', 'title', 'after', 'who'],
      rows.map(({ key, title, dependsOn, level, agents, nobody }) => [
        String(level + 1),
        key,
        title,
        dependsOn.join(', '),
        nobody === null ? agents.join(', or ') : 'nobody',
      ]),
    );
  }
  if (criticalPath.length > 0) out.answer(`critical path: ${criticalPath.join(' → ')}`);
  for (const mistake of mistakes) out.answer(`${out.paint('red', '✗')} ${mistake}`);
  for (const gap of gaps) out.answer(`${out.paint('yellow', '!')} ${gap}`);
}
