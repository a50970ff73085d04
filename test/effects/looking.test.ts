import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '../../src/clock.ts';
import { createLooking } from '../../src/effects/looking.ts';
import type { Looked, Pace } from '../../src/effects/looking.ts';
import { TerminalError, TransientError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';

/** A looking whose looks are answered by hand; times are seconds since its start. */
function given(pace: Partial<Pace> = {}) {
  const clock = createFakeClock();
  const startMs = clock.now();
  const lines: string[] = [];
  const log = createLog({ to: { write: (line) => lines.push(line) } });
  const current: Pace = { awaited: true, shortMs: 60_000, longMs: 900_000, ...pace };
  const times: number[] = [];
  const troubles: (string | null)[] = [];
  let answer: () => Promise<Looked> = async () => ({ news: false });
  const looking = createLooking({
    clock,
    log,
    pace: () => current,
    trouble: (reason) => troubles.push(reason),
    look: () => {
      times.push((clock.now() - startMs) / 1_000);
      return answer();
    },
  });
  return {
    looking,
    current,
    lines,
    times,
    troubles,
    answers(next: () => Promise<Looked>) {
      answer = next;
    },
    /** Lets everything that is due run to its end, then the next second. */
    async pass(seconds: number) {
      await settled();
      for (let second = 0; second < seconds; second++) {
        clock.advance(1_000);
        await settled();
      }
    },
  };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test('what is awaited is looked at every minute', async () => {
  const { looking, times, pass } = given();
  looking.now();
  await pass(185);
  // The first look was asked for and saw nothing: what asked may be ahead of GitHub, hence the second one soon.
  assert.deepEqual(times, [0, 5, 65, 125, 185]);
  await looking.stop();
});

test('what is not awaited is looked at less and less often, down to the longest time', async () => {
  const { looking, times, answers, pass } = given({ awaited: false, shortMs: 10_000, longMs: 40_000 });
  answers(async () => ({ news: times.length === 1 }));
  looking.now();
  await pass(160);
  assert.deepEqual(times, [0, 10, 30, 70, 110, 150]);
  await looking.stop();
});

test('news bring the short time back', async () => {
  const { looking, times, answers, pass } = given({ awaited: false, shortMs: 10_000, longMs: 40_000 });
  answers(async () => ({ news: times.length === 1 || times.length === 4 }));
  looking.now();
  await pass(80);
  assert.deepEqual(times, [0, 10, 30, 70, 80]);
  await looking.stop();
});

test('pokes during a look are answered by one more look', async () => {
  const { looking, times, answers, pass } = given();
  let release = (): void => {};
  answers(
    () =>
      new Promise((resolve) => {
        release = () => resolve({ news: true });
      }),
  );
  looking.now();
  looking.now();
  looking.now();
  answers(async () => ({ news: true }));
  release();
  await pass(1);
  assert.deepEqual(times, [0, 0]);
  await looking.stop();
});

test('a failing look is tried later each time, not before the time the other side named, and is warned of once', async () => {
  const { looking, times, answers, pass, lines } = given({ shortMs: 10_000, longMs: 60_000 });
  const failures = [
    new TerminalError('GITHUB_NOT_FOUND', 'gone'),
    new Error('anything'),
    new TransientError('GITHUB_RATE_LIMITED', 'wait', { retryAfterMs: 100_000 }),
  ];
  answers(async () => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return { news: true };
  });
  looking.now();
  await pass(145);
  assert.deepEqual(times, [0, 10, 30, 130, 140]);
  assert.equal(lines.length, 1);
  await looking.stop();
});

test('when something becomes awaited the short time counts from then', async () => {
  const { looking, current, times, answers, pass } = given({ awaited: false, shortMs: 10_000, longMs: 900_000 });
  answers(async () => ({ news: times.length === 1 }));
  looking.now();
  await pass(75);
  current.awaited = true;
  looking.retime();
  await pass(25);
  assert.deepEqual(times, [0, 10, 30, 70, 85, 95]);
  await looking.stop();
});

test('stopping waits for the look in progress and no other follows', async () => {
  const { looking, times, answers, pass } = given();
  let release = (): void => {};
  answers(
    () =>
      new Promise((resolve) => {
        release = () => resolve({ news: true });
      }),
  );
  looking.now();
  let stopped = false;
  const stop = looking.stop().then(() => {
    stopped = true;
  });
  await settled();
  assert.equal(stopped, false);
  release();
  await stop;
  looking.now();
  await pass(200);
  assert.deepEqual(times, [0]);
});

test('a poke is never lost, whatever moment of a look it meets', async () => {
  for (let turns = 0; turns < 20; turns++) {
    const { looking, times, answers, pass } = given();
    answers(async () => ({ news: true }));
    looking.now();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const before = times.length;
    looking.now();
    await pass(1);
    assert.ok(times.length > before, `after ${turns} turns`);
    assert.ok(times.every((time) => time === 0));
    await looking.stop();
  }
});

test('that it cannot look is told at once where it is for good, else when it failed three times in a row', async () => {
  const { looking, troubles, answers, pass } = given({ shortMs: 1_000, longMs: 1_000 });
  answers(() => Promise.reject(new TransientError('GITHUB_UNAVAILABLE', 'away')));
  looking.now();
  await pass(1);
  assert.deepEqual(troubles, []);
  await pass(1);
  assert.deepEqual(troubles, ['away']);
  answers(async () => ({ news: true }));
  await pass(1);
  assert.deepEqual(troubles, ['away', null]);
  answers(() => Promise.reject(new TerminalError('GITHUB_UNAUTHORIZED', 'the token was revoked')));
  await pass(1);
  assert.equal(troubles.at(-1), 'the token was revoked');
  await looking.stop();
});
