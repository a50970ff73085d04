/**
 * The process of a scripted agent: reads frames on standard input, does the script's steps in the working directory,
 * writes frames to standard output. Started with one argument, the file in which its driver left what it needs.
 */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { RunFacts } from '../driver.ts';
import { frameOf, heard } from './frames.ts';
import type { Heard, Said } from './frames.ts';
import { parseScript, stepsFor } from './script.ts';
import type { Step } from './script.ts';
import { doStep, quoting, TurnEnd } from './steps.ts';
import type { Memory, TurnEnding } from './steps.ts';

interface Start {
  facts: RunFacts;
  script: string;
  conversation?: string;
}
type Prompt = Extract<Heard, { type: 'prompt' }>;

const start = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Start;
const script = parseScript(await readFile(start.script, 'utf8'));
const { facts } = start;

const keys = new Set<string>();
const prompts: Prompt[] = [];
const steers: string[] = [];
const answers = new Map<string, (text: string) => void>();
let wakeSteered: (() => void) | null = null;
let turns = 0;
let questions = 0;
let turn: { name: string; abort: AbortController } | null = null;
let closing = false;
let deaf = false;

const write = (text: string): void => void process.stdout.write(text);
const say = (frame: Said): void => write(`${JSON.stringify(frame)}\n`);

function hear(frame: Heard): void {
  switch (frame.type) {
    case 'prompt':
      if (keys.has(frame.key)) return;
      keys.add(frame.key);
      prompts.push(frame);
      void work();
      return;
    case 'steer': {
      const taken = turn !== null && turn.name === frame.turn && !deaf;
      if (taken && !keys.has(frame.key)) {
        keys.add(frame.key);
        steers.push(frame.text);
        wakeSteered?.();
      }
      say({ type: 'steered', key: frame.key, taken });
      if (taken) say({ type: 'item', kind: 'note', text: `heard: ${frame.text}` });
      return;
    }
    case 'interrupt':
      if (!deaf) turn?.abort.abort();
      return;
    case 'answer':
      answers.get(frame.question)?.(frame.choice ?? frame.text ?? '');
      answers.delete(frame.question);
      return;
    case 'close':
      closing = true;
      if (turn === null) process.exit(0);
  }
}

/** One turn after the other. */
async function work(): Promise<void> {
  if (turn !== null) return;
  const prompt = prompts.shift();
  if (prompt === undefined) return;
  turns += 1;
  turn = { name: `turn-${turns}`, abort: new AbortController() };
  say({ type: 'turn.started', turn: turn.name, key: prompt.key });
  await play(prompt, turn.name, turn.abort.signal);
  turn = null;
  if (closing) process.exit(0);
  await work();
}

async function play(prompt: Prompt, name: string, signal: AbortSignal): Promise<void> {
  const memory: Memory = { result: {}, words: {} };
  const ending = await perform(prompt, memory, signal);
  const result = Object.keys(memory.result).length === 0 ? {} : { result: memory.result };
  const done = { type: 'turn.ended', turn: name } as const;
  if (signal.aborted) return say({ ...done, outcome: 'interrupted', ...result });
  switch (ending.type) {
    case 'completed':
      return say({ ...done, outcome: 'completed', ...result });
    case 'failed':
    case 'refused':
      return say({ ...done, outcome: ending.type, reason: ending.reason, ...result });
    case 'exit':
      // A worker that ends well has done its run; a chat that does has only gone away.
      if (ending.code === 0 && facts.mode === 'worker') say({ ...done, outcome: 'completed', ...result });
      process.exit(ending.code);
    default:
      say(ending);
  }
}

async function perform(prompt: Prompt, memory: Memory, signal: AbortSignal): Promise<TurnEnding> {
  const { run: _run, repo: _repo, branch: _branch, ...occasion } = facts;
  const mail = prompt.mail ?? [];
  const texts = mail.map(({ text }) => text).join('\n');
  const steps = stepsFor(script, { ...occasion, ...(mail.length === 0 ? {} : { mail: texts }) });
  if (steps === undefined) return { type: 'failed', reason: 'no entry of the script fits this run' };
  try {
    for (const step of steps) {
      if (signal.aborted) break;
      const quoted = { do: step.do, with: quoting(step.with, memory.words) } as Step;
      await untilAborted(doStep(quoted, memory, { ...stage(signal), mail }), signal);
    }
    return { type: 'completed' };
  } catch (error) {
    if (error instanceof TurnEnd) return error.frame;
    return { type: 'failed', reason: (error as Error).message };
  }
}

function stage(signal: AbortSignal) {
  return {
    facts,
    cwd: process.cwd(),
    env: process.env,
    say,
    write,
    signal,
    ask({ kind, text, choices }: { kind: 'approval' | 'question'; text: string; choices?: string[] }) {
      questions += 1;
      const question = `q${questions}`;
      say({ type: 'ask', question, kind, text, ...(choices === undefined ? {} : { choices }) });
      return new Promise<string>((resolve) => answers.set(question, resolve));
    },
    async steered() {
      if (steers.length === 0) await new Promise<void>((resolve) => (wakeSteered = resolve));
      return steers.shift() ?? '';
    },
    hang(isDeaf: boolean) {
      if (isDeaf) {
        deaf = true;
        for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => {});
      }
      return new Promise<void>(() => {});
    },
  };
}

/** A step that never ends is left where it is when the turn is interrupted. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  work.catch(() => {});
  await Promise.race([work, aborted]);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const frame = frameOf(heard, line);
  if (frame !== undefined) hear(frame);
});
// While a step hangs nothing else may keep the process alive.
setInterval(() => {}, 3_600_000);
say({ type: 'ready', conversation: start.conversation ?? `scripted-${facts.run}` });
