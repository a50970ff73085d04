/**
 * What schedules meet: which events came in which state, of those the charts decide anything about; and which
 * corrections were taken and refused.
 */
import { MACHINES } from '../../machines/index.ts';
import { kindOf } from '../../src/actor/address.ts';
import { chartOf } from '../../src/actor/chart.ts';
import type { Taken } from './kernel.ts';

const AFTER = 'xstate.after.';

/** Counts by name, e.g. `session work.running ← agent.gone`. */
export type Met = Record<string, number>;

export function meet(met: Met, { actor, envelope, before, decision }: Taken): void {
  const { outcome } = decision.receipt;
  const kind = kindOf(actor);
  const isTimer = envelope.type.startsWith(AFTER);
  const event = isTimer ? `after ${envelope.type.slice(AFTER.length).split('.')[0]}` : envelope.type;
  if (isTimer && outcome === 'refused') return;
  const count = (name: string): void => void (met[name] = (met[name] ?? 0) + 1);
  for (const state of statesOf(before?.live.state.value ?? initialOf(kind))) count(`${kind} ${state} ← ${event}`);
  if (event.startsWith('correct.') || PEOPLE.has(event)) count(`by people: ${kind} ${event} ${outcome}`);
}

const PEOPLE = new Set(['say', 'answer', 'fyi', 'query', 'hire', 'open']);

const initialOf = (kind: string): string => charts.get(kind)?.nodes[0]?.initial ?? '';

function statesOf(value: unknown, place = ''): string[] {
  const under = place === '' ? '' : `${place}.`;
  if (typeof value === 'string') return [`${under}${value}`];
  return Object.entries(value as object).flatMap(([name, part]) => statesOf(part, `${under}${name}`));
}

const charts = new Map(MACHINES.map((definition) => [definition.kind, chartOf(definition)]));

/** Every cell that a chart decides: a state without states, and an event from outside it, or one above it, handles. */
export function cells(kind: string): string[] {
  const { nodes, edges } = charts.get(kind)!;
  const events = new Set(Object.keys(MACHINES.find((definition) => definition.kind === kind)!.events));
  const names = new Set<string>();
  for (const { id, type } of nodes) {
    if (type !== 'atomic' && !(type === 'final' && id.includes('.'))) continue;
    for (const edge of edges) {
      if (id !== edge.from && edge.from !== '' && !id.startsWith(`${edge.from}.`)) continue;
      if (edge.after !== undefined) names.add(`${kind} ${id} ← after ${edge.after}`);
      else if (edge.event !== undefined && events.has(edge.event)) names.add(`${kind} ${id} ← ${edge.event}`);
    }
  }
  return [...names];
}

export function report(met: Met, { missed }: { missed: boolean }): string {
  const lines: string[] = [];
  for (const kind of charts.keys()) {
    const all = cells(kind);
    const not = all.filter((name) => met[name] === undefined);
    lines.push(`${kind}: ${all.length - not.length} of ${all.length} cells (state ← event) were met`);
    if (missed) lines.push(...not.map((name) => `  not met: ${name}`));
  }
  const people = Object.keys(met).filter((name) => name.startsWith('by people: '));
  lines.push(...people.sort().map((name) => `${name.slice('by people: '.length)}: ${met[name]}`));
  return lines.join('\n');
}
