/** `npm run simulate`: plays one schedule, ten thousand or a million, and tells a failing one as short as it gets. */
import { parseArgs } from 'node:util';

// Read by the machines' libraries when they are loaded, so set before they are: twice as fast.
process.env['NODE_ENV'] = 'production';
const { report } = await import('./coverage.ts');
const { simulate } = await import('./crew.ts');
const { DISTURBED_MOVES, play } = await import('./schedule.ts');
const { shrink } = await import('./shrink.ts');
const { tellStory } = await import('./story.ts');

const USAGE = `npm run simulate -- [COUNT] [--from SEED] [--within SECONDS] [--coverage] [--missed]
npm run simulate -- --seed SEED [--disturbed MOVES] [--trace] [--whole]

  COUNT      how many schedules, one after the other seed (10000)
  --from     the first seed (1)
  --within   give up after so many seconds (3600); what was not played then is a failure
  --coverage which events came in which states, and which corrections were taken and refused
  --missed   with --coverage: the cells that were not met, by name
  --seed     one schedule; a failing one is made short and told
  --disturbed  how many of its moves may go wrong before the calm (100)
  --trace    tell it also where nothing is broken
  --whole    tell it as it was, not made short
`;

function fail(message: string): never {
  process.stderr.write(`✗ ${message}\n\n${USAGE}`);
  process.exit(2);
}

function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) fail(`${name} must be a whole number from 1, not “${text}”`);
  return value;
}

function readFlags() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        disturbed: { type: 'string', default: String(DISTURBED_MOVES) },
        from: { type: 'string', default: '1' },
        count: { type: 'string' },
        within: { type: 'string', default: '3600' },
        trace: { type: 'boolean', default: false },
        whole: { type: 'boolean', default: false },
        coverage: { type: 'boolean', default: false },
        missed: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail((error as Error).message);
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function playOne(seed: number, disturbed: number, { trace, whole }: { trace: boolean; whole: boolean }): boolean {
  const { broken, moves } = play({ seed, disturbed });
  if (broken === null) {
    if (trace) tellStory({ seed, disturbed }, say);
    else say(`✓ seed ${seed}: ${moves} moves, every rule held`);
    return true;
  }
  if (whole) tellStory({ seed, disturbed }, say);
  else {
    const isBroken = (without: ReadonlySet<number>): boolean =>
      play({ seed, disturbed, without }).broken?.rule === broken.rule;
    const { without, left, tries } = shrink(disturbed, isBroken);
    say(`seed ${seed}, made short: ${left} moves before the calm, after ${tries} tries`);
    tellStory({ seed, disturbed, without }, say);
  }
  return false;
}

const { values: flags, positionals } = readFlags();
if (flags.help) say(USAGE);
else if (flags.seed !== undefined) {
  const disturbed = wholeNumber(flags.disturbed, '--disturbed');
  if (!playOne(wholeNumber(flags.seed, '--seed'), disturbed, flags)) process.exitCode = 1;
} else {
  const count = wholeNumber(flags.count ?? positionals[0] ?? '10000', 'COUNT');
  const from = wholeNumber(flags.from, '--from');
  const withinSeconds = wholeNumber(flags.within, '--within');
  let told = 0;
  const progress = (played: number): void => {
    if (played - told < 1_000) return;
    told = played;
    process.stderr.write(`${played} …\n`);
  };
  const { played, moves, seconds, failures, met } = await simulate({
    from,
    count,
    withinSeconds,
    coverage: flags.coverage,
    progress,
  });
  const pace = `${Math.round(seconds)} s, ${(moves / played).toFixed(0)} moves each`;
  if (flags.coverage) say(report(met, { missed: flags.missed }));
  for (const { seed, broken } of failures) say(`✗ seed ${seed}: ${broken.rule}\n  ${broken.detail}`);
  const [first] = failures;
  if (first !== undefined) {
    say('');
    playOne(first.seed, DISTURBED_MOVES, { trace: true, whole: flags.whole });
  }
  if (first === undefined && played < count) say(`✗ only ${played} of ${count} schedules were played in ${pace}`);
  else
    say(
      `${first === undefined ? '✓' : '✗'} ${played} schedules from seed ${from} in ${pace}: ${failures.length} failed`,
    );
  if (first !== undefined || played < count) process.exitCode = 1;
}
