/** Scenarios on the lamp machine: every way of the kernel, close together and many at a time. */
import type { Definition } from '../../src/actor/state.ts';
import type { WatchPerformer } from '../../src/effects/effect.ts';
import { lampDefinition } from '../support/lamp.ts';
import type { Repeat } from './outside.ts';
import type { Run, Scenario } from './run.ts';
import { stepsOf } from './soundness.ts';

const DEFINITIONS = [lampDefinition as unknown as Definition];
/** A lamp goes out by itself after 30 s. */
const GOES_OUT_SECONDS = 31;
/** More than may wait from a stream for one actor: the rest goes to the stored mailbox. */
const FLOOD = 90;

const standsStill: WatchPerformer = {
  kind: 'watch',
  start: () => ({ update: () => {}, poke: () => {}, stop: async () => {} }),
};

/** Every lamp has each note once, in the order they were taken, and counted each press. */
function judge({ disk, node }: Run): string[] {
  const wrong: string[] = [];
  const steps = stepsOf(disk);
  for (const address of new Set(steps.map(({ actor }) => actor))) {
    const own = steps.filter(({ actor }) => actor === address).map(({ entry }) => entry);
    const { context } = node().actors.get(address).stood!.live.state;
    const noted = own.filter(({ envelope }) => envelope.type === 'fyi').map(({ envelope }) => envelope.data['text']);
    if (JSON.stringify(context['notes']) !== JSON.stringify(noted)) {
      wrong.push(`${address} has the notes ${JSON.stringify(context['notes'])}, it took ${JSON.stringify(noted)}`);
    }
    const presses = own.filter(({ envelope }) => envelope.type === 'press').length;
    if (context['presses'] !== presses)
      wrong.push(`${address} counts ${String(context['presses'])} presses of ${presses}`);
    if (presses === 0 && address === 'lamp/b') wrong.push(`${address} was never pressed`);
  }
  return wrong;
}

type Bounds = Pick<Scenario, 'activeMax' | 'batchSteps'>;

function lamps(name: string, repeat: Repeat, play: Scenario['play'], bounds: Bounds = {}): Scenario {
  return {
    name,
    definitions: DEFINITIONS,
    ...bounds,
    effects: (life, { outside }) => ({
      acts: { 'pull.say': outside.performer(life, 'pull.say', repeat) },
      watches: { consumer: standsStill },
    }),
    play,
    judge,
  };
}

/** Opens lamps at once, and waits until all are up. */
async function open(run: Run, ...names: string[]): Promise<void> {
  for (const name of names) run.ask(`lamp/${name}`, 'open', { room: name });
  await run.rest();
}

/** On and off again: an act is wished. */
function blink(run: Run, name: string): void {
  run.mail(`lamp/${name}`, 'press');
  run.mail(`lamp/${name}`, 'press');
}

async function everything(run: Run): Promise<void> {
  await open(run, 'a', 'b', 'c');
  for (const text of ['one', 'two', 'three']) {
    run.mail('lamp/a', 'fyi', { text });
    run.mail('lamp/b', 'fyi', { text });
  }
  blink(run, 'a');
  run.mail('lamp/a', 'ring', { to: 'lamp/b' });
  await run.hook('lamp/c', 'fyi', { text: 'a hook' });
  run.mail('lamp/a', 'ring', { to: 'lamp/none' });
  await run.rest();

  // Refusals of every kind are remembered too.
  run.mail('lamp/a', 'dim', { to: 500 });
  run.mail('lamp/a', 'dim', { to: 'much' });
  run.mail('lamp/a', 'nonsense');
  run.mail('lamp/none', 'press');
  run.mail('lamp/d', 'open', { room: 'a' });
  run.ask('lamp/b', 'dim', { to: 101 });
  await run.hook('lamp/c', 'dim', { to: 102 });
  await run.rest();

  // A claim goes from hand to hand.
  run.mail('lamp/a', 'ring', { to: 'lamp/c' });
  run.mail('lamp/a', 'end');
  run.mail('lamp/e', 'open', { room: 'a' });
  run.mail('lamp/a', 'fyi', { text: 'after the end' });
  await run.wait(GOES_OUT_SECONDS);
  run.mail('lamp/e', 'press');
  blink(run, 'b');
  await run.wait(GOES_OUT_SECONDS);
}

async function acting(run: Run): Promise<void> {
  await open(run, 'a', 'b');
  for (let round = 0; round < 3; round++) {
    blink(run, 'a');
    blink(run, 'b');
    run.mail('lamp/a', 'ring', { to: 'lamp/b' });
    run.mail('lamp/a', 'ring', { to: 'lamp/b' });
    await run.rest();
  }
  await run.wait(GOES_OUT_SECONDS);
}

async function parking(run: Run): Promise<void> {
  await open(run, 'a', 'b');
  run.mail('lamp/b', 'press');
  for (const skips of [true, true]) {
    run.mail('lamp/a', 'fyi', { text: 'before' });
    run.mail('lamp/a', 'break');
    run.mail('lamp/a', 'fyi', { text: 'held' });
    run.mail('lamp/b', 'ring', { to: 'lamp/a' });
    run.mail('lamp/b', 'fyi', { text: 'goes on' });
    await run.rest();
    run.mail('lamp/a', 'break');
    run.mail('lamp/a', 'fyi', { text: 'held behind another' });
    await run.rest();
    run.ask('lamp/a', 'correct.unpark', { skip: skips });
    await run.rest();
    run.mail('lamp/a', 'correct.unpark', { skip: skips });
    await run.rest();
  }
  await run.wait(GOES_OUT_SECONDS);
}

async function flooded(run: Run): Promise<void> {
  await open(run, 'a', 'b');
  for (let note = 1; note <= FLOOD; note++) {
    run.mail('lamp/a', 'fyi', { text: `note ${note}` });
    if (note % 10 === 0) run.mail('lamp/b', 'press');
  }
  await run.rest();
  run.ask('lamp/a', 'press');
  await run.wait(GOES_OUT_SECONDS);
}

/** A letter that came before a timer was due is taken before it, and the clock on the wall is put back. */
async function untimely(run: Run): Promise<void> {
  await open(run, 'a', 'b');
  run.mail('lamp/a', 'press');
  run.mail('lamp/b', 'press');
  await run.down(GOES_OUT_SECONDS, () => run.mail('lamp/a', 'press'));
  run.clock.putBack(3_600_000);
  blink(run, 'a');
  run.mail('lamp/a', 'ring', { to: 'lamp/b' });
  await run.down(5, () => blink(run, 'b'));
  await run.wait(3_600 + GOES_OUT_SECONDS);
}

/** The second press put the lamp out before its timer could. */
function judgeUntimely(run: Run): string[] {
  const own = stepsOf(run.disk).filter(({ actor }) => actor === 'lamp/a');
  const timer = own.find(({ entry }) => entry.due !== undefined);
  const presses = own.filter(({ entry }) => entry.envelope.type === 'press');
  const isLate = timer !== undefined && timer.seq < (presses[1]?.seq ?? Infinity);
  return [...judge(run), ...(isLate ? ['a timer went before a letter that came before it was due'] : [])];
}

export const LAMPS: Scenario[] = [
  lamps('lamps, everything', 'key', everything),
  lamps('lamps, everything, evicted after every step', 'check', everything, { activeMax: 0 }),
  lamps('lamps, everything, two steps a batch', 'key', everything, { batchSteps: 2 }),
  lamps('lamps that act with a key', 'key', acting),
  lamps('lamps that act and look', 'check', acting),
  lamps('lamps that act once', 'once', acting),
  lamps('lamps that break', 'key', parking),
  lamps('lamps in a flood', 'key', flooded),
  { ...lamps('lamps at the wrong time', 'key', untimely), judge: judgeUntimely },
];
