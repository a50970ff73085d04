/** Agents in the states tests begin from. */
import type { TimerName } from '../../machines/contract.ts';
import { agentDefinition } from '../../machines/agent/index.ts';
import type { StepEffect } from '../../src/actor/step.ts';
import { tells, testActor } from '../support/actor.ts';
import type { TestActor } from '../support/actor.ts';

export const SESSION = 'session/s1';
const NO_USAGE = { inputTokens: 0, outputTokens: 0 };

export function hire(
  changes: Record<string, unknown> = {},
  address = 'agent/ada',
  timers: Partial<Record<TimerName, number>> = {},
): TestActor {
  const agent = givenPlaces(testActor(agentDefinition, address, { timers }));
  agent.take('hire', { role: 'implementer', driver: 'scripted', mode: 'worker', ...changes });
  return agent;
}

/** A chat that may wake whenever it wants to, as the dispatcher lets it while there is room. */
function givenPlaces(agent: TestActor): TestActor {
  const given = (effects: StepEffect[]): StepEffect[] => {
    const isWanted = tells(effects, 'agent.changed').some(({ data }) => data['place'] === 'wanted');
    return isWanted ? [...effects, ...agent.take('place.given', {}, { source: 'dispatcher/main' }).effects] : effects;
  };
  return {
    ...agent,
    take(...sending) {
      const { effects, ...taken } = agent.take(...sending);
      const all = given(effects);
      return { ...taken, effects: all, live: agent.live() };
    },
    send(...sending) {
      const sent = agent.send(...sending);
      if (!('live' in sent)) return sent;
      const all = given(sent.effects);
      return { ...sent, effects: all, live: agent.live() };
    },
    wait: (seconds) => given(agent.wait(seconds)),
  };
}

export function offer(agent: TestActor, epoch: number, session = SESSION) {
  return agent.take('run.offered', { session, epoch, kind: 'implement', title: 'Add hello' });
}

export function begin(agent: TestActor, epoch: number, session = SESSION) {
  const data = {
    session,
    epoch,
    kind: 'implement',
    for: 'implement',
    title: 'Add hello',
    attempt: 1,
    worktree: '/w/s1',
    repo: 'acme/api',
    prompt: {
      objective: { title: 'Add hello', body: '' },
      why: 'it was asked for',
      required: [],
      changes: [],
      facts: [],
      texts: [],
      notes: [],
      deliver: 'a pull request',
    },
    limits: {},
  };
  return { ...agent.take('run.begun', data), data };
}

export function busy(epoch = 1, changes: Record<string, unknown> = {}): TestActor {
  const agent = hire(changes);
  offer(agent, epoch);
  begin(agent, epoch);
  agent.take('driver.started', { pid: 4711, startedAt: agent.now(), conversation: 'c1' });
  return agent;
}

/** A busy agent whose process was told to end by this correction. */
export function stopping(correction: string): TestActor {
  const agent = busy();
  agent.take(correction);
  return agent;
}

export function turn(agent: TestActor, outcome: string, more: Record<string, unknown> = {}): StepEffect[] {
  return agent.take('driver.turned', { outcome, usage: NO_USAGE, ...more }).effects;
}

export function exit(
  agent: TestActor,
  exitClass: string,
  usage: Record<string, number> = NO_USAGE,
  more: Record<string, unknown> = {},
): StepEffect[] {
  return agent.take('driver.exited', { class: exitClass, usage, ...more }).effects;
}
