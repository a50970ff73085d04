/**
 * The demo: plays the main job on real parts, from a delegated issue to a merged pull request, and shows it live. It
 * leaves with 0 only if everything really happened, by the stand-ins' own word.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Fact } from '../actor/fact.ts';
import type { HistoryEntry } from '../actor/past.ts';
import { findNatsServer, installNatsServer } from '../bus/server.ts';
import { printHistory } from '../cli/commands/read.ts';
import { createOutput } from '../cli/output.ts';
import type { Writer } from '../cli/terminal.ts';
import { checkStory } from './outcome.ts';
import { endAll, processesOf } from './processes.ts';
import { createModel } from './model.ts';
import { REAL_DRIVERS, configWith, findRealProgram, nextOf } from './real.ts';
import type { RealDriver } from './real.ts';
import { FILES, ISSUE, SCRIPT } from './story.ts';
import { showFact } from './telling.ts';
import { REPO, ask, createWorld, followFacts } from './world.ts';
import type { RunningChartroom, World } from './world.ts';

/** The story takes about fifteen seconds; beyond this something hangs, and the demo says what it waited for. */
const STORY_MS_MAX = 180_000;
const ACTS_MS_MAX = 15_000;

export interface DemoOptions {
  json: boolean;
  /** A real program in place of the scripted agents; its model stands on loopback. */
  driver?: RealDriver | undefined;
  /** Keeps everything running after the story, until interrupted, so that the page can be looked at. */
  stay: boolean;
  /** A person wants it to end. */
  interrupted: Promise<void>;
  stdout: Writer;
  stderr: Writer;
  env: NodeJS.ProcessEnv;
}

/** @returns the exit code */
export async function runDemo({ json, driver, stay, interrupted, stdout, stderr, env }: DemoOptions): Promise<0 | 1> {
  const say = (line: string): void => void stderr.write(`${line}\n`);
  if ((await findNatsServer()) === null) {
    const installed = await installNatsServer(say);
    if (!installed.ok) {
      say(`✗ nats-server is missing (${installed.why}) — run: ${installed.run}`);
      return 1;
    }
  }
  const program = driver === undefined ? undefined : await findRealProgram(driver, env);
  if (driver !== undefined && program === undefined) {
    say(`✗ ${driver} is not installed — run: npm run test:agents, which installs it, or put it on the PATH`);
    return 1;
  }
  const model = driver === undefined ? undefined : await createModel({ next: nextOf });
  const out = createOutput({ json, stdout, stderr, env, nowMs: Date.now() });
  const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-demo-'));
  const world = await createWorld({
    directory,
    files: FILES,
    script: SCRIPT,
    holdUntilApproved: true,
    ...(driver === undefined ? {} : { config: configWith(driver, program!, model!.url) }),
    say: (line) => {
      if (!json) say(out.paint('dim', `   ci  ${line}`));
    },
  });
  const stopped = new AbortController();
  try {
    const chartroom = await world.start();
    try {
      if (!json) {
        out.answer(
          `${out.paint('bold', 'Chartroom demo')}: from a delegated issue to a merged pull request, on real parts`,
        );
        out.answer(`  watch it at  ${chartroom.operator}`);
        out.answer(`  GitHub is    ${world.github.url} (a stand-in over a real git repository)`);
        out.answer(`  Linear is    ${world.linear.url} (a stand-in)`);
        out.answer('');
      }
      const exit = await play(world, { ...chartroom, interrupted }, out, stopped);
      if (stay && exit === 0) {
        say(`   the page stays at ${chartroom.operator} until you press Ctrl-C`);
        await interrupted;
      }
      return exit;
    } finally {
      stopped.abort();
      await chartroom.stop();
    }
  } catch (error) {
    say(`✗ ${(error as Error).message}`);
    return 1;
  } finally {
    await world.close();
    await model?.close();
    // A runtime that was killed left its nats-server and its agents behind.
    endAll(processesOf(directory));
    await rm(directory, { recursive: true, force: true });
  }
}

async function play(
  world: World,
  { operator, exited, interrupted }: RunningChartroom & Pick<DemoOptions, 'interrupted'>,
  out: ReturnType<typeof createOutput>,
  stopped: AbortController,
): Promise<0 | 1> {
  const issue = world.linear.createIssue({
    team: 'ENG',
    title: ISSUE.title,
    description: ISSUE.description,
    state: 'Todo',
  });
  const session = `session/${issue.identifier.toLowerCase()}`;
  world.linear.delegate(issue);
  const late = setTimeout(() => stopped.abort(), STORY_MS_MAX);
  let why: string | null = null;
  const cut = (reason: string): void => {
    why ??= reason;
    stopped.abort();
  };
  void exited.then((how) => cut(`the runtime ended (${how}) in the middle of the story`));
  void interrupted.then(() => cut('interrupted'));
  let ended: Fact | null = null;
  try {
    for await (const fact of followFacts(() => operator, stopped.signal)) {
      if (out.json) out.object(fact);
      else showFact(out, fact);
      if (fact.actor !== session) continue;
      if (['done', 'failed', 'cancelled'].includes(fact.after?.phase ?? '')) {
        ended = fact;
        break;
      }
    }
  } finally {
    clearTimeout(late);
  }
  if (ended === null) {
    const reason = why ?? (await whatItWaitsFor(operator, session));
    out.say(`✗ ${reason}`);
    if (out.json) out.object({ done: false, session, pull: null, steps: null, mistakes: [reason] });
    return 1;
  }
  await settled(operator, session);
  const mistakes = await checkStory(world, issue.identifier);
  const { entries } = await ask<{ entries: HistoryEntry[] }>(operator, 'history', { actor: session, limit: 1_000 });
  const pull = world.github.url === '' ? null : `${world.github.url}/${REPO}/pull/1`;
  if (out.json) {
    out.object({
      done: mistakes.length === 0,
      session,
      pull,
      steps: entries.length,
      ...(mistakes.length > 0 ? { mistakes } : {}),
    });
  } else {
    out.answer('');
    out.answer(out.paint('bold', `The history of ${session}`));
    printHistory(out, entries);
    out.answer('');
    for (const mistake of mistakes) out.say(`✗ ${mistake}`);
    if (mistakes.length === 0) {
      out.answer(
        `${out.paint('green', '✓')} merged: ${pull}, ${entries.length} steps; ${issue.identifier} is ${world.linear.stateOf(issue).name}`,
      );
    }
  }
  return mistakes.length === 0 ? 0 : 1;
}

async function whatItWaitsFor(operator: string, session: string): Promise<string> {
  const { waitingOn, phase } = await ask<{ waitingOn: unknown; phase: string }>(operator, 'show', { actor: session });
  return `${session} is still ${phase} after ${STORY_MS_MAX / 1_000} s; it waits on ${JSON.stringify(waitingOn)}`;
}

/** Waits until the last acts of a finished session have their answers (the issue is moved after the merge). */
async function settled(operator: string, session: string): Promise<void> {
  const giveUpMs = Date.now() + ACTS_MS_MAX;
  while (Date.now() < giveUpMs) {
    const { outbox } = await ask<{ outbox: unknown[] }>(operator, 'show', { actor: session });
    if (outbox.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const interrupt = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, stay: { type: 'boolean' }, driver: { type: 'string' } },
  });
  const driver = REAL_DRIVERS.find((name) => name === values.driver);
  if (values.driver !== undefined && driver === undefined) {
    process.stderr.write(`✗ there is no real program “${values.driver}” for the demo: ${REAL_DRIVERS.join(', ')}\n`);
    process.exit(2);
  }
  process.exitCode = await runDemo({
    driver,
    json: values.json === true,
    stay: values.stay === true,
    interrupted: interrupt(),
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  });
}
