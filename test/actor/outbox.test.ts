/** The outbox: how often and when an act is tried, what is recorded before, and what a restart makes of it (I5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOutbox } from '../../src/actor/outbox.ts';
import type { ActPerformer, Doing } from '../../src/effects/effect.ts';
import { TerminalError, TransientError } from '../../src/errors.ts';
import { createFakeClock } from '../../src/clock.ts';
import { KEYS } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const KEY = 'lamp/a/3/0';
const ROW = KEYS.outbox('lamp/a', 3, 0);

async function startPerforming(store: Store, performer: Partial<ActPerformer>, held = false) {
  const clock = createFakeClock();
  const lamps = lampNode(store, {}, clock);
  const say: ActPerformer = {
    kind: 'act',
    repeat: 'key',
    deadlineMs: 60_000,
    lane: 'github',
    perform: () => Promise.resolve(undefined),
    ...performer,
  };
  const outbox = createOutbox({
    node: lamps.node,
    performers: { 'pull.say': say },
    clock: lamps.clock,
    log: lamps.log,
    held,
  });
  await lamps.node.load();
  const said = async (): Promise<unknown> => (await lamps.node.settled('lamp/a'))!.stood!.live.state.context['said'];
  return { ...lamps, outbox, said };
}

type Performing = Awaited<ReturnType<typeof startPerforming>>;

/** A lamp goes on and off: the second press wishes an act. */
async function wish({ node }: Performing): Promise<void> {
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await node.send(letter('lamp/a', 'press'));
  await node.send(letter('lamp/a', 'press'));
  await turns();
}

const answers = async ({ node }: Performing): Promise<string[]> => {
  const { seq } = (await node.settled('lamp/a'))!.stood!.live.state;
  const types: string[] = [];
  for (let at = 4; at <= seq; at++) {
    const entry = JSON.parse(node.read(KEYS.journal('lamp/a', at))!) as {
      envelope: { type: string; data: { code?: string } };
    };
    types.push([entry.envelope.type, entry.envelope.data.code].filter(Boolean).join(' '));
  }
  return types;
};

test('an act is performed once after the commit, under its key, and its answer ends it', async () => {
  const store = await openMemoryStore();
  const doings: Doing[] = [];
  const performing = await startPerforming(store, { perform: async (_params, doing) => void doings.push(doing) });
  await wish(performing);
  assert.deepEqual(
    doings.map(({ key, attempt }) => [key, attempt]),
    [[KEY, 1]],
  );
  assert.deepEqual(await performing.said(), [KEY]);
  assert.equal(store.get(ROW), undefined);
  assert.equal(performing.node.outbox.size(), 0);
});

test('a transient failure is tried again after its wait, as often as the performer allows', async () => {
  const tries: number[] = [];
  const performing = await startPerforming(await openMemoryStore(), {
    tries: 3,
    backoffMs: [1_000, 5_000],
    perform: async (_params, { attempt }) => {
      tries.push(attempt);
      throw new TransientError('EFFECT_AWAY', 'it is away');
    },
  });
  await wish(performing);
  assert.deepEqual(tries, [1]);
  performing.clock.advance(999);
  await turns();
  assert.deepEqual(tries, [1]);
  performing.clock.advance(1);
  await turns();
  performing.clock.advance(5_000);
  await turns();
  assert.deepEqual(tries, [1, 2, 3]);
  assert.deepEqual(await answers(performing), ['pull.say.failed EFFECT_AWAY']);
});

test('how long to wait is the word of the one who refused, where he says it', async () => {
  let tries = 0;
  const performing = await startPerforming(await openMemoryStore(), {
    perform: async () => {
      tries += 1;
      if (tries === 1) throw new TransientError('EFFECT_RATE_LIMITED', 'slower', { retryAfterMs: 90_000 });
    },
  });
  await wish(performing);
  performing.clock.advance(89_999);
  await turns();
  assert.equal(tries, 1);
  performing.clock.advance(1);
  await turns();
  assert.equal(tries, 2);
  assert.deepEqual(await performing.said(), [KEY]);
});

test('a final no is the answer at once', async () => {
  const performing = await startPerforming(await openMemoryStore(), {
    perform: () => Promise.reject(new TerminalError('EFFECT_FORBIDDEN', 'no')),
  });
  await wish(performing);
  assert.deepEqual(await answers(performing), ['pull.say.failed EFFECT_FORBIDDEN']);
});

test('before an act that is not repeatable by key its attempt is durable', async () => {
  const store = await openMemoryStore();
  const rows: (string | undefined)[] = [];
  const performing = await startPerforming(store, {
    repeat: 'check',
    perform: async () => void rows.push(store.get(ROW)),
    look: () => Promise.resolve(undefined),
  });
  await wish(performing);
  assert.deepEqual(rows, ['attempted']);
});

/** A store whose act was begun and never answered. */
async function interrupted(): Promise<Store> {
  const store = await openMemoryStore();
  const performing = await startPerforming(store, {
    repeat: 'check',
    perform: (_params, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('the process died')));
      }),
  });
  await wish(performing);
  await performing.outbox.stop();
  await performing.node.stop();
  assert.equal(store.get(ROW), 'attempted');
  return store;
}

test('after a restart an attempt without an answer is looked up: what happened is adopted and not done again', async () => {
  let performed = 0;
  const performing = await startPerforming(await interrupted(), {
    repeat: 'check',
    perform: async () => void (performed += 1),
    look: () => Promise.resolve(null),
  });
  await turns();
  assert.equal(performed, 0);
  assert.deepEqual(await performing.said(), [KEY]);
});

test('what two looks do not find is done', async () => {
  let looks = 0;
  let performed = 0;
  const performing = await startPerforming(await interrupted(), {
    repeat: 'check',
    perform: async () => void (performed += 1),
    look: async () => void (looks += 1),
  });
  await turns();
  assert.deepEqual([looks, performed], [1, 0]);
  performing.clock.advance(2_000);
  await turns();
  assert.deepEqual([looks, performed], [2, 1]);
  assert.deepEqual(await performing.said(), [KEY]);
});

test('what may be done once only is not done again after an attempt, and the uncertainty is the answer', async () => {
  let performed = 0;
  const performing = await startPerforming(await interrupted(), {
    repeat: 'once',
    perform: async () => void (performed += 1),
    look: () => Promise.resolve(undefined),
  });
  await turns();
  assert.equal(performed, 0);
  assert.deepEqual(await answers(performing), ['pull.say.failed EFFECT_UNCERTAIN']);
});

test('a held outbox begins nothing until it is released', async () => {
  let performed = 0;
  const performing = await startPerforming(
    await openMemoryStore(),
    { perform: async () => void (performed += 1) },
    true,
  );
  await wish(performing);
  assert.equal(performed, 0);
  performing.outbox.release();
  await turns();
  assert.equal(performed, 1);
});

test('at most eight acts of a lane are under way', async () => {
  const open: (() => void)[] = [];
  const performing = await startPerforming(await openMemoryStore(), {
    perform: () => new Promise<undefined>((resolve) => open.push(() => resolve(undefined))),
  });
  await performing.node.send(letter('lamp/a', 'open', { room: 'a' }));
  for (let press = 0; press < 24; press++) await performing.node.send(letter('lamp/a', 'press'));
  await turns();
  assert.equal(open.length, 8);
  open[0]!();
  await turns();
  assert.equal(open.length, 9);
});

test('the answers of actors that are parked take no room from the acts of others, and nobody waits for them at the end', async () => {
  const open: (() => void)[] = [];
  const performing = await startPerforming(await openMemoryStore(), {
    lane: 'git',
    perform: () => new Promise<undefined>((resolve) => open.push(() => resolve(undefined))),
  });
  const { node, outbox } = performing;
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await node.send(letter(`lamp/${name}`, 'open', { room: name }));
    for (const type of ['press', 'press']) await node.send(letter(`lamp/${name}`, type));
    if (name !== 'e') void node.send(letter(`lamp/${name}`, 'break'), { door: 'mail' });
  }
  await turns();
  assert.equal(open.length, 4);
  for (const go of open) go();
  await turns();
  assert.equal(open.length, 5);
  open[4]!();
  await turns();
  await outbox.stop();
  assert.deepEqual(await performing.said(), []);
  await node.send(letter('lamp/a', 'correct.unpark', { skip: true }));
  await node.quiet();
  assert.deepEqual(await performing.said(), [KEY]);
});
