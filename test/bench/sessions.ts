/**
 * What the bench steps: sessions of the real machine with contexts of 20 kB, each watching the checks of its pull
 * request go by, and a machine of one region with 4 kB beside it.
 */
import { assign, setup } from 'xstate';
import { z } from 'zod';
import type { Birth, EventsOf, MachineDefinition, Timers } from '../../machines/contract.ts';
import type { OpenSession, PullObserved } from '../../machines/events/index.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import type { Node } from '../../src/actor/node.ts';

/** The text of the issue, so that the whole context comes to 20 kB. */
const BODY_BYTES = 16_500;
const CHECKS = ['build', 'lint', 'unit', 'integration', 'browser', 'licence'] as const;

export const addressOf = (index: number): string => `session/eng-${index}`;

export function openOf(index: number): OpenSession {
  return {
    title: `Issue ${index}`,
    body: 'A line of what is wanted, as people write it.\n'.repeat(BODY_BYTES / 46),
    source: { kind: 'manual' },
    user: 'dev',
    repo: 'acme/api',
    base: 'main',
    kind: 'implement',
    deliver: 'pull_request',
    gates: { checks: [...CHECKS], review: 'none' },
    merge: 'people',
    reviewers: 'people',
  };
}

/** The checks of one head as GitHub tells them: the first `passed` are green. */
function pullOf(index: number, round: number, passed: number): PullObserved {
  const url = `https://github.com/acme/api/pull/${index + 1}`;
  return {
    number: index + 1,
    url,
    state: 'open',
    draft: false,
    merged: false,
    title: `Issue ${index}`,
    author: 'chartroom[bot]',
    branch: `chartroom/eng-${index}-issue`,
    head: '1111111aaaaaaa',
    headBy: 'us',
    base: 'main',
    conflict: false,
    reviews: [],
    gate: {
      state: passed === CHECKS.length ? 'green' : 'pending',
      checks: CHECKS.map((name, at) => ({
        name,
        conclusion: at < passed ? 'success' : null,
        url: `https://github.com/acme/api/actions/runs/${Math.floor(round / (CHECKS.length + 1))}/job/${index}${at}`,
      })),
      failures: [],
    },
    queue: { state: 'out' },
    updatedAt: new Date(Date.parse('2026-01-05T09:00:00.000Z') + round * 1_000).toISOString(),
  };
}

export function envelope(subject: string, type: string, data: Record<string, unknown>, id: string): Envelope {
  return { specversion: '1.0', id, source: 'bench/sender', type, subject, data };
}

/** The n-th envelope to a session: checks go by one after the other, people correct a budget between. */
export function nextEnvelope(index: number, round: number): Envelope {
  const address = addressOf(index);
  const id = `checks-${index}-${round}`;
  if (round % 4 === 3) {
    return envelope(address, 'correct.budget.set', { kind: 'checks', limit: 3 + (round % 8) }, id);
  }
  return envelope(address, 'pull.observed', { ...pullOf(index, round, round % (CHECKS.length + 1)) }, id);
}

/** Opens sessions and lets the last of their first steps land. */
export async function openSessions(node: Node, from: number, to: number): Promise<void> {
  const receipts = [];
  for (let index = from; index < to; index++) {
    receipts.push(node.send(envelope(addressOf(index), 'open', { ...openOf(index) }, `open-${index}`)));
    if (receipts.length % 100 === 0) await Promise.all(receipts.splice(0));
  }
  await Promise.all(receipts);
  await node.quiet();
}

const SMALL_EVENTS = {
  open: { data: z.strictObject({}), means: 'Made.', creates: 'always' },
  count: { data: z.strictObject({ by: z.number() }), means: 'Count on.' },
} as const;

interface SmallContext extends Record<string, unknown> {
  text: string;
  count: number;
  timers: Timers;
}

const smallMachine = setup({
  types: { context: {} as SmallContext, events: {} as EventsOf<typeof SMALL_EVENTS>, input: {} as Birth },
  actions: { count: assign(({ context }) => ({ count: context.count + 1 })) },
}).createMachine({
  id: 'small',
  context: ({ input }) => ({ text: 'x'.repeat(4_000), count: 0, timers: input.timers }),
  initial: 'counting',
  states: {
    counting: {
      description: 'Counts.',
      meta: { waitsFor: 'human' },
      on: { open: { actions: 'count' }, count: { actions: 'count' } },
    },
  },
});

export const smallDefinition: MachineDefinition<SmallContext> = {
  kind: 'small',
  version: '1',
  logic: smallMachine,
  events: SMALL_EVENTS,
  reasons: {},
  recordKeys: [],
  claims: () => [],
  watch: () => undefined,
  project: () => ({
    phase: 'counting',
    epoch: null,
    owner: null,
    waitingOn: [],
    title: 'small',
    user: null,
    mission: null,
    refs: [],
    tags: {},
  }),
  whenFinal: () => null,
};
