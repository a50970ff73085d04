/** Many schedules at once: worker processes, one per core, each taking the next few seeds until none is left. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Broken } from './broken.ts';
import { meet } from './coverage.ts';
import type { Met } from './coverage.ts';
import { play } from './schedule.ts';

/** Seeds a worker is given at a time: small, so that none is left with much when the others are done. */
const SHARE = 20;

export interface Orders {
  from: number;
  count: number;
  disturbed?: number | undefined;
  /** Stop after this many seconds, with what was played. */
  withinSeconds: number;
  coverage: boolean;
  /** Called now and then with how many have been played. */
  progress?: (played: number) => void;
}

export interface Result {
  played: number;
  moves: number;
  seconds: number;
  failures: { seed: number; broken: Broken }[];
  met: Met;
}

interface Share {
  seeds: number[];
  disturbed?: number | undefined;
  coverage: boolean;
}

/** After so many failures more of them say nothing new. */
const FAILURES_MAX = 20;

export async function simulate({ from, count, disturbed, withinSeconds, coverage, progress }: Orders): Promise<Result> {
  const began = performance.now();
  const result: Result = { played: 0, moves: 0, seconds: 0, failures: [], met: {} };
  let next = from;
  const isOver = (): boolean =>
    next >= from + count || result.failures.length >= FAILURES_MAX || performance.now() - began > withinSeconds * 1_000;

  function add(done: Result): void {
    result.played += done.played;
    result.moves += done.moves;
    result.failures.push(...done.failures);
    for (const [name, times] of Object.entries(done.met)) result.met[name] = (result.met[name] ?? 0) + times;
    progress?.(result.played);
  }

  async function employ(): Promise<void> {
    const env = { ...process.env, NODE_ENV: 'production' };
    const worker = fork(new URL('worker.js', import.meta.url), { env, execArgv: ['--enable-source-maps'] });
    try {
      while (!isOver()) {
        const seeds = Array.from({ length: Math.min(SHARE, from + count - next) }, (_, n) => next + n);
        next += seeds.length;
        add(await ask(worker, { seeds, disturbed, coverage }));
      }
    } finally {
      worker.disconnect();
    }
  }

  await Promise.all(Array.from({ length: Math.min(availableParallelism(), Math.ceil(count / SHARE)) }, employ));
  result.failures.sort((a, b) => a.seed - b.seed);
  return { ...result, seconds: (performance.now() - began) / 1_000 };
}

function ask(worker: ChildProcess, share: Share): Promise<Result> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a worker of the simulation ended (${code})`));
    worker.once('exit', ended);
    worker.once('message', (result) => {
      worker.off('exit', ended);
      resolve(result as Result);
    });
    worker.send(share);
  });
}

/** A worker's part. */
export function playShare({ seeds, disturbed, coverage }: Share): Result {
  const result: Result = { played: 0, moves: 0, seconds: 0, failures: [], met: {} };
  const watching = coverage ? { taken: meet.bind(null, result.met) } : {};
  for (const seed of seeds) {
    const { broken, moves } = play({ seed, ...(disturbed === undefined ? {} : { disturbed }) }, watching);
    result.played++;
    result.moves += moves;
    if (broken !== null) result.failures.push({ seed, broken });
  }
  return result;
}
