/**
 * Where a machine can get, and whether it gets out again. Guards are taken as possibly true and events that are not in
 * the catalogue as possibly raised: what is found to be out of reach is so, what is not found may still be.
 */
import type { Definition } from '../actor/state.ts';
import type { Say } from './finding.ts';
import { isResting, placed, withinRegion } from './outline.ts';
import type { Outline, Place, Way } from './outline.ts';

/** Gates that a person ends; all others are ended by something that may never be heard of again. */
const PEOPLES = new Set<unknown>(['human', 'paused', 'withdrawn']);

export function checkWays(definition: Definition, outline: Outline, say: Say): void {
  const reached = reachOf(outline);
  for (const place of outline.places) {
    if (!reached.has(place) && (place.parent === null || reached.has(place.parent)) && place.type !== 'history') {
      say('unreachable', place.path, 'is never reached');
    }
    for (const way of place.ways) {
      if (way.shadowed) say('shadowed', placed(way), 'is never taken');
      if (isIdleReentry(way)) say('idle-reentry', placed(way), 'enters itself anew without a deadline');
    }
    if (reached.has(place) && isResting(place)) checkRest(place, definition, say);
  }
  checkEnds(outline, reached, say);
  checkAlphabet(definition, outline, reached, say);
}

// — getting there —

/** Every place some sequence of events may lead to. */
function reachOf({ root }: Outline): Set<Place> {
  const reached = new Set<Place>();
  const enter = (place: Place): void => {
    if (place.type === 'history') return enter(place.parent!);
    for (const outer of place.around) {
      if (reached.has(outer)) continue;
      reached.add(outer);
      if (outer.type === 'parallel') outer.children.forEach(enter);
    }
    if (place.initial !== null) enter(place.initial);
  };
  enter(root);
  for (let size = 0; size < reached.size;) {
    size = reached.size;
    for (const place of reached) for (const way of place.open) way.targets.forEach(enter);
  }
  return reached;
}

function isIdleReentry({ by, from, targets, actions }: Way): boolean {
  if (by !== 'always' || targets.length !== 1 || targets[0] !== from || actions.length > 0) return false;
  return from.ways.every((way) => way.by !== 'after');
}

// — getting out —

function checkRest(place: Place, { events }: Definition, say: Say): void {
  const { waitsFor, unbounded } = place.meta;
  if (typeof waitsFor !== 'string' || waitsFor === 'nothing') return;
  const own = withinRegion(place).flatMap(({ open }) => open);
  const isAlone = place.parent === null || place.parent.children.length === 1;
  if (!isAlone && own.every(({ targets }) => targets.every((target) => target === place))) {
    say('dead-end', place.path, `waits for ${waitsFor} and has no way out`);
  }
  if (PEOPLES.has(waitsFor)) {
    const heard = place.around.flatMap(({ open }) => open);
    const isPeoples = (type: string): boolean => events[type]!.from !== 'runtime';
    if (!Object.keys(events).some((type) => isPeoples(type) && heard.some((way) => takes(way, type))))
      say('no-person', place.path, `waits for ${waitsFor} without a person’s way out`);
  } else if (typeof unbounded !== 'string' || unbounded === '') {
    const deadlines = own.filter(({ by }) => by === 'after');
    // Where all its guards refuse, a deadline is over and nothing has happened: it does not come again.
    const certain = deadlines.filter(({ guard }) => guard === null);
    if (deadlines.length === 0) say('no-deadline', place.path, `waits for ${waitsFor} without a deadline`);
    else if (certain.length === 0) {
      say('no-deadline', place.path, `waits for ${waitsFor}, and every deadline asks a guard that may refuse`);
    }
  }
}

/** Every place must be able to come to an end of the machine. */
function checkEnds(outline: Outline, reached: Set<Place>, say: Say): void {
  const { root, places } = outline;
  const regions = root.type === 'parallel' ? root.children : [root];
  const ends = regions.map((region) => region.children.filter((child) => child.type === 'final' && reached.has(child)));
  if (root.meta.endless === true) return;
  if (ends.some((finals) => finals.length === 0)) {
    say('no-end', 'the root', 'has no final state that is ever reached');
    return;
  }
  // Of several regions one must stay ended: what can be left again is no end of the machine.
  if (ends.every((finals) => finals.some(canBeLeft))) {
    const mixed = ends.filter((finals) => !finals.every(canBeLeft));
    for (const final of (mixed.length > 0 ? mixed : ends).flat().filter(canBeLeft)) {
      say('final-can-be-left', final.path, 'is final and has a way out');
    }
  }
  const next = onward(outline);
  const canEnd = new Set<Place>(ends.flat());
  for (let size = 0; size < canEnd.size;) {
    size = canEnd.size;
    for (const place of places) {
      if (!canEnd.has(place) && next.get(place)!.some((target) => canEnd.has(target))) canEnd.add(place);
    }
  }
  for (const place of places) {
    if (place.type === 'atomic' && reached.has(place) && !canEnd.has(place)) {
      say('no-end', place.path, 'leads to no final state');
    }
  }
}

const canBeLeft = (place: Place): boolean =>
  withinRegion(place)
    .flatMap(({ open }) => open)
    .some(({ targets }) => targets.some((target) => target !== place));

/** Where each place may lead: by its own ways and those around it, and by whatever ends the parallel state around it. */
function onward({ places }: Outline): Map<Place, Place[]> {
  const exits = new Map<Place, Set<Place>>();
  for (const place of places) {
    for (const outer of place.around) {
      if (outer.type !== 'parallel' || outer.parent === null) continue;
      const found = exits.get(outer) ?? new Set();
      exits.set(outer, found);
      for (const target of targetsOf(place)) if (!target.around.includes(outer)) found.add(target);
    }
  }
  return new Map(
    places.map((place) => {
      const inner = place.type === 'parallel' ? place.children : place.initial === null ? [] : [place.initial];
      const outer = place.around.flatMap((one) => [...targetsOf(one), ...(exits.get(one) ?? [])]);
      return [place, [...new Set([...inner, ...outer])]];
    }),
  );
}

const targetsOf = ({ open }: Place): Place[] => open.flatMap(({ targets }) => targets);

// — the alphabet —

function checkAlphabet({ events }: Definition, { places }: Outline, reached: Set<Place>, say: Say): void {
  const ways = places.filter((place) => reached.has(place)).flatMap(({ open }) => open);
  for (const type of Object.keys(events)) {
    if (!ways.some((way) => takes(way, type))) say('event-unhandled', `event ${type}`, 'is in no region’s alphabet');
  }
}

function takes({ by, name }: Way, type: string): boolean {
  if (by !== 'event') return false;
  return name === type || name === '*' || (name.endsWith('.*') && type.startsWith(name.slice(0, -1)));
}
