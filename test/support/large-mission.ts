/**
 * A mission of many items and a fleet at work on it, on a real node: processes are only pretended, so that what is left
 * is what Chartroom itself does. Runs end when they are told to, or when the caller lets them.
 */
import { ACTS } from '../../machines/effects.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import type { Node } from '../../src/actor/node.ts';
import { createOutbox } from '../../src/actor/outbox.ts';
import { createWatches } from '../../src/actor/watches.ts';
import type { Clock } from '../../src/clock.ts';
import type { ActPerformer, Doing, WatchContext, WatchPerformer } from '../../src/effects/effect.ts';
import { createLog } from '../../src/log.ts';

const USAGE = { inputTokens: 10, outputTokens: 2 };
export const LARGE = 'mission/large';

export interface LargeMission {
  /** Agents that have a process now, with its session. */
  running(): Map<string, string>;
  /** The run of this agent ends well, with a report. */
  finish(agent: string): Promise<void>;
  stop(): Promise<void>;
}

export interface LargeMissionOptions {
  items: number;
  agents: number;
  clock: Clock;
}

/** Opens it and lets as many items begin as there are agents. The clock must go by itself, or nothing must wait for it. */
export async function openLargeMission(
  node: Node,
  { items, agents, clock }: LargeMissionOptions,
): Promise<LargeMission> {
  const log = createLog({ level: 'silent' });
  const processes = new Map<string, { session: string; run: string; tell: WatchContext['tell'] }>();

  async function exit(agent: string, how: 'clean' | 'ended'): Promise<void> {
    const process = processes.get(agent);
    if (process === undefined) return;
    processes.delete(agent);
    await process.tell('driver.exited', { class: how, usage: USAGE }, { id: `${process.run}/exited` });
  }

  const performs: Record<string, (params: Record<string, unknown>, doing: Doing) => unknown> = {
    'worktree.prepare': ({ branch }, { actor }) => ({ path: `/w/${actor}`, branch, head: '1111111aaaaaaa' }),
    'run.verify': ({ run, headBefore }) => ({
      run,
      ok: true,
      evidence: { headBefore, headAfter: headBefore, dirty: [], unpushed: 0, protected: [] },
    }),
    'process.end': (_, { actor }) => {
      void exit(actor, 'ended').catch(() => {});
      return {};
    },
  };
  const performer = (act: string): ActPerformer => ({
    kind: 'act',
    repeat: 'key',
    deadlineMs: 60_000,
    lane: 'process',
    perform: async (params, doing) => performs[act]?.(params, doing) ?? {},
  });
  const still = { update: () => {}, poke: () => {}, stop: async () => {} };
  const stands: WatchPerformer = { kind: 'watch', start: () => still };
  const process: WatchPerformer<{ run: string; begun?: { session: string } }> = {
    kind: 'watch',
    start({ run, begun }, { actor, tell }) {
      if (begun === undefined) return still;
      processes.set(actor, { session: begun.session, run, tell });
      const startedAt = new Date(clock.now()).toISOString();
      void tell('driver.started', { pid: 1, startedAt }, { id: `${run}/started` }).catch(() => {});
      return still;
    },
  };
  const watches = createWatches({
    node,
    clock,
    log,
    performers: { process, pull: stands, repository: stands, issue: stands, consumer: stands },
  });
  const outbox = createOutbox({
    node,
    performers: Object.fromEntries(Object.keys(ACTS).map((act) => [act, performer(act)])),
    clock,
    log,
  });

  const send = (subject: string, type: string, data: Record<string, unknown>): Promise<unknown> => {
    const letter: Envelope = {
      specversion: '1.0',
      id: `${subject} ${type}`,
      source: 'test/people',
      type,
      subject,
      data,
    };
    return node.send(letter);
  };
  await send('dispatcher/main', 'fleet.configured', { maxRuns: agents });
  for (let index = 0; index < agents; index++) {
    await send(`agent/a${index}`, 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' });
  }
  await send(LARGE, 'open', {
    objective: `Do ${items} things`,
    items: Array.from({ length: items }, (_, index) => ({
      key: `i${index}`,
      title: `Item ${index}`,
      body: 'What is to be done, in a few words.',
      kind: 'implement',
      dependsOn: index % 5 === 0 ? [] : [`i${index - 1}`],
      repo: 'acme/api',
      deliver: 'report',
    })),
    policy: { maxParallel: agents },
  });
  await node.quiet();

  return {
    running: () => new Map([...processes].map(([agent, { session }]) => [agent, session])),
    async finish(agent) {
      const { tell, run } = processes.get(agent)!;
      const result = { report: 'All is well.' };
      await tell('driver.turned', { outcome: 'completed', usage: USAGE, result }, { id: `${run}/turned` });
      await exit(agent, 'clean');
    },
    async stop() {
      await watches.stop();
      await outbox.stop();
    },
  };
}
