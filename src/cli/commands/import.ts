/**
 * `import`: adopts the chats of another system, each once, with what was said in it. What is there is only read; what was
 * adopted before is left alone, so that it may be repeated after anything.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Origin } from '../../../machines/events/agent.ts';
import { addressOf } from '../../actor/address.ts';
import type { IndexRow } from '../../actor/actors.ts';
import type { Receipt } from '../../actor/receipt.ts';
import { readWorkgraph } from '../../adoption/workgraph.ts';
import type { FoundChat } from '../../adoption/workgraph.ts';
import { hireOf, loadRoles } from '../../config/roles.ts';
import type { Roles } from '../../config/roles.ts';
import { DRIVERS } from '../../config/schema.ts';
import { envelopeTo, receiptFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT, exitOf } from '../exit.ts';
import type { Exit } from '../exit.ts';
import type { Run } from '../run.ts';

interface ImportFlags {
  from: 'workgraph';
  role: string;
  driver?: string;
  user?: string;
  prefix: string;
  dryRun?: boolean;
}

/** What became of one chat. */
interface Adoption {
  chat: string;
  agent: string;
  outcome: 'adopted' | 'before' | 'conflict' | 'orphan';
  archived: boolean;
  letters: number;
  waiting: number;
  references: string[];
  notes: string[];
  reason: string | null;
}

/** Letters of one event: well below the size of an envelope. */
const BATCH_LETTERS_MAX = 200;
const BATCH_CHARACTERS_MAX = 400_000;
const PAGE = 1_000;

export function addImportCommand(program: Command, run: Run): void {
  program
    .command('import')
    .argument('<directory>', 'of the other system; it is only read')
    .description('adopt the chats of another system, each once')
    .addOption(new Option('--from <system>', 'which one').choices(['workgraph']).makeOptionMandatory())
    .option('--role <role>', 'what its chats are hired as', 'conductor')
    .option('--driver <driver>', 'how they are run (default: what ran each of them there, else the role’s)')
    .option('--user <user>', 'whose chats they are')
    .option('--prefix <name>', 'they are called NAME-0, NAME-1, …', 'chat')
    .option('--dry-run', 'say what would happen; nothing is done')
    .action((directory: string, flags: ImportFlags) =>
      run((context) => adoptAll(context, directory, flags), { reach: 'changing' }),
    );
}

async function adoptAll(context: CommandContext, directory: string, flags: ImportFlags): Promise<Exit> {
  const { out, terminal } = context;
  if (flags.driver !== undefined && !DRIVERS.includes(flags.driver)) {
    throw new CommandError(EXIT.misuse, `there is no driver “${flags.driver}”`, `drivers: ${DRIVERS.join(', ')}`);
  }
  const roles = loadRoles({ directory: context.config().roles });
  const found = readWorkgraph(path.resolve(terminal.cwd, directory));
  if (found.pid !== null && flags.dryRun !== true) {
    const what = `workgraph itself runs there (process ${found.pid}): a letter would be answered twice`;
    throw new CommandError(EXIT.refused, what, 'stop it first: wg service stop; nothing was adopted');
  }
  const known = await agentsOf(context);
  const adoptions: Adoption[] = [];
  for (const chat of found.chats) adoptions.push(await adopt(context, chat, flags, roles, known));
  for (const number of found.orphans) adoptions.push(orphan(number));
  for (const adoption of adoptions) print(context, adoption, flags.dryRun === true);
  const count = (outcome: Adoption['outcome']): number => adoptions.filter((one) => one.outcome === outcome).length;
  if (!out.json) {
    const would = flags.dryRun === true ? 'would be adopted' : 'adopted';
    out.say(
      `${found.root}: ${count('adopted')} chats ${would}, ${count('before')} adopted before, ${count('conflict')} left`,
    );
  }
  return count('conflict') === 0 ? EXIT.done : EXIT.refused;
}

async function agentsOf({ ask }: CommandContext): Promise<IndexRow[]> {
  const rows: IndexRow[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: object = cursor === '' ? {} : { cursor };
    const page = (await ask('list', { kind: 'agent', limit: PAGE, ...from })) as {
      items: IndexRow[];
      next: string | null;
    };
    rows.push(...page.items);
    cursor = page.next;
  }
  return rows;
}

async function adopt(
  context: CommandContext,
  chat: FoundChat,
  flags: ImportFlags,
  roles: Roles,
  known: readonly IndexRow[],
): Promise<Adoption> {
  const before = known.find(({ refs }) => ownNames(chat).some((name) => refs.includes(`name:${name}`)));
  const agent = before?.address ?? addressOf('agent', `${flags.prefix}-${chat.number}`);
  const adoption: Adoption = {
    chat: chat.task,
    agent,
    outcome: before === undefined ? 'adopted' : 'before',
    archived: chat.archived,
    letters: chat.letters.length,
    waiting: chat.letters.filter(({ state }) => state === 'queued').length,
    references: chat.references,
    notes: [...chat.notes],
    reason: null,
  };
  const conflict = (reason: string): Adoption => ({ ...adoption, outcome: 'conflict', reason });
  if (chat.conflicts.length > 0) return conflict(chat.conflicts.join('; '));
  if (before === undefined && known.some(({ address }) => address === agent)) {
    return conflict(`there is another ${agent} already; choose other names with --prefix`);
  }
  if (flags.dryRun === true) return adoption;
  const refused = before === undefined ? await hire(context, agent, chat, flags, roles) : null;
  const why = refused ?? (await adoptLetters(context, agent, chat, adoption));
  return why === null ? adoption : conflict(why);
}

/** Names that no chat of another directory has. */
const ownNames = ({ names }: FoundChat): string[] =>
  names.filter((name) => /#\d+$|^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name));

async function hire(
  context: CommandContext,
  agent: string,
  chat: FoundChat,
  flags: ImportFlags,
  roles: Roles,
): Promise<string | null> {
  const { names, references, archived, letters, executor } = chat;
  const driver = flags.driver ?? (executor !== null && DRIVERS.includes(executor) ? executor : undefined);
  const mode = 'chat';
  const { role, user = 'default' } = flags;
  const data = hireOf({ role, user, mode, ...(driver === undefined ? {} : { driver }) }, roles);
  const origin: Origin = { system: 'workgraph', names, references, archived, letters: letters.length };
  return refusalOf(await receiptFor(context, envelopeTo(context, agent, 'hire', { ...data, origin }, {})));
}

/** Those that are not here yet, in order: whoever was interrupted goes on where it was. */
async function adoptLetters(
  context: CommandContext,
  agent: string,
  chat: FoundChat,
  adoption: Adoption,
): Promise<string | null> {
  const { context: shown } = (await context.ask('show', { actor: agent })) as {
    context: { origin: (Origin & { adopted: number }) | null };
  };
  if (shown.origin === null) return `${agent} began here`;
  const { letters, adopted } = shown.origin;
  const newer = chat.letters.length - letters;
  if (newer > 0) adoption.notes.push(`${newer} letters came there since it was adopted: they stay there`);
  for (let from = adopted; from < letters;) {
    const batch = batchFrom(chat, from, letters);
    if (batch.length === 0) return 'letters that were there are gone';
    const envelope = envelopeTo(context, agent, 'mail.adopted', { from, letters: batch }, {});
    const refused = refusalOf(await receiptFor(context, envelope));
    if (refused !== null) return refused;
    from += batch.length;
  }
  return null;
}

function batchFrom({ letters }: FoundChat, from: number, to: number): FoundChat['letters'] {
  let characters = 0;
  const batch = letters.slice(from, Math.min(to, from + BATCH_LETTERS_MAX));
  const end = batch.findIndex(({ text, answer }, index) => {
    characters += text.length + (answer?.length ?? 0);
    return index > 0 && characters > BATCH_CHARACTERS_MAX;
  });
  return end === -1 ? batch : batch.slice(0, end);
}

const refusalOf = (receipt: Receipt): string | null =>
  exitOf(receipt) === EXIT.done ? null : `${receipt.outcome}: ${receipt.reason ?? receipt.code ?? ''}`;

const orphan = (number: number): Adoption => ({
  chat: String(number),
  agent: '',
  outcome: 'orphan',
  archived: false,
  letters: 0,
  waiting: 0,
  references: [],
  notes: [],
  reason: 'there is state of it and no task under either name: nothing is adopted',
});

function print({ out }: CommandContext, adoption: Adoption, isDryRun: boolean): void {
  if (out.json) return out.object(adoption);
  const { chat, agent, outcome, archived, letters, waiting, references, notes, reason } = adoption;
  switch (outcome) {
    case 'adopted': {
      const facts = [
        `${letters} letters`,
        ...(waiting > 0 ? [`${waiting} wait`] : []),
        ...(archived ? ['archived'] : []),
        ...(references.length > 0 ? [`named by ${references.join(', ')}`] : []),
      ];
      out.answer(`${out.paint('green', '✓')} ${chat} ${isDryRun ? 'would be' : 'is'} ${agent}: ${facts.join(', ')}`);
      break;
    }
    case 'before':
      out.answer(`  ${chat} is ${agent} since it was adopted before`);
      break;
    case 'conflict':
      out.answer(`${out.paint('red', '✗')} ${chat}: ${reason ?? ''}`);
      break;
    case 'orphan':
      out.answer(`${out.paint('yellow', '!')} ${chat} is an orphan: ${reason ?? ''}`);
  }
  for (const note of notes) out.answer(`  ${out.paint('dim', note)}`);
}
