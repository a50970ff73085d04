/** All machines together on the simulation's kernel, moved by hand: mail is delivered, simple acts are done at once. */
import assert from 'node:assert/strict';
import type { Projection, WaitingOn } from '../../machines/contract.ts';
import { MACHINES } from '../../machines/index.ts';
import type { RunBegun } from '../../machines/events/agent.ts';
import { createRegistry } from '../../src/actor/registry.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { createKernel } from '../simulation/kernel.ts';
import type { Kernel } from '../simulation/kernel.ts';

const START_MS = Date.parse('2026-01-05T10:00:00.000Z');
const USAGE = { inputTokens: 10, outputTokens: 1 };

export interface Fleet {
  kernel: Kernel;
  /** Posts as a person (or `source`) and lets everything settle. */
  send(to: string, type: string, data?: Record<string, unknown>, sending?: Partial<Envelope>): void;
  hire(name: string, role: string, more?: Record<string, unknown>): void;
  context<Context>(address: string): Context;
  project(address: string): Projection;
  waits(address: string): WaitingOn[];
  /** The address a name resolves to, as the questions do it. */
  find(ref: string): string | undefined;
  /** Starts the process of this agent's run. */
  begin(agent: string): RunBegun;
  /** Ends its turn and its process. */
  finish(agent: string, result?: Record<string, unknown>): void;
  prompts: RunBegun[];
  /** What one actor told another and was not taken. */
  refused: Receipt[];
}

export function fleet(): Fleet {
  const refused: Receipt[] = [];
  const kernel = createKernel(createRegistry(MACHINES), START_MS, ({ door, decision }) => {
    if (door === 'inside' && decision.step === null) refused.push(decision.receipt);
  });
  const prompts: RunBegun[] = [];
  let letters = 0;

  function settle(): void {
    for (let moves = 0; moves < 1_000; moves++) {
      kernel.nowMs += 10;
      const next = [...kernel.mailboxes.keys()][0];
      if (next !== undefined) kernel.deliver(next);
      else if (kernel.acts.size > 0) perform();
      else return;
    }
    assert.fail('it does not settle');
  }

  function perform(): void {
    const act = kernel.acts.values().next().value!;
    const { branch, head, run, headBefore } = act.params as Record<string, string>;
    if (act.act === 'worktree.prepare') {
      return kernel.answer(act, 'done', { path: `/w/${act.actor}`, branch, head: head ?? '1111111aaaaaaa' });
    }
    if (act.act === 'run.verify') {
      const evidence = { headBefore, headAfter: '2222222bbbbbbb', dirty: [], unpushed: 0, protected: [] };
      return kernel.answer(act, 'done', { run, ok: true, evidence });
    }
    return kernel.answer(act, 'done', undefined);
  }

  const context = <Context>(address: string): Context => {
    const stood = kernel.actors.get(address);
    assert.ok(stood, `there is no ${address}`);
    return stood.live.state.context as Context;
  };
  const project = (address: string): Projection => kernel.actors.get(address)!.projection;
  const send: Fleet['send'] = (to, type, data = {}, sending = {}) => {
    const id = `letter-${++letters}`;
    kernel.send({ specversion: '1.0', id, source: 'cli/alice', type, subject: to, data, ...sending }, 'trusted');
    settle();
  };
  send('dispatcher/main', 'fleet.configured', { maxRuns: 5 });

  return {
    kernel,
    prompts,
    refused,
    send,
    context,
    project,
    waits: (address) => project(address).waitingOn,
    hire: (name, role, more = {}) =>
      send(`agent/${name}`, 'hire', { role, driver: 'scripted', mode: 'worker', ...more }),
    find(ref) {
      const found = [...kernel.actors]
        .filter(([, { projection }]) => projection.refs.includes(ref))
        .map(([name]) => name);
      return found.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).at(-1);
    },
    begin(agent) {
      const { begun } = kernel.watches(agent)['process'] as unknown as { begun: RunBegun };
      prompts.push(begun);
      send(agent, 'driver.started', { pid: 1, startedAt: new Date(kernel.nowMs).toISOString() });
      const ids = begun.prompt.notes.map(({ id }) => id);
      if (ids.length > 0) send(begun.session, 'note.read', { ids, by: `run ${begun.epoch}` });
      return begun;
    },
    finish(agent, result = {}) {
      send(agent, 'driver.turned', { outcome: 'completed', usage: USAGE, result });
      send(agent, 'driver.exited', { class: 'clean', usage: USAGE });
    },
  };
}
