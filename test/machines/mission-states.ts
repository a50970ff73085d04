/** A mission in each of its states, and one event of each type as it would come to it there: the axes of its table. */
import { missionDefinition } from '../../machines/mission/index.ts';
import type { MISSION_EVENTS } from '../../machines/events/mission.ts';
import { testActor } from '../support/actor.ts';
import type { Sending, TestActor } from '../support/actor.ts';

export type MissionEventType = Exclude<keyof typeof MISSION_EVENTS, 'open'>;

const item = (key: string, dependsOn: string[] = []) => ({
  key,
  title: `Do ${key}`,
  body: '',
  kind: 'implement',
  dependsOn,
  repo: 'acme/api',
  deliver: 'report',
});

function running(policy: Record<string, unknown> = {}): TestActor {
  const actor = testActor(missionDefinition, 'mission/m1');
  actor.take('open', { objective: 'Ship it', items: [item('a'), item('b')], policy });
  return actor;
}

const changed = (actor: TestActor, key: string, value: unknown): void => {
  actor.take(
    'session.changed',
    {
      value,
      phase: 'x',
      owner: null,
      epoch: 1,
      unread: 0,
      waitingOn: [],
      at: actor.now(),
      cause: { id: 'x', source: 'x' },
    },
    { source: `session/m1-${key}` },
  );
};

export const STATES = {
  running: () => running(),
  paused: () => {
    const actor = running();
    actor.take('correct.pause');
    return actor;
  },
  stopping: () => {
    const actor = running();
    changed(actor, 'a', { open: { work: 'running' } });
    actor.take('correct.stop');
    return actor;
  },
  completed: () => {
    const actor = running();
    changed(actor, 'a', 'done');
    changed(actor, 'b', 'done');
    return actor;
  },
  failed: () => {
    const actor = running({ onItemFailed: 'fail' });
    changed(actor, 'a', 'failed');
    changed(actor, 'b', 'cancelled');
    return actor;
  },
  cancelled: () => {
    const actor = running();
    actor.take('correct.stop');
    changed(actor, 'a', 'cancelled');
    changed(actor, 'b', 'cancelled');
    return actor;
  },
} as const satisfies Record<string, () => TestActor>;
export type MissionState = keyof typeof STATES;

const refused = {
  id: 'mission/m1/1/0',
  to: 'session/m1-a',
  type: 'open',
  outcome: 'refused',
  code: 'claim',
  reason: 'x',
};

export const SAMPLES: Record<MissionEventType, [Record<string, unknown>, Sending?]> = {
  fyi: [{ text: 'x' }],
  'note.read': [{ ids: [], by: 'run' }],
  'mail.refused': [refused],
  'session.changed': [
    {
      value: 'done',
      phase: 'done',
      owner: null,
      epoch: 9,
      unread: 0,
      waitingOn: [],
      at: '2026-01-01T00:00:00.000Z',
      cause: { id: 'x', source: 'x' },
    },
    { source: 'session/m1-a' },
  ],
  'help.ask.done': [{ key: 'k' }],
  'help.ask.failed': [{ key: 'k', code: 'X', reason: 'x' }],
  'query.answered': [{ query: 'q', text: null, late: false }],
  'correct.item.add': [{ item: item('new') }],
  'correct.item.remove': [{ item: 'a', dependants: 'free' }],
  'correct.item.depends': [{ item: 'b', on: ['a'] }],
  'correct.item.restart': [{ item: 'a' }],
  'correct.policy.set': [{ maxParallel: 5 }],
  'correct.pause': [{}],
  'correct.resume': [{}],
  'correct.stop': [{}],
};

/** `T state` taken, `R` recorded, `F` refused; the state where it changed. */
export function outcome(state: MissionState, type: MissionEventType): string {
  const actor = STATES[state]();
  const before = actor.value();
  const [data, sending] = SAMPLES[type];
  const result = actor.send(type, data, sending);
  if (result.outcome === 'refused') return result.code === 'guard' ? 'F' : `F ${result.code}`;
  const after = actor.value();
  const moved = after === before || typeof after !== 'string' ? '' : ` ${after}`;
  return `${result.outcome === 'taken' ? 'T' : 'R'}${moved}`;
}
