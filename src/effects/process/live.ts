/**
 * One life of an agent's process, from its start (or from being found again) until its group is gone: reads its output
 * through the driver, tells the agent, keeps the limits, and ends it.
 */
import { constants } from 'node:os';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Conversation, Driver, DriverEvent, Exit, Launch, Message, Seat } from '../../drivers/driver.ts';
import type { Clock } from '../../clock.ts';
import { TerminalError, TransientError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { WatchContext } from '../effect.ts';
import { endGroup, groupLives, isAlive, untilGone } from './ending.ts';
import type { Bounds } from './ending.ts';
import { readExitCode, readPid, tidy, writeRecord } from './folder.ts';
import type { Folder, RunExit, RunRecord } from './folder.ts';
import { findProcess, signalGroup, startedAt } from './group.ts';
import { openInput, startProcess } from './launch.ts';
import type { Input } from './launch.ts';
import { createLimits } from './limits.ts';
import type { Limits, RunLimits } from './limits.ts';
import { sizeOf } from './activity.ts';
import { followLines } from './output.ts';
import type { Follower } from './output.ts';
import { openRunLog } from './run-log.ts';
import { createSilence } from './silence.ts';
import { createTelling, questionName } from './telling.ts';
import type { Word } from './telling.ts';

/** How often a process that is not our child is looked at. */
const LOOK_MS = 500;
/** How often the size of its standard error is looked at. */
const SIZE_LOOK_MS = 1_000;
/** A process that writes more than this says nothing any more: it fills the disk. */
export const OUTPUT_BYTES_MAX = 256 * 1_024 * 1_024;
/** Of what it said on standard error, this much is kept for reasons. */
const COMPLAINT_MAX = 2_000;
/** What the shell around it says of a program that died; the exit code says it better. */
const SHELL_WORD = /^(?:Killed|Terminated|Aborted|Hangup|Interrupt|Segmentation fault)(?: \(core dumped\))?\s*$/m;

export interface LifeOptions {
  folder: Folder;
  record: RunRecord;
  driver: Driver;
  seat: Seat;
  /** Whether an earlier runtime started it. */
  found: boolean;
  prompt: { text: string; notes: string[] } | null;
  /** Of the notes in its prompt, those of the agent itself. */
  own: readonly string[];
  /** What goes before the first mail of a chat's process. */
  opening: string;
  env: Record<string, string>;
  /** What its program is started by, with arguments; empty: by nothing. */
  sandbox: readonly string[];
  limits: RunLimits;
  /** What it may write to its output, and to its standard error. */
  outputBytesMax: number;
  bounds: Bounds;
  bootId: string;
  clock: Clock;
  log: Logger;
  redact: (text: string) => string;
  tell: WatchContext['tell'];
  /** The group is gone and the agent was told. */
  over: () => Promise<void>;
}

export interface Life {
  /** Ends it within the bounds; resolves when the group is gone. @throws TransientError `PROCESS_STAYS`. */
  end: (reason: string, bounds: Bounds) => Promise<void>;
  prompt: (message: Message, key: string) => Promise<string>;
  steer: (message: Message, key: string) => Promise<{ taken: boolean }>;
  interrupt: () => Promise<void>;
  answer: (question: string, decision: { text?: string; choice?: string }) => Promise<void>;
  /** Other limits from now on. */
  limit: (limits: RunLimits) => void;
  /** Lets go of it: the process goes on, a later runtime finds it. */
  leave: () => void;
  /** Says nothing more. */
  hush: () => void;
  gone: Promise<void>;
}

export function liveOn(options: LifeOptions): Life {
  const { folder, driver, seat, found, bootId, clock, log, redact, prompt } = options;
  let { record } = options;
  const { run, mode } = record;
  const runLog = openRunLog(folder, clock, redact);
  const telling = createTelling({ run, mode, cut: () => record.cut });
  let input: Input | undefined;
  let letGo: () => void = () => {};
  let follower: Follower | undefined;
  let conversation: Conversation | undefined;
  let waiting: DriverEvent[] = [];
  let words: Promise<void> = Promise.resolve();
  let saved: Promise<void> = Promise.resolve();
  let hushed = false;
  let untold = false;
  let left = false;
  let isOver = false;
  let complaint = '';
  /** Why its output is not followed to an end of its own. */
  let flooded: string | null = null;
  let turnOver: (() => void)[] = [];
  let settleGone: () => void = () => {};
  const gone = new Promise<void>((resolve) => (settleGone = resolve));
  let settleUp: () => void = () => {};
  const up = new Promise<void>((resolve) => (settleUp = resolve));

  const limits: Limits = createLimits({
    limits: options.limits,
    clock,
    cut: (reason) => void cut(reason).catch(complain),
    silent: (sinceMs, nth) => void silence.look(sinceMs, nth).catch(complain),
  });

  const complain = (error: unknown): void =>
    log.warn({ run, err: (error as Error).message }, 'a word did not reach the agent’s process');

  /** One write at a time, each of the newest state. */
  function save(change: Partial<RunRecord>): Promise<void> {
    record = { ...record, ...change };
    saved = saved.catch(() => {}).then(() => writeRecord(folder, record));
    return saved;
  }

  const silence = createSilence({
    run,
    folder,
    cwd: seat.cwd,
    told: record.silence,
    keep: (told) => save({ silence: told }),
    say,
    wait: limits.wait,
  });

  function isHeard(): void {
    limits.heard({ working: telling.turn() !== null, asking: telling.questions.size > 0 });
    silence.line();
  }

  // ── what it says

  function say(word: Word, to?: string): void {
    if (hushed) return;
    words = words.then(async () => {
      if (hushed) return;
      try {
        const receipt = await options.tell(word.type, word.data, { id: word.id, ...(to === undefined ? {} : { to }) });
        if (receipt.outcome === 'refused')
          log.warn({ run, type: word.type, reason: receipt.reason }, 'a word of the process was refused');
      } catch (error) {
        // The runtime is going: the next one reads the output again and says it.
        untold = true;
        log.warn({ run, type: word.type, err: (error as Error).message }, 'a word of the process was not taken');
      }
    });
  }

  function hear(event: DriverEvent): void {
    if (conversation === undefined) return void waiting.push(event);
    runLog.event(event);
    const word = telling.hear(event);
    if (event.type === 'ready') ready();
    if (event.type === 'lost') void end(event.reason, options.bounds, false).catch(complain);
    limits.heard({ working: telling.turn() !== null || event.type === 'ready', asking: telling.questions.size > 0 });
    if (event.type === 'usage') limits.used(event.usage);
    if (word !== undefined) say(word);
    if (telling.turn() === null) for (const settle of turnOver.splice(0)) settle();
    // A worker's process serves one run: nothing more is asked of it.
    if (event.type === 'turn.ended' && record.mode === 'worker') void conversation.close().catch(complain);
  }

  function ready(): void {
    const spoken = telling.conversation();
    const data = {
      pid: record.pid!,
      startedAt: record.startedAt!,
      ...(spoken === undefined ? {} : { conversation: spoken }),
    };
    say({ type: 'driver.started', data, id: `${run}/started` });
    if (prompt !== null) void deliver(prompt).catch(complain);
  }

  async function deliver({ text, notes }: { text: string; notes: string[] }): Promise<void> {
    const key = `${run}/prompt`;
    if (!record.prompted.includes(key)) {
      if (isOver) return;
      await promptOnce({ text }, key);
    }
    const { session, agent } = record;
    if (session === undefined || hushed) return;
    const read = (ids: string[], to: string, id: string): Promise<unknown> | undefined =>
      ids.length === 0
        ? undefined
        : options.tell('note.read', { ids, by: agent }, { id, to, source: agent }).catch(complain);
    const isOwn = (id: string): boolean => options.own.includes(id);
    await read(
      notes.filter((id) => !isOwn(id)),
      session,
      `${run}/notes`,
    );
    await read(notes.filter(isOwn), agent, `${run}/notes/own`);
  }

  // ── its start, and being found again

  async function begin(): Promise<void> {
    if (found) await takeUp();
    else await start();
  }

  async function start(): Promise<void> {
    const launch = within(options.sandbox, await driver.launch(seat));
    await mkdir(seat.cwd, { recursive: true });
    const started = await startProcess(folder, launch, { cwd: seat.cwd, env: options.env });
    ({ input, letGo } = started);
    await identify(started.pid);
    void started.exited.then(() => leaderGone(true)).catch(complain);
    converse(false);
  }

  async function identify(pid: number): Promise<void> {
    const process = await findProcess(pid);
    await save({
      pid,
      // A process that is gone already has no start time to be taken for another by.
      ...(process === undefined
        ? { startedAt: new Date(clock.now()).toISOString() }
        : { start: process.start, startedAt: await startedAt(process) }),
    });
  }

  async function takeUp(): Promise<void> {
    if (record.pid === undefined) {
      const pid = await readPid(folder);
      if (pid !== undefined) await identify(pid);
    }
    const lives = await groupLives(record, bootId);
    if (lives && driver.capabilities.readopt) {
      input = tryInput();
      converse(true);
      log.info({ run, pid: record.pid }, 'a process of an earlier life was found and taken up');
      lookUntilGone();
      return;
    }
    // Nobody hears it any more; what it wrote so far is still told.
    if (lives) {
      await save({ ending: record.ending ?? 'the runtime was restarted' });
      await endGroup(record, bootId, clock, options.bounds.killSeconds);
    }
    converse(true);
    await leaderGone(false);
  }

  function tryInput(): Input | undefined {
    try {
      return openInput(folder, { isFirst: false });
    } catch {
      return undefined;
    }
  }

  function converse(again: boolean): void {
    const opening = {
      seat,
      again,
      tell: hear,
      channel: {
        async send(line: string) {
          if (input === undefined) throw new TransientError('DRIVER_GONE', 'there is no way to the process');
          runLog.frame('out', line);
          await input.send(line);
        },
        end: () => input?.end(),
        signal(name: 'SIGINT' | 'SIGTERM') {
          if (record.pid !== undefined && !isOver) signalGroup(record.pid, name);
        },
        complaint: () => complaint,
      },
    };
    const spoken =
      seat.conversation !== undefined && driver.capabilities.resume
        ? driver.resume(seat.conversation, opening)
        : driver.open(opening);
    conversation = spoken;
    const early = waiting;
    waiting = [];
    for (const event of early) hear(event);
    const read = (line: string): void => {
      if (line === '') return;
      runLog.frame('in', line);
      isHeard();
      spoken.line(line);
    };
    follower = followLines(folder.files.output, read, { bytesMax: options.outputBytesMax, overflow: flood });
    settleUp();
    lookAtErrors();
  }

  /** What it writes lies on the disk of everybody. */
  function flood(): void {
    if (left || isOver || flooded !== null) return;
    flooded = `it wrote more than ${Math.round(options.outputBytesMax / 1_048_576)} MB of output`;
    void end(flooded, { ...options.bounds, stopSeconds: 0 }, false).catch(complain);
  }

  /** Nobody follows its standard error. */
  function lookAtErrors(): void {
    clock.after(SIZE_LOOK_MS, () => {
      if (left || isOver) return;
      void sizeOf(folder.files.complaint)
        .then((bytes) => (bytes > options.outputBytesMax ? flood() : lookAtErrors()))
        .catch(complain);
    });
  }

  /** Not our child: its end is seen by looking. */
  function lookUntilGone(): void {
    clock.after(LOOK_MS, () => {
      if (left || isOver) return;
      void findProcess(record.pid!)
        .then((leader) => {
          const there = leader !== undefined && !leader.dead && leader.start === record.start;
          return there ? lookUntilGone() : leaderGone(true);
        })
        .catch(complain);
    });
  }

  // ── its end

  async function leaderGone(seen: boolean): Promise<void> {
    if (left || isOver) return;
    isOver = true;
    limits.stop();
    // What it started and left behind goes with it.
    if (await isAlive(record, bootId)) {
      await endGroup(record, bootId, clock, options.bounds.killSeconds).catch((error: unknown) =>
        log.error({ run, err: (error as Error).message }, 'a process of a run does not end'),
      );
    }
    complaint = redact((await readFile(folder.files.complaint, 'utf8').catch(() => '')).slice(-COMPLAINT_MAX));
    await follower?.finish();
    const code = await readExitCode(folder);
    const exit = exitOf(code, seen);
    conversation?.exited(exit);
    const last = exitWord(exit, code === undefined && !seen);
    await save({ exit: last });
    say({ type: 'driver.exited', data: { ...last }, id: `${run}/exited` });
    await words;
    input?.close();
    await runLog.close();
    if (!hushed && !untold) await tidy(folder);
    settleGone();
    await options.over();
  }

  function exitWord({ code, signal }: Exit, unseen: boolean): RunExit {
    if (record.exit !== undefined) return record.exit;
    const usage = telling.usage();
    const said = telling.said();
    const told = { code, signal, usage, ...(said === undefined ? {} : { said }) };
    const lost = telling.lost();
    if (lost !== null) return { ...told, class: lost.class, reason: lost.reason };
    if (flooded !== null) return { ...told, class: 'crash', reason: flooded };
    if (record.ending !== undefined) return { ...told, class: 'ended', reason: record.ending };
    if (unseen) return { ...told, class: 'ended', reason: 'it ended while the runtime was down' };
    if (code === 0) return { ...told, class: 'clean' };
    const because = complaint.replace(SHELL_WORD, '').trim().slice(-500);
    const how = signal === null ? `it ended with ${code ?? '?'}` : `it died of ${signal}`;
    return { ...told, class: 'crash', reason: because === '' ? how : `${how}: ${because}` };
  }

  async function cut(reason: string): Promise<void> {
    if (record.cut !== undefined || telling.turn() === null) return;
    await save({ cut: reason });
    await interrupt();
    await untilTurnOver(options.bounds.stopSeconds * 1_000);
    const word = telling.cutOff(reason);
    if (word !== undefined) say(word);
  }

  function untilTurnOver(ms: number): Promise<void> {
    if (telling.turn() === null) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      turnOver.push(() => {
        cancel();
        resolve();
      });
    });
  }

  async function end(reason: string, bounds: Bounds, ours = true): Promise<void> {
    await up;
    // Let go of: it is the next runtime's.
    if (left) return;
    if (isOver) return gone;
    if (ours && record.ending === undefined) await save({ ending: reason });
    const stopBy = clock.now() + bounds.stopSeconds * 1_000;
    if (telling.turn() !== null) {
      await interrupt().catch(complain);
      await untilTurnOver(stopBy - clock.now());
    }
    await conversation?.close().catch(complain);
    if (!(await untilGone(record, bootId, clock, Math.max(0, stopBy - clock.now())))) {
      await endGroup(record, bootId, clock, bounds.killSeconds);
    }
    await gone;
  }

  async function interrupt(): Promise<void> {
    await up;
    if (!isOver) await conversation?.interrupt();
  }

  async function promptOnce(message: Message, key: string): Promise<string> {
    await up;
    if (isOver || conversation === undefined) throw new TerminalError('DRIVER_GONE', 'the process is gone');
    const isFirst = record.prompted.length === 0 && options.opening !== '';
    const words = isFirst ? { ...message, text: `${options.opening}\n\n${message.text}` } : message;
    const turn = await conversation.prompt(words, key);
    if (!record.prompted.includes(key)) await save({ prompted: [...record.prompted, key] });
    return turn;
  }

  void begin().catch(async (error: unknown) => {
    log.error({ run, err: error }, 'a process could not be started');
    const reason = `it could not be started: ${(error as Error).message}`;
    const exit: RunExit = { class: 'crash', code: null, signal: null, reason, usage: telling.usage() };
    isOver = true;
    settleUp();
    await endGroup(record, bootId, clock, options.bounds.killSeconds).catch(complain);
    await save({ exit });
    say({ type: 'driver.exited', data: { ...exit }, id: `${run}/exited` });
    await words;
    settleGone();
    await options.over();
  });

  return {
    end,
    gone,
    prompt: promptOnce,
    interrupt,
    async steer(message, key) {
      await up;
      const turn = telling.turn();
      if (isOver || turn === null || conversation === undefined || !driver.capabilities.steer) return { taken: false };
      return conversation.steer(message, turn, key).catch(() => ({ taken: false }));
    },
    async answer(question, decision) {
      await up;
      if (isOver) throw new TerminalError('DRIVER_GONE', 'the process is gone');
      // Answered before: the act is done again after a crash.
      if (!telling.questions.delete(question)) return;
      limits.heard({ working: telling.turn() !== null, asking: telling.questions.size > 0 });
      await conversation?.answer(question.slice(questionName(run, '').length), decision);
    },
    limit: (next) => limits.set(next),
    leave() {
      left = true;
      hushed = true;
      limits.stop();
      follower?.stop();
      input?.close();
      letGo();
      void runLog.close();
    },
    hush() {
      hushed = true;
    },
  };
}

/** A program, started by the one around it. */
function within([file, ...args]: readonly string[], launch: Launch): Launch {
  return file === undefined ? launch : { ...launch, file, args: [...args, launch.file, ...launch.args] };
}

/** How shells say that a program died of a signal: 128 and its number. */
function exitOf(code: number | undefined, seen: boolean): Exit {
  if (code === undefined) return { code: null, signal: seen ? 'SIGKILL' : null };
  if (code <= 128) return { code, signal: null };
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined ? { code, signal: null } : { code: null, signal: name };
}

/** A prompt is written before anything is started: a process finds it there. */
export async function writePrompt(folder: Folder, text: string): Promise<void> {
  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  await writeFile(folder.files.prompt, text, { mode: 0o600 });
}
