/** What a mission does with each event. It writes no session's facts: it tells sessions, and shows what they tell. */
import { refuse, tell } from '../decision.ts';
import type { Decision, Wish } from '../decision.ts';
import type { MissionEvent, MissionItem } from '../events/mission.ts';
import { isFull, withNote, withRead } from '../notes.ts';
import type { Item, MissionContext, Picture } from './context.ts';
import { hasEnded } from './context.ts';
import { mistakeIn, withDependants } from './graph.ts';
import { askHelp, withdrawn } from './help.ts';
import { freeNumber, holdAll, newItem, openItem, pictureFrom, release, reportOf, settled } from './items.ts';

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
  const items: Item[] = [];
  for (const spec of specs) {
    items.push(newItem(context.address, spec, freeNumber({ ...context, items }, spec.key, 1), event.at));
  }
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
  return { set: { items, pleas: [], helpDue: null }, wishes: [...wishes, ...withdrawn(context, [])] };
};

export const observe: Handler = (context, event) => {
  if (event.type !== 'session.changed') return {};
  const picture = pictureFrom(event.data);
  const isCorrected = event.data.cause.type?.startsWith('correct.') === true;
  // Two items for one source show one session.
  const shows = ({ session, picture: last }: Item): boolean =>
    session === event.source && (last === null || last.at <= picture.at);
  if (!context.items.some(shows)) return {};
  return {
    set: { items: context.items.map((item) => (shows(item) ? seen(item, picture, isCorrected, event.at) : item)) },
  };
};

function seen(item: Item, picture: Picture, isCorrected: boolean, at: string): Item {
  const next = settled({ ...item, picture, by: picture.owner ?? item.by }, at);
  return {
    ...next,
    begunAt: item.begunAt ?? (next.state === 'active' ? at : null),
    corrections: item.corrections + (isCorrected ? 1 : 0),
  };
}

const replace = (items: readonly Item[], next: Item, known: Item): Item[] =>
  items.map((item) => (item === known ? next : item));

/** A name that is taken so often belongs to somebody who means it. */
const NAMES_MAX = 20;

/**
 * A session that could not be opened. Its source is another session's: the item is linked to that one. Its name is
 * taken: the next name is tried. Else it is an item that failed, with the reason.
 */
export const openRefused: Handler = (context, event) => {
  if (event.type !== 'mail.refused') return {};
  const { type, to, code, holder, outcome } = event.data;
  if (type === 'item.linked') return linkRefused(context, event);
  if (type !== 'open') return {};
  const known = context.items.find((item) => item.session === to && item.picture === null && !item.linked);
  if (known === undefined || hasEnded(known)) return {};
  if (known.closing) {
    return { set: { items: replace(context.items, settled({ ...known, linked: true }, event.at), known) } };
  }
  if (code === 'claim' && holder?.startsWith('session/') === true && known.spec.source?.ref !== undefined) {
    const item: Item = { ...known, session: holder, linked: true, heldBy: [] };
    return {
      set: { items: replace(context.items, item, known) },
      wishes: [tell({ to: holder, type: 'item.linked', data: { item: known.spec.key } })],
    };
  }
  if (code === 'exists' && known.nth < NAMES_MAX) return reopened(context, known, known.nth + 1, event.at);
  const reason = event.data.reason ?? code ?? outcome;
  return { set: { items: replace(context.items, settled({ ...known, refused: reason }, event.at), known) } };
};

/** The holder of the source ended meanwhile: the item gets its own session after all. */
function linkRefused(context: MissionContext, event: MissionEvent): Decision<MissionContext> {
  if (event.type !== 'mail.refused') return {};
  const known = context.items.find((item) => item.session === event.data.to && item.linked && item.picture === null);
  if (known === undefined || hasEnded(known)) return {};
  const { code, outcome, reason } = event.data;
  if (code === 'final') return reopened(context, known, known.nth, event.at);
  const item = settled({ ...known, refused: reason ?? code ?? outcome }, event.at);
  return { set: { items: replace(context.items, item, known) } };
}

/** The item with another session. It may run where the one before might have. */
function reopened(context: MissionContext, known: Item, from: number, at: string): Decision<MissionContext> {
  const item = newItem(context.address, known.spec, freeNumber(context, known.spec.key, from), at);
  return { set: { items: replace(context.items, item, known) }, wishes: [openItem(context, item)] };
}

export const pause: Handler = (context, event) => {
  if (event.type !== 'correct.pause') return {};
  const runs = event.data.runs === true && !context.pausedRuns;
  return {
    set: { cause: causeOf(event), pausedRuns: context.pausedRuns || runs },
    wishes: runs ? context.items.filter(isOurs).map((item) => pass(item, 'correct.pause', event)) : [],
  };
};

/** Paused already: only the runs may be paused too. */
export const pauseRuns: Handler = (context, event) =>
  event.type === 'correct.pause' && event.data.runs === true && !context.pausedRuns ? pause(context, event) : {};

export const resume: Handler = (context, event) => {
  if (event.type !== 'correct.resume') return {};
  return {
    set: { cause: causeOf(event), pausedRuns: false },
    wishes: context.pausedRuns ? context.items.filter(isOurs).map((item) => pass(item, 'correct.resume', event)) : [],
  };
};

/** Open, and a session of this mission. */
const isOurs = (item: Item): boolean => !hasEnded(item) && !item.linked;

/** A linked session goes on without the mission. */
const unlink = ({ session, spec }: Item): Wish =>
  tell({ to: session, type: 'item.unlinked', data: { item: spec.key } });

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
    if (hasEnded(item) || item.closing) return item;
    if (item.linked) {
      wishes.push(unlink(item));
      return settled({ ...item, closing: true }, event.at);
    }
    // One that backs off has no run, and may for hours: there is nothing to wait for.
    if (item.state === 'active' && item.picture?.work !== 'backingOff' && !context.force) return item;
    wishes.push(pass(item, 'correct.close', event, { outcome: 'cancelled' }));
    return { ...item, closing: true };
  });
  return { set: { items }, wishes };
};

export const report: Handler = (context) => ({ set: { report: reportOf(context) } });

export const setPolicy: Handler = (context, event) => {
  if (event.type !== 'correct.policy.set') return {};
  const policy = withPolicy(context.policy, event.data);
  // Sessions are there from the start: those that were opened with the policy’s gate get the new one.
  const wishes =
    policy.review === context.policy.review
      ? []
      : context.items
          .filter((item) => isOurs(item) && item.spec.gates?.review === undefined)
          .map((item) => pass(item, 'correct.edit', event, { gates: { review: policy.review } }));
  return { set: { policy }, wishes };
};

export const addItem: Handler = (context, event) => {
  if (event.type !== 'correct.item.add') return {};
  const { item: spec } = event.data;
  const mistake = mistakeIn([...context.items.map((item) => item.spec), spec]);
  if (mistake !== null) return { wishes: [refuse('guard', mistake)] };
  const last = context.used.find(({ key }) => key === spec.key)?.nth ?? 0;
  const item = newItem(context.address, spec, freeNumber(context, spec.key, last + 1), event.at);
  return { set: { items: [...context.items, item] }, wishes: [openItem(context, item)] };
};

export const removeItem: Handler = (context, event) => {
  if (event.type !== 'correct.item.remove') return {};
  const { item: key, dependants } = event.data;
  if (!context.items.some(({ spec }) => spec.key === key)) {
    // Removed before: it is as they want it.
    return context.used.some((entry) => entry.key === key) ? {} : unknownItem(key);
  }
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
    wishes: [
      ...removed.filter(isOurs).map((item) => pass(item, 'correct.close', event, { outcome: 'cancelled' })),
      ...removed.filter(({ linked }) => linked).map(unlink),
    ],
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
  // A linked item never had a session of its own.
  const from = known.linked ? known.nth : known.nth + 1;
  const item = newItem(context.address, known.spec, freeNumber(context, known.spec.key, from), event.at);
  const wishes = known.linked ? [unlink(known)] : [];
  return { set: { items: replace(context.items, item, known) }, wishes: [...wishes, openItem(context, item)] };
};

export const note: Handler = (context, event) => {
  if (event.type !== 'fyi') return {};
  if (isFull(context.notes)) return { wishes: [refuse('limit', 'too many notes here have not been read')] };
  return { set: { notes: withNote(context.notes, event) } };
};

export const noteRead: Handler = (context, event) =>
  event.type === 'note.read' ? { set: { notes: withRead(context.notes, event.data.ids, event.data.by) } } : {};
