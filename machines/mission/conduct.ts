/** What a mission does with each event. It writes no session's facts: it tells sessions, and shows what they tell. */
import { refuse, tell } from '../decision.ts';
import type { Decision, Wish } from '../decision.ts';
import type { MissionEvent, MissionItem } from '../events/mission.ts';
import { isFull, withNote, withRead } from '../notes.ts';
import type { Item, MissionContext } from './context.ts';
import { hasEnded } from './context.ts';
import { mistakeIn, withDependants } from './graph.ts';
import { askHelp } from './help.ts';
import { holdAll, newItem, openItem, pictureFrom, release, reportOf, settled } from './items.ts';

export type Handler = (context: MissionContext, event: MissionEvent) => Decision<MissionContext>;

const causeOf = (event: MissionEvent): NonNullable<MissionContext['cause']> => ({
  by: event.source,
  reason: (event.data as { reason?: string }).reason ?? null,
  at: event.at,
});

export const open: Handler = (context, event) => {
  if (event.type !== 'open') return {};
  const { objective, conductor, items: specs, policy } = event.data;
  const mistake = mistakeIn(specs);
  if (mistake !== null) return { wishes: [refuse('guard', mistake)] };
  const items = specs.map((spec) => newItem(context.address, spec, 1, event.at));
  const mission: MissionContext = {
    ...context,
    objective,
    conductor: conductor ?? null,
    policy: withPolicy(context.policy, policy ?? {}),
    items,
    cause: causeOf(event),
  };
  return { set: mission, wishes: items.map((item) => openItem(mission, item)) };
};

type Change = { [Key in keyof MissionContext['policy']]?: MissionContext['policy'][Key] | undefined };

function withPolicy(policy: MissionContext['policy'], change: Change): MissionContext['policy'] {
  return {
    maxParallel: change.maxParallel ?? policy.maxParallel,
    review: change.review ?? policy.review,
    stallSeconds: change.stallSeconds ?? policy.stallSeconds,
    help: change.help ?? policy.help,
    onItemFailed: change.onItemFailed ?? policy.onItemFailed,
  };
}

/** After every event while running: who may start. */
export const go: Handler = (context, event) => {
  const { pleas, helpDue, wishes: asked } = askHelp(context, event.at);
  const { items, wishes } = release({ ...context, pleas }, event.at);
  return { set: { items, pleas, helpDue }, wishes: [...wishes, ...asked] };
};

export const hold: Handler = (context, event) => {
  const { items, wishes } = holdAll(context, event.at);
  return { set: { items, pleas: [], helpDue: null }, wishes };
};

export const observe: Handler = (context, event) => {
  if (event.type !== 'session.changed') return {};
  const known = context.items.find(({ session }) => session === event.source);
  if (known === undefined || (known.picture !== null && known.picture.at > event.data.at)) return {};
  const picture = pictureFrom(event.data);
  return { set: { items: replace(context.items, settled({ ...known, picture }, event.at), known) } };
};

const replace = (items: readonly Item[], next: Item, known: Item): Item[] =>
  items.map((item) => (item === known ? next : item));

/** A session that could not be opened is an item that failed, with the reason. */
export const openRefused: Handler = (context, event) => {
  if (event.type !== 'mail.refused' || event.data.type !== 'open') return {};
  const known = context.items.find(({ session, picture }) => session === event.data.to && picture === null);
  if (known === undefined) return {};
  const reason = event.data.reason ?? event.data.code ?? event.data.outcome;
  return { set: { items: replace(context.items, settled({ ...known, refused: reason }, event.at), known) } };
};

export const pause: Handler = (context, event) => {
  if (event.type !== 'correct.pause') return {};
  const runs = event.data.runs === true && !context.pausedRuns;
  return {
    set: { cause: causeOf(event), pausedRuns: context.pausedRuns || runs },
    wishes: runs
      ? context.items.filter((item) => !hasEnded(item)).map((item) => pass(item, 'correct.pause', event))
      : [],
  };
};

/** Paused already: only the runs may be paused too. */
export const pauseRuns: Handler = (context, event) =>
  event.type === 'correct.pause' && event.data.runs === true && !context.pausedRuns ? pause(context, event) : {};

export const resume: Handler = (context, event) => {
  if (event.type !== 'correct.resume') return {};
  return {
    set: { cause: causeOf(event), pausedRuns: false },
    wishes: context.pausedRuns
      ? context.items.filter((item) => !hasEnded(item)).map((item) => pass(item, 'correct.resume', event))
      : [],
  };
};

/** A correction of the mission becomes one of each session it concerns. */
function pass({ session }: Item, type: string, event: MissionEvent, data: Record<string, unknown> = {}): Wish {
  const reason = (event.data as { reason?: string }).reason;
  return tell({ to: session, type, data: { ...data, reason: reason ?? `the mission, by ${event.source}` } });
}

export const stop: Handler = (context, event) => {
  if (event.type !== 'correct.stop') return {};
  const force = context.force || event.data.force === true;
  if (context.ending !== null && force === context.force) return {};
  return { set: { cause: causeOf(event), force, ending: context.ending ?? 'cancelled' } };
};

/** An item failed and the policy says that the mission fails with it. */
export const lose: Handler = (context, event) => ({
  set: { ending: 'failed', cause: { by: context.address, reason: 'an item failed', at: event.at } },
});

/** Closes what has no run; with force, everything. Called again at every change until nothing is open. */
export const closeItems: Handler = (context, event) => {
  const wishes: Wish[] = [];
  const items = context.items.map((item) => {
    if (hasEnded(item) || item.closing || (item.state === 'active' && !context.force)) return item;
    wishes.push(pass(item, 'correct.close', event, { outcome: 'cancelled' }));
    return { ...item, closing: true };
  });
  return { set: { items }, wishes };
};

export const report: Handler = (context) => ({ set: { report: reportOf(context) } });

export const setPolicy: Handler = (context, event) => {
  if (event.type !== 'correct.policy.set') return {};
  return { set: { policy: withPolicy(context.policy, event.data) } };
};

export const addItem: Handler = (context, event) => {
  if (event.type !== 'correct.item.add') return {};
  const { item: spec } = event.data;
  const mistake = mistakeIn([...context.items.map((item) => item.spec), spec]);
  if (mistake !== null) return { wishes: [refuse('guard', mistake)] };
  const nth = (context.used.find(({ key }) => key === spec.key)?.nth ?? 0) + 1;
  const item = newItem(context.address, spec, nth, event.at);
  return { set: { items: [...context.items, item] }, wishes: [openItem(context, item)] };
};

export const removeItem: Handler = (context, event) => {
  if (event.type !== 'correct.item.remove') return {};
  const { item: key, dependants } = event.data;
  if (!context.items.some(({ spec }) => spec.key === key)) return unknownItem(key);
  const specs = context.items.map(({ spec }) => spec);
  const gone = dependants === 'remove' ? withDependants(key, specs) : new Set([key]);
  const removed = context.items.filter(({ spec }) => gone.has(spec.key));
  if (removed.length === context.items.length) {
    return { wishes: [refuse('guard', 'nothing would be left; stop the mission instead')] };
  }
  const items = context.items
    .filter(({ spec }) => !gone.has(spec.key))
    .map((item) => ({ ...item, spec: { ...item.spec, dependsOn: item.spec.dependsOn.filter((on) => !gone.has(on)) } }));
  const used = context.used.filter((entry) => !gone.has(entry.key));
  return {
    set: { items, used: [...used, ...removed.map(({ spec, nth }) => ({ key: spec.key, nth }))] },
    wishes: removed
      .filter((item) => !hasEnded(item))
      .map((item) => pass(item, 'correct.close', event, { outcome: 'cancelled' })),
  };
};

const unknownItem = (key: string): Decision<MissionContext> => ({
  wishes: [refuse('guard', `there is no item “${key}”`)],
});

export const setDepends: Handler = (context, event) => {
  if (event.type !== 'correct.item.depends') return {};
  const { item: key, on } = event.data;
  const known = context.items.find(({ spec }) => spec.key === key);
  if (known === undefined) return unknownItem(key);
  const spec: MissionItem = { ...known.spec, dependsOn: on };
  const items = replace(context.items, { ...known, spec }, known);
  const mistake = mistakeIn(items.map((item) => item.spec));
  return mistake === null ? { set: { items } } : { wishes: [refuse('guard', mistake)] };
};

/** A new session for an item whose last one has ended. */
export const restartItem: Handler = (context, event) => {
  if (event.type !== 'correct.item.restart') return {};
  const known = context.items.find(({ spec }) => spec.key === event.data.item);
  if (known === undefined) return unknownItem(event.data.item);
  if (!hasEnded(known)) return { wishes: [refuse('guard', `“${known.spec.key}” has not ended: it is ${known.state}`)] };
  const item = newItem(context.address, known.spec, known.nth + 1, event.at);
  return { set: { items: replace(context.items, item, known) }, wishes: [openItem(context, item)] };
};

export const note: Handler = (context, event) => {
  if (event.type !== 'fyi') return {};
  if (isFull(context.notes)) return { wishes: [refuse('limit', 'too many notes here have not been read')] };
  return { set: { notes: withNote(context.notes, event) } };
};

export const noteRead: Handler = (context, event) =>
  event.type === 'note.read' ? { set: { notes: withRead(context.notes, event.data.ids, event.data.by) } } : {};
