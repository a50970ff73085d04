/** The catalogue of the dispatcher's events (docs/events.md, rows 83–87). */
import { z } from 'zod';
import type { EventSpec, EventsOf } from '../contract.ts';
import { EVERY_ACTOR, address, agentAddress, correction, priority, time, workKind } from './common.ts';

export const workWanted = z.strictObject({
  session: address,
  want: z.number().int().min(1),
  user: z.string(),
  kind: workKind,
  role: z.string(),
  lane: z.string().optional(),
  pin: z.string().optional(),
  excluded: z.array(z.string()).max(1_000),
  lastOwner: z.string().optional(),
  priority,
  since: time,
});
export type WorkWanted = z.infer<typeof workWanted>;

export const agentChanged = z.strictObject({
  agent: agentAddress,
  role: z.string(),
  kinds: z.array(workKind),
  lanes: z.array(z.string()),
  user: z.string(),
  life: z.string(),
  door: z.string(),
  session: z.string().optional(),
  /** A chat is never offered work. */
  mode: z.enum(['worker', 'chat']).optional(),
  /** It takes nothing while so many of its role, for its user, are at work. */
  concurrent: z.number().int().min(1).optional(),
  /** Of a chat: it has something to read and no process; it has one; it has one that nobody needs. */
  place: z.enum(['wanted', 'taken', 'idle']).optional(),
  why: z.string(),
});
export type AgentChanged = z.infer<typeof agentChanged>;

export const DISPATCHER_EVENTS = {
  ...EVERY_ACTOR,
  /** The dispatcher is opened by the runtime at its first start with the configured `limits.maxRuns`, and told again when that changed. */
  'fleet.configured': {
    data: z.strictObject({
      maxRuns: z.number().int().min(0),
      maxChats: z.number().int().min(1).optional(),
      day: z
        .strictObject({ tokens: z.number().int().min(0).optional(), costUsd: z.number().min(0).optional() })
        .optional(),
    }),
    means: 'The configured number of runs and of awake chats at a time, and what all of them may use in a day.',
    creates: 'ifMissing',
    from: 'runtime',
  },
  'work.wanted': { data: workWanted, means: 'A session wants an agent.', from: 'runtime' },
  'work.unwanted': {
    data: z.strictObject({ session: address, want: z.number().int() }),
    means: 'That want is over.',
    from: 'runtime',
  },
  'offer.settled': {
    data: z.strictObject({
      session: address,
      agent: agentAddress,
      want: z.number().int(),
      outcome: z.enum(['accepted', 'declined', 'timedOut', 'ended']),
    }),
    means: 'The session closed its offer to this agent.',
    from: 'runtime',
  },
  'agent.changed': { data: agentChanged, means: 'An agent’s life, door or work changed.', from: 'runtime' },
  'place.returned': {
    data: z.strictObject({ agent: agentAddress }),
    means: 'A chat does not need the place it was given.',
    from: 'runtime',
  },
  'usage.spent': {
    data: z.strictObject({
      agent: agentAddress,
      /** Of a run; a chat works for nobody’s session. */
      session: address.optional(),
      epoch: z.number().int().min(0).optional(),
      tokens: z.number().int().min(0),
      costUsd: z.number().min(0),
    }),
    means:
      'What an agent’s process used, beyond what was told of it before: of a run at its end, of a chat after each turn.',
    from: 'runtime',
  },
  'correct.budget.set': {
    data: correction({ kind: z.enum(['tokens', 'costUsd']), limit: z.number().min(0) }),
    means: 'What all agents may use on this day (UTC), whatever is configured.',
  },
  'correct.pause': { data: correction({}), means: 'Hand out nothing, fleet-wide.' },
  'correct.resume': { data: correction({}), means: 'Hand out work again.' },
  'correct.drain': { data: correction({}), means: 'Let runs finish, then stop every agent.' },
  'correct.stop': { data: correction({}), means: 'Stop every agent now.' },
} as const satisfies Record<string, EventSpec>;

export type DispatcherEvent = EventsOf<typeof DISPATCHER_EVENTS>;
