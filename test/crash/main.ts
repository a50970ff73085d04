/**
 * `npm run crash`: every scenario crashed at every point it passes, then in chains of crashes until the time is over.
 * `--point 'the main job:57+'` tries one alone and tells its story. On every core at once: scenarios share nothing.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createRandom } from '../simulation/random.ts';
import { deathsNamed } from './points.ts';
import { runScenario } from './run.ts';
import { SCENARIOS } from './scenarios.ts';
import { chain, singles, told, tryChain, trySingle } from './trial.ts';

/** Fewer distinct points than this say too little: the scenarios have shrunk, or the time was too short. */
const POINTS_MIN = 2_000;
/** Two quiet cores need a third of it. */
const SECONDS_DEFAULT = 600;
/** Of the time, for chains: they find what one crash alone does not. */
const CHAINS_SHARE = 0.15;
/** Stories of failing runs that a person can read at once. */
const FAILURES_SHOWN = 3;

interface Share {
  part: number;
  parts: number;
  untilMs: number;
}

interface Tally {
  name: string;
  points: number;
  tried: number;
  chains: number;
  crashes: number;
  failures: string[];
}

/* oxlint-disable no-console -- a program for people */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { point: { type: 'string' }, seconds: { type: 'string', default: String(SECONDS_DEFAULT) } },
  });
  if (values.point !== undefined) return alone(values.point);
  const startMs = Date.now();
  const parts = availableParallelism();
  const untilMs = startMs + Number(values.seconds) * 1_000;
  const tallies = await Promise.all(Array.from({ length: parts }, (_, part) => share({ part, parts, untilMs })));

  let all = 0;
  const failures: string[] = [];
  for (const { name } of SCENARIOS) {
    const own = tallies.flat().filter((tally) => tally.name === name);
    const sum = (of: (tally: Tally) => number): number => own.reduce((total, tally) => total + of(tally), 0);
    const tried = sum((tally) => tally.tried);
    all += tried;
    failures.push(...own.flatMap((tally) => tally.failures));
    console.log(
      `${name}: ${tried} of ${own[0]!.points} points, ${sum(({ crashes }) => crashes)} crashes in ${sum(({ chains }) => chains)} chains`,
    );
  }
  for (const failure of failures.slice(0, FAILURES_SHOWN)) console.log(`\n${failure}`);
  console.log(`${all} distinct points in ${Math.round((Date.now() - startMs) / 1_000)} s, ${failures.length} failures`);
  if (all < POINTS_MIN) console.log(`✗ at least ${POINTS_MIN} points must be tried: give it more --seconds`);
  return failures.length > 0 || all < POINTS_MIN ? 1 : 0;
}

const share = (workerData: Share): Promise<Tally[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData });
    worker.once('message', resolve);
    worker.once('error', reject);
  });

/** Scenarios take turns, so that none goes without when the time is short. */
async function work({ part, parts, untilMs }: Share): Promise<Tally[]> {
  const startMs = Date.now();
  const chainsFromMs = untilMs - (untilMs - startMs) * CHAINS_SHARE;
  const lots = await Promise.all(
    SCENARIOS.map(async (scenario) => {
      const all = await singles(scenario);
      const tally: Tally = { name: scenario.name, points: all.length, tried: 0, chains: 0, crashes: 0, failures: [] };
      return { scenario, tally, own: all.filter((_, index) => index % parts === part) };
    }),
  );
  for (let index = 0, left = true; left && Date.now() < chainsFromMs; index++) {
    left = false;
    for (const { scenario, tally, own } of lots) {
      const death = own[index];
      if (death === undefined) continue;
      left = true;
      const { failure } = await trySingle(scenario, death);
      tally.tried += 1;
      if (failure !== null) tally.failures.push(failure);
    }
  }
  const chainsUntilMs = Math.min(untilMs, Date.now() + (untilMs - startMs) * CHAINS_SHARE);
  for (let seed = 1 + part; Date.now() < chainsUntilMs; seed += parts) {
    for (const { scenario, tally } of lots) {
      const { died, failure } = await tryChain(scenario, chain(createRandom(seed)));
      tally.chains += 1;
      tally.crashes += died;
      if (failure !== null) tally.failures.push(failure);
    }
  }
  return lots.map(({ tally }) => tally);
}

async function alone(name: string): Promise<number> {
  const colon = name.lastIndexOf(':');
  const scenario = SCENARIOS.find((one) => one.name === name.slice(0, colon));
  if (scenario === undefined) {
    console.log(`✗ “${name}” is not 'scenario:point'; scenarios: ${SCENARIOS.map((one) => one.name).join('; ')}`);
    return 2;
  }
  const deaths = name.length === colon + 1 ? [] : deathsNamed(name.slice(colon + 1));
  const ended = await runScenario(scenario, deaths);
  console.log(told(ended, scenario, deaths));
  return ended.wrong.length > 0 ? 1 : 0;
}

if (isMainThread) process.exitCode = await main();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
else parentPort!.postMessage(await work(workerData as Share));
