/** A receipt as a person reads it. */
import { duration } from '../actor/duration.ts';
import type { Foretold } from '../actor/foretelling.ts';
import type { Receipt } from '../actor/receipt.ts';
import { valueText, waitText } from './output.ts';
import type { Output } from './output.ts';

interface Printing {
  preview?: boolean;
  /** What it would tell, do and set. */
  would?: Omit<Foretold, 'receipt'>;
  /** What programs are told beside the receipt. */
  more?: Record<string, unknown>;
}

export function printReceipt(
  out: Output,
  receipt: Receipt,
  { would, preview = would !== undefined, more = {} }: Printing = {},
): void {
  if (out.json) {
    out.object({ ...receipt, ...(would === undefined ? {} : { would }), ...more });
    return;
  }
  const good = receipt.outcome === 'taken' || receipt.outcome === 'recorded';
  const mark = good ? out.paint('green', '✓') : out.paint('red', '✗');
  const twice = receipt.duplicate ? ' (duplicate: this id was taken before)' : '';
  const word = preview ? `would be ${receipt.outcome}` : receipt.outcome;
  const why = receipt.reason === null ? '' : ` — ${receipt.code === null ? '' : `${receipt.code}: `}${receipt.reason}`;
  out.answer(`${mark} ${out.paint('bold', receipt.actor)} ${word}${why}${twice}`);
  if (!good) return;
  const { before, after } = receipt;
  if (after !== null && before?.phase !== after.phase)
    out.answer(`  ${before?.phase ?? 'new'} → ${out.paint('bold', after.phase)}`);
  if (preview && after !== null) {
    const changed = changes(before?.value, after.value);
    if (changed !== '') out.answer(`  ${changed}`);
  }
  if (receipt.effects.length > 0) out.answer(`  effects: ${receipt.effects.join(', ')}`);
  if (would !== undefined) printWould(out, would);
  for (const wait of receipt.waitingOn) out.answer(`  waits on ${waitText(wait, out.nowMs)}`);
}

function printWould(out: Output, { tells, timers, assignment }: Omit<Foretold, 'receipt'>): void {
  if (assignment !== null) {
    const { owner, epoch } = assignment;
    out.answer(
      `  owner ${owner.before ?? 'nobody'} → ${owner.after ?? 'nobody'}, epoch ${epoch.before ?? '–'} → ${epoch.after ?? '–'}`,
    );
  }
  for (const { to, type } of tells) out.answer(`  would tell ${to}: ${type}`);
  for (const { timer, due } of timers.set) {
    const ms = Date.parse(due) - out.nowMs;
    if (ms < SHOWN_MS_MAX) out.answer(`  would set ${nameOf(timer)} (${duration(ms)})`);
  }
  const cleared = timers.cleared.map(nameOf);
  if (cleared.length > 0) out.answer(`  would take away ${cleared.join(', ')}`);
}

/** A timer set further ahead stands for “no deadline”. */
const SHOWN_MS_MAX = 30 * 86_400_000;
/** `session.open.work.offered:offer` → `the timer offer`. */
const nameOf = (timer: string): string => `the timer ${timer.slice(timer.lastIndexOf(':') + 1)}`;

/** Regions that differ: `work: running → stopping`. */
function changes(before: unknown, after: unknown): string {
  const left = regions(before);
  const right = regions(after);
  return Object.keys(right)
    .filter((region) => left[region] !== right[region])
    .map((region) => `${region}: ${left[region] ?? '–'} → ${right[region]}`)
    .join(', ');
}

function regions(value: unknown): Record<string, string> {
  if (typeof value === 'string') return { state: value };
  if (value === null || typeof value !== 'object') return {};
  const record = value as Record<string, unknown>;
  const inner =
    Object.keys(record).length === 1 && typeof Object.values(record)[0] === 'object'
      ? Object.values(record)[0]
      : record;
  return Object.fromEntries(
    Object.entries(inner as Record<string, unknown>).map(([key, part]) => [key, valueText(part)]),
  );
}
