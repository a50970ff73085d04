/** `purge chats`: puts every chat away that nobody uses, and reports each receipt. Repeating it is safe. */
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

/** Phases a chat is purged from already. */
const AWAY = new Set(['archived', 'offboarded']);
const PAGE = 1_000;
const WAIT_SECONDS = 60;

export function addPurgeCommand(program: Command, run: Run): void {
  program
    .command('purge')
    .description('archive what is not used')
    .command('chats')
    .description('archive every chat that nobody uses')
    .option('--include-active', 'those in use too')
    .option('--reason <text>', 'why: kept in their histories')
    .option('--dry-run', 'say what would happen; nothing is done')
    .option('--wait', 'wait until the processes of all are gone (the default)', true)
    .option('--no-wait', 'do not wait for that')
    .option('--timeout <seconds>', 'how long to wait', seconds, WAIT_SECONDS)
    .action((flags: PurgeFlags) => run((context) => purge(context, flags), { reach: 'changing' }));
}

/** A chat in use stays: that is no failure. Any other refusal is. */
async function purge(context: CommandContext, flags: PurgeFlags): Promise<Exit> {
  const { includeActive = false, reason, dryRun = false } = flags;
  const { out, ask, clock } = context;
  const data = { unlessActive: !includeActive, ...(reason === undefined ? {} : { reason }) };
  const archived: string[] = [];
  let worst: Exit = EXIT.done;
  const { open, away } = await chatsOf(context);
  for (const chat of open) {
    const envelope = envelopeTo(context, chat, 'correct.archive', data, {});
    const receipt = dryRun ? ((await ask('preview', envelope)) as Receipt) : await receiptFor(context, envelope);
    printReceipt(out, receipt, { preview: dryRun });
    const exit = exitOf(receipt);
    if (exit === EXIT.done) archived.push(chat);
    else if (!(receipt.code === 'guard' && !includeActive)) worst = exit;
  }
  const deadlineMs = clock.now() + flags.timeout * 1_000;
  if (flags.wait && !dryRun) {
    for (const chat of archived) {
      const exit = await waitFor(context, chat, true, deadlineMs);
      if (exit !== EXIT.done) worst = exit;
    }
  }
  if (!out.json) {
    const would = dryRun ? 'would be archived' : 'archived';
    const before = away.length === 0 ? '' : `; put away before: ${away.join(', ')}`;
    out.say(`${archived.length} of ${open.length} chats ${would}${before}`);
  }
  return worst;
}

async function chatsOf({ ask }: CommandContext): Promise<{ open: string[]; away: string[] }> {
  const open: string[] = [];
  const away: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: object = cursor === '' ? {} : { cursor };
    const page = (await ask('list', { kind: 'agent', limit: PAGE, ...from })) as {
      items: IndexRow[];
      next: string | null;
    };
    for (const { address, tags, phase } of page.items) {
      if (tags['mode'] === 'chat') (AWAY.has(phase) ? away : open).push(address);
    }
    cursor = page.next;
  }
  return { open, away };
}
