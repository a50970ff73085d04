/** What `why dispatcher/main` tells: of each piece of work that waits for an agent, why every agent does not get it. */
import type { ActorView } from '../contract.ts';
import type { DispatcherContext } from './context.ts';
import { match, slotsTaken } from './match.ts';
import type { Want } from './match.ts';
import { placesTaken, queueOf } from './places.ts';

export interface Explained {
  slots: { taken: number; of: number };
  /** Awake at once; who waits to wake, in turn. */
  chats: { awake: number; of: number; waiting: string[] };
  /** Of each agent, what keeps it from any work now. */
  agents: { agent: string; role: string; life: string; door: string; session: string | null; why: string }[];
  /** In the order in which they are served. */
  waiting: {
    session: string;
    kind: string;
    role: string;
    lane: string | null;
    pin: string | null;
    priority: number;
    since: string;
    ruledOut: { agent: string; why: string }[];
  }[];
  /** Work that an agent was offered and that is not settled yet. */
  offers: { session: string; agent: string }[];
}

/** Larger fleets and longer queues are told in part; each session says the rest of itself. */
const WAITING_SHOWN = 100;

const HELD: Record<string, string> = {
  paused: 'the fleet is paused',
  draining: 'the fleet is being drained',
  stopped: 'the fleet is stopped',
};

export function explain({ value, context }: ActorView<DispatcherContext>): Explained {
  const { agents, offers, maxRuns, spent } = context;
  const held = HELD[(value as { fleet: string }).fleet] ?? null;
  const employed = agents.filter(({ life }) => life !== 'offboarded');
  const taken = slotsTaken(context);
  // Whoever would take it is asked about with no slot free: nothing is handed out by being explained.
  const { unmatched } = match({ wants: context.wants, agents: employed, offers, maxRuns: 0, held });
  const byName = new Map(context.wants.map((want) => [want.session, want]));
  const noSlot =
    spent?.reason ??
    (taken >= maxRuns
      ? `would take it: all ${maxRuns} runs at a time are in progress`
      : 'would take it: what is before it goes first');
  return {
    slots: { taken, of: maxRuns },
    chats: {
      awake: placesTaken(context),
      of: context.maxChats,
      waiting: queueOf(context)
        .slice(0, WAITING_SHOWN)
        .map(({ agent }) => agent),
    },
    agents: employed.map(({ agent, role, life, door, session = null, why }) => ({
      agent,
      role,
      life,
      door,
      session,
      why,
    })),
    waiting: unmatched.slice(0, WAITING_SHOWN).map(({ session, ruledOut, suited }) => {
      const { kind, role, lane = null, pin = null, priority, since } = byName.get(session) as Want;
      const against = ruledOut.map(({ agent, why }) => ({ agent, why }));
      const forIt = suited.map((agent) => ({ agent, why: noSlot }));
      return { session, kind, role, lane, pin, priority, since, ruledOut: [...against, ...forIt] };
    }),
    offers: offers.map(({ session, agent }) => ({ session, agent })),
  };
}
