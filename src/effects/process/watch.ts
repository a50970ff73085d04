/**
 * The watch of an agent's process (docs/architecture.md §1.7): started when its state is entered, found again after a
 * restart of the runtime, ended when the state is left; and the acts that reach the live process of an agent.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Timers } from '../../../machines/contract.ts';
import { TIMER_DEFAULTS } from '../../../machines/contract.ts';
import type { WatchParams } from '../../../machines/effects.ts';
import type { Allowance } from '../../drivers/approval.ts';
import type { Driver, RunFacts, Seat } from '../../drivers/driver.ts';
import type { Clock } from '../../clock.ts';
import { createRedactor } from '../../log.ts';
import type { Logger } from '../../log.ts';
import type { Watch, WatchContext, WatchPerformer } from '../effect.ts';
import type { Person } from '../git.ts';
import { createProcessActs } from './acts.ts';
import type { ProcessActs } from './acts.ts';
import { endGroup, isAlive } from './ending.ts';
import type { Bounds } from './ending.ts';
import { environmentOf } from './environment.ts';
import { folderAt, folderOf, isRunName, readRecord, writeRecord } from './folder.ts';
import type { Folder, RunRecord } from './folder.ts';
import type { RunLimits } from './limits.ts';
import { OUTPUT_BYTES_MAX, liveOn, writePrompt } from './live.ts';
import type { Life } from './live.ts';

export type ProcessParams = WatchParams<'process'>;

/** Credentials of runs, as the run door gives them (src/effects/run-door.ts). */
export interface RunTokens {
  /** A new token of this run; an earlier one is refused from now on. */
  issue: (run: RunIdentity, folder: string) => Promise<string>;
  revoke: (which: { agent: string; session?: string; epoch?: number; run?: string }) => Promise<void>;
}

export interface RunIdentity {
  run: string;
  agent: string;
  role: string;
  actions: string[];
  session?: string;
  epoch?: number;
  kind?: string;
  repo?: string;
  branch?: string;
  head?: string;
  title?: string;
}

export interface ProcessWatchOptions {
  drivers: Record<string, Driver>;
  /** Run folders go to `runs/`, homes of agents to `homes/`, working directories of chats to `chats/`. */
  dataDir: string;
  runDoor: RunTokens;
  /** Where the run door is reached. */
  url: string;
  /** The prompt of a worker, and the first words of a chat. */
  prompts: { render: (params: ProcessParams) => Promise<{ text: string; notes: string[] }> };
  /** PATH and other words of this machine that every agent gets; no secrets. */
  machine: Record<string, string>;
  /** What an agent's processes get besides, and no event may hold: its role's variables and its secrets. */
  secretEnv?: (agent: string, role: string) => Record<string, string>;
  /** The program that processes of a role run in, with its arguments; none: they run as they are. */
  sandbox?: (role: string) => readonly string[];
  /** What a role's agents may do without asking. Default: everything. */
  allowance?: (role: string) => Allowance;
  /** Git identity of an agent. */
  person: (agent: string) => Person;
  node: string;
  bootId: string;
  /** What one process may write to its output. Default: `OUTPUT_BYTES_MAX`. */
  outputBytesMax?: number;
  /** Secret values that no log may hold. */
  secrets?: readonly string[];
  timers?: Timers;
  clock: Clock;
  log: Logger;
}

export interface ProcessWatch {
  watch: WatchPerformer<ProcessParams>;
  acts: ProcessActs;
  /** Ends processes of earlier lives that no standing watch wants; call it when all watches stand. */
  endStrays: () => Promise<string[]>;
  /** Agents with a process of this runtime. */
  live: () => string[];
}

export function createProcessWatch(options: ProcessWatchOptions): ProcessWatch {
  const { dataDir, clock, log, bootId, timers = {} } = options;
  const lives = new Map<string, { run: string; life: Promise<Life | null> }>();
  const seconds = (name: 'stop' | 'kill' | 'silence' | 'run'): number => timers[name] ?? TIMER_DEFAULTS[name];
  const bounds: Bounds = { stopSeconds: seconds('stop'), killSeconds: seconds('kill') };

  function start(first: ProcessParams, context: WatchContext): Watch<ProcessParams> {
    let params = first;
    let running = take(params, context);

    return {
      update(next) {
        const before = params;
        params = next;
        // Only a new name is a new process; all but the limits was settled when it started.
        if (next.run === before.run) {
          void running.then((life) => life?.limit(limitsOf(next)));
          return;
        }
        const old = running;
        running = old.then(async (life) => {
          life?.hush();
          await life?.end('its life is over', bounds);
          return take(next, context);
        });
      },
      poke() {
        // Nothing is asked: the process speaks for itself.
      },
      async stop(leaving) {
        const life = await running.catch(() => null);
        if (life === null) return;
        const driver = options.drivers[params.driver];
        if (leaving === 'runtime' && driver?.capabilities.readopt === true) {
          life.leave();
          lives.delete(params.agent);
          return;
        }
        life.hush();
        await life.end(leaving === 'runtime' ? 'the runtime was stopped' : 'its state was left', bounds);
      },
    };
  }

  function take(params: ProcessParams, context: WatchContext): Promise<Life | null> {
    const life = bringUp(params, context).catch(async (error: unknown) => {
      log.error({ run: params.run, err: error }, 'a process could not be started');
      const reason = `it could not be started: ${(error as Error).message}`;
      const data = { class: 'crash', reason, usage: { inputTokens: 0, outputTokens: 0 } };
      await context.tell('driver.exited', data, { id: `${params.run}/exited` }).catch(() => {});
      return null;
    });
    lives.set(params.agent, { run: params.run, life });
    return life;
  }

  async function bringUp(params: ProcessParams, context: WatchContext): Promise<Life | null> {
    const folder = folderOf(dataDir, params);
    const known = await readRecord(folder);
    if (known?.exit !== undefined && !existsSync(folder.files.output)) {
      await context.tell('driver.exited', { ...known.exit }, { id: `${params.run}/exited` });
      return null;
    }
    if (known === undefined && isElsewhere(params)) {
      const reason = 'what it worked in is not on this machine: the store was restored from a backup';
      const data = { class: 'ended', reason, usage: { inputTokens: 0, outputTokens: 0 } };
      await context.tell('driver.exited', data, { id: `${params.run}/exited` });
      return null;
    }
    const found = known !== undefined && (known.pid !== undefined || existsSync(folder.files.pid));
    const driver = driverOf(params);
    const seat = await seatOf(params, folder);
    const record = known ?? newRecord(params, folder);
    const isChat = params.begun === undefined;
    const prompt = found ? notesOnly(params) : isChat ? null : await options.prompts.render(params);
    const token = found ? '' : await options.runDoor.issue(identityOf(params), folder.path);
    if (!found) {
      await writePrompt(folder, prompt?.text ?? '');
      await writeRecord(folder, record);
    }
    return liveOn({
      folder,
      record,
      driver,
      seat,
      found,
      prompt,
      own: params.notes ?? [],
      opening: isChat ? (await options.prompts.render(params)).text : '',
      env: await environment(params, seat, token),
      sandbox: inSandbox(options.sandbox?.(params.role) ?? [], {
        worktree: seat.cwd,
        home: seat.home,
        run: seat.directory,
        data: path.resolve(dataDir),
      }),
      limits: limitsOf(params),
      outputBytesMax: options.outputBytesMax ?? OUTPUT_BYTES_MAX,
      bounds,
      bootId,
      clock,
      log,
      redact: createRedactor([...(options.secrets ?? []), token]),
      tell: context.tell,
      async over() {
        if (lives.get(params.agent)?.run === params.run) lives.delete(params.agent);
        await options.runDoor.revoke({ agent: params.agent, run: params.run });
      },
    });
  }

  /** The wall clock of a chat’s turn is in its chart. */
  function limitsOf({ mode, begun, limits: ofChat }: ProcessParams): RunLimits {
    const { tokens, costUsd, silenceSeconds = seconds('silence'), runSeconds } = begun?.limits ?? ofChat ?? {};
    return {
      tokens,
      costUsd,
      silenceSeconds,
      runSeconds: mode === 'worker' ? (runSeconds ?? seconds('run')) : undefined,
    };
  }

  /** Worktrees are prepared in the data directory before their run begins. */
  function isElsewhere({ begun }: ProcessParams): boolean {
    if (begun === undefined) return false;
    const inside = path.relative(path.resolve(dataDir), begun.worktree);
    return inside.startsWith('..') || !existsSync(begun.worktree);
  }

  function driverOf({ driver: name }: ProcessParams): Driver {
    const driver = options.drivers[name];
    if (driver === undefined)
      throw new Error(`there is no driver ${name}; there are ${Object.keys(options.drivers).join(', ')}`);
    return driver;
  }

  async function seatOf(params: ProcessParams, folder: Folder): Promise<Seat> {
    const { agent, begun, conversation } = params;
    const cwd = begun?.worktree ?? path.resolve(dataDir, 'chats', nameOf(agent));
    if (begun === undefined) await mkdir(cwd, { recursive: true });
    return {
      facts: factsOf(params),
      cwd,
      home: path.resolve(dataDir, 'homes', nameOf(agent)),
      directory: folder.path,
      promptFile: folder.files.prompt,
      resultFile: folder.files.result,
      allow: options.allowance?.(params.role) ?? 'everything',
      ...(conversation === undefined ? {} : { conversation }),
    };
  }

  async function environment(params: ProcessParams, seat: Seat, token: string): Promise<Record<string, string>> {
    const { home } = seat;
    await mkdir(home, { recursive: true, mode: 0o700 });
    return environmentOf({
      role: { ...params.env, ...options.secretEnv?.(params.agent, params.role) },
      machine: options.machine,
      home,
      person: options.person(params.agent),
      url: options.url,
      token,
      node: options.node,
      resultFile: seat.resultFile,
      promptFile: seat.promptFile,
      run: params.run,
      pushes: params.begun !== undefined && params.begun.kind !== 'review',
    });
  }

  function newRecord(params: ProcessParams, { path: folder }: Folder): RunRecord {
    const { run, agent, driver, mode, begun } = params;
    return {
      run,
      agent,
      driver,
      mode,
      ...(begun === undefined ? {} : { session: begun.session, epoch: begun.epoch }),
      bootId,
      folder,
      preparedAt: new Date(clock.now()).toISOString(),
      prompted: [],
    };
  }

  async function recordsOnDisk(): Promise<{ folder: Folder; record: RunRecord }[]> {
    const names = await readdir(path.join(path.resolve(dataDir), 'runs')).catch(() => []);
    const found = await Promise.all(
      names.filter(isRunName).map(async (run) => {
        const folder = folderAt(dataDir, run);
        return { folder, record: await readRecord(folder) };
      }),
    );
    return found.flatMap(({ folder, record }) =>
      record === undefined || record.exit !== undefined ? [] : [{ folder, record }],
    );
  }

  /** Ends what is found of an agent on this machine without a life in this runtime. */
  async function endOnDisk(wanted: (record: RunRecord) => boolean, reason: string, within: Bounds): Promise<string[]> {
    const ended: string[] = [];
    for (const { folder, record } of await recordsOnDisk()) {
      if (!wanted(record) || lives.get(record.agent)?.run === record.run) continue;
      if (!(await isAlive(record, bootId))) continue;
      await writeRecord(folder, { ...record, ending: record.ending ?? reason });
      await endGroup(record, bootId, clock, within.killSeconds);
      ended.push(record.run);
    }
    return ended;
  }

  return {
    watch: { kind: 'watch', start },
    acts: createProcessActs({
      lifeOf: async (agent) => (await lives.get(agent)?.life.catch(() => null)) ?? undefined,
      endOnDisk: async (agent, reason, within) =>
        void (await endOnDisk((record) => record.agent === agent, reason, within)),
      revoke: options.runDoor.revoke,
    }),
    endStrays: () => endOnDisk(() => true, 'nobody wanted it any more', bounds),
    live: () => [...lives.keys()],
  };
}

/** The words of a sandbox with its places filled in. */
const inSandbox = (words: readonly string[], places: Record<string, string>): string[] =>
  words.map((word) => word.replace(/\{(\w+)\}/g, (whole, name: string) => places[name] ?? whole));

const nameOf = (agent: string): string => agent.slice('agent/'.length);

function notesOnly({ begun }: ProcessParams): { text: string; notes: string[] } | null {
  return begun === undefined ? null : { text: '', notes: begun.prompt.notes.map(({ id }) => id) };
}

function factsOf({ run, agent, mode, begun }: ProcessParams): RunFacts {
  if (begun === undefined) return { run, agent, mode };
  const { session, epoch, kind, title, attempt, repo, head, branch } = begun;
  return {
    run,
    agent,
    mode,
    session,
    epoch,
    kind,
    for: begun.for,
    title,
    attempt,
    repo,
    ...(head === undefined ? {} : { head }),
    ...(branch === undefined || kind === 'review' ? {} : { branch }),
  };
}

function identityOf({ run, agent, role, actions, begun }: ProcessParams): RunIdentity {
  if (begun === undefined) return { run, agent, role, actions };
  const { session, epoch, kind, repo, branch, head, title } = begun;
  return {
    run,
    agent,
    role,
    actions,
    session,
    epoch,
    kind,
    repo,
    title,
    ...(branch === undefined ? {} : { branch }),
    ...(head === undefined ? {} : { head }),
  };
}
