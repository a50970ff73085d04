/** The catalogue of a mission's events (docs/events.md, rows 45–54). */
import { z } from 'zod';
import type { EventSpec, EventsOf } from '../contract.ts';
import {
  EVERY_ACTOR,
  agentAddress,
  budgets,
  correction,
  deliver,
  gates,
  line,
  mergePolicy,
  priority,
  prose,
  repoName,
  repoSettings,
  reviewers,
  workKind,
} from './common.ts';
import { SESSION_EVENTS, source } from './session.ts';

export const itemKey = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be lower case letters, digits, - and _');

export const missionItem = z.strictObject({
  key: itemKey,
  title: line,
  body: prose,
  kind: workKind,
  role: z.string().optional(),
  lane: z.string().optional(),
  pin: agentAddress.optional(),
  dependsOn: z.array(itemKey).max(1_000),
  repo: repoName,
  base: z.string().optional(),
  deliver,
  gates: gates.optional(),
  merge: mergePolicy.optional(),
  reviewers: reviewers.optional(),
  user: z.string().optional(),
  priority: priority.optional(),
  budgets: budgets.optional(),
  source: source.optional(),
  ...repoSettings,
});
export type MissionItem = z.infer<typeof missionItem>;

export const missionPolicy = z.strictObject({
  maxParallel: z.number().int().min(1),
  review: z.enum(['required', 'everyHead', 'none']),
  stallSeconds: z.number().min(0),
  help: z.strictObject({ base: z.number().min(0), max: z.number().min(0) }),
  onItemFailed: z.enum(['hold', 'continue', 'fail']),
});
export type MissionPolicy = z.infer<typeof missionPolicy>;

export const MISSION_EVENTS = {
  ...EVERY_ACTOR,
  open: {
    data: z.strictObject({
      objective: line,
      conductor: z
        .string()
        .regex(/^(agent|person)\/\S{1,128}$/, 'must be agent/x or person/x')
        .optional(),
      items: z.array(missionItem).min(1).max(10_000),
      policy: missionPolicy.partial().optional(),
    }),
    means: 'Begin this mission.',
    creates: 'always',
  },
  'session.changed': SESSION_EVENTS['session.changed'],
  'help.ask.done': SESSION_EVENTS['help.ask.done'],
  'help.ask.failed': SESSION_EVENTS['help.ask.failed'],
  'query.answered': {
    data: z.strictObject({ query: z.string(), text: prose.nullable(), late: z.boolean() }),
    means: 'The conductor agent answered, or did not in time.',
    from: 'runtime',
  },
  'correct.item.add': {
    data: correction({ item: missionItem }),
    means: 'Add an item.',
    targets: ({ item }: { item: MissionItem }) => (item.pin === undefined ? [] : [item.pin]),
    conductor: true,
  },
  'correct.item.remove': {
    data: correction({ item: itemKey, dependants: z.enum(['free', 'remove']) }),
    means: 'Remove an item; its dependants are freed or removed too.',
    conductor: true,
  },
  'correct.item.depends': {
    data: correction({ item: itemKey, on: z.array(itemKey).max(1_000) }),
    means: 'Set what an item depends on.',
    conductor: true,
  },
  'correct.item.restart': {
    data: correction({ item: itemKey }),
    means: 'Open a new session for a finished item.',
    conductor: true,
  },
  'correct.policy.set': {
    data: missionPolicy.partial().extend({ reason: prose.optional() }),
    means: 'Change the policy.',
  },
  'correct.pause': {
    data: correction({ runs: z.boolean().optional() }),
    means: 'Start nothing new (runs: pause those too).',
    conductor: true,
  },
  'correct.resume': { data: correction({ runs: z.boolean().optional() }), means: 'Go on.', conductor: true },
  'correct.stop': {
    data: correction({ force: z.boolean().optional() }),
    means: 'End the mission (force: end runs now).',
  },
} as const satisfies Record<string, EventSpec>;

export type MissionEvent = EventsOf<typeof MISSION_EVENTS>;
