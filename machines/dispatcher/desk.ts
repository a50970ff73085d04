/** What the dispatcher does with each word it gets. Each handler only keeps the pictures true; `hand-out.ts` decides. */
import type { MachineEvent } from '../contract.ts';
import { refuse } from '../decision.ts';
import type { Decision } from '../decision.ts';
import type { DispatcherEvent } from '../events/dispatcher.ts';
import { isFull, withNote, withRead } from '../notes.ts';
import type { DispatcherContext, Employed } from './context.ts';
import { isDown } from './context.ts';
import type { Offer, Want } from './match.ts';
import { CHATS_MAX, placeOf } from './places.ts';

/** Something changed that matching may depend on. */
export type DeskChanged = MachineEvent<'desk.changed', Record<string, never>>;
export type Taken = DispatcherEvent | DeskChanged;
export type Handler = (context: DispatcherContext, event: Taken) => Decision<DispatcherContext>;

/** Offboarded agents that are still remembered: who waits for one of them must learn which lane it was in. */
const GONE_KEPT = 200;

export const configured: Handler = (_, event) =>
  event.type === 'fleet.configured'
    ? {
        set: {
          maxRuns: event.data.maxRuns,
          maxChats: event.data.maxChats ?? CHATS_MAX,
          daily: event.data.day ?? {},
        },
      }
    : {};

export const wanted: Handler = (context, event) => {
  if (event.type !== 'work.wanted') return {};
  const known = context.wants.find((want) => want.session === event.data.session);
  if (known !== undefined && known.want >= event.data.want) return {};
  const want: Want = { ...event.data, said: null, pinLost: false };
  return { set: { wants: [...context.wants.filter((other) => other !== known), want] } };
};

export const unwanted: Handler = (context, event) => {
  if (event.type !== 'work.unwanted') return {};
  const { session, want } = event.data;
  const known = context.wants.find((other) => other.session === session);
  if (known === undefined) return {};
  if (known.want > want) {
    return { wishes: [{ type: 'supersede', params: { reason: `${session} has since asked again (${known.want})` } }] };
  }
  return { set: { wants: context.wants.filter((other) => other !== known) } };
};

export const settled: Handler = (context, event) => {
  if (event.type !== 'offer.settled') return {};
  const { session, agent, want, outcome } = event.data;
  const offer = context.offers.find((open) => open.session === session && open.agent === agent && open.want === want);
  if (offer === undefined) return {};
  const others = context.offers.filter((open) => open !== offer);
  const offers = outcome === 'accepted' && !offer.seen ? [...others, { ...offer, accepted: true }] : others;
  return {
    set: {
      offers,
      agents: context.agents.map((row) => {
        if (row.agent !== agent) return row;
        if (outcome === 'declined') return { ...row, declined: !row.heard, silent: false };
        return { ...row, silent: outcome === 'timedOut' };
      }),
    },
  };
};

export const agentChanged: Handler = (context, event) => {
  if (event.type !== 'agent.changed') return {};
  const now = event.data;
  const before = context.agents.find((row) => row.agent === now.agent);
  const isFree = now.session === undefined;
  const wasFree = before !== undefined && before.session === undefined;
  const row: Employed = {
    ...now,
    freeSince: wasFree && isFree ? before.freeSince : event.at,
    downSince: isDown(now.life) ? (before?.downSince ?? event.at) : null,
    declined: false,
    silent: before?.silent ?? false,
    heard: true,
    told: false,
    ...placeOf(now, before, event.at),
  };
  const agents = before === undefined ? [...context.agents, row] : context.agents.map((r) => (r === before ? row : r));
  return { set: { agents: withoutLongGone(agents), offers: context.offers.flatMap((offer) => seen(offer, row)) } };
};

function withoutLongGone(agents: Employed[]): Employed[] {
  let surplus = agents.filter(({ life }) => life === 'offboarded').length - GONE_KEPT;
  return surplus <= 0 ? agents : agents.filter(({ life }) => life !== 'offboarded' || surplus-- <= 0);
}

/** The agent says that it has the session: once the session says so too, the offer is closed. */
function seen(offer: Offer, row: Employed): Offer[] {
  if (offer.agent !== row.agent || offer.session !== row.session) return [offer];
  return offer.accepted ? [] : [{ ...offer, seen: true }];
}

/** A match that the session did not take leaves no offer behind. */
export const refusedMatch: Handler = (context, event) => {
  if (event.type !== 'mail.refused' || event.data.type !== 'work.matched') return {};
  const offers = context.offers.filter((offer) => offer.session !== event.data.to || offer.accepted);
  return offers.length === context.offers.length ? {} : { set: { offers } };
};

export const note: Handler = (context, event) => {
  if (event.type !== 'fyi') return {};
  if (isFull(context.notes)) return { wishes: [refuse('limit', 'too many notes here have not been read')] };
  return { set: { notes: withNote(context.notes, event) } };
};

export const noteRead: Handler = (context, event) =>
  event.type === 'note.read' ? { set: { notes: withRead(context.notes, event.data.ids, event.data.by) } } : {};
