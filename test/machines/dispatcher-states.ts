/** The dispatcher in each state of its fleet, and one event of each type: the axes of its table. */
import { dispatcherDefinition } from '../../machines/dispatcher/index.ts';
import type { DISPATCHER_EVENTS } from '../../machines/events/dispatcher.ts';
import { testActor } from '../support/actor.ts';
import type { TestActor } from '../support/actor.ts';

export type DispatcherEventType = keyof typeof DISPATCHER_EVENTS;

const agent = {
  agent: 'agent/ada',
  role: 'implementer',
  kinds: ['implement'],
  lanes: [],
  user: 'default',
  life: 'busy',
  door: 'open',
  session: 'session/s0',
  why: 'busy',
};

function open(): TestActor {
  const dispatcher = testActor(dispatcherDefinition, 'dispatcher/main');
  dispatcher.take('fleet.configured', { maxRuns: 2 });
  dispatcher.take('agent.changed', agent);
  return dispatcher;
}

const after = (correction: string) => (): TestActor => {
  const dispatcher = open();
  dispatcher.take(correction);
  return dispatcher;
};

export const FLEETS = {
  open,
  paused: after('correct.pause'),
  draining: after('correct.drain'),
  stopped: after('correct.stop'),
} as const satisfies Record<string, () => TestActor>;
export type Fleet = keyof typeof FLEETS;

export const SAMPLES: Record<DispatcherEventType, Record<string, unknown>> = {
  fyi: { text: 'x' },
  'note.read': { ids: [], by: 'run' },
  'mail.refused': {
    id: 'dispatcher/main/1/0',
    to: 'session/s1',
    type: 'work.matched',
    outcome: 'superseded',
    code: null,
    reason: 'x',
  },
  'fleet.configured': { maxRuns: 3 },
  'work.wanted': {
    session: 'session/s1',
    want: 1,
    user: 'default',
    kind: 'implement',
    role: 'implementer',
    excluded: [],
    priority: 0,
    since: '2026-01-01T00:00:00.000Z',
  },
  'work.unwanted': { session: 'session/s1', want: 1 },
  'offer.settled': { session: 'session/s1', agent: 'agent/ada', want: 1, outcome: 'ended' },
  'agent.changed': { ...agent, agent: 'agent/new', life: 'asleep', session: undefined },
  'place.returned': { agent: 'agent/ada' },
  'usage.spent': { agent: 'agent/ada', session: 'session/s0', epoch: 1, tokens: 10, costUsd: 0 },
  'correct.budget.set': { kind: 'tokens', limit: 100 },
  'correct.pause': {},
  'correct.resume': {},
  'correct.drain': {},
  'correct.stop': {},
};

/** `T fleet` taken, `R` recorded, `F` refused; the fleet's state where it changed. */
export function outcome(fleet: Fleet, type: DispatcherEventType): string {
  const dispatcher = FLEETS[fleet]();
  const result = dispatcher.send(type, SAMPLES[type]);
  if (result.outcome === 'refused') return result.code === 'guard' ? 'F' : `F ${result.code}`;
  if (result.outcome === 'superseded') return 'S';
  const now = (dispatcher.value() as { fleet: string }).fleet;
  return `${result.outcome === 'taken' ? 'T' : 'R'}${now === fleet ? '' : ` ${now}`}`;
}
