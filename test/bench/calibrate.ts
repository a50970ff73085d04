/** How quick this machine is now, by work that is not ours: so that figures of different machines can be compared. */
import { initialTransition, transition } from 'xstate';
import { sessionMachine } from '../../machines/session/machine.ts';
import { sinceMs } from './figure.ts';
import type { Figure } from './figure.ts';
import { envelope } from './sessions.ts';

const ITERATIONS = 20_000_000;
const TRANSITIONS = 3_000;
/** The best of some rounds is what the machine can do; the others are what its neighbours left of it. */
const ROUNDS = 5;

function bestMs(run: () => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const mark = performance.now();
    run();
    best = Math.min(best, sinceMs(mark));
  }
  return best;
}

function loop(): void {
  let number = 1;
  for (let index = 0; index < ITERATIONS; index++) number = (number * 31 + index) | 0;
  if (number === 0.5) throw new Error('never: the loop has to have a result');
}

/** XState's own function on the real session, with a note: what it costs without anything of the kernel. */
function transitions(): void {
  const at = '2026-01-05T09:00:00.000Z';
  const birth = { address: 'session/eng-0' as never, at, timers: {} };
  const [unborn] = initialTransition(sessionMachine, birth);
  const { source, data } = envelope('session/eng-0', 'fyi', { text: 'a note' }, 'note');
  for (let index = 0; index < TRANSITIONS; index++) {
    transition(sessionMachine, unborn, { type: 'fyi', data, at, id: `note-${index}`, source, seq: 1 } as never);
  }
}

export function measureMachine(): Figure[] {
  return [
    { name: 'a plain loop, one iteration', measured: (bestMs(loop) / ITERATIONS) * 1e6, unit: 'ns' },
    { name: 'XState’s own transition()', measured: (bestMs(transitions) / TRANSITIONS) * 1e3, unit: 'µs' },
  ];
}
