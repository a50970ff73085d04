/** A schedule as a list of events that a person can read: when, who took what from whom, and what came of it. */
import { play } from './schedule.ts';
import type { Schedule } from './schedule.ts';
import type { Taken } from './kernel.ts';

const DATA_SHOWN = 160;

/** Plays it once more and tells it line by line; the last line names the broken rule. */
export function tellStory(schedule: Schedule, say: (line: string) => void): void {
  const { broken, moves, seed } = play(schedule, {
    taken: (taken, nowMs) => say(lineOf(taken, nowMs)),
    note: (text, nowMs) => say(`${timeOf(nowMs)} ── ${text}`),
  });
  say(broken === null ? `✓ seed ${seed}: ${moves} moves` : `✗ seed ${seed}: ${broken.rule}\n  ${broken.detail}`);
}

const timeOf = (ms: number): string => new Date(ms).toISOString().slice(11, 23);

function lineOf({ actor, envelope, decision }: Taken, nowMs: number): string {
  const { receipt } = decision;
  const { type, source, expectepoch, data } = envelope;
  const fence = expectepoch === undefined ? '' : ` @${expectepoch}`;
  const name = type.startsWith('xstate.after.') ? `timer ${type.slice('xstate.after.'.length)}` : type;
  const outcome = receipt.outcome === 'taken' ? placesOf(receipt) : `${receipt.outcome}: ${receipt.reason ?? ''}`;
  const effects = receipt.effects.length === 0 ? '' : ` → ${receipt.effects.join(', ')}`;
  const shown = Object.keys(data).length === 0 ? '' : `  ${JSON.stringify(data).slice(0, DATA_SHOWN)}`;
  return `${timeOf(nowMs)} ${actor} ← ${name}${fence} from ${source}: ${outcome}${effects}${shown}`;
}

/** Where the step led: the regions that moved. */
function placesOf({ before, after }: Taken['decision']['receipt']): string {
  const was = leaves(before?.value ?? {});
  const moved = [...leaves(after?.value ?? {})].filter(([region, state]) => was.get(region) !== state);
  return moved.length === 0 ? 'taken' : moved.map(([region, state]) => `${region} ${state}`).join(', ');
}

function leaves(value: unknown, place = ''): Map<string, string> {
  if (typeof value === 'string') return new Map([[place === '' ? 'it is' : place, value]]);
  const found = new Map<string, string>();
  for (const [region, part] of Object.entries(value as object)) {
    for (const [name, state] of leaves(part, region)) found.set(name, state);
  }
  return found;
}
