/** `replay`: rebuilds actors from their journals, step by step, and compares with what is stored. */
import path from 'node:path';
import type { Command } from 'commander';
import type { IndexRow } from '../../actor/actors.ts';
import type { HistoryEntry } from '../../actor/past.ts';
import type { ArchivedStore } from '../../store/archive.ts';
import { damagedTables } from '../../store/damage.ts';
import { addressFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { eventName } from '../fact.ts';
import { valueText } from '../output.ts';
import { actorsOf, damagedArchives, isSame, replayActor, replayBatchesOf, replayChain } from '../replay.ts';
import type { Replayed } from '../replay.ts';
import type { Run } from '../run.ts';

interface ReplayFlags {
  all?: boolean;
  check?: boolean;
}

const PAGE = 1_000;
/** What `show` and `at` both tell of an actor. */
const PARTS = ['value', 'context', 'since', 'timers', 'claims', 'version'] as const;

export function addReplayCommand(program: Command, run: Run): void {
  program
    .command('replay')
    .argument('[actor]')
    .description('rebuild an actor from its journal; --check compares with what is stored')
    .option('--all', 'every actor, and the chain of batches')
    .option('--check', 'compare; exit 1 where something differs')
    .action((name: string | undefined, flags: ReplayFlags) =>
      run((context) => replay(context, name, flags), { reach: 'reading' }),
    );
}

async function replay(context: CommandContext, name: string | undefined, { all, check }: ReplayFlags): Promise<Exit> {
  if ((name === undefined) !== (all === true)) {
    throw new CommandError(EXIT.misuse, 'name one actor, or say --all', 'chartroom replay session/eng-42 --check');
  }
  if (name !== undefined && check !== true) return await steps(context, await addressFor(context, name));
  if (check !== true) {
    throw new CommandError(EXIT.misuse, '--all prints no steps', 'chartroom replay --all --check');
  }
  const { store } = await context.link();
  if (name !== undefined) {
    const actor = await addressFor(context, name);
    if (store === null) return report(context, [await compare(context, actor)], null);
    const replayed = await replayActor(store, actor);
    replayed.differences.push(...(await replayBatchesOf(store, actor)));
    return report(context, [replayed], null);
  }
  if (store !== null) return await checkStore(context, store);
  const replayed: Replayed[] = [];
  for (const actor of await everyActor(context)) replayed.push(await compare(context, actor));
  context.out.say('the chain of batches is checked only while the runtime is stopped');
  return report(context, replayed, null);
}

async function checkStore(context: CommandContext, store: ArchivedStore): Promise<Exit> {
  const directory = path.join(context.config().data, 'store');
  const damage = damagedTables(directory);
  if (damage.length > 0) {
    for (const sentence of damage) context.out.answer(`${context.out.paint('red', '✗')} ${sentence}`);
    throw new CommandError(EXIT.failed, `the store in ${directory} is damaged`, 'see: chartroom doctor');
  }
  const replayed: Replayed[] = [];
  for (const actor of await actorsOf(store)) replayed.push(await replayActor(store, actor));
  const chain = await replayChain(store);
  chain.differences.push(...(await damagedArchives(store)));
  return report(context, replayed, chain);
}

function report(
  { out }: CommandContext,
  replayed: Replayed[],
  chain: { batches: number; differences: string[] } | null,
): Exit {
  const differing = replayed.filter(({ differences }) => differences.length > 0);
  const isGood = differing.length === 0 && (chain?.differences.length ?? 0) === 0;
  if (out.json) {
    for (const one of replayed) out.object({ ...one, same: one.differences.length === 0 });
    if (chain !== null) out.object({ ...chain, same: chain.differences.length === 0 });
    return isGood ? EXIT.done : EXIT.failed;
  }
  for (const { actor, differences } of differing) {
    for (const difference of differences) out.answer(`${out.paint('red', '✗')} ${actor}: ${difference}`);
  }
  for (const difference of chain?.differences ?? []) out.answer(`${out.paint('red', '✗')} ${difference}`);
  const count = replayed.reduce((sum, { steps }) => sum + steps, 0);
  const what = `${count} steps of ${replayed.length === 1 ? replayed[0]!.actor : `${replayed.length} actors`}`;
  const batches = chain === null ? '' : ` in ${chain.batches} batches`;
  if (isGood) out.answer(`${out.paint('green', '✓')} ${what}${batches}: what is stored is what the journal says`);
  else out.answer(`${differing.length} of ${replayed.length} actors differ from their journals`);
  return isGood ? EXIT.done : EXIT.failed;
}

/** The runtime's live state against its own fold of the journal, both as it tells them. */
async function compare({ ask }: CommandContext, actor: string): Promise<Replayed> {
  const live = (await ask('show', { actor })) as Record<string, unknown> & { seq: number };
  const folded = (await ask('at', { actor, seq: live.seq })) as Record<string, unknown>;
  const { parked } = live as { parked?: { reason: string; damaged?: true } | null };
  if (parked?.damaged === true) return { actor, steps: live.seq, differences: [parked.reason] };
  const wrong = PARTS.filter((part) => !isSame(live[part], folded[part]));
  const differences =
    wrong.length === 0 ? [] : [`it differs from its journal at step ${live.seq} in ${wrong.join(', ')}`];
  return { actor, steps: live.seq, differences };
}

async function everyActor({ ask }: CommandContext): Promise<string[]> {
  const actors: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: object = cursor === '' ? {} : { cursor };
    const page = (await ask('list', { limit: PAGE, ...from })) as { items: IndexRow[]; next: string | null };
    actors.push(...page.items.map(({ address }) => address));
    cursor = page.next;
  }
  return actors;
}

/** Each step with the state it led to. */
async function steps({ out, ask }: CommandContext, actor: string): Promise<Exit> {
  const rows: string[][] = [];
  for (let from = 1, last = 1; from <= last; from += PAGE) {
    const page = (await ask('history', { actor, from, limit: PAGE })) as { last: number; entries: HistoryEntry[] };
    last = page.last;
    for (const { seq, at, type, after } of page.entries) {
      if (out.json) out.object({ actor, seq, at, type, value: after?.value ?? null, phase: after?.phase ?? null });
      else rows.push([String(seq), at.slice(11, 23), eventName(type), after?.phase ?? '', valueText(after?.value)]);
    }
  }
  if (!out.json) out.table(['SEQ', 'AT', 'EVENT', 'PHASE', 'STATE'], rows);
  return EXIT.done;
}
