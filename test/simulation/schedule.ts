/**
 * One schedule: a seed decides what is played on and who moves next. First everything may go wrong; then everybody
 * means well, people help where a person is waited for, and every piece of work has to come to its end. Each disturbed
 * move draws from a seed of its own, so that a schedule can be played again without some of its moves.
 */
import { MACHINES } from '../../machines/index.ts';
import { createRegistry } from '../../src/actor/registry.ts';
import { broken } from './broken.ts';
import type { Broken } from './broken.ts';
import { help } from './help.ts';
import { createKernel } from './kernel.ts';
import type { Taken } from './kernel.ts';
import { createLaws } from './laws.ts';
import type { Laws } from './laws.ts';
import { disturb } from './people.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { shapeOf } from './shape.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

export interface Schedule {
  seed: number;
  /** Moves while anything may go wrong; `DISTURBED_MOVES` where none are given. */
  disturbed?: number;
  /** Moves of the disturbed part that are left out. */
  without?: ReadonlySet<number>;
}

export interface Outcome {
  seed: number;
  moves: number;
  broken: Broken | null;
}

/** As many as a story of all four machines takes. */
export const DISTURBED_MOVES = 100;
/** More than this until everything is done means that something goes round in circles. */
const CALM_MOVES = 4_000;
/** A person who has helped this often is not helping. */
const HELPS_MAX = 80;
const START_MS = Date.parse('2026-01-01T00:00:00.000Z');

const REGISTRY = createRegistry(MACHINES);

export interface Watching {
  /** Every envelope that was taken. */
  taken?: (taken: Taken, nowMs: number) => void;
  /** What is no envelope: crashes, the calm. */
  note?: (text: string, nowMs: number) => void;
}

export function play({ seed, disturbed: last = DISTURBED_MOVES, without }: Schedule, watching: Watching = {}): Outcome {
  let first: Broken | null = null;
  let laws: Laws | null = null;
  const kernel = createKernel(REGISTRY, START_MS, (taken) => {
    watching.taken?.(taken, kernel.nowMs);
    first ??= laws?.stepped(taken) ?? null;
  });
  const shape = shapeOf(createRandom(seed));
  const world = createWorld(kernel, shape);
  laws = createLaws(world);
  let moves = 0;

  /** Whatever a law says of this moment. */
  function wrong(): Broken | null {
    if (first !== null) return first;
    for (const address of world.all('agent')) {
      const worktree = world.processes.settle(address);
      if (worktree !== null) return broken('one process in a worktree, and none forgotten', worktree);
    }
    return kernel.isSettled() ? laws!.atRest() : null;
  }

  function moveOnce(random: Random, calm: boolean, sorts = world.moves(random, calm)): boolean {
    const timer = kernel.nextTimer();
    const isDue = timer !== null && timer.dueMs <= kernel.nowMs;
    kernel.nowMs += random.below(calm ? 200 : 1_500);
    if (timer !== null && (sorts.length === 0 || isDue || (!calm && random.chance(0.04)))) {
      kernel.fire(timer);
      return true;
    }
    const sort = random.prefer(sorts);
    if (sort === undefined) return false;
    random.prefer(sort.moves)!.go();
    return true;
  }

  function setUp(): void {
    shape.openings.forEach(({ to, type, data }, n) => {
      kernel.send({ specversion: '1.0', id: `opening-${n}`, source: 'cli/ann', type, subject: to, data }, 'outside');
    });
    for (let subject = next(); subject !== undefined; subject = next()) kernel.deliver(subject);
  }
  const next = (): string | undefined => kernel.mailboxes.keys().next().value;

  function disturbed(): Broken | null {
    for (let move = 0; move < last; move++) {
      if (without?.has(move) === true) continue;
      const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(move + 1, 0x85ebca77));
      moves++;
      if (random.chance(0.16)) disturb(world, random);
      else moveOnce(random, false);
      const found = wrong();
      if (found !== null) return found;
    }
    return null;
  }

  /** From here on nothing goes wrong any more. */
  function calm(): Broken | null {
    watching.note?.('from here on everybody means well', kernel.nowMs);
    const random = createRandom(Math.imul(seed, 0x9e3779b1));
    help.begin(world);
    let helps = 0;
    let quiet = 0;
    for (let move = 0; move < CALM_MOVES; move++) {
      const open = [...world.open('session'), ...world.open('mission')];
      let sorts = world.moves(random, true);
      const isIdle = sorts.length === 0;
      if (open.length === 0 && isIdle) return null;
      // People come when nothing happens by itself for a while.
      if (isIdle && (++quiet % 3 === 0 || kernel.nextTimer() === null)) {
        const helped = help.all(world);
        if (++helps > HELPS_MAX || (!helped && kernel.nextTimer() === null)) return stuck(world, open);
        sorts = world.moves(random, true);
      }
      moves++;
      moveOnce(random, true, sorts);
      const found = wrong();
      if (found !== null) return found;
    }
    return stuck(world, [...world.open('session'), ...world.open('mission')]);
  }

  let failure: Broken | null;
  try {
    setUp();
    failure = wrong() ?? disturbed() ?? calm();
  } catch (error) {
    failure = broken('no step throws', (error as Error).stack ?? String(error));
  }
  return { seed, moves, broken: failure };
}

function stuck(world: World, open: string[]): Broken {
  const waits = open.map((address) => {
    const { phase, waitingOn } = world.projectionOf(address);
    return `${address} is ${phase} and waits for ${waitingOn.map(({ gate, on, detail }) => `${gate} on ${on} (${detail})`).join(', ')}`;
  });
  return broken('all work comes to its end', waits.join('\n  '));
}
