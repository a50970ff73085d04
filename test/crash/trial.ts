/**
 * Trials of a scenario: with one crash at a point, or with a chain of crashes, one in each life. What fails is told as
 * a story that a person can read, with the name under which it happens again.
 */
import type { Random } from '../simulation/random.ts';
import type { Death } from './life.ts';
import { deathsAt, nameOf } from './points.ts';
import { runScenario } from './run.ts';
import type { Ended, Scenario } from './run.ts';

/** A chain ends here, if the scenario did not before. */
const CHAIN_MAX = 16;
/** Points that a life passes before the next crash: often in the middle of the recovery, sometimes long after. */
const SOON_POINTS = 20;
const LATE_POINTS = 70;

export interface Trial {
  /** Crashes that came. */
  died: number;
  /** null = all is as it must be. */
  failure: string | null;
}

/** Every crash that the first life of a scenario can have. @throws Error when it fails without any crash */
export async function singles(scenario: Scenario): Promise<Death[]> {
  const dry = await runScenario(scenario, []);
  if (dry.wrong.length > 0) throw new Error(told(dry, scenario, []));
  return deathsAt(dry.lives[0]!);
}

export function chain(random: Random): Death[] {
  return Array.from({ length: CHAIN_MAX }, () => ({
    point: 1 + random.below(random.chance(0.6) ? SOON_POINTS : LATE_POINTS),
    fate: random.chance(0.5) ? 'happened' : 'lost',
    fails: random.chance(0.1),
  }));
}

/** One crash, which must come. */
export async function trySingle(scenario: Scenario, death: Death): Promise<Trial> {
  const ended = await runScenario(scenario, [death]);
  if (ended.died !== 1) ended.wrong.push('the process did not die there');
  return { died: ended.died, failure: ended.wrong.length === 0 ? null : told(ended, scenario, [death]) };
}

/** As many crashes as come until the scenario has ended; what fails is made as short as it can be. */
export async function tryChain(scenario: Scenario, deaths: Death[]): Promise<Trial> {
  const ended = await runScenario(scenario, deaths);
  const { died } = ended;
  if (ended.wrong.length === 0) return { died, failure: null };
  let shortest = { ended, deaths: deaths.slice(0, died) };
  for (let index = died - 1; index >= 0; index--) {
    const fewer = shortest.deaths.toSpliced(index, 1);
    const again = await runScenario(scenario, fewer);
    if (again.wrong.length > 0) shortest = { ended: again, deaths: fewer };
  }
  return { died, failure: told(shortest.ended, scenario, shortest.deaths) };
}

export function told({ wrong, story }: Ended, { name }: Scenario, deaths: Death[]): string {
  const point = nameOf(deaths);
  return [
    `${name}, crashed at ${point === '' ? 'no point' : point}:`,
    ...wrong.map((sentence) => `✗ ${sentence}`),
    'the story:',
    ...story,
    `alone: npm run crash -- --point '${name}:${point}'`,
  ].join('\n');
}

/** At most so many of them, evenly over the whole. */
export function spread<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, index) => all[Math.floor((index * all.length) / most)]!);
}
