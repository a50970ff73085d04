/**
 * What follows from the items' pictures: who may start, who is held and by what, and whether the mission is over.
 * Computed after every step, never remembered.
 */
import { tell } from '../decision.ts';
import type { Wish } from '../decision.ts';
import type { OpenSession } from '../events/session.ts';
import type { MissionItem, MissionPolicy } from '../events/mission.ts';
import type { Item, ItemState, MissionContext, Picture } from './context.ts';
import { hasEnded } from './context.ts';
import { unblocks } from './graph.ts';
import type { Plea } from './help.ts';
import { remembered } from './remembered.ts';

const idOf = (address: string): string => address.slice(address.indexOf('/') + 1);

export function newItem(mission: string, spec: MissionItem, nth: number, at: string): Item {
  return {
    spec,
    session: sessionOf(mission, spec.key, nth),
    nth,
    state: 'waiting',
    since: at,
    heldBy: [mission],
    picture: null,
    begunAt: null,
    by: null,
    corrections: 0,
    refused: null,
    closing: false,
    linked: false,
  };
}

/** The number of an item's next session, from `from`: the first whose name no other item has (`a-2` may be a key too). */
export function freeNumber({ address, items, used }: MissionContext, key: string, from: number): number {
  const taken = new Set([
    ...items.filter(({ spec }) => spec.key !== key).map(({ session }) => session),
    ...used.filter((entry) => entry.key !== key).map((entry) => sessionOf(address, entry.key, entry.nth)),
  ]);
  let nth = from;
  while (taken.has(sessionOf(address, key, nth))) nth++;
  return nth;
}

const sessionOf = (mission: string, key: string, nth: number): string =>
  `session/${idOf(mission)}-${key}${nth > 1 ? `-${nth}` : ''}`;

/** Opens an item's session; it is held until told otherwise. */
export function openItem({ address, policy }: MissionContext, { spec, session }: Item): Wish {
  const { key, dependsOn: _waitsFor, gates, source, ...brief } = spec;
  const data: OpenSession = {
    ...brief,
    source: source ?? { kind: 'mission' },
    gates: { ...gates, review: gates?.review ?? policy.review },
    mission: address,
    item: key,
  };
  return tell({ to: session, type: 'open', data: { ...data } });
}

const IN_PROGRESS = new Set(['offered', 'preparing', 'running', 'stopping', 'verifying', 'backingOff']);

export function stateOf({ picture, refused, heldBy, linked, closing }: Item): ItemState {
  if (refused !== null) return 'failed';
  // A linked session is somebody else's to end.
  if (linked && closing) return 'cancelled';
  if (picture === null) return heldBy.length === 0 ? 'ready' : 'waiting';
  if (picture.work === 'done' || picture.work === 'failed' || picture.work === 'cancelled') return picture.work;
  if (IN_PROGRESS.has(picture.work)) return 'active';
  if (picture.pull !== null) return 'inReview';
  return heldBy.length === 0 && picture.work === 'unassigned' && !isHeldBack(picture) ? 'ready' : 'waiting';
}

/**
 * Its session is held back by what no slot moves: a pause or a question of its own, a withdrawal, a blocker of its issue.
 * Only what it says whether it has a slot or not: else it would be given one and lose it, again and again.
 */
function isHeldBack({ waitingOn }: Picture): boolean {
  return waitingOn.some(
    ({ gate, on, moves }) =>
      gate === 'paused' ||
      gate === 'withdrawn' ||
      (gate === 'human' && moves.includes('answer')) ||
      (gate === 'dependency' && on?.startsWith('external/') === true),
  );
}

/** Nobody hired can take it, or nobody has for so long that help was asked: it does not keep others from their slot. */
function isStuck({ spec, picture, heldBy }: Item, pleas: readonly Plea[]): boolean {
  if (heldBy.length > 0 || picture === null) return false;
  if (picture.work === 'escalated') return true;
  if (picture.waitingOn.some(({ gate, on }) => gate === 'agent' && on === null)) return true;
  return pleas.some(({ item, gate, asked }) => item === spec.key && gate === 'agent' && asked > 0);
}

/** Tells every open item whether it may start now, and what it waits for where it may not. */
export function release({ items, policy, pleas }: MissionContext, at: string): { items: Item[]; wishes: Wish[] } {
  return tellHeld(items, newsOf(items, policy.maxParallel, policy.onItemFailed, pleas), at);
}

/** What holds an item from now on, by its key; only of those that are held by something else so far. */
type News = ReadonlyMap<string, string[]>;

const newsOf = remembered(
  (items, maxParallel: number, onItemFailed: MissionPolicy['onItemFailed'], pleas: readonly Plea[]): News => {
    const byKey = new Map(items.map((item) => [item.spec.key, item]));
    const slots = maxParallel - items.filter(({ state }) => state === 'active').length;
    const held = new Map<string, string[]>();
    const able: Item[] = [];
    for (const item of items) {
      if (hasEnded(item) || item.linked) continue;
      const waitsFor: string[] = [];
      for (const key of new Set(item.spec.dependsOn)) {
        const on = byKey.get(key);
        if (on !== undefined && isOpenFor(on, onItemFailed)) waitsFor.push(on.session);
      }
      if (waitsFor.length > 0) held.set(item.spec.key, waitsFor);
      else if (item.state === 'active' || item.state === 'inReview' || isStuck(item, pleas))
        held.set(item.spec.key, []);
      else able.push(item);
    }
    inOrder(able, items).forEach(({ spec }, place) => held.set(spec.key, place < slots ? [] : ['slot']));
    return newIn(held, byKey);
  },
);

function newIn(held: News, byKey: ReadonlyMap<string, Item>): News {
  return new Map([...held].filter(([key, by]) => !isSame(by, byKey.get(key)!.heldBy)));
}

/** Who comes first where slots are short: whoever can begin, the more urgent, then whoever most others wait for. */
function inOrder(able: readonly Item[], items: readonly Item[]): Item[] {
  if (able.length < 2) return [...able];
  const weight = unblocks(
    able.map(({ spec }) => spec.key),
    items.map(({ spec }) => spec),
  );
  return able.toSorted(
    (a, b) =>
      Number(cannotBegin(a)) - Number(cannotBegin(b)) ||
      rank(a.spec.priority) - rank(b.spec.priority) ||
      (weight.get(b.spec.key) ?? 0) - (weight.get(a.spec.key) ?? 0),
  );
}

const cannotBegin = ({ picture }: Item): boolean => picture !== null && isHeldBack(picture);

/** Urgent (1) before low (4) before none (0). */
const rank = (priority: number | undefined): number => (priority === undefined || priority === 0 ? 5 : priority);

/** Whether those that depend on it have to wait. */
function isOpenFor(item: Item, onItemFailed: MissionPolicy['onItemFailed']): boolean {
  if (item.state === 'done') return false;
  return !(onItemFailed === 'continue' && hasEnded(item));
}

/** No new run of any kind, in any open session. */
export function holdAll({ items }: MissionContext, at: string): { items: Item[]; wishes: Wish[] } {
  const open = items.filter((item) => !hasEnded(item) && !item.linked && !isSame(PAUSED, item.heldBy));
  return tellHeld(items, new Map(open.map(({ spec }) => [spec.key, PAUSED])), at);
}

const PAUSED = ['paused'];

function tellHeld(items: Item[], news: News, at: string): { items: Item[]; wishes: Wish[] } {
  const wishes: Wish[] = [];
  if (news.size === 0) return { items, wishes };
  const next = items.map((item) => {
    const by = news.get(item.spec.key);
    if (by === undefined) return item;
    if (by.length === 0) wishes.push(tell({ to: item.session, type: 'start.freed', data: {} }));
    else wishes.push(tell({ to: item.session, type: 'start.held', data: { by: by.slice(0, 1_000) } }));
    return settled({ ...item, heldBy: by }, at);
  });
  return { items: next, wishes };
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index]);

/** The item with its state computed anew. */
export function settled(item: Item, at: string): Item {
  const state = stateOf(item);
  return state === item.state ? item : { ...item, state, since: at };
}

/** What a session tells of itself. */
export function pictureFrom(data: {
  value: string | Record<string, Record<string, string>>;
  phase: string;
  pull?: number | undefined;
  owner: string | null;
  epoch: number;
  unread: number;
  waitingOn: Picture['waitingOn'];
  spent?: Picture['spent'] | undefined;
  at: string;
}): Picture {
  const { value } = data;
  return {
    phase: data.phase,
    work: typeof value === 'string' ? value : (value['open']?.['work'] ?? 'unassigned'),
    pull: data.pull ?? null,
    owner: data.owner,
    epoch: data.epoch,
    unread: data.unread,
    waitingOn: data.waitingOn,
    spent: data.spent ?? { runs: 0, tokens: 0, costUsd: 0 },
    at: data.at,
  };
}

export const isEmpty = remembered((items) => items.every(hasEnded));

export function isOver({ items, policy }: MissionContext): boolean {
  if (!isEmpty(items)) return false;
  return policy.onItemFailed === 'continue' || items.every(({ state }) => state !== 'failed');
}

/** Every item was cancelled: what was wanted is not wanted any more. */
export const isCalledOff = ({ items }: MissionContext): boolean => items.every(({ state }) => state === 'cancelled');

/** Over, and nothing of it is done. */
export const isFruitless = (context: MissionContext): boolean =>
  isOver(context) && context.items.every(({ state }) => state !== 'done');

/**
 * An item that ended otherwise than done, and the mission does not go on without it: failed where the policy is to hold,
 * cancelled while others wait for it. A person restarts or removes it.
 */
export function isInTheWay(
  { state, spec }: Item,
  items: readonly Item[],
  onItemFailed: MissionPolicy['onItemFailed'],
): boolean {
  if (state === 'failed') return onItemFailed === 'hold';
  if (state !== 'cancelled' || onItemFailed === 'continue') return false;
  return awaited(items).has(spec.key);
}

/** Keys that open items depend on. */
const awaited = remembered((items) => new Set(items.flatMap((item) => (hasEnded(item) ? [] : item.spec.dependsOn))));

export const isLost = ({ items, policy }: MissionContext): boolean =>
  policy.onItemFailed === 'fail' && items.some(({ state }) => state === 'failed');

/** What became of each item, for people: its end, who owned it, how long it took, what it cost, how often it was corrected. */
export function reportOf({ objective, items }: MissionContext): string {
  const lines = items.map((item) => `- ${item.spec.key}: ${item.spec.title}: ${endOf(item)}`);
  return [objective, '', ...lines].join('\n');
}

function endOf({ state, picture, refused, by, begunAt, since, corrections }: Item): string {
  if (refused !== null) return `${state} (${refused})`;
  const { runs, tokens, costUsd } = picture?.spent ?? { runs: 0, tokens: 0, costUsd: 0 };
  const parts = [
    picture?.pull == null ? null : `pull request #${picture.pull}`,
    by === null ? null : `by ${by}`,
    runs === 0 ? null : counted(runs, 'run'),
    begunAt === null ? null : `${Math.max(1, Math.round((Date.parse(since) - Date.parse(begunAt)) / 60_000))} min`,
    tokens === 0 ? null : counted(tokens, 'token'),
    costUsd === 0 ? null : `${costUsd.toFixed(2)} USD`,
    corrections === 0 ? null : counted(corrections, 'correction'),
  ];
  return [state, ...parts.filter((part) => part !== null)].join(', ');
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
