/**
 * `attach` to an agent: a conversation with a chat from the terminal. While it is attached the chat knows that somebody is there;
 * several may be at once, each sees what the others say, and who comes back sees what was said meanwhile.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { HistoryEntry } from '../../actor/past.ts';
import { BEAT_MS, consumerSubject } from '../../bus/presence.ts';
import type { Beat } from '../../bus/presence.ts';
import { addressFor, envelopeTo, receiptFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { askedIn, conversationOf } from '../conversation.ts';
import type { Asked, Letter } from '../conversation.ts';
import { CommandError, EXIT, exitOf, explain } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { seconds, wholeNumber } from '../options.ts';
import { takeOver } from './take-over.ts';
import type { TakeOverFlags } from './take-over.ts';
import type { Run } from '../run.ts';

interface AttachFlags {
  history: number;
  timeout: number;
}

interface Shown {
  seq: number;
  phase: string;
  waitingOn: HistoryEntry['waitingOn'];
  tags: { mode?: string };
  context: { mail: Letter[]; chat: { question: Asked | null } };
}

const HISTORY_SHOWN = 20;
/** Whoever pipes lines in waits for the answers; nobody waits for ever. */
const ANSWER_SECONDS_MAX = 600;
const ENTRIES_MAX = 500;
/** A chat in these is not talked to. */
const AWAY = new Set(['archived', 'offboarded']);
const WAITING = new Set(['queued', 'delivered']);
const HELP =
  'a line is a message, or the answer to what the chat asks; /interrupt ends the turn that is on, /detach (or Ctrl-D) leaves, // begins a line with /';

export function addAttachCommand(program: Command, run: Run): void {
  program
    .command('attach')
    .argument('<actor>')
    .description('talk with a chat; or take a session over: its agent’s own program in its worktree, handed back after')
    .option('--history <n>', 'how many letters of before are shown', wholeNumber, HISTORY_SHOWN)
    .option(
      '--timeout <seconds>',
      'lines from a pipe: how long their answers are waited for; a session: how long for its run to end',
      seconds,
      ANSWER_SECONDS_MAX,
    )
    .option('--shell', 'of a session: a shell in its worktree instead of the agent’s program')
    .option('--note <text>', 'of a session: what whoever goes on is told')
    .addHelpText('after', `\nAttached to a chat, ${HELP}.`)
    .action((name: string, flags: AttachFlags & TakeOverFlags) =>
      run(async (context) => {
        const actor = await addressFor(context, name);
        return actor.startsWith('agent/') ? attach(context, actor, flags) : takeOver(context, actor, flags);
      }),
    );
}

async function attach(context: CommandContext, agent: string, flags: AttachFlags): Promise<Exit> {
  const { out, ask, terminal, clock } = context;
  const before = await look();
  if (before.tags.mode !== 'chat') {
    throw new CommandError(
      EXIT.refused,
      `${agent} is a worker, which has no conversation`,
      `write to it: chartroom say ${agent} TEXT`,
    );
  }
  const link = await context.link();
  const consumer = `${context.source.slice('cli/'.length)}-${randomBytes(3).toString('hex')}`;
  /** What this terminal said, and itself: it is not told again. */
  const own = new Set([consumer]);
  const conversation = conversationOf(agent, out, own);
  const keyboard = AWAY.has(before.phase) ? null : terminal.keyboard('› ');
  const print = (lines: string[]): void => {
    for (const line of lines) (keyboard?.above ?? out.answer)(line);
  };

  const leaving = new AbortController();
  let seen = before.seq;
  let phase = before.phase;
  let question = before.context.chat.question;
  let reading: Promise<void> = Promise.resolve();
  let wake: () => void = () => {};

  async function look(): Promise<Shown> {
    return (await ask('show', { actor: agent })) as Shown;
  }

  /** So many chats are awake that this one waits: said once, or its silence would be taken for something else. */
  function tellPlace(waits: HistoryEntry['waitingOn']): void {
    const place = waits.find(({ gate }) => gate === 'slot');
    if (place !== undefined && !waitsForPlace) {
      const verb = `who waits before it: chartroom why ${place.on}`;
      print([out.paint('dim', `— ${agent.slice('agent/'.length)} ${place.detail} (${verb})`)]);
    }
    waitsForPlace = place !== undefined;
  }
  let waitsForPlace = false;

  /** Prints every step up to this one; those that no fact told of too. */
  function readTo(seq: number): Promise<void> {
    reading = reading.then(async () => {
      while (seen < seq && !leaving.signal.aborted) {
        const page = { actor: agent, from: seen + 1, to: seq, limit: ENTRIES_MAX };
        const { entries } = (await ask('history', page)) as { entries: HistoryEntry[] };
        if (entries.length === 0) seen = seq;
        for (const entry of entries) {
          seen = entry.seq;
          phase = entry.after?.phase ?? phase;
          question = questionAfter(entry, question);
          if (out.json) out.object({ seq: entry.seq, at: entry.at, type: entry.type, phase, data: entry.data });
          else {
            print(conversation.entry(entry));
            tellPlace(entry.waitingOn);
          }
        }
      }
      wake();
      if (AWAY.has(phase)) leaving.abort();
    });
    // The runtime may be away for a moment: the next step is read together with this one.
    reading = reading.catch((error: unknown) => out.say(explain(error).text));
    return reading;
  }

  async function follow(): Promise<void> {
    for await (const { body } of link.follow({ actor: agent }, leaving.signal)) {
      const { seq } = (JSON.parse(body) as { data: { seq: number } }).data;
      await readTo(seq);
    }
  }

  function beat(more: Partial<Beat> = {}): void {
    link.broadcast(consumerSubject(agent), JSON.stringify({ consumer, kind: 'terminal', ...more } satisfies Beat));
  }
  let cancelBeat: () => void = () => {};
  function beatOn(): void {
    beat();
    cancelBeat = clock.after(BEAT_MS, beatOn);
  }

  async function send(type: string, data: Record<string, unknown>): Promise<Exit> {
    const id = randomUUID();
    own.add(id);
    const receipt = await receiptFor(context, envelopeTo(context, agent, type, data, { id }));
    if (exitOf(receipt) !== EXIT.done) out.say(`✗ ${receipt.outcome}: ${receipt.reason ?? receipt.code ?? ''}`);
    if (receipt.seq !== null) await readTo(receipt.seq);
    return exitOf(receipt);
  }

  /** What was typed; whether the terminal stays attached. */
  async function typed(line: string): Promise<boolean> {
    const text = line.trim();
    if (text === '') return true;
    if (text === '/detach') return false;
    try {
      if (text === '/help') print([HELP]);
      else if (text === '/interrupt') await send('correct.interrupt', {});
      else if (text.startsWith('/') && !text.startsWith('//')) out.say(`✗ there is no ${text} — ${HELP}`);
      else if (question !== null) worst = worseOf(worst, await send('answer', answerTo(question, text)));
      else worst = worseOf(worst, await send('say', { text: text.replace(/^\/\//, '/') }));
    } catch (error) {
      const { text: why, exit } = explain(error);
      out.say(why);
      worst = worseOf(worst, exit);
    }
    return true;
  }
  let worst: Exit = EXIT.done;

  /** Lines from a pipe have ended: their answers are still to come. */
  async function answered(): Promise<Exit> {
    const deadlineMs = clock.now() + flags.timeout * 1_000;
    for (;;) {
      const changed = new Promise<void>((resolve) => (wake = resolve));
      const {
        context: { mail },
      } = await look();
      if (!mail.some(({ id, state }) => own.has(id) && WAITING.has(state))) return EXIT.done;
      if (leaving.signal.aborted) return EXIT.failed;
      if (clock.now() >= deadlineMs) {
        out.say(`✗ not everything was answered in ${flags.timeout} s`);
        return EXIT.failed;
      }
      const cancel = clock.after(deadlineMs - clock.now(), wake);
      await changed;
      cancel();
    }
  }

  const shown = flags.history === 0 ? [] : before.context.mail.slice(-flags.history);
  if (out.json) for (const letter of shown) out.object({ type: 'letter', ...letter });
  else print(shown.flatMap((letter) => conversation.letter(letter)));
  if (question !== null && out.json) out.object({ type: 'question', ...question });
  else if (question !== null) print(conversation.asked(question));
  if (keyboard === null) {
    const verb = before.phase === 'archived' ? `chartroom restore ${agent}` : 'its name is not hired again';
    throw new CommandError(EXIT.refused, `${agent} is ${before.phase}: this is what was said`, verb);
  }
  if (!out.json) tellPlace(before.waitingOn);
  if (keyboard.isTTY) print([out.paint('dim', `attached to ${agent} (${before.phase}): ${HELP}`)]);

  const silence = terminal.onInterrupt(() => leaving.abort());
  const interrupted = new Promise<'interrupted'>((resolve) =>
    leaving.signal.addEventListener(
      'abort',
      () => {
        wake();
        resolve('interrupted');
      },
      { once: true },
    ),
  );
  const following = follow().catch((error: unknown) => {
    out.say(explain(error).text);
    leaving.abort();
  });
  beatOn();
  try {
    const lines = keyboard.lines[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([lines.next(), interrupted]);
      if (next === 'interrupted' || next.done === true || !(await typed(next.value))) break;
    }
    if (!keyboard.isTTY && !leaving.signal.aborted) worst = worseOf(worst, await answered());
  } finally {
    silence();
    cancelBeat();
    beat({ leaving: true });
    leaving.abort();
    keyboard.close();
    await following;
  }
  return worst;
}

/** One of its choices where the line is one; free words otherwise. */
const answerTo = ({ id, choices = [] }: Asked, line: string): Record<string, unknown> =>
  choices.includes(line) ? { question: id, choice: line } : { question: id, text: line };

/** What it asks after this step, if anything. */
function questionAfter({ type, data, outcome }: HistoryEntry, before: Asked | null): Asked | null {
  switch (type) {
    case 'driver.asked':
      return askedIn(data);
    case 'answer':
      return outcome === 'taken' ? null : before;
    case 'driver.turned':
    case 'driver.exited':
      return null;
    default:
      return before;
  }
}

const worseOf = (a: Exit, b: Exit): Exit => (a === EXIT.done ? b : a);
