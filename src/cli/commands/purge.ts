/**
 * `purge chats` puts every chat away that nobody uses, `purge user` offboards every agent of a user; each receipt is
 * reported. Repeating it is safe.
 */
import type { Command } from 'commander';
import type { IndexRow } from '../../actor/actors.ts';
import type { Receipt } from '../../actor/receipt.ts';
import { envelopeTo, receiptFor, waitFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, exitOf } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { seconds } from '../options.ts';
import { printReceipt } from '../receipt.ts';
import type { Run } from '../run.ts';

interface PurgeFlags {
  includeActive?: boolean;
  reason?: string;
  dryRun?: boolean;
  wait: boolean;
  timeout: number;
}

/** Phases an agent is purged from already. */
const AWAY = { archived: new Set(['archived', 'offboarded']), offboarded: new Set(['offboarded']) };
const PAGE = 1_000;
const WAIT_SECONDS = 60;

/** Which agents are sent away, how, and where to. */
interface Purge {
  what: string;
  isMeant: (row: IndexRow) => boolean;
  type: 'correct.archive' | 'correct.offboard';
  data: Record<string, unknown>;
  goal: keyof typeof AWAY;
  /** It stays, which is no failure. */
  mayStay: (receipt: Receipt) => boolean;
}

export function addPurgeCommand(program: Command, run: Run): void {
  const command = program.command('purge').description('archive what is not used, end what is a user’s');
  sweeping(command.command('chats').description('archive every chat that nobody uses'))
    .option('--include-active', 'those in use too')
    .action((flags: PurgeFlags) => run((context) => purge(context, flags, chats(flags)), { reach: 'changing' }));
  sweeping(command.command('user').argument('<user>').description('offboard every agent of a user')).action(
    (user: string, flags: PurgeFlags) => run((context) => purge(context, flags, agentsOf(user)), { reach: 'changing' }),
  );
}

const sweeping = (command: Command): Command =>
  command
    .option('--reason <text>', 'why: kept in their histories')
    .option('--dry-run', 'say what would happen; nothing is done')
    .option('--wait', 'wait until the processes of all are gone (the default)', true)
    .option('--no-wait', 'do not wait for that')
    .option('--timeout <seconds>', 'how long to wait', seconds, WAIT_SECONDS);

/** A chat in use stays, unless it is asked for too. */
const chats = ({ includeActive = false }: PurgeFlags): Purge => ({
  what: 'chats',
  isMeant: ({ tags }) => tags['mode'] === 'chat',
  type: 'correct.archive',
  data: { unlessActive: !includeActive },
  goal: 'archived',
  mayStay: ({ code }) => code === 'guard' && !includeActive,
});

const agentsOf = (user: string): Purge => ({
  what: `agents of ${user}`,
  isMeant: (row) => row.user === user,
  type: 'correct.offboard',
  data: {},
  goal: 'offboarded',
  mayStay: () => false,
});

async function purge(context: CommandContext, flags: PurgeFlags, which: Purge): Promise<Exit> {
  const { reason, dryRun = false } = flags;
  const { out, ask, clock } = context;
  const data = { ...which.data, ...(reason === undefined ? {} : { reason }) };
  const sent: string[] = [];
  let worst: Exit = EXIT.done;
  const { open, away } = await agentsFor(context, which);
  for (const agent of open) {
    const envelope = envelopeTo(context, agent, which.type, data, {});
    const receipt = dryRun ? ((await ask('preview', envelope)) as Receipt) : await receiptFor(context, envelope);
    printReceipt(out, receipt, { preview: dryRun });
    const exit = exitOf(receipt);
    if (exit === EXIT.done) sent.push(agent);
    else if (!which.mayStay(receipt)) worst = exit;
  }
  const deadlineMs = clock.now() + flags.timeout * 1_000;
  if (flags.wait && !dryRun) {
    for (const agent of sent) {
      const exit = await waitFor(context, agent, true, deadlineMs);
      if (exit !== EXIT.done) worst = exit;
    }
  }
  if (!out.json) {
    const would = dryRun ? `would be ${which.goal}` : which.goal;
    const before = away.length === 0 ? '' : `; put away before: ${away.join(', ')}`;
    out.say(`${sent.length} of ${open.length} ${which.what} ${would}${before}`);
  }
  return worst;
}

async function agentsFor(
  { ask }: CommandContext,
  { isMeant, goal }: Purge,
): Promise<{ open: string[]; away: string[] }> {
  const open: string[] = [];
  const away: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: object = cursor === '' ? {} : { cursor };
    const page = (await ask('list', { kind: 'agent', limit: PAGE, ...from })) as {
      items: IndexRow[];
      next: string | null;
    };
    for (const row of page.items) if (isMeant(row)) (AWAY[goal].has(row.phase) ? away : open).push(row.address);
    cursor = page.next;
  }
  return { open, away };
}
