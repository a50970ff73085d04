/** Budgets end (law 10): whatever a run leaves behind, no kind of work goes round for ever. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { H1, USAGE, end, green, pending, pull, red, review, run, verdict, verified, work } from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

/** Far more than any budget allows. */
const ROUNDS_MAX = 60;
const headOf = (n: number): string => (0xabc0000 + n).toString(16).padStart(14, '0');

const opened = (over: Parameters<typeof work>[0] = {}): Play => {
  const session = play();
  session.send('open', work(over));
  return session;
};
function delivered(over: Parameters<typeof pull>[0] = {}, how: Parameters<typeof work>[0] = {}): Play {
  const session = opened(how);
  run(session);
  end(session);
  verified(session, { pull: 7 });
  session.send('pull.observed', pull({ head: headOf(0), ...over }));
  return session;
}

interface Round {
  ok?: boolean;
  /** What GitHub shows after the push, before or after the evidence is in. */
  seen: (head: string, n: number) => Parameters<typeof pull>[0];
  when?: 'before' | 'after';
  answer?: (session: Play, head: string, n: number) => void;
}

/** Runs as long as one is wanted, each pushing a head of its own; how many there were. */
function exhaust(session: Play, { ok = false, seen, when = 'after', answer }: Round): number {
  for (let n = 1; n <= ROUNDS_MAX; n++) {
    if (session.regions()['work'] === 'backingOff') session.fire('backoff');
    if (session.context().want === null) return n - 1;
    const before = headOf(n - 1);
    const after = headOf(n);
    run(session, { head: before });
    const look = (): void =>
      void session.send('pull.observed', pull({ head: after, updatedAt: session.now(), ...seen(after, n) }));
    if (when === 'before') look();
    end(session);
    verified(session, { headBefore: before, headAfter: after, pull: 7 }, ok);
    if (when === 'after') look();
    answer?.(session, after, n);
  }
  return ROUNDS_MAX;
}
const isParked = (session: Play): void => {
  assert.equal(session.regions()['work'], 'escalated');
  assert.equal(session.phase(), 'escalated');
};

for (const when of ['before', 'after'] as const) {
  test(`an implementation that never passes is parked, although every run pushed (seen ${when} the evidence)`, () => {
    const session = opened();
    assert.equal(exhaust(session, { when, seen: () => ({ gate: pending }) }), 2);
    isParked(session);
    session.send('correct.retry', {});
    assert.equal(session.context().want !== null, true, 'a person may have it tried again');
  });

  test(`checks that stay red are parked after three attempts (seen ${when} the evidence)`, () => {
    const session = delivered({ gate: red() });
    assert.equal(exhaust(session, { ok: true, when, seen: () => ({ gate: red() }) }), 3);
    isParked(session);
  });

  test(`checks whose run is not verified are parked too (seen ${when} the evidence)`, () => {
    const session = delivered({ gate: red() });
    assert.ok(exhaust(session, { when, seen: (_, n) => ({ gate: red(`job-${n}`) }) }) <= 3);
    isParked(session);
  });

  test(`a branch that conflicts again and again is parked (seen ${when} the evidence)`, () => {
    const session = delivered({ conflict: true });
    assert.ok(exhaust(session, { ok: true, when, seen: () => ({ conflict: true }) }) <= 3);
    isParked(session);
  });

  test(`an eviction that repeats is parked (seen ${when} the evidence)`, () => {
    const evicted = { queue: { state: 'evicted' as const }, gate: green };
    const session = delivered(evicted, { merge: 'queue', gates: { checks: ['Tests'], review: 'none' } });
    assert.equal(exhaust(session, { ok: true, when, seen: () => evicted }), 3);
    isParked(session);
  });

  test(`a reviewer who is never content leads to a person (seen ${when} the evidence)`, () => {
    const session = delivered({ gate: green });
    verdict(session, headOf(0), 'request_changes');
    const again = (play: Play, head: string): void => void verdict(play, head, 'request_changes');
    assert.equal(exhaust(session, { ok: true, when, seen: () => ({ gate: green }), answer: again }), 3);
    isParked(session);
  });
}

test('a person at GitHub who is never content leads to a person as well', () => {
  const session = delivered({ gate: green, reviews: [review({ head: headOf(0) })] });
  const seen = (head: string, n: number) => ({ gate: green, reviews: [review({ id: `r${n + 1}`, head })] });
  assert.equal(exhaust(session, { ok: true, seen }), 3);
  isParked(session);
});

test('another failing job on the same head is another reason, not another budget', () => {
  const session = delivered({ gate: red() });
  exhaust(session, { ok: true, seen: () => ({ gate: red() }) });
  const { head } = session.context().pull!;
  for (let n = 1; n <= 5; n++) {
    session.send('pull.observed', pull({ head, gate: red(`other-${n}`), updatedAt: session.now() }));
    isParked(session);
  }
});

test('a text that no run answers is parked', () => {
  const session = delivered({ gate: green });
  session.send('say', { text: 'Name it.' });
  assert.equal(exhaust(session, { seen: () => ({ gate: green }) }), 3);
  isParked(session);
});

test('texts that were answered leave no mark on the next one', () => {
  const session = delivered({ gate: green });
  for (let n = 0; n < 5; n++) {
    session.send('say', { text: `Text ${n}` });
    run(session);
    end(session);
    verified(session, { pull: 7 });
    assert.equal(session.context().attempts.answer, 0);
  }
});

test('a verdict that is never given is parked', () => {
  const session = play({ address: 'session/review-dev-acme-api-7' });
  session.send('open', {
    ...work({ kind: 'review', deliver: 'report', source: { kind: 'review' } }),
    target: { number: 7, head: H1 },
  });
  let runs = 0;
  for (; runs < ROUNDS_MAX && session.context().want !== null; runs++) {
    run(session, { agent: 'agent/susan' });
    end(session, {}, 'agent/susan');
    verified(session, {}, false);
  }
  assert.equal(runs, 2);
  isParked(session);
});

test('what changed protected files waits for a person, also when the head it pushed is seen', () => {
  const session = opened();
  run(session);
  end(session);
  verified(session, { headAfter: headOf(1), protected: ['.github/workflows/ci.yml'] }, false);
  session.send('pull.observed', pull({ head: headOf(1) }));
  session.send('pull.observed', pull({ head: headOf(2), updatedAt: session.now() }));
  assert.equal(session.context().want, null);
  assert.equal(session.context().obligations[0]?.parked?.by, 'protected');
});

test('a person’s push is a new chance with a fresh budget', () => {
  const session = opened();
  exhaust(session, { seen: () => ({ gate: pending }) });
  session.send('pull.observed', pull({ head: headOf(90), headBy: 'other', updatedAt: session.now() }));
  assert.notEqual(session.context().want, null);
  assert.equal(session.context().attempts.implement, 0);
});

test('a run that is interrupted again and again is begun later each time, and in the end a person is asked', () => {
  const session = opened();
  const waits: number[] = [];
  let runs = 0;
  for (; runs < ROUNDS_MAX && session.regions()['work'] !== 'escalated'; runs++) {
    const epoch = run(session);
    session.send('run.ended', { outcome: 'interrupted', reason: 'its turn was interrupted' }, { epoch });
    session.send('run.released', { epoch, usage: USAGE });
    if (session.regions()['work'] !== 'backingOff') continue;
    waits.push(session.context().backoff!.ms / 1_000);
    session.fire('backoff');
  }
  assert.equal(runs, 21);
  assert.deepEqual(waits.slice(0, 4), [15, 30, 60, 120]);
  assert.equal(session.context().attempts.implement, 0, 'no attempt');
  isParked(session);
});
