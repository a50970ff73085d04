/** An agent in each of its lives, and one event of each type as it would come to it there: the axes of its table. */
import type { AGENT_EVENTS } from '../../machines/events/agent.ts';
import type { Sending, TestActor } from '../support/actor.ts';
import { SESSION, begin, busy, exit, hire, offer } from './agent-support.ts';

export type AgentEventType = Exclude<keyof typeof AGENT_EVENTS, 'hire'>;

export const LIVES = {
  asleep: () => hire(),
  /** Accepted, not begun. */
  starting: () => accepted(),
  /** Begun: there is a process. */
  startingProcess: () => {
    const agent = accepted();
    begin(agent, 1);
    return agent;
  },
  busy: () => busy(),
  coolingDown: () => {
    const agent = hire();
    offer(agent, 1);
    begin(agent, 1);
    exit(agent, 'contention');
    return agent;
  },
  stopping: () => {
    const agent = busy();
    agent.take('run.cancelled', { session: SESSION, epoch: 1, reason: 'reassigned' });
    return agent;
  },
  stopped: () => {
    const agent = hire();
    agent.take('correct.stop');
    return agent;
  },
  offboarding: () => {
    const agent = busy();
    agent.take('correct.offboard');
    return agent;
  },
  offboarded: () => {
    const agent = hire();
    agent.take('correct.offboard');
    agent.take('credential.revoke.done', { key: 'k' });
    return agent;
  },
  chatAsleep: () => hire({ mode: 'chat', role: 'reviewer' }),
  chatAwake: () => awake(),
  chatBusy: () => {
    const agent = awake();
    agent.take('say', { text: 'hello' });
    return agent;
  },
  archived: () => {
    const agent = hire({ mode: 'chat', role: 'reviewer' });
    agent.take('correct.archive');
    return agent;
  },
} as const satisfies Record<string, () => TestActor>;
export type Life = keyof typeof LIVES;

function accepted(): TestActor {
  const agent = hire();
  offer(agent, 1);
  return agent;
}

function awake(): TestActor {
  const agent = hire({ mode: 'chat', role: 'reviewer' });
  agent.take('consumer.attached', { consumer: 't1', kind: 'terminal' });
  agent.take('driver.started', { pid: 1, startedAt: agent.now() });
  return agent;
}

const usage = { inputTokens: 1, outputTokens: 1 };
const run = { session: SESSION, epoch: 1 };
const prompt = {
  objective: { title: 'Add hello', body: '' },
  why: 'it was asked for',
  required: [],
  changes: [],
  facts: [],
  texts: [],
  notes: [],
  deliver: 'a pull request',
};
const done = { key: 'k' };
const failed = { key: 'k', code: 'X', reason: 'x' };
const steer = { wish: { ...run, say: 'm1', text: 'x' } };

export const SAMPLES: Record<AgentEventType, [Record<string, unknown>, Sending?]> = {
  fyi: [{ text: 'x' }],
  'note.read': [{ ids: [], by: 'run' }],
  'mail.refused': [
    { id: 'agent/ada/99/0', to: SESSION, type: 'run.started', outcome: 'superseded', code: null, reason: 'epoch 2' },
  ],
  'driver.steer.done': [{ key: 'k', result: { taken: true } }, steer],
  'driver.steer.failed': [failed, steer],
  'driver.answer.done': [done],
  'driver.answer.failed': [failed],
  'driver.prompt.done': [{ key: 'k', result: { turn: 't' } }],
  'driver.prompt.failed': [failed],
  'driver.interrupt.done': [done],
  'driver.interrupt.failed': [failed],
  'process.end.done': [done],
  'process.end.failed': [failed],
  'credential.revoke.done': [done],
  'credential.revoke.failed': [failed],
  'run.offered': [{ ...run, epoch: 7, kind: 'implement', title: 'x' }],
  'run.begun': [
    {
      ...run,
      kind: 'implement',
      for: 'implement',
      title: 'x',
      attempt: 1,
      worktree: '/w',
      repo: 'acme/api',
      prompt,
      limits: {},
    },
  ],
  'run.cancelled': [{ ...run, reason: 'reassigned' }],
  'run.steered': [{ ...run, say: 'm1', text: 'x' }],
  'run.answered': [{ ...run, question: 'q1', text: 'x' }],
  'driver.started': [{ pid: 1, startedAt: '2026-01-01T00:00:00.000Z' }],
  'driver.asked': [{ question: 'q1', kind: 'question', text: 'Which?' }],
  'driver.said': [{ text: 'x', final: true }],
  'driver.turned': [{ outcome: 'completed', usage }],
  'driver.exited': [{ class: 'ended', usage }],
  'driver.silent': [{ sinceMs: 600_000 }],
  'driver.heard': [{}],
  say: [{ text: 'x' }],
  answer: [{ text: 'x' }],
  query: [{ text: 'x' }],
  'query.answered': [{ query: 'q1', text: 'x', late: false }],
  'query.withdrawn': [{ about: 'x' }],
  'mail.adopted': [
    {
      from: 0,
      letters: [{ id: 'l1', at: '2025-12-01T00:00:00.000Z', author: 'ben', text: 'x', answer: 'y', state: 'answered' }],
    },
  ],
  'consumer.attached': [{ consumer: 't2', kind: 'page' }],
  'consumer.left': [{ consumer: 't1', kind: 'terminal' }],
  'place.given': [{}],
  'place.wanted': [{}],
  'pulls.observed': [{ repo: 'acme/api', pulls: [] }],
  'review.recorded': [{ repo: 'acme/api', number: 1, head: 'aaaaaaa1', verdict: 'approve', accepted: true }],
  'correct.pause': [{}],
  'correct.resume': [{}],
  'correct.interrupt': [{}],
  'correct.drain': [{}],
  'correct.stop': [{}],
  'correct.restart': [{}],
  'correct.offboard': [{}],
  'correct.archive': [{}],
  'correct.restore': [{}],
  'correct.lane.set': [{ lanes: ['web'] }],
  'correct.driver.set': [{ driver: 'codex' }],
  'correct.limits.set': [{ runSeconds: 60 }],
  'correct.subscribe': [{ repo: 'acme/api' }],
  'correct.unsubscribe': [{ repo: 'acme/api' }],
  'correct.memory.set': [{ key: 'a', value: 'b' }],
  'correct.memory.delete': [{ key: 'a' }],
};

/** What came of it, in a word: `T life/door` taken, `R` recorded, `F` refused, `S` superseded; the state where it changed. */
export function outcome(life: Life, type: AgentEventType): string {
  const agent = LIVES[life]();
  const before = JSON.stringify(agent.value());
  const [data, sending] = SAMPLES[type];
  const result = agent.send(type, data, sending);
  if (result.outcome === 'refused') return result.code === 'guard' ? 'F' : `F ${result.code}`;
  if (result.outcome === 'superseded') return 'S';
  const value = agent.value() as { life: string; door: string };
  const moved = JSON.stringify(value) === before ? '' : ` ${value.life}/${value.door}`;
  return `${result.outcome === 'taken' ? 'T' : 'R'}${moved}`;
}
