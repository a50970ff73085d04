/** Random lives of real machines: what must hold whatever happens, in whatever order (invariants I2, I3, I6, I8, I10). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { initialTransition, transition } from 'xstate';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { MachineEvent } from '../../machines/contract.ts';
import { MACHINES } from '../../machines/index.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createNode } from '../../src/actor/node.ts';
import type { Node } from '../../src/actor/node.ts';
import { kindOf } from '../../src/actor/address.ts';
import { engineOf } from '../../src/actor/engine.ts';
import { decodeEntry } from '../../src/actor/journal.ts';
import type { JournalEntry } from '../../src/actor/journal.ts';
import type { PendingAct } from '../../src/actor/outbox-rows.ts';
import { stateAt } from '../../src/actor/past.ts';
import { canonicalJson } from '../../src/actor/state.ts';
import type { Definition } from '../../src/actor/state.ts';
import { revive, step } from '../../src/actor/step.ts';
import type { LiveActor } from '../../src/actor/step.ts';
import { createLog } from '../../src/log.ts';
import { KEYS, SPACES, keyParts } from '../../src/store/keys.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { H1, H2, USAGE, green, issue, pull, red, review, work } from '../machines/session-facts.ts';

/** One thing that happens: an envelope to somebody, time passing, or the next act being answered. */
type Happening =
  | { do: 'send'; to: string; type: string; data: Record<string, unknown>; epoch?: 'current' | 'old' }
  | { do: 'wait'; seconds: number }
  | { do: 'answer'; well: boolean };

const SESSIONS = ['session/eng-42', 'session/eng-43'] as const;
const AGENTS = ['agent/ada', 'agent/susan', 'agent/tom'] as const;
const FACTS = Array.from({ length: 6 }, () => ({ issue: issue(), other: issue({ ref: 'ENG-43' }) }));
const PULLS = [
  pull({ gate: green }),
  pull({ gate: red() }),
  pull({ head: H2 }),
  pull({ head: H2, gate: green }),
  pull({ reviews: [review()] }),
  pull({ reviews: [review({ id: 'r2', verdict: 'approve' })] }),
  pull({ head: H2, gate: red('Tests', 'lint') }),
  pull({ merged: true, state: 'closed' }),
  pull({ state: 'closed', closedBy: { login: 'ann', kind: 'person' } }),
  pull({ conflict: true }),
];

const send = (to: string, type: string, data: Record<string, unknown>, epoch?: 'current' | 'old'): Happening =>
  epoch === undefined ? { do: 'send', to, type, data } : { do: 'send', to, type, data, epoch };

const session = fc.constantFrom(...SESSIONS);
const agent = fc.constantFrom(...AGENTS);
const toSession = (types: [string, Record<string, unknown>][]): fc.Arbitrary<Happening> =>
  fc.tuple(session, fc.constantFrom(...types)).map(([to, [type, data]]) => send(to, type, data));
const toAgent = (types: [string, Record<string, unknown>][]): fc.Arbitrary<Happening> =>
  fc.tuple(agent, fc.constantFrom(...types)).map(([to, [type, data]]) => send(to, type, data));

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom(...FACTS).map((fact) => send('session/eng-42', 'issue.observed', fact.issue)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...FACTS).map((fact) => send('session/eng-43', 'issue.observed', fact.other)),
  },
  { weight: 1, arbitrary: fc.constant(send('session/manual', 'open', work())) },
  {
    weight: 3,
    arbitrary: fc.tuple(session, fc.constantFrom(...PULLS)).map(([to, facts]) => send(to, 'pull.observed', facts)),
  },
  {
    weight: 4,
    arbitrary: toSession([
      ['fyi', { text: 'a note' }],
      ['say', { text: 'make it blue' }],
      ['correct.pause', {}],
      ['correct.resume', {}],
      ['correct.stop', {}],
      ['correct.retry', {}],
      ['correct.unassign', {}],
      ['correct.reassign', { to: 'agent/tom' }],
      ['correct.reassign', { to: 'agent/nobody' }],
      ['correct.adopt', { agent: 'agent/ada' }],
      ['correct.review.waive', {}],
      ['correct.withdraw', {}],
      ['correct.delegate', {}],
      ['correct.budget.set', { kind: 'checks', limit: 5 }],
      ['correct.close', { outcome: 'cancelled' }],
      ['nonsense', {}],
      ['say', { wrong: 1 }],
    ]),
  },
  {
    weight: 4,
    arbitrary: toAgent([
      ['driver.started', { pid: 4_242, startedAt: '2026-01-05T10:00:00.000Z' }],
      ['driver.turned', { outcome: 'completed', usage: USAGE, result: { summary: 'done' } }],
      ['driver.turned', { outcome: 'failed', usage: USAGE }],
      ['driver.exited', { class: 'clean', usage: USAGE }],
      ['driver.exited', { class: 'crash', usage: USAGE }],
      ['driver.asked', { question: 'q1', kind: 'question', text: 'Which?' }],
      ['correct.pause', {}],
      ['correct.resume', {}],
      ['correct.stop', {}],
      ['correct.interrupt', {}],
      ['correct.drain', {}],
      ['correct.offboard', {}],
      ['correct.subscribe', { repo: 'acme/api' }],
    ]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(session, fc.constantFrom<'current' | 'old'>('current', 'old'))
      .map(([to, epoch]) => send(to, 'correct.retry', {}, epoch)),
  },
  { weight: 2, arbitrary: fc.constantFrom(1, 31, 200, 4_000).map((seconds): Happening => ({ do: 'wait', seconds })) },
  { weight: 5, arbitrary: fc.boolean().map((well): Happening => ({ do: 'answer', well })) },
);

const HIRES: Happening[] = [
  send('dispatcher/main', 'fleet.configured', { maxRuns: 2 }),
  send('agent/ada', 'hire', { role: 'implementer', user: 'dev', driver: 'scripted', mode: 'worker' }),
  send('agent/tom', 'hire', { role: 'implementer', user: 'dev', driver: 'scripted', mode: 'worker' }),
  send('agent/susan', 'hire', { role: 'reviewer', user: 'dev', driver: 'scripted', mode: 'worker' }),
];

async function live(happenings: Happening[], activeMax: number) {
  const store = await openMemoryStore();
  const clock = createFakeClock(Date.parse('2026-01-05T10:00:00.000Z'));
  const node = createNode({
    store,
    definitions: MACHINES,
    clock,
    log: createLog({ level: 'silent' }),
    activeMax,
  });
  const acts: PendingAct[] = [];
  node.onCommitted((committed) => {
    acts.push(...committed.acts);
    for (const key of committed.settled) {
      const index = acts.findIndex((act) => act.key === key);
      if (index >= 0) acts.splice(index, 1);
    }
  });
  await node.load();
  node.releaseTimers();
  let number = 0;
  for (const what of happenings) {
    number += 1;
    if (what.do === 'wait') clock.advance(what.seconds * 1_000);
    else if (what.do === 'answer') await answerNext(node, acts, what.well);
    else await sendChecked(node, what, `happening-${number}`);
    await rest(node);
  }
  return { node, store };
}

/** Lets timers that are due be read from the store and stepped. */
async function rest(node: Node): Promise<void> {
  for (let round = 0; round < 8; round++) {
    await new Promise(setImmediate);
    await node.quiet();
  }
}

async function sendChecked(node: Node, what: Extract<Happening, { do: 'send' }>, id: string): Promise<void> {
  const stood = (await node.settled(what.to))?.stood ?? null;
  const epoch = stood?.projection.epoch ?? 0;
  const envelope = {
    specversion: '1.0' as const,
    id,
    source: 'test/people',
    type: what.type,
    subject: what.to,
    data: what.data,
    ...(what.epoch === undefined ? {} : { expectepoch: what.epoch === 'current' ? epoch : epoch + 1 }),
  };
  const before = canonicalJson(stood?.live.state ?? null);
  const preview = node.preview(envelope);
  assert.equal(
    canonicalJson((await node.settled(what.to))?.stood?.live.state ?? null),
    before,
    'a preview changes nothing',
  );
  const receipt = await node.send(envelope);
  assert.deepEqual(preview, receipt, 'a preview is what then happens');
  assert.deepEqual(await node.send(envelope), { ...receipt, duplicate: true }, 'the same id is answered the same');
}

async function answerNext(node: Node, acts: PendingAct[], well: boolean): Promise<void> {
  const act = acts.shift();
  if (act === undefined) return;
  const failure = { code: 'TEST_FAILED', reason: 'it was not to be' };
  const branch = (act.params['branch'] as string | undefined) ?? 'b';
  if (act.act === 'worktree.prepare') {
    await node.answer(
      act.key,
      well ? 'worktree.prepared' : 'worktree.failed',
      well ? { path: '/w', branch, head: H1 } : failure,
    );
  } else if (act.act === 'run.verify') {
    const evidence = { headBefore: H1, headAfter: well ? H2 : H1, pull: 7, dirty: [], unpushed: 0, protected: [] };
    await node.answer(act.key, 'run.verified', { run: act.params['run'], ok: well, evidence });
  } else await node.answer(act.key, `${act.act}.${well ? 'done' : 'failed'}`, well ? {} : failure);
}

async function journalOf(store: Awaited<ReturnType<typeof openMemoryStore>>): Promise<Record<string, string>> {
  const journal: Record<string, string> = {};
  for await (const [key, value] of store.scan(SPACES.journal)) journal[key] = value;
  return journal;
}

test('whatever happens: previews tell the truth, journals are the state, eviction changes nothing, claims have one holder', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 20, maxLength: 60 }), async (random) => {
      const happenings = [...HIRES, ...random];
      const stays = await live(happenings, 1_000);
      const evicted = await live(happenings, 0);
      const journal = await journalOf(stays.store);
      assert.deepEqual(await journalOf(evicted.store), journal, 'an actor that is evicted writes the same journal');

      for await (const [key] of stays.store.scan(SPACES.index)) {
        const address = keyParts(key, 1)[0]!;
        const { state } = (await stays.node.settled(address))!.stood!.live;
        const folded = stateAt((row) => stays.store.get(row), address, state.seq);
        assert.equal(canonicalJson(folded), canonicalJson(state), `${address}: the journal is the state`);
        for (const claim of state.claims)
          assert.equal(stays.store.get(KEYS.claim(claim)), address, `${claim} is held by ${address}`);
        assert.equal(stays.node.read(KEYS.parked(address)), undefined, `${address}: no step threw`);
      }
      for await (const [key, holder] of stays.store.scan(SPACES.claim)) {
        const { claims } = (await stays.node.settled(holder))!.stood!.live.state;
        assert.ok(claims.includes(keyParts(key, 1)[0]!), `${holder} still holds ${key}`);
      }
      for (const entry of Object.values(journal).map(decodeEntry))
        assert.ok(entry.outcome === 'taken' || entry.outcome === 'recorded');
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 12) },
  );
});

/** The event a step was given, from its entry. */
function eventOf({ events }: Definition, { envelope, at, known, wish }: JournalEntry, seq: number): MachineEvent {
  const { type, id, source, expectepoch, priority } = envelope;
  const data = Object.hasOwn(events, type) ? events[type]!.data.parse(envelope.data) : envelope.data;
  const told = { expectepoch, priority, known, wish };
  const given = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
  return { type, data, at, id, source, seq, ...given };
}

/** What XState itself makes of an event, and what it would execute, from the state the step began with. */
function byXState(logic: AnyStateMachine, live: LiveActor | null, address: string, event: MachineEvent) {
  if (live === null) {
    const [unborn, first] = initialTransition(logic, { address, at: event.at, timers: {} });
    const [next, then] = transition(logic, unborn, event);
    return { next: next as AnyMachineSnapshot, actions: [...first, ...then] };
  }
  const quick = live.snapshot!;
  const nodes = quick._nodes.map(({ id }) => logic.getStateNodeById(id));
  const [next, actions] = transition(logic, { ...quick, machine: logic, _nodes: nodes } as never, event);
  return { next: next as AnyMachineSnapshot, actions };
}

test('XState’s own transition makes the same of every event', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 20, maxLength: 60 }), async (random) => {
      const { node, store } = await live([...HIRES, ...random], 1_000);
      for await (const [key, text] of store.scan(SPACES.journal)) {
        const [address, number] = keyParts(key, 2) as [string, string];
        const seq = Number(number);
        const definition = node.registry.get(kindOf(address))!;
        const before = seq === 1 ? null : stateAt((row) => store.get(row), address, seq - 1);
        if (before?.status === 'done') continue;
        const event = eventOf(definition, decodeEntry(text), seq);
        const actor = before === null ? null : revive(address, before);
        const result = step(definition, actor, event, { address, timers: {} });
        assert.ok('live' in result, `${key} was taken`);
        const { collected } = engineOf(definition.logic);
        const { next, actions } = byXState(definition.logic, actor, address, event);
        const { value, status, context } = result.live.state;
        assert.deepEqual({ value, status, context }, { value: next.value, status: next.status, context: next.context });
        assert.deepEqual(Object.keys(context), Object.keys(next.context as object), 'in the same order');
        assert.deepEqual(
          collected,
          actions.map(({ type, params }) => ({ type, params })),
        );
        compared += 1;
      }
    }),
    { numRuns: Math.ceil(Number(process.env['PROPERTY_RUNS'] ?? 12) / 4) },
  );
  assert.ok(compared > 100);
});
