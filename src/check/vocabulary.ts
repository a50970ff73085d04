/** What a machine may be made of: named, harmless, explained. These rules are also asked when a machine is registered. */
import type { RefusalCode } from '../../machines/contract.ts';
import { WISHES } from '../../machines/effects.ts';
import type { Definition } from '../actor/state.ts';
import type { Say } from './finding.ts';
import { isNamed, isResting, placed } from './outline.ts';
import type { Outline, Part, Place, Way } from './outline.ts';

/** What XState does inside a step; everything else of its own would have to be performed by somebody. */
const HARMLESS = new Set(['xstate.assign', 'xstate.raise', 'xstate.cancel', 'xstate.enqueueActions']);
const DROPS = new Set(['refuse', 'supersede']);
const CODES: Record<RefusalCode, true> = {
  schema: true,
  exists: true,
  expired: true,
  guard: true,
  final: true,
  paused: true,
  withdrawn: true,
  policy: true,
  claim: true,
  target: true,
  limit: true,
  parked: true,
};
/** Every gate, and `nothing`. */
const GATES = new Set<unknown>(
  'nothing dependency agent review checks queue merge human upkeep backoff provider slot stopping paused withdrawn'.split(
    ' ',
  ),
);

export function checkVocabulary(definition: Definition, outline: Outline, say: Say): void {
  if (typeof outline.context !== 'function') say('context-function', 'context', 'is not a function');
  checkSetup(definition, outline, say);
  for (const place of outline.places) {
    const where = place.path === '' ? 'the root' : place.path;
    if (place.invokes > 0) say('invoke', where, 'invokes an actor');
    for (const part of [...place.entry, ...place.exit]) {
      checkAction(where, part, outline, say);
      if (isNamed(part) && DROPS.has(part.name)) {
        say('refuses-and-changes', where, `${part.name}s whatever enters or leaves it`);
      }
    }
    for (const way of place.ways) checkWay(way, outline, say);
    checkWords(place, say);
  }
}

/** What the setup names: harmless, explained. */
function checkSetup({ reasons }: Definition, { actions, guards }: Outline, say: Say): void {
  for (const [name, action] of Object.entries(actions)) {
    if (name in WISHES) continue;
    const type = (action as { type?: string } | undefined)?.type;
    if (type === undefined) say('foreign-action', `action ${name}`, 'has a body of its own');
    else if (!HARMLESS.has(type)) say('foreign-action', `action ${name}`, `is XState’s ${shortly(type)}`);
  }
  for (const [name, guard] of Object.entries(guards)) {
    if (typeof guard === 'function' && 'check' in guard) {
      say('inline-guard', `guard ${name}`, 'is a guard combinator');
    }
    if ((reasons[name] ?? '').trim() === '') say('reason', `guard ${name}`, 'has no sentence in reasons');
  }
}

function checkAction(where: string, part: Part, { actions }: Outline, say: Say): void {
  if (!isNamed(part)) {
    const foreign = part.inline !== 'function' && !HARMLESS.has(part.inline);
    if (foreign) say('foreign-action', where, `uses XState’s ${shortly(part.inline)}`);
    else say('inline-action', where, 'has an inline action');
  } else if (!(part.name in actions))
    say('unknown-action', where, `does “${part.name}”, which the setup does not name`);
  else if (part.name === 'refuse') {
    const { code, reason } = (part.params ?? {}) as { code?: string; reason?: string };
    if (code === undefined || !(code in CODES) || (reason ?? '') === '') {
      say('refusal-code', where, `refuses with code ${code ?? 'none'} and ${reason ?? 'no reason'}`);
    }
  }
}

function checkWay(way: Way, outline: Outline, say: Say): void {
  const { actions, guard, targets, by, name } = way;
  const where = placed(way);
  for (const part of actions) checkAction(where, part, outline, say);
  if (guard !== null && !isNamed(guard)) say('inline-guard', where, 'has an inline guard or a guard combinator');
  else if (guard !== null && !(guard.name in outline.guards)) {
    say('unknown-guard', where, `asks “${guard.name}”, which the setup does not name`);
  }
  if (by === 'after' && !(name in outline.delays) && Number.isNaN(Number(name))) {
    say('unknown-delay', where, `waits “${name}”, which the setup does not name`);
  }
  const drop = actions.find((part) => isNamed(part) && DROPS.has(part.name));
  if (drop === undefined) return;
  if (actions.length > 1) say('refuses-and-changes', where, 'refuses and does something besides');
  if (targets.length > 0) say('refuses-and-changes', where, `refuses and goes to ${targets[0]!.path}`);
}

/** What a place says of itself. */
function checkWords(place: Place, say: Say): void {
  const speaks = isResting(place) || place.type === 'final';
  if (speaks && (place.description ?? '').trim() === '') say('description', place.path, 'has no description');
  if (!isResting(place)) return;
  const { waitsFor } = place.meta;
  if (waitsFor === undefined) say('waits-for', place.path, 'rests without meta.waitsFor');
  else if (!GATES.has(waitsFor))
    say('waits-for', place.path, `waits for ${JSON.stringify(waitsFor)}, which is no gate`);
}

/** Names of the setup that the chart never uses. Wishes are used by actions. */
export function checkUse({ reasons }: Definition, { places, actions, guards, delays }: Outline, say: Say): void {
  const used = { action: new Set<string>(Object.keys(WISHES)), guard: new Set<string>(), delay: new Set<string>() };
  for (const place of places) {
    for (const part of [...place.entry, ...place.exit]) if (isNamed(part)) used.action.add(part.name);
    for (const { actions: done, guard, by, name } of place.ways) {
      for (const part of done) if (isNamed(part)) used.action.add(part.name);
      if (guard !== null && isNamed(guard)) used.guard.add(guard.name);
      if (by === 'after') used.delay.add(name);
    }
  }
  const named = { action: Object.keys(actions), guard: Object.keys(guards), delay: Object.keys(delays) };
  for (const kind of ['action', 'guard', 'delay'] as const) {
    for (const name of named[kind]) {
      if (!used[kind].has(name)) say('unused', `${kind} ${name}`, 'is named in the setup and never used');
    }
  }
  for (const name of Object.keys(reasons)) {
    if (!(name in guards)) say('unused', `reason ${name}`, 'is the sentence of a guard that does not exist');
  }
}

const shortly = (type: string): string => type.slice('xstate.'.length);
