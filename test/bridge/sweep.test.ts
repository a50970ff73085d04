import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { OpenedConcern } from '../../src/bridge/concern.ts';
import { hookId, letterOf, parseHook, subjectOf } from '../../src/bridge/hook.ts';
import type { Delivery, HookHead } from '../../src/bridge/hook.ts';
import type { HandedOver } from '../../src/bridge/router.ts';
import { createSweep } from '../../src/bridge/sweep.ts';
import type { LoggedDelivery, SweptSource } from '../../src/bridge/sweep.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import { TransientError } from '../../src/errors.ts';
import { quiet } from './parts.ts';

const EVERY_MS = 60_000;
const HOUR_MS = 3_600_000;

/** A provider that keeps a log, a runtime that takes what lies in the stream, and a sweep between them. */
function given(t: TestContext, { cursorMs }: { cursorMs?: number } = {}) {
  const clock = createFakeClock();
  const bus = createMemoryServer({ clock }).bus();
  const provider = { deliveries: [] as LoggedDelivery[], trouble: undefined as Error | undefined, isShown: true };
  const world = {
    handedOver: [] as HandedOver[],
    recovered: [] as string[],
    opened: [] as OpenedConcern[],
    late: [] as string[],
  };
  let stored = cursorMs;
  let takes: () => void = () => {};
  let taking = Promise.resolve();
  const source: SweptSource = {
    source: 'github',
    log: {
      async list() {
        if (provider.trouble !== undefined) throw provider.trouble;
        return provider.isShown ? provider.deliveries : null;
      },
    },
    listHandedOver: async () => world.handedOver,
    listOpened: async () => world.opened,
  };
  const create = () =>
    createSweep({
      sources: [source],
      bus,
      taken: async () => taking,
      async recover(issues) {
        const fresh = issues.filter(({ ref }) => !world.recovered.includes(ref));
        world.recovered.push(...fresh.map(({ ref }) => ref));
        return { poked: [], sent: fresh.map(({ ref }) => ({ to: ref, type: 'issue.observed', id: ref })) };
      },
      async closeLate(opened) {
        world.late.push(...opened.map(({ id }) => id));
        return { poked: [], sent: [] };
      },
      cursor: {
        read: () => stored,
        async write(_source, ms) {
          stored = ms;
        },
      },
      everyMs: EVERY_MS,
      clock,
      log: quiet,
    });
  const sweep = create();
  t.after(async () => {
    takes();
    await sweep.stop();
  });

  const head = (id: string): HookHead => ({
    source: 'github',
    event: 'issues',
    action: 'labeled',
    delivery: id,
    receivedAt: new Date(clock.now()).toISOString(),
    headers: {},
  });
  const sent = (id: string): LoggedDelivery => ({
    id,
    atMs: clock.now(),
    read: async () => ({ head: head(id), body: Buffer.from('{"action":"labeled"}') }),
  });
  const store = (delivery: Delivery) =>
    bus.publish('hook', subjectOf(delivery.head), letterOf(delivery), { msgId: hookId(delivery.head) });
  return {
    clock,
    provider,
    world,
    sweep,
    state: () => sweep.sights().github!,
    /** GitHub sent it; did it come? */
    async sends(id: string, { arrives }: { arrives: boolean }) {
      const one = sent(id);
      provider.deliveries.push(one);
      if (!arrives) return;
      await store(await one.read(new AbortController().signal));
      sweep.noteTaken(head(id));
    },
    store: async (id: string) => store({ head: head(id), body: Buffer.from('{}') }),
    hooks: async () => (await bus.read('hook', 0, { max: 100, waitMs: 0 })).map(({ body }) => parseHook(body).delivery),
    /** The runtime takes nothing until it is told to. */
    holdTaking() {
      taking = new Promise((resolve) => (takes = resolve));
    },
    goOnTaking: () => takes(),
    async passes(ms: number) {
      await settled();
      clock.advance(ms);
      await settled();
    },
  };
}

/** What is promised and waits for nothing else is done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

describe('a source of hooks', () => {
  test('is not known until it was looked at, and then live', async (t) => {
    const s = given(t);
    assert.equal(s.state().state, 'lagging');
    s.sweep.start();
    await s.passes(0);
    assert.equal(s.state().state, 'live');
  });

  test('looks at what is open also where no hook told of it, and calls that no gap', async (t) => {
    const s = given(t);
    const told = { number: 9, url: 'u', author: 'chartroom[bot]' };
    s.world.opened.push({ kind: 'opened', refs: ['branch:acme/api/b'], id: 'github:late:acme/api#9', told });
    s.sweep.start();
    await s.passes(0);
    assert.deepEqual(s.world.late, ['github:late:acme/api#9']);
    assert.equal(s.state().state, 'live');
  });

  test('has a gap while what it sent is missing, is healed when that was taken, and live again later', async (t) => {
    const s = given(t);
    s.sweep.start();
    await s.passes(0);
    await s.sends('came', { arrives: true });
    await s.sends('lost', { arrives: false });
    s.holdTaking();
    await s.passes(EVERY_MS);
    assert.deepEqual([s.state().state, s.state().missing], ['gap', 1]);
    assert.deepEqual(await s.hooks(), ['came', 'lost'], 'fetched, and nothing twice');
    s.goOnTaking();
    s.sweep.noteTaken({ source: 'github', delivery: 'lost' });
    await s.passes(0);
    assert.deepEqual([s.state().state, s.state().missing, s.state().recovered], ['healed', 0, 1]);
    await s.passes(EVERY_MS);
    assert.equal(s.state().state, 'healed', 'whoever looks a minute later still sees it');
    await s.passes(HOUR_MS);
    await s.passes(EVERY_MS);
    assert.equal(s.state().state, 'live');
    assert.deepEqual(await s.hooks(), ['came', 'lost']);
  });

  test('several attempts of one delivery are one', async (t) => {
    const s = given(t);
    s.sweep.start();
    await s.sends('lost', { arrives: false });
    await s.sends('lost', { arrives: false });
    await s.passes(EVERY_MS);
    assert.deepEqual(await s.hooks(), ['lost']);
  });

  test('what was sent this moment may still come by itself', async (t) => {
    const s = given(t);
    s.sweep.start();
    await s.passes(EVERY_MS - 1);
    await s.sends('on its way', { arrives: false });
    await s.passes(1);
    assert.equal(s.state().state, 'live');
    assert.deepEqual(await s.hooks(), []);
    await s.passes(EVERY_MS);
    assert.deepEqual(await s.hooks(), ['on its way'], 'it did not');
  });

  test('lags while it cannot be asked, and a gap stays one', async (t) => {
    const s = given(t);
    s.provider.trouble = new TransientError('GITHUB_UNAVAILABLE', 'GitHub is away');
    s.sweep.start();
    await s.passes(0);
    assert.deepEqual([s.state().state, s.state().reason], ['lagging', 'GitHub is away']);
    s.provider.trouble = undefined;
    s.provider.deliveries.push({
      id: 'lost',
      atMs: s.clock.now(),
      read: () => Promise.reject(new TransientError('GITHUB_UNAVAILABLE', 'not now')),
    });
    await s.passes(EVERY_MS);
    assert.deepEqual([s.state().state, s.state().reason], ['gap', 'not now']);
    s.provider.trouble = new TransientError('GITHUB_UNAVAILABLE', 'GitHub is away');
    await s.passes(EVERY_MS);
    assert.equal(s.state().state, 'gap');
  });

  test('whose log is not shown is live by its watches, and says what cannot be seen', async (t) => {
    const s = given(t);
    s.provider.isShown = false;
    s.sweep.start();
    await s.passes(0);
    assert.equal(s.state().state, 'live');
    assert.match(s.state().reason!, /not shown/);
  });

  test('after downtime what was sent meanwhile is fetched, and what the stream holds is not', async (t) => {
    const s = given(t, { cursorMs: 0 });
    await s.store('taken by the process before');
    s.provider.deliveries.push(
      ...['taken by the process before', 'sent to nobody'].map((id) => ({
        id,
        atMs: s.clock.now() - EVERY_MS,
        read: async (): Promise<Delivery> => ({
          head: {
            source: 'github',
            event: 'push',
            action: null,
            delivery: id,
            receivedAt: new Date(s.clock.now()).toISOString(),
            headers: {},
          },
          body: Buffer.from('{}'),
        }),
      })),
    );
    s.sweep.start();
    await s.passes(0);
    assert.deepEqual(await s.hooks(), ['taken by the process before', 'sent to nobody']);
    assert.equal(s.state().state, 'healed');
  });

  test('an issue that was handed over without a word is a gap that the list heals', async (t) => {
    const s = given(t);
    s.sweep.start();
    await s.passes(0);
    s.world.handedOver.push({ source: 'github', ref: 'acme/api#7', read: async () => null });
    await s.passes(EVERY_MS);
    assert.deepEqual(s.world.recovered, ['acme/api#7']);
    assert.deepEqual([s.state().state, s.state().recovered], ['healed', 1]);
  });
});
