/** Commands that read: ps, show, why, history, at, mail, receipt, audit, chart, health. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { IndexRow } from '../../actor/actors.ts';
import type { Held } from '../../actor/hold.ts';
import type { HistoryEntry } from '../../actor/past.ts';
import type { Receipt } from '../../actor/receipt.ts';
import { duration } from '../../actor/duration.ts';
import type { Why } from '../../actor/why.ts';
import type { MACHINES } from '../../../machines/index.ts';
import type { Supervision, WaitingOn } from '../../../machines/contract.ts';
import type { Explained } from '../../../machines/dispatcher/explain.ts';
import { addressFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { eventName } from '../fact.ts';
import { moment, wholeNumber } from '../options.ts';
import { valueText, waitText } from '../output.ts';
import { printReceipt } from '../receipt.ts';
import type { Run } from '../run.ts';

export function addReadCommands(program: Command, run: Run): void {
  const read = (command: (context: CommandContext) => Promise<Exit>): Promise<void> =>
    run(command, { reach: 'reading' });

  program
    .command('ps')
    .argument('[kind]', 'session, mission, agent or dispatcher')
    .description('list actors, those that need a person first')
    .option('--phase <phase>', 'only those in it, e.g. awaiting_input')
    .option('--state <path>', 'only those in it: a dotted path, e.g. work.running')
    .option('--mission <mission>', 'only its sessions')
    .option('--user <user>', 'only whose work this is')
    .option('--text <text>', 'only those whose name, title, owner or reference has it')
    .option('--limit <n>', 'at most 1000', wholeNumber)
    .action((kind: string | undefined, options: Record<string, unknown>) =>
      read((context) =>
        ps(context, { kind, ...picked(options, ['phase', 'state', 'mission', 'user', 'text', 'limit']) }),
      ),
    );

  program
    .command('show')
    .argument('<actor>')
    .description('one actor, whole')
    .action((name: string) => read((context) => show(context, name)));

  program
    .command('why')
    .argument('<actor>')
    .description('what it waits for, and what each event would do now')
    .option('--all', 'the runtime’s own events too')
    .action((name: string, { all }: { all?: true }) => read((context) => why(context, name, all)));

  program
    .command('history')
    .argument('<actor>')
    .description('its journal')
    .option('--from <seq>', 'first step', wholeNumber)
    .option('--to <seq>', 'last step', wholeNumber)
    .option('--limit <n>', 'at most this many', wholeNumber)
    .option('--items', 'of a mission: its sessions too')
    .action((name: string, options: Record<string, unknown>) =>
      read((context) => history(context, name, picked(options, ['from', 'to', 'limit', 'items']))),
    );

  program
    .command('at')
    .argument('<actor>')
    .description('the actor as it was')
    .option('--seq <n>', 'after this step', wholeNumber)
    .option('--time <time>', 'at this moment (ISO)', moment)
    .action((name: string, options: Record<string, unknown>) =>
      read(async (context) => {
        if ((options['seq'] === undefined) === (options['time'] === undefined)) {
          throw new CommandError(EXIT.misuse, 'give either seq or time', `chartroom at ${name} --seq 1`);
        }
        const actor = await addressFor(context, name);
        const then = await context.ask('at', { actor, ...picked(options, ['seq', 'time']) });
        if (context.out.json) context.out.object(then);
        else printActor(context, then as Shown);
        return EXIT.done;
      }),
    );

  program
    .command('mail')
    .argument('<actor>')
    .description('what waits in its mailbox')
    .action((name: string) =>
      read(async (context) => {
        const { waiting } = (await context.ask('mail', { actor: await addressFor(context, name) })) as {
          waiting: { envelope: { id: string; type: string; source: string }; stored: boolean }[];
        };
        if (context.out.json) for (const one of waiting) context.out.object(one);
        else
          context.out.table(
            ['ID', 'TYPE', 'FROM'],
            waiting.map(({ envelope }) => [envelope.id, envelope.type, envelope.source]),
          );
        return EXIT.done;
      }),
    );

  program
    .command('receipt')
    .argument('<actor>')
    .argument('<id>')
    .description('what became of an envelope')
    .action((name: string, id: string) =>
      read(async (context) => {
        const { state, receipt } = (await context.ask('receipt', { actor: await addressFor(context, name), id })) as {
          state: string;
          receipt: Receipt | null;
        };
        if (receipt !== null) printReceipt(context.out, receipt);
        else if (context.out.json) context.out.object({ state });
        else context.out.answer(state === 'pending' ? 'it waits in the mailbox' : 'nothing is known of it');
        return receipt === null && state !== 'pending' ? EXIT.unknown : EXIT.done;
      }),
    );

  program
    .command('chart')
    .argument('<kind>')
    .description('draw a statechart')
    .addOption(new Option('--format <format>').choices(['mermaid', 'json', 'svg']).default('mermaid'))
    .option('--events', 'its events as JSON schemas')
    .action((kind: string, { format, events }: { format: string; events?: boolean }) =>
      run(async ({ out }) => {
        const known = await machines();
        const definition = known.find((machine) => machine.kind === kind);
        if (definition === undefined) throw unknownKind(kind, known);
        const { chartOf, eventSchemas } = await import('../../actor/chart.ts');
        const { mermaidOf } = await import('../../visualizer/page/src/drawing/mermaid.ts');
        if (events === true) out.object(eventSchemas(definition));
        else if (format === 'json' || out.json) out.object(chartOf(definition));
        else if (format === 'svg') {
          const { chartSvg } = await import('../../visualizer/chart-svg.ts');
          out.answer((await chartSvg(chartOf(definition))).trimEnd());
        } else out.answer(mermaidOf(chartOf(definition)).trimEnd());
        return EXIT.done;
      }),
    );

  program
    .command('health')
    .description('whether everything moves')
    .action(() =>
      run(async (context) => {
        const health = (await context.ask('health', {})) as { ready: boolean };
        context.out.object(health);
        return health.ready ? EXIT.done : EXIT.failed;
      }),
    );
}

/** A question takes its own fields alone; options of every command stand beside them. */
const picked = (options: Record<string, unknown>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));

/** Loaded only where they are looked at: a command that asks the runtime is there in half the time without. */
const machines = async (): Promise<typeof MACHINES> => (await import('../../../machines/index.ts')).MACHINES;

const unknownKind = (kind: string, known: typeof MACHINES): CommandError =>
  new CommandError(
    EXIT.unknown,
    `there is no kind “${kind}”`,
    `kinds: ${known.map((machine) => machine.kind).join(', ')}`,
  );

async function ps({ out, ask }: CommandContext, filter: Record<string, unknown>): Promise<0> {
  const { kind } = filter;
  if (typeof kind === 'string') {
    const known = await machines();
    if (known.every((machine) => machine.kind !== kind)) throw unknownKind(kind, known);
  }
  const { items, next, held } = (await ask('list', filter)) as {
    items: IndexRow[];
    next: string | null;
    held?: Held;
  };
  if (held !== undefined) out.say(`effects are held since ${held.since}: chartroom resume effects`);
  if (out.json) {
    for (const row of items) out.object(row);
    return EXIT.done;
  }
  out.table(
    ['ACTOR', 'PHASE', 'OWNER', 'EPOCH', 'SINCE', 'WAITS ON'],
    items.map((row) => [
      row.address,
      row.phase,
      row.owner ?? '–',
      row.epoch === null ? '–' : String(row.epoch),
      duration(out.nowMs - Date.parse(row.updatedAt)),
      row.waitingOn.map((wait) => waitText(wait, out.nowMs)).join('; ') || '–',
    ]),
  );
  if (next !== null) out.say(`there are more: --limit, or filter with --phase, --state, --text`);
  return EXIT.done;
}

interface Shown {
  address: string;
  title: string;
  phase: string;
  value: unknown;
  seq: number;
  epoch: number | null;
  owner: string | null;
  updatedAt?: string;
  at?: string;
  waitingOn: WaitingOn[];
  claims: string[];
  timers: Record<string, { due: string }>;
  context: Record<string, unknown>;
  outbox?: { key: string; act: string; held?: true }[];
  watches?: string[];
  parked?: { at: string; reason: string } | null;
}

async function show(context: CommandContext, name: string): Promise<0> {
  const shown = (await context.ask('show', { actor: await addressFor(context, name) })) as Shown;
  if (context.out.json) context.out.object(shown);
  else printActor(context, shown);
  return EXIT.done;
}

function printActor({ out }: CommandContext, shown: Shown): void {
  out.answer(`${out.paint('bold', shown.address)}  ${shown.title}`);
  const row = (name: string, text: string): void => out.answer(`  ${out.paint('dim', name.padEnd(10))} ${text}`);
  row('phase', shown.phase);
  row('state', valueText(shown.value));
  if (shown.owner !== null || shown.epoch !== null)
    row('owner', `${shown.owner ?? 'nobody'}${shown.epoch === null ? '' : `, epoch ${shown.epoch}`}`);
  row('step', `${shown.seq}, ${shown.updatedAt ?? shown.at ?? ''}`);
  for (const wait of shown.waitingOn) row('waits on', waitText(wait, out.nowMs));
  const obligations = (shown.context['obligations'] ?? []) as {
    id: string;
    kind: string;
    attempts: number;
    parked?: { reason: string } | null;
  }[];
  for (const one of Array.isArray(obligations) ? obligations : [])
    row(
      'owes',
      `${one.kind} (${one.id}, attempts ${one.attempts}${one.parked ? `, parked: ${one.parked.reason}` : ''})`,
    );
  for (const [timer, { due }] of Object.entries(shown.timers)) row('timer', `${timer} ${due}`);
  for (const act of shown.outbox ?? []) row('outbox', `${act.act} ${act.key}${act.held === true ? ' (held)' : ''}`);
  if ((shown.watches ?? []).length > 0) row('watches', shown.watches!.join(', '));
  for (const claim of shown.claims) row('claim', claim);
  const notes = (shown.context['notes'] ?? []) as { at?: string; author?: string; text?: string; read?: unknown }[];
  for (const note of Array.isArray(notes) ? notes : []) row('note', `${note.author ?? ''}: ${note.text ?? ''}`);
  if (shown.parked) row('parked', `${shown.parked.at}: ${shown.parked.reason}`);
}

/** What became of an agent's processes, in sentences. */
function supervised({ crashes, crashesInRow, backOffUntil, lastExit, dormant }: Supervision): string[] {
  const lines: string[] = [];
  if (dormant !== null) lines.push(`has no process: ${dormant}`);
  if (backOffUntil !== null) lines.push(`starts nothing until ${backOffUntil}`);
  if (lastExit !== null) {
    const { class: exit, reason, at } = lastExit;
    lines.push(`last process ended ${at}: ${exit}${reason === null ? '' : `, ${reason}`}`);
  }
  if (crashesInRow > 0) lines.push(`${crashes} crashes of late, ${crashesInRow} since one that ended well`);
  return lines;
}

async function why(context: CommandContext, name: string, all?: true): Promise<0> {
  const { out } = context;
  const answer = (await context.ask('why', { actor: await addressFor(context, name) })) as Why & Partial<Explained>;
  if (out.json) {
    out.object(answer);
    return EXIT.done;
  }
  out.answer(`${out.paint('bold', answer.actor)} is ${answer.phase}`);
  if (answer.parked !== null) out.answer(`  parked since ${answer.parked.at}: ${answer.parked.reason}`);
  if (answer.waitingOn.length === 0) out.answer('  waits on nothing');
  for (const wait of answer.waitingOn) {
    out.answer(`  ${wait.sentence}`);
    if (wait.moves.length > 0) out.answer(out.paint('dim', `    ends with ${wait.moves.join(', ')}`));
  }
  for (const { watch, since, reason } of answer.blind)
    out.answer(`  has not seen its ${watch} since ${since}: ${reason}`);
  if (answer.supervision !== undefined) for (const line of supervised(answer.supervision)) out.answer(`  ${line}`);
  if (answer.waiting !== undefined) printWaiting(context, answer.waiting);
  const events = (await machines()).find(({ kind }) => answer.actor.startsWith(`${kind}/`))?.events ?? {};
  const rows = Object.entries(answer.events)
    .filter(([type]) => all === true || events[type]?.from !== 'runtime')
    .sort(([, a], [, b]) => Object.keys(WOULD).indexOf(a.would) - Object.keys(WOULD).indexOf(b.would))
    .map(([type, { would, because }]) => [type, WOULD[would], because]);
  out.answer('');
  out.table(['EVENT', 'NOW', 'BECAUSE'], rows);
  return EXIT.done;
}

/** Of each piece of work that waits for an agent, why every agent does not get it. */
function printWaiting({ out }: CommandContext, waiting: Explained['waiting']): void {
  for (const { session, kind, role, lane, pin, since, ruledOut } of waiting) {
    const where = [pin === null ? role : pin, lane === null ? '' : ` in lane ${lane}`].join('');
    out.answer('');
    out.answer(`${out.paint('bold', session)} wants ${where} for ${kind}, ${duration(out.nowMs - Date.parse(since))}`);
    if (ruledOut.length === 0) out.answer('  no agent is hired');
    for (const { agent, why: reason } of ruledOut) out.answer(`  ${agent}: ${reason}`);
  }
}

/** In the order in which they are shown. */
const WOULD = { move: 'would move', record: 'would be recorded', depend: 'depends', refuse: 'refused' } as const;

async function history(context: CommandContext, name: string, options: object): Promise<0> {
  const { out } = context;
  const { entries } = (await context.ask('history', { actor: await addressFor(context, name), ...options })) as {
    entries: HistoryEntry[];
  };
  if (out.json) {
    for (const entry of entries) out.object(entry);
    return EXIT.done;
  }
  printHistory(context.out, entries);
  return EXIT.done;
}

export function printHistory(out: CommandContext['out'], entries: HistoryEntry[]): void {
  const several = new Set(entries.map(({ actor }) => actor)).size > 1;
  out.table(
    [...(several ? ['ACTOR'] : []), 'SEQ', 'AT', 'EVENT', 'FROM', 'PHASE', 'EFFECTS'],
    entries.map((entry) => [
      ...(several ? [entry.actor] : []),
      entry.seq === 0 ? '–' : String(entry.seq),
      entry.at.slice(11, 23),
      eventName(entry.type),
      entry.envelope.source,
      entry.reason != null
        ? `${entry.outcome}: ${entry.reason}`
        : entry.before?.phase === entry.after?.phase
          ? (entry.after?.phase ?? '')
          : `${entry.before?.phase ?? 'new'} → ${entry.after?.phase ?? ''}`,
      entry.effects
        .map((effect) => (effect.state === 'done' ? effect.name : `${effect.name} (${effect.state})`))
        .join(', '),
    ]),
  );
}
