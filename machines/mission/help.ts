/**
 * Asking for help: at once for what only a person can move or nobody hired can do, after a while for a ready item that
 * nobody takes; again with back-off, and never for a gate that somebody alive is about to move. Computed from the items'
 * pictures; what is no longer the case is no longer asked.
 */
import { act, tell } from '../decision.ts';
import type { Wish } from '../decision.ts';
import type { MissionPolicy } from '../events/mission.ts';
import type { Item, MissionContext } from './context.ts';
import { hasEnded } from './context.ts';
import { isInTheWay } from './items.ts';
import { remembered } from './remembered.ts';

export interface Plea {
  item: string;
  gate: string;
  on: string | null;
  since: string;
  /** How often help was asked. */
  asked: number;
  nextAt: string;
}

interface Need {
  item: Item;
  gate: string;
  on: string | null;
  since: string;
  detail: string;
  /** Somebody hired may still take it: not before it has stalled. */
  mayMove: boolean;
}

/** Somebody must say how to go on, and nobody is known by name. */
const OPERATOR = 'person/operator';

/** More is said in `waitingOn`; a person asked about a thousand things at once is not helped. */
const PLEAS_MAX = 50;

export function askHelp(
  context: MissionContext,
  at: string,
): { pleas: Plea[]; helpDue: string | null; wishes: Wish[] } {
  const wishes: Wish[] = [];
  const pleas: Plea[] = [];
  const { policy } = context;
  for (const need of needsOf(context.items, policy.onItemFailed, context.conductor)) {
    const { item, gate, on } = need;
    const from = need.mayMove ? later(need.since, policy.stallSeconds * 1_000) : need.since;
    const known = context.pleas.find((plea) => plea.item === item.spec.key && plea.gate === gate && plea.on === on);
    const plea: Plea = known ?? {
      item: item.spec.key,
      gate,
      on,
      since: need.since,
      asked: 0,
      nextAt: from > at ? from : at,
    };
    if (plea.nextAt > at) {
      pleas.push(plea);
      continue;
    }
    const { base, max } = policy.help;
    const nextMs = Math.min(base * 2 ** plea.asked, max) * 1_000;
    wishes.push(...ask(context, need, at, nextMs));
    pleas.push({ ...plea, asked: plea.asked + 1, nextAt: later(at, nextMs) });
  }
  wishes.push(...withdrawn(context, pleas));
  const helpDue = pleas.reduce<string | null>((due, { nextAt }) => (due === null || nextAt < due ? nextAt : due), null);
  return { pleas: isSameList(pleas, context.pleas) ? context.pleas : pleas, helpDue, wishes };
}

const isSameList = (a: readonly Plea[], b: readonly Plea[]): boolean =>
  a.length === b.length && a.every((plea, place) => plea === b[place]);

const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString();

const needsOf = remembered((items, onItemFailed: MissionPolicy['onItemFailed'], conductor: string | null): Need[] => {
  const found: Need[] = [];
  for (const item of items) {
    if (found.length >= PLEAS_MAX) break;
    if (isInTheWay(item, items, onItemFailed)) {
      const detail = item.refused ?? `it ${item.state === 'failed' ? 'failed' : 'was cancelled'}; restart or remove it`;
      found.push({ item, gate: 'human', on: conductor, since: item.since, detail, mayMove: false });
    }
    if (hasEnded(item) || item.picture === null) continue;
    for (const { gate, on, since, until, detail } of item.picture.waitingOn) {
      if (until !== null) continue;
      if (gate === 'paused' || gate === 'withdrawn') continue;
      if (on === null || on === OPERATOR || gate === 'human') {
        found.push({ item, gate, on, since, detail, mayMove: false });
      } else if (gate === 'agent' && item.state === 'ready') {
        found.push({ item, gate, on, since, detail, mayMove: true });
      }
    }
  }
  return found.slice(0, PLEAS_MAX);
});

/** A conductor agent need not answer what is so no more. */
export function withdrawn({ conductor, pleas }: MissionContext, left: readonly Plea[]): Wish[] {
  if (conductor?.startsWith('agent/') !== true) return [];
  const open = new Set(left.map(aboutOf));
  return pleas
    .filter((plea) => plea.asked > 0 && !open.has(aboutOf(plea)))
    .map((plea) => tell({ to: conductor, type: 'query.withdrawn', data: { about: aboutOf(plea) } }));
}

const aboutOf = ({ item, gate, on }: Pick<Plea, 'item' | 'gate' | 'on'>): string => `${item} ${gate} ${on}`;

/** Asked of an agent, it is answered, or visibly not, before it is asked again. */
function ask(
  { conductor }: MissionContext,
  { item, gate, on, since, detail }: Need,
  at: string,
  nextMs: number,
): Wish[] {
  const minutes = Math.round((Date.parse(at) - Date.parse(since)) / 60_000);
  const who = on === null ? 'nobody' : on;
  const text = `${item.spec.key} (${item.spec.title}) waits for ${who}, gate ${gate}, for ${minutes} min: ${detail}`;
  const { repo, source } = item.spec;
  const pull = item.picture?.pull ?? null;
  // The session says it there itself: one of another’s always, one from Linear what a person has to decide.
  const isSaid =
    item.linked || (source?.kind === 'linear' && gate === 'human' && item.picture !== null && !hasEnded(item));
  const wish = act('help.ask', {
    gate,
    on,
    since,
    text,
    item: item.spec.key,
    ...(conductor === null ? {} : { conductor }),
    ...(isSaid
      ? {}
      : {
          where: {
            ...(source?.ref === undefined ? {} : { ref: source.ref }),
            ...(pull === null ? {} : { repo, number: pull }),
          },
        }),
  });
  if (conductor?.startsWith('agent/') !== true) return [wish];
  const about = aboutOf({ item: item.spec.key, gate, on });
  const data = { text, about, ...(nextMs > 0 ? { deadlineMs: nextMs } : {}) };
  return [wish, tell({ to: conductor, type: 'query', data })];
}
