/** Time as an argument. Only the entry points make a real clock; tests make one they turn by hand. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once after `ms`; returns how to cancel. */
  after(ms: number, call: () => void): () => void;
}

export const realClock: Clock = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

export interface FakeClock extends Clock {
  /** Moves time on and calls everything that became due, in order of due time. */
  advance(ms: number): void;
  /** The clock on the wall is put back; what waits still waits as long. */
  putBack(ms: number): void;
}

export function createFakeClock(startMs = Date.parse('2026-01-01T00:00:00.000Z')): FakeClock {
  let nowMs = startMs;
  let waiting: { due: number; order: number; call: () => void }[] = [];
  let order = 0;
  return {
    now: () => nowMs,
    after(ms, call) {
      const entry = { due: nowMs + Math.max(0, ms), order: order++, call };
      waiting.push(entry);
      return () => {
        waiting = waiting.filter((other) => other !== entry);
      };
    },
    advance(ms) {
      const end = nowMs + ms;
      for (;;) {
        const next = waiting.filter((entry) => entry.due <= end).sort((a, b) => a.due - b.due || a.order - b.order)[0];
        if (next === undefined) break;
        waiting = waiting.filter((other) => other !== next);
        nowMs = next.due;
        next.call();
      }
      nowMs = end;
    },
    putBack(ms) {
      nowMs -= ms;
      for (const entry of waiting) entry.due -= ms;
    },
  };
}
