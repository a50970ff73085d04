/** A process watch on a temporary data directory, with what it tells recorded, and a way to await the next word. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { AGENT_EVENTS } from '../../machines/events/agent.ts';
import type { RunBegun } from '../../machines/events/agent.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { realClock } from '../../src/clock.ts';
import type { Clock, FakeClock } from '../../src/clock.ts';
import { createCommandDriver } from '../../src/drivers/command/driver.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { endAll, processesOf } from '../../src/demo/processes.ts';
import { createScriptedDriver } from '../../src/drivers/scripted/driver.ts';
import type { Doing, Watch } from '../../src/effects/effect.ts';
import { findProcess, readBootId } from '../../src/effects/process/group.ts';
import { createProcessWatch } from '../../src/effects/process/watch.ts';
import type { ProcessParams, ProcessWatch, ProcessWatchOptions } from '../../src/effects/process/watch.ts';
import { createLog } from '../../src/log.ts';

export const AGENT = 'agent/ada';

export interface Told {
  type: string;
  data: Record<string, unknown>;
  id: string;
  to: string;
}

export interface ProcessSite {
  directory: string;
  worktree: string;
  told: Told[];
  /** Waits for the next word of this type that was not waited for before. */
  next: (type: string) => Promise<Told>;
  start: (params?: Partial<ProcessParams>) => Watch<ProcessParams>;
  /** Performs an act of the agent. */
  act: (name: keyof ProcessWatch['acts'], params: Record<string, unknown>, key?: string) => Promise<unknown>;
  /** A new runtime on the same data directory; the watches of the old one have to be let go of before. */
  again: (more?: Partial<ProcessWatchOptions>) => void;
  processes: () => ProcessWatch;
  revoked: unknown[];
}

export interface ProcessSiteOptions {
  runs?: unknown[];
  command?: string;
  clock?: Clock;
  more?: Partial<ProcessWatchOptions>;
}

export async function withProcesses(
  { runs = [], command = 'true', clock = realClock, more = {} }: ProcessSiteOptions,
  use: (site: ProcessSite) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'process-'));
  const dataDir = path.join(directory, 'data');
  const worktree = path.join(dataDir, 'worktrees', 'eng-42');
  await mkdir(worktree, { recursive: true });
  await execa('git', ['init', '--quiet', '--initial-branch=main', worktree]);
  const told: Told[] = [];
  const awaited = new Set<Told>();
  let wake: (() => void)[] = [];
  const revoked: unknown[] = [];
  const watches: Watch<ProcessParams>[] = [];
  const drivers: Record<string, Driver> = {
    scripted: createScriptedDriver({ script: { runs }, node: process.execPath }),
    command: createCommandDriver({ run: command }),
  };
  const bootId = await readBootId();
  const create = (change: Partial<ProcessWatchOptions> = {}): ProcessWatch =>
    createProcessWatch({
      drivers,
      dataDir,
      runDoor: {
        issue: async ({ run }) => `token-of-${run}`,
        revoke: async (which) => void revoked.push(which),
      },
      url: 'http://127.0.0.1:9',
      prompts: { render: async (params) => ({ text: `Do: ${params.begun?.title}\n`, notes: ['note-1'] }) },
      machine: { PATH: process.env['PATH'] ?? '' },
      person: () => ({ name: 'Ada', email: 'ada@example.com' }),
      node: process.execPath,
      bootId,
      timers: { stop: 2, kill: 0.5, silence: 600, run: 600 },
      clock,
      log: createLog({ level: process.env['LOG'] ?? 'silent' }),
      ...more,
      ...change,
    });
  let processes = create();

  const tell = async (
    type: string,
    data: Record<string, unknown>,
    { id, to = AGENT }: { id: string; to?: string },
  ): Promise<Receipt> => {
    if (type in AGENT_EVENTS) AGENT_EVENTS[type as keyof typeof AGENT_EVENTS].data.parse(data);
    told.push({ type, data, id, to });
    for (const call of wake.splice(0)) call();
    return { id, actor: to, outcome: 'taken', reason: null } as unknown as Receipt;
  };

  const site: ProcessSite = {
    directory,
    worktree,
    told,
    revoked,
    processes: () => processes,
    async next(type) {
      for (;;) {
        const found = told.find((word) => word.type === type && !awaited.has(word));
        if (found !== undefined) {
          awaited.add(found);
          return found;
        }
        await new Promise<void>((resolve) => wake.push(resolve));
      }
    },
    start(params = {}) {
      const watch = processes.watch.start(
        {
          run: 'eng-42-3',
          agent: AGENT,
          role: 'implementer',
          driver: 'scripted',
          mode: 'worker',
          begun: begun(worktree),
          actions: [],
          ...params,
        },
        { actor: AGENT, tell, signal: new AbortController().signal },
      );
      watches.push(watch);
      return watch;
    },
    async act(name, params, key = 'agent/ada/9/0') {
      const doing: Doing = {
        key,
        actor: AGENT,
        attempt: 3,
        signal: new AbortController().signal,
        wishedAt: '2026-01-01T00:00:00.000Z',
      };
      return processes.acts[name].perform(params as never, doing);
    },
    again(change = {}) {
      told.length = 0;
      awaited.clear();
      processes = create(change);
    },
  };
  let isPlayed = false;
  try {
    await use(site);
    isPlayed = true;
  } finally {
    const stopTime = letTimePass(clock);
    await processes.acts['process.end'].perform(
      { reason: 'the test is over', stopSeconds: 0, killSeconds: 0 },
      { key: 'end', actor: AGENT, attempt: 1, signal: new AbortController().signal, wishedAt: '' },
    );
    await Promise.all(watches.map((watch) => watch.stop('state')));
    stopTime();
    const left = processesOf(directory);
    endAll(left);
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    if (isPlayed) assert.deepEqual(left, [], 'no process of an agent is left');
  }
}

/** Starts a command as tools do: in a session of its own, where no signal to the group reaches it. */
export const straying = (first = ':'): string =>
  `setsid sh -c '${first}; echo $$ > stray.new; mv stray.new stray; exec sleep 600' & until [ -e stray ]; do sleep 0.01; done`;

export const onLinux =
  process.platform === 'linux' ? {} : { skip: 'setsid, by which it is left here, is a program of Linux' };

/** Its pid, once it is there. */
export async function strayOf({ worktree }: ProcessSite): Promise<number> {
  const file = path.join(worktree, 'stray');
  while (!existsSync(file)) await new Promise((resolve) => setImmediate(resolve));
  return Number(await readFile(file, 'utf8'));
}

export async function strayLives(site: ProcessSite): Promise<boolean> {
  const found = await findProcess(await strayOf(site));
  return found !== undefined && !found.dead;
}

/**
 * A process that was told to end is looked at again and again until it is gone: on a clock that stands still, the
 * second look would never come. Returns how to stop.
 */
function letTimePass(clock: Clock | FakeClock): () => void {
  if (!('advance' in clock)) return () => {};
  const timer = setInterval(() => clock.advance(10), 10);
  return () => clearInterval(timer);
}

export function begun(worktree: string): RunBegun {
  return {
    session: 'session/eng-42',
    epoch: 3,
    kind: 'implement',
    for: 'implement',
    title: 'Greet people',
    attempt: 1,
    head: 'a'.repeat(40),
    worktree,
    branch: 'chartroom/eng-42-greet',
    repo: 'acme/api',
    prompt: {
      objective: { title: 'Greet people', body: '' },
      why: 'It was asked for.',
      required: [],
      changes: [],
      facts: [],
      texts: [],
      notes: [{ id: 'note-1', at: '2026-01-01T00:00:00.000Z', author: 'ann', text: 'Mind the gap.' }],
      deliver: 'A pull request.',
    },
    limits: {},
  };
}
