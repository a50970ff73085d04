/** `purge chats`: puts every chat away that nobody uses, and reports each receipt. Repeating it is safe. */
import type { Command } from 'commander';
import type { IndexRow } from '../../actor/actors.ts';
import { envelopeTo, receiptFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, exitOf } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { printReceipt } from '../receipt.ts';
import type { Run } from '../run.ts';

interface PurgeFlags {
  includeActive?: boolean;
  reason?: string;
}

/** Phases a chat is purged from already. */
const AWAY = new Set(['archived', 'offboarded']);
const PAGE = 1_000;

export function addPurgeCommand(program: Command, run: Run): void {
  program
    .command('purge')
    .description('archive what is not used')
    .command('chats')
    .description('archive every chat that nobody uses')
    .option('--include-active', 'those in use too')
    .option('--reason <text>', 'why: kept in their histories')
    .action((flags: PurgeFlags) => run((context) => purge(context, flags), { reach: 'changing' }));
}

/** A chat in use stays: that is no failure. Any other refusal is. */
async function purge(context: CommandContext, { includeActive = false, reason }: PurgeFlags): Promise<Exit> {
  const { out } = context;
  const data = { unlessActive: !includeActive, ...(reason === undefined ? {} : { reason }) };
  let archived = 0;
  let worst: Exit = EXIT.done;
  const chats = await openChats(context);
  for (const chat of chats) {
    const receipt = await receiptFor(context, envelopeTo(context, chat, 'correct.archive', data, {}));
    printReceipt(out, receipt);
    const exit = exitOf(receipt);
    if (exit === EXIT.done) archived += 1;
    else if (!(receipt.code === 'guard' && !includeActive)) worst = exit;
  }
  if (!out.json) out.say(`${archived} of ${chats.length} chats archived`);
  return worst;
}

async function openChats({ ask }: CommandContext): Promise<string[]> {
  const chats: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: object = cursor === '' ? {} : { cursor };
    const page = (await ask('list', { kind: 'agent', limit: PAGE, ...from })) as {
      items: IndexRow[];
      next: string | null;
    };
    for (const { address, tags, phase } of page.items) {
      if (tags['mode'] === 'chat' && !AWAY.has(phase)) chats.push(address);
    }
    cursor = page.next;
  }
  return chats;
}
