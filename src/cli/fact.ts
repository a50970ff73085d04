/** A fact on one line: when, who, what, how its phase changed, what it waits for now. */
import type { Fact } from '../actor/fact.ts';
import { waitText } from './output.ts';
import type { Output } from './output.ts';

/** Wide enough for most addresses and events, so that lines stand under each other. */
const ACTOR_WIDTH = 24;
const EVENT_WIDTH = 22;

export function factLine({ paint }: Pick<Output, 'paint'>, fact: Fact): string {
  const parts = [
    paint('dim', fact.at.slice(11, 23)),
    paint('bold', fact.actor.padEnd(ACTOR_WIDTH)),
    eventName(fact.type).padEnd(EVENT_WIDTH),
    phaseText({ paint }, fact),
  ];
  const waits = fact.waitingOn.map((wait) => waitText(wait, Date.parse(fact.at))).join('; ');
  if (waits !== '') parts.push(paint('dim', `⏳ ${waits}`));
  return parts.join('  ').trimEnd();
}

/** XState's name of a timer event holds the delay's name and a path; people need the first. */
export function eventName(type: string): string {
  return type.startsWith('xstate.after.') ? `timer ${type.slice('xstate.after.'.length).split('.')[0]}` : type;
}

function phaseText({ paint }: Pick<Output, 'paint'>, { before, after, outcome, summary }: Fact): string {
  if (after === null) return summary;
  if (before?.phase === after.phase)
    return outcome === 'recorded' ? paint('dim', `${after.phase} (recorded)`) : after.phase;
  return `${before?.phase ?? 'new'} → ${paint('green', after.phase)}`;
}
