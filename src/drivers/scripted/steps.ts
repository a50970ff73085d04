/** The steps of a scripted agent, done for real: files, git, a shell, the run door. */
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import type { RunFacts } from '../driver.ts';
import type { RunOutcome } from '../outcome.ts';
import { askRunDoor } from '../run-door.ts';
import type { Said } from './frames.ts';
import type { Step } from './script.ts';

/** A failed shell command shows this much of what it said. */
const OUTPUT_MAX = 2_000;

/** Ends the turn as what it says. */
export class TurnEnd extends Error {
  override readonly name = 'TurnEnd';
  readonly frame: TurnEnding;
  constructor(frame: TurnEnding) {
    super(frame.type);
    this.frame = frame;
  }
}
export type TurnEnding =
  | { type: 'completed' }
  | { type: 'failed' | 'refused'; reason: string }
  | Extract<Said, { type: 'rate.limited' | 'auth.failed' | 'lost' }>
  | { type: 'exit'; code: number };

export interface Stage {
  facts: RunFacts;
  cwd: string;
  env: Record<string, string | undefined>;
  say: (frame: Said) => void;
  /** Noise, not a frame. */
  write: (text: string) => void;
  /** Mail of this turn; a reply answers the first. */
  mail: { id: string }[];
  ask: (question: { kind: 'approval' | 'question'; text: string; choices?: string[] }) => Promise<string>;
  steered: () => Promise<string>;
  /** Ends only with the turn's interruption. */
  hang: (deaf: boolean) => Promise<void>;
  signal: AbortSignal;
}

export interface Memory {
  result: Omit<RunOutcome, 'usage' | 'until' | 'reason'>;
  /** Words that later steps can quote: `{answer}`, `{steered}`, `{acted}`. */
  words: Record<string, string>;
}

/** Does one step. @throws TurnEnd where it ends the turn, Error where it fails. */
export async function doStep(step: Step, memory: Memory, stage: Stage): Promise<void> {
  const { say, cwd, signal, facts } = stage;
  switch (step.do) {
    case 'write':
    case 'append': {
      const file = inside(cwd, step.with.path);
      await mkdir(path.dirname(file), { recursive: true });
      await (step.do === 'write' ? writeFile : appendFile)(file, step.with.text);
      return say({ type: 'item', kind: 'file', text: `${step.do} ${step.with.path}` });
    }
    case 'remove': {
      const name = typeof step.with === 'string' ? step.with : step.with.path;
      await rm(inside(cwd, name), { recursive: true, force: true });
      return say({ type: 'item', kind: 'file', text: `remove ${name}` });
    }
    case 'run': {
      const { command, allowFailure = false } = typeof step.with === 'string' ? { command: step.with } : step.with;
      return shell(command, allowFailure, stage);
    }
    case 'commit':
      await git(stage, 'add', '--all');
      await git(stage, 'commit', '--quiet', '--message', step.with);
      return;
    case 'push': {
      if (step.with === false) return;
      const force = typeof step.with === 'object' && step.with.force === true ? ['--force'] : [];
      const branch = facts.branch ?? (await git(stage, 'symbolic-ref', '--short', 'HEAD'));
      await git(stage, 'push', '--quiet', ...force, 'origin', `HEAD:refs/heads/${branch}`);
      return;
    }
    case 'pullRequest': {
      const pull = pullAnswer.parse(await act(stage, { action: 'pull.open', data: step.with }));
      memory.result.pull = pull.number;
      return say({ type: 'item', kind: 'tool', text: `pull request #${pull.number}` });
    }
    case 'act': {
      const { allowFailure = false, ...request } = step.with;
      try {
        memory.words['acted'] = JSON.stringify(await act(stage, request));
      } catch (error) {
        if (!allowFailure) throw error;
        memory.words['acted'] = (error as Error).message;
      }
      return say({ type: 'item', kind: 'tool', text: `${request.action}: ${memory.words['acted']}` });
    }
    case 'review':
      memory.result.verdict = step.with;
      return;
    case 'report':
      memory.result.report = step.with;
      return;
    case 'summary':
      memory.result.summary = step.with;
      return;
    case 'ask': {
      const { text, choices, approval = false } = typeof step.with === 'string' ? { text: step.with } : step.with;
      const kind = approval ? 'approval' : 'question';
      memory.words['answer'] = await stage.ask({ kind, text, ...(choices === undefined ? {} : { choices }) });
      return;
    }
    case 'print':
      return say({ type: 'item', kind: 'message', text: step.with });
    case 'plan':
      return say({ type: 'plan', steps: step.with });
    case 'usage':
      return say({ type: 'usage', usage: step.with });
    case 'sleep':
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, step.with.ms);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
      return;
    case 'hang':
      if (step.with === false) return;
      return stage.hang(typeof step.with === 'object' && step.with.deaf === true);
    case 'steered':
      if (step.with) memory.words['steered'] = await stage.steered();
      return;
    case 'limit': {
      const { until, reason = 'the usage limit is reached' } = step.with;
      throw new TurnEnd({ type: 'rate.limited', reason, ...(until === undefined ? {} : { until }) });
    }
    case 'auth':
      throw new TurnEnd({ type: 'auth.failed', reason: step.with.reason ?? 'the key was refused' });
    case 'refuse':
      throw new TurnEnd({ type: 'refused', reason: step.with });
    case 'contention': {
      const reason = typeof step.with === 'string' ? step.with : 'another process holds the conversation';
      throw new TurnEnd({ type: 'lost', class: 'contention', reason });
    }
    case 'crash': {
      if (step.with === false) return;
      const { signal: name = 'SIGKILL', code } = step.with === true ? {} : step.with;
      if (code !== undefined) throw new TurnEnd({ type: 'exit', code });
      process.kill(process.pid, name);
      return stage.hang(true);
    }
    case 'exit': {
      const code = typeof step.with === 'number' ? step.with : step.with.code;
      throw new TurnEnd({ type: 'exit', code });
    }
    case 'garbage':
      if (step.with !== false)
        stage.write(typeof step.with === 'string' ? step.with : '\u0000{"type":"turn.en\uFFFD\n}}}\n');
      return;
    case 'handBack':
      memory.result.handedBack = typeof step.with === 'string' ? step.with : step.with.reason;
      throw new TurnEnd({ type: 'completed' });
    case 'reply': {
      const { text, part = false } = typeof step.with === 'string' ? { text: step.with } : step.with;
      const to = stage.mail[0] === undefined ? {} : { inReplyTo: stage.mail[0].id };
      return say({ type: 'item', kind: 'message', text, final: !part, ...to });
    }
  }
}

const pullAnswer = z.object({ number: z.number().int() });

/** `{answer}` and its like, in every text of a step. */
export function quoting<Value>(value: Value, words: Record<string, string>): Value {
  if (typeof value === 'string') {
    return value.replaceAll(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole) as Value;
  }
  if (Array.isArray(value)) return value.map((entry: unknown) => quoting(entry, words)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, quoting(entry, words)])) as Value;
}

function inside(cwd: string, name: string): string {
  const file = path.resolve(cwd, name);
  if (file !== cwd && !file.startsWith(cwd + path.sep)) throw new Error(`${name} lies outside of the worktree`);
  return file;
}

async function git({ cwd, signal }: Stage, ...args: string[]): Promise<string> {
  const result = await execa('git', args, { cwd, cancelSignal: signal, reject: false, stdin: 'ignore' });
  if (result.failed) throw new Error(`git ${args[0] ?? ''}: ${result.stderr.trim().slice(-OUTPUT_MAX)}`);
  return result.stdout.trim();
}

async function shell(command: string, allowFailure: boolean, { cwd, signal, say }: Stage): Promise<void> {
  const result = await execa('/bin/sh', ['-c', command], {
    cwd,
    cancelSignal: signal,
    reject: false,
    all: true,
    stdin: 'ignore',
  });
  const output = result.all.slice(-OUTPUT_MAX);
  say({ type: 'item', kind: 'command', text: output === '' ? command : `${command}\n${output}` });
  if (result.failed && !allowFailure)
    throw new Error(`“${command}” ended with ${result.exitCode ?? result.signal ?? '?'}`);
}

/** Asks the run door. @throws Error with its word where it refuses. */
async function act(
  { env, signal }: Stage,
  request: {
    action: string;
    data?: unknown;
    actor?: string | undefined;
    expectepoch?: number | undefined;
    dryRun?: boolean | undefined;
  },
): Promise<unknown> {
  const url = env['CHARTROOM_URL'];
  if (url === undefined) throw new Error('there is no run door: CHARTROOM_URL is not set');
  const token = env['CHARTROOM_TOKEN'] ?? '';
  const response = await askRunDoor({ url, token, path: '/act', body: { data: {}, ...request }, signal });
  const body: unknown = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const { error = 'no reason given' } = body as { error?: string };
  throw new Error(`the run door refused ${request.action} (${response.status}): ${error}`);
}
