/** Entries say what changed and point to what did not; whoever reads them again gets the same state and receipts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import type { Birth, EventsOf, MachineDefinition } from '../../machines/contract.ts';
import { decodeEntry, entriesOf, receiptOf } from '../../src/actor/journal.ts';
import { stateAt } from '../../src/actor/past.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { canonicalJson } from '../../src/actor/state.ts';
import type { Definition } from '../../src/actor/state.ts';
import { verifyStore } from '../../src/actor/verify.ts';
import { KEYS, SPACES } from '../../src/store/keys.ts';
import { lampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const EVENTS = {
  open: { data: z.strictObject({}), means: 'Made.', creates: 'always' },
  again: { data: z.strictObject({}), means: 'Enters its state anew: its timer begins again.' },
  turn: { data: z.strictObject({}), means: 'Puts the same pair down with its keys in the other order.' },
  put: { data: z.strictObject({ text: z.string() }), means: 'Puts one more into the box.' },
} as const;

interface BoxContext extends Record<string, unknown> {
  pair: Record<string, number>;
  things: { text: string; seen: boolean; size: number }[];
}

const machine = setup({
  types: { context: {} as BoxContext, events: {} as EventsOf<typeof EVENTS>, input: {} as Birth },
  actions: {
    turn: assign(({ context }) => ({ pair: Object.fromEntries(Object.entries(context.pair).toReversed()) })),
    put: assign(({ context, event }) =>
      event.type === 'put' ? { things: [...context.things, { text: event.data.text, seen: false, size: 1 }] } : {},
    ),
  },
  delays: { offer: 30_000 },
}).createMachine({
  id: 'box',
  context: () => ({ pair: { a: 1, b: 2 }, things: [] }),
  initial: 'even',
  states: {
    even: {
      description: 'Waits.',
      meta: { waitsFor: 'human' },
      on: { open: {}, again: { target: 'even', reenter: true }, turn: { actions: 'turn' }, put: { actions: 'put' } },
      after: { offer: 'odd' },
    },
    odd: { description: 'Waits too.', meta: { waitsFor: 'human' }, on: { again: 'even' } },
  },
});

const box = {
  kind: 'box',
  version: '1',
  logic: machine,
  events: EVENTS,
  reasons: {},
  recordKeys: [],
  claims: () => [],
  watch: () => undefined,
  project: (view) => ({
    phase: view.since['even'] === undefined ? 'odd' : 'even',
    epoch: null,
    owner: null,
    waitingOn: [
      { gate: 'human', on: null, since: view.since['even'] ?? '', until: null, detail: 'someone', moves: ['put'] },
    ],
    title: 'a box',
    user: null,
    mission: null,
    refs: [],
    tags: {},
  }),
  whenFinal: () => null,
} satisfies MachineDefinition<BoxContext> as unknown as Definition;

async function openBox(activeMax = 100) {
  const store = await openMemoryStore();
  const lamps = lampNode(store, { definitions: [box], activeMax });
  await lamps.node.load();
  await lamps.node.send(letter('box/a', 'open', {}, { id: 'open' }));
  return { ...lamps, store };
}

/** More steps than a snapshot waits for, several times. */
const STEPS = 250;

async function live(activeMax: number) {
  const { node, clock, store } = await openBox(activeMax);
  const receipts: Receipt[] = [];
  for (let step = 0; step < STEPS; step++) {
    clock.advance(1_000);
    const type = step % 9 === 0 ? 'again' : step % 5 === 0 ? 'turn' : 'put';
    receipts.push(
      await node.send(letter('box/a', type, type === 'put' ? { text: `t${step}` } : {}, { id: `s${step}` })),
    );
  }
  const { state } = (await node.settled('box/a'))!.stood!.live;
  await node.stop();
  const journal: [string, string][] = [];
  for await (const entry of store.scan(SPACES.journal)) journal.push(entry);
  return { store, state, receipts, journal };
}

test('through snapshots too, an actor that is evicted after every step writes the journal of one that stays', async () => {
  const stays = await live(100);
  const evicted = await live(0);
  assert.notEqual(stays.store.get(KEYS.snapshot('box/a')), undefined);
  assert.deepEqual(evicted.journal, stays.journal);
  assert.equal(JSON.stringify(evicted.state), JSON.stringify(stays.state));
  assert.deepEqual((await verifyStore(stays.store)).differences, []);
});

test('every receipt can be made again from the journal', async () => {
  const { store, state, receipts } = await live(100);
  const entryAt = entriesOf((key) => store.get(key), 'box/a');
  for (const receipt of receipts)
    assert.deepEqual(receiptOf('box/a', receipt.seq!, entryAt(receipt.seq!), entryAt), receipt);
  assert.equal(canonicalJson(stateAt((key) => store.get(key), 'box/a', state.seq)), canonicalJson(state));
});

test('a state entered anew stands since then, with its timer begun again', async () => {
  const { node, clock } = await openBox();
  clock.advance(5_000);
  const { at, outcome } = await node.send(letter('box/a', 'again'));
  const { state } = (await node.settled('box/a'))!.stood!.live;
  assert.equal(outcome, 'taken');
  assert.equal(state.since['even'], at);
  assert.equal(state.timers['even:offer']!.due, new Date(Date.parse(at) + 30_000).toISOString());
});

test('the same content with keys in another order is recorded, not taken, and read back in that order', async () => {
  const { node, store } = await openBox();
  const receipt = await node.send(letter('box/a', 'turn'));
  assert.equal(receipt.outcome, 'recorded');
  const folded = stateAt((key) => store.get(key), 'box/a', 2)!;
  assert.equal(JSON.stringify(folded.context['pair']), '{"b":2,"a":1}');
});

test('one more of many costs the entry of one', async () => {
  const { node, store } = await openBox();
  for (let count = 0; count < 400; count++) void node.send(letter('box/a', 'put', { text: `thing ${count}` }));
  await node.quiet();
  const text = store.get(KEYS.journal('box/a', 401))!;
  assert.deepEqual(decodeEntry(text).change, {
    patch: [[['things', 399], { text: 'thing 399', seen: false, size: 1 }]],
  });
  assert.ok(text.length < 600, `${text.length} bytes`);
});
