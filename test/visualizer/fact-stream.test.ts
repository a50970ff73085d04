import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../../src/actor/fact.ts';
import { createFrames } from '../../src/visualizer/page/src/frames.ts';
import type { Frame } from '../../src/visualizer/page/src/frames.ts';
import { letter } from '../support/letter.ts';
import { putUp, startSite } from './site.ts';
import type { Site } from './site.ts';

interface Reader {
  /** Events until one fits, that one included. */
  until(fits: (frame: Frame) => boolean): Promise<Frame[]>;
  /** Events until the server ends the stream. */
  rest(): Promise<Frame[]>;
  leave(): Promise<void>;
}

async function follow(site: Site, path = '/api/stream', headers: Record<string, string> = {}): Promise<Reader> {
  const response = await site.ask(path, { headers });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const parse = createFrames();
  let waiting: Frame[] = [];
  async function take(isLast: (frame: Frame) => boolean): Promise<Frame[]> {
    const taken: Frame[] = [];
    for (;;) {
      const found = waiting.findIndex(isLast);
      if (found >= 0) return [...taken, ...waiting.splice(0, found + 1)];
      taken.push(...waiting);
      const { done, value } = await reader.read();
      if (done) return taken;
      waiting = parse(value);
    }
  }
  return { until: take, rest: () => take(() => false), leave: () => reader.cancel() };
}

const factOf = (frame: Frame): Fact => JSON.parse(frame.data) as Fact;
const isStep = (actor: string, seq: number) => (frame: Frame) =>
  frame.event === 'fact' && factOf(frame).actor === actor && factOf(frame).seq === seq;
const told = (frames: Frame[]): string[] =>
  frames.filter(({ event }) => event === 'fact').map((frame) => `${factOf(frame).actor} ${factOf(frame).type}`);

async function press(site: Site, lamp: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await site.node.send(letter(`lamp/${lamp}`, 'press'));
}

test('facts are told as they are committed, behind a hello that says from where', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  const reader = await follow(site);
  const [hello] = await reader.until(({ event }) => event === 'hello');
  assert.deepEqual(JSON.parse(hello!.data), { resumed: false });
  assert.equal(hello!.id, site.publisher.position());
  await press(site, 'desk', 3);
  assert.deepEqual(told(await reader.until(isStep('lamp/desk', 4))), Array(3).fill('lamp/desk press'));
  await reader.leave();
});

test('a reader that comes back by its last event id misses nothing and hears nothing twice', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  const first = await follow(site);
  await press(site, 'desk', 2);
  const heard = await first.until(isStep('lamp/desk', 2));
  await first.leave();
  await press(site, 'desk', 30);
  const last = heard.at(-1)!.id!;
  const again = await follow(site, '/api/stream', { 'last-event-id': last });
  // Committed while it has read little: the store has them, and so has what waits for this reader.
  await press(site, 'desk', 5);
  const [hello] = await again.until(({ event }) => event === 'hello');
  assert.deepEqual([hello!.id, JSON.parse(hello!.data)], [last, { resumed: true }]);
  const more = await again.until(isStep('lamp/desk', 38));
  await press(site, 'desk', 1);
  more.push(...(await again.until(isStep('lamp/desk', 39))));
  assert.deepEqual(
    more.map((frame) => factOf(frame).seq),
    Array.from({ length: 37 }, (_, index) => index + 3),
  );
  await again.leave();
});

test('dead letters keep their place among the steps of their batch for who comes back in between', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  const first = await follow(site);
  await first.until(({ event }) => event === 'hello');
  // One batch: a dead letter, then steps, then a dead letter.
  await Promise.all([
    site.node.send(letter('lamp/gone', 'press')),
    site.node.send(letter('lamp/desk', 'press')),
    site.node.send(letter('lamp/desk', 'press')),
    site.node.send(letter('lamp/gone', 'press')),
  ]);
  await press(site, 'desk', 1);
  const heard = await first.until(isStep('lamp/desk', 4));
  await first.leave();
  assert.equal(new Set(heard.slice(0, -1).map(({ id }) => id!.split('.')[0])).size, 1, 'they were one batch');
  assert.equal(told(heard).filter((fact) => fact.endsWith('letter.dead')).length, 2);
  for (const [index, { id }] of heard.entries()) {
    const again = await follow(site, '/api/stream', { 'last-event-id': id! });
    await again.until(({ event }) => event === 'hello');
    const rest = index === heard.length - 1 ? [] : await again.until(isStep('lamp/desk', 4));
    assert.deepEqual(told(rest), told(heard.slice(index + 1)));
    await again.leave();
  }
});

test('a reader of one actor hears of that one only', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk', 'hall');
  const reader = await follow(site, '/api/stream?actor=lamp/hall&after=0.0');
  await press(site, 'desk', 3);
  await press(site, 'hall', 1);
  assert.deepEqual(told(await reader.until(isStep('lamp/hall', 2))), ['lamp/hall open', 'lamp/hall press']);
  await reader.leave();
});

test('a reader that is too slow is cut off, and hears the rest when it comes back', async (t) => {
  const site = await startSite({ readerBacklogMax: 5 });
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  const slow = await follow(site);
  await slow.until(({ event }) => event === 'hello');
  await press(site, 'desk', 40);
  const heard = (await slow.rest()).filter(({ event }) => event === 'fact');
  assert.ok(heard.length < 40, `${heard.length} were kept for it`);
  const last = heard.at(-1)?.id ?? '1.0';
  const again = await follow(site, '/api/stream', { 'last-event-id': last });
  const rest = (await again.until(isStep('lamp/desk', 41))).filter(({ event }) => event === 'fact');
  await again.leave();
  assert.deepEqual(
    [...heard, ...rest].map((frame) => factOf(frame).seq),
    Array.from({ length: 40 }, (_, index) => index + 2),
  );
});

test('a cursor of another life of the store resumes nothing, and the reader is told to start afresh', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  for (const cursor of ['900.0', 'yesterday', '', '1', '-1.0']) {
    const reader = await follow(site, '/api/stream', { 'last-event-id': cursor });
    const [hello] = await reader.until(({ event }) => event === 'hello');
    assert.deepEqual(JSON.parse(hello!.data), { resumed: false }, `“${cursor}”`);
    const seq = (await site.node.settled('lamp/desk'))!.stood!.live.state.seq;
    await press(site, 'desk', 1);
    assert.equal(factOf((await reader.until(({ event }) => event === 'fact')).at(-1)!).seq, seq + 1);
    await reader.leave();
  }
});

test('silence is broken now and then, so that a dead connection can be told from a quiet fleet', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  const response = await site.ask('/api/stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  const heard = reader.read();
  // Until the stream has come to rest and waits on the clock.
  await new Promise((resolve) => setImmediate(resolve));
  site.clock.advance(15_000);
  assert.equal((await heard).value, ': still here\n\n');
  await reader.cancel();
});
