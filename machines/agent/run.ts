/**
 * The life of one run as its agent sees it: accepted, begun, started, asked, turned, gone. Everything the session hears
 * of it is told here. A report carries the run's epoch; the word that the process is gone (`run.released`) does not.
 */
import { timerMs } from '../contract.ts';
import { act, tell } from '../decision.ts';
import type { Wish } from '../decision.ts';
import type { AgentLimits, RunBegun } from '../events/agent.ts';
import type { Usage } from '../events/common.ts';
import { asVoice } from '../notes.ts';
import type { Note } from '../notes.ts';
import type { AgentContext, Loss, Mail, Run } from './context.ts';
import { NO_USAGE } from './context.ts';
import { afterCrash, afterContention, afterGoodRun, afterRun, exitSeen, exitText, withinHour } from './counters.ts';
import type { Handler, Taken } from './event.ts';
import { nextTurn } from './mail.ts';

export function report(run: Run, type: string, data: Record<string, unknown>): Wish {
  return tell({ to: run.session, type, data, expectepoch: run.epoch });
}

export function released({ session, epoch, usage, said }: Pick<Run, 'session' | 'epoch' | 'usage' | 'said'>): Wish {
  const summary = said === null ? {} : { summary: said };
  return tell({ to: session, type: 'run.released', data: { epoch, usage, ...summary } });
}

/** What a process used is told by whoever owns it, so that it counts for the day whatever became of its work. */
export function spent(of: { agent: string; session?: string; epoch?: number }, used: Usage): Wish[] {
  const tokens = used.inputTokens + used.outputTokens;
  const costUsd = used.costUsd ?? 0;
  if (tokens <= 0 && costUsd <= 0) return [];
  return [tell({ to: 'dispatcher/main', type: 'usage.spent', data: { ...of, tokens, costUsd } })];
}

/** Ends the process group: interrupt, TERM, KILL. */
export function endProcess(context: AgentContext, reason: string): Wish {
  return act('process.end', {
    reason,
    stopSeconds: timerMs(context, 'stop') / 1_000,
    killSeconds: timerMs(context, 'kill') / 1_000,
  });
}

/** What was asked of a process that is to go is no longer wanted: the next one must not get it. */
export const withdrawn = (): Wish[] =>
  (['driver.prompt', 'driver.steer', 'driver.answer', 'driver.interrupt'] as const).map((name) => ({
    type: 'act.cancel',
    params: { act: name },
  }));

export const decline =
  (reason: 'busy' | 'paused' | 'closed' | 'unsuited'): Handler =>
  (_, event) => {
    if (event.type !== 'offer.admitted' && event.type !== 'run.offered') return {};
    const { session, epoch } = event.data;
    return { wishes: [tell({ to: session, type: 'offer.declined', data: { reason }, expectepoch: epoch })] };
  };

export const accept: Handler = (context, event) => {
  if (event.type !== 'offer.admitted') return {};
  const { session, epoch, kind, title } = event.data;
  const run: Run = {
    session,
    epoch,
    kind,
    title,
    since: event.at,
    acceptedSeq: event.seq,
    begun: null,
    memory: {},
    letters: [],
    notes: [],
    conversation: null,
    question: null,
    clockUsedMs: 0,
    clockSince: null,
    settled: false,
    loss: null,
    ending: false,
    usage: NO_USAGE,
    said: null,
  };
  return {
    set: { run, afterwards: 'asleep', runs: [...withinHour(context.runs, event.at), event.at] },
    wishes: [report(run, 'offer.accepted', {})],
  };
};

/** `run.begun`: from here on there is a process. Its prompt holds what waits here for this agent, too. */
export const begin: Handler = (context, event) => {
  if (event.type !== 'run.begun' || context.run === null) return {};
  const conversation = event.data.conversation ?? null;
  const { prompt, limits } = event.data;
  const letters = nextTurn(context.mail).slice(0, TEXTS_MAX - prompt.texts.length);
  const notes = context.notes.filter(({ readBy }) => readBy === null).slice(0, NOTES_MAX - prompt.notes.length);
  const begun = {
    ...event.data,
    prompt: letters.length + notes.length === 0 ? prompt : withOwn(prompt, letters, notes),
    limits: tightest(limits, context.limits),
  };
  const run: Run = {
    ...context.run,
    begun,
    memory: context.memory,
    letters: letters.map(({ id }) => id),
    notes: notes.map(({ id }) => id),
    conversation,
  };
  return { set: { run } };
};

/** As many as the prompt of a run may hold; what is beyond comes with the next. */
const TEXTS_MAX = 200;
const NOTES_MAX = 400;

function withOwn(prompt: RunBegun['prompt'], letters: readonly Mail[], notes: readonly Note[]): RunBegun['prompt'] {
  return {
    ...prompt,
    texts: [...prompt.texts, ...letters.map(({ id, at, author, text }) => ({ id, at, author, text }))],
    notes: [...prompt.notes, ...notes.map(asVoice)],
  };
}

/** What the session gives and what this agent may use: of each the less. */
function tightest(ofSession: RunBegun['limits'], ofAgent: AgentLimits): RunBegun['limits'] {
  const limits = { ...ofSession };
  for (const name of ['runSeconds', 'silenceSeconds', 'tokens', 'costUsd'] as const) {
    const own = ofAgent[name];
    if (own !== undefined) limits[name] = Math.min(own, limits[name] ?? own);
  }
  return limits;
}

export const started: Handler = (context, event) => {
  if (event.type !== 'driver.started' || context.run === null) return {};
  const conversation = event.data.conversation ?? context.run.conversation;
  const run: Run = { ...context.run, conversation, clockSince: event.at };
  return { set: { run }, wishes: [startedReport(context, run)] };
};

function startedReport(context: AgentContext, run: Run): Wish {
  return report(run, 'run.started', {
    driver: context.driver,
    ...(run.conversation === null ? {} : { conversation: run.conversation }),
  });
}

/** Nothing is heard though a turn is on: the process is asked, and given time for a word. */
export const askSilent: Handler = (context, event) => {
  if (event.type !== 'driver.silent') return {};
  const { sinceMs } = event.data;
  const say = `silence/${event.seq}`;
  const since = new Date(Date.parse(event.at) - sinceMs).toISOString();
  const text = `Nothing was heard of you for ${Math.round(sinceMs / 1_000)} s. Say in one sentence what you are doing, then go on.`;
  return {
    set: { ...clockOn(context, event.at), silence: { stage: 'asked', say, since } },
    wishes: [act('driver.steer', { say, text })],
  };
};

/** Asked in vain, or nothing that can be asked: its turn is interrupted. */
export const interruptSilent: Handler = (context, event) =>
  context.silence === null
    ? {}
    : {
        set: { ...clockOn(context, event.at), silence: { ...context.silence, stage: 'interrupted' } },
        wishes: [act('driver.interrupt', {})],
      };

export const heardAgain: Handler = (context, event) => ({ set: { ...clockOn(context, event.at), silence: null } });

export const forgetSilence: Handler = ({ silence }) => (silence === null ? {} : { set: { silence: null } });

/** Not even asking and interrupting brought a word. */
export function silentFor({ silence }: AgentContext, at: string): string {
  const seconds = silence === null ? 0 : Math.round((Date.parse(at) - Date.parse(silence.since)) / 1_000);
  return `nothing was heard for ${seconds} s`;
}

/** Whether this act’s answer says that the process does not take the question after its silence. */
export function isDeaf({ silence }: AgentContext, event: Taken): boolean {
  if (event.type !== 'driver.steer.done' && event.type !== 'driver.steer.failed') return false;
  if (silence?.stage !== 'asked' || (event.wish as { say?: string } | undefined)?.say !== silence.say) return false;
  const result = event.type === 'driver.steer.done' ? (event.data.result as { taken?: boolean } | undefined) : null;
  return result?.taken !== true;
}

/** The wall clock goes on over a state that is entered anew. */
function clockOn({ run, chat }: AgentContext, at: string): Partial<AgentContext> {
  if (run === null) return { chat: { ...chat, clockUsedMs: clockUsedMs(chat, at), clockSince: at } };
  return { run: { ...run, clockUsedMs: clockUsedMs(run, at), clockSince: at } };
}

/** A question of the run: the session is told, the wall clock stands. */
export const asked: Handler = (context, event) => {
  if (event.type !== 'driver.asked' || context.run === null) return {};
  const { question, text, choices } = event.data;
  const run: Run = {
    ...context.run,
    question: { id: question, text, at: event.at },
    clockUsedMs: clockUsedMs(context.run, event.at),
    clockSince: null,
  };
  return {
    set: { run },
    wishes: [report(run, 'run.asked', { question, text, ...(choices === undefined ? {} : { choices }) })],
  };
};

/** Wall clock used so far, milliseconds, without the time a question was open. */
export function clockUsedMs(
  { clockUsedMs: before, clockSince }: Pick<Run, 'clockUsedMs' | 'clockSince'>,
  at: string,
): number {
  return before + (clockSince === null ? 0 : Date.parse(at) - Date.parse(clockSince));
}

export const answered: Handler = (context, event) => {
  if (event.type !== 'run.answered' || context.run === null) return {};
  const { question, text, choice } = event.data;
  return {
    set: { run: { ...context.run, question: null, clockSince: event.at } },
    wishes: [
      act('driver.answer', {
        question,
        ...(text === undefined ? {} : { text }),
        ...(choice === undefined ? {} : { choice }),
      }),
    ],
  };
};

/** A person's text for the running conversation: tried at once. */
export const steer: Handler = (_, event) => {
  if (event.type !== 'run.steered') return {};
  const { session, epoch, say, text } = event.data;
  return { wishes: [act('driver.steer', { session, epoch, say, text })] };
};

/** No conversation that could take a text: the session keeps owing it. */
export const steerNot: Handler = (context, event) => {
  if (event.type !== 'run.steered' || context.run === null) return {};
  return { wishes: [report(context.run, 'steer.settled', { say: event.data.say, taken: false })] };
};

/** The turn ended. The session hears how at once; the process is still to go. */
export const turned: Handler = (context, event) => {
  if (event.type !== 'driver.turned' || context.run === null) return {};
  const { outcome, until, usage, result, reason } = event.data;
  const before = context.run;
  const run: Run = { ...before, usage, question: null, clockSince: null, said: result?.summary ?? before.said };
  // A run that was already given up says no more, except that it did end well after all.
  if (run.settled || (run.loss !== null && outcome !== 'completed')) return { set: { run } };
  // It did end its turn when it was interrupted, but of itself it was not heard of.
  if (context.silence?.stage === 'interrupted' && outcome === 'interrupted') {
    return { set: { run: { ...run, loss: { class: 'silent', reason: silentFor(context, event.at) } } } };
  }
  if (outcome === 'auth') {
    return {
      set: { run: { ...run, loss: { class: 'auth', reason: reason ?? 'the provider refused the credentials' } } },
    };
  }
  const { handedBack, ...brought } = result ?? {};
  const ended = {
    outcome: handedBack !== undefined && outcome === 'completed' ? 'handedBack' : ENDED[outcome],
    ...reasonOf(outcome, handedBack ?? reason),
    ...(until === undefined ? {} : { until }),
    ...(run.conversation === null ? {} : { conversation: run.conversation }),
    ...brought,
  };
  const wishes = before.clockSince === null && before.question === null ? [startedReport(context, run)] : [];
  return {
    set: {
      // What it said goes home with its end.
      run: { ...run, settled: true, loss: null, said: null },
      ...(outcome === 'completed' ? afterGoodRun() : {}),
      ...(outcome === 'limited' && until !== undefined
        ? { cooling: { until, reason: reason ?? 'the provider’s usage limit' } }
        : {}),
    },
    wishes: [...wishes, report(run, 'run.ended', ended)],
  };
};

const ENDED = {
  completed: 'completed',
  interrupted: 'interrupted',
  failed: 'failed',
  refused: 'failed',
  budget: 'failed',
  limited: 'limited',
} as const;

function reasonOf(outcome: string, said: string | undefined): { reason?: string } {
  if (said !== undefined) return { reason: said };
  if (outcome === 'refused') return { reason: 'the model refused' };
  if (outcome === 'budget') return { reason: 'the budget of tokens or cost is spent' };
  return {};
}

/** The wall clock ran out. */
export const overran: Handler = (context) => {
  if (context.run === null) return {};
  const reason = `it ran longer than ${runSeconds(context)} s`;
  return giveUp(context, context.run, { outcome: 'failed', reason }, reason);
};

/** A question stayed open too long: the run ends, its answer resumes the conversation later. */
export const heldTooLong: Handler = (context) => {
  if (context.run === null) return {};
  const reason = `nobody answered: ${context.run.question?.text ?? ''}`.slice(0, 500);
  return giveUp(context, context.run, { outcome: 'asked', reason }, 'its question stayed open');
};

function giveUp(
  context: AgentContext,
  run: Run,
  ended: { outcome: string; reason: string },
  why: string,
): ReturnType<Handler> {
  const conversation = run.conversation === null ? {} : { conversation: run.conversation };
  return {
    set: { run: { ...run, settled: true, ending: true } },
    wishes: [report(run, 'run.ended', { ...ended, ...conversation }), endProcess(context, why)],
  };
}

/** Wall clock of a run, seconds: what the session gave, else this agent's own limit, else the default. */
export function runSeconds(context: AgentContext): number {
  return (
    context.run?.begun?.limits.runSeconds ?? context.limits.runSeconds ?? Math.round(timerMs(context, 'run') / 1_000)
  );
}

/** The process is to end for a reason that the session hears as `agent.gone` once it is gone. */
export const losing =
  (loss: (context: AgentContext, event: Taken) => Loss): Handler =>
  (context, event) => {
    if (context.run === null) return {};
    const lost = loss(context, event);
    return {
      set: { run: { ...context.run, loss: context.run.loss ?? lost, ending: true } },
      wishes: [endProcess(context, lost.reason)],
    };
  };

/** The assignment is over: end the process, the session hears only that it is gone. */
export const cancelled: Handler = (context, event) => {
  if (context.run === null) return {};
  const reason = event.type === 'run.cancelled' ? event.data.reason : 'the assignment is no longer this agent’s';
  return {
    set: { run: { ...context.run, settled: true, ending: true } },
    wishes: context.run.ending ? [] : [endProcess(context, reason)],
  };
};

/** An accepted run that never had a process is let go at once. */
export const dropped =
  (loss: ((context: AgentContext) => Loss) | null): Handler =>
  (context) => {
    if (context.run === null) return {};
    const wishes = [released(context.run)];
    if (loss !== null) wishes.push(report(context.run, 'agent.gone', { ...loss(context) }));
    return { set: { run: null }, wishes };
  };

/** A run this agent knows nothing of has no process here: the session may go on. */
export const releaseUnknown: Handler = (_, event) => {
  if (event.type !== 'run.cancelled') return {};
  return { wishes: [released({ ...event.data, usage: NO_USAGE, said: null })] };
};

/** Asks once more that the process ends. */
export const endAgain: Handler = (context) => {
  const reason = context.run?.loss?.reason ?? 'its run is over';
  return {
    set: context.run === null ? { chat: { ...context.chat, ending: true } } : { run: { ...context.run, ending: true } },
    wishes: [endProcess(context, reason)],
  };
};

/** The process group is gone: the session hears it, then what became of the run if it does not know yet. */
export const processGone: Handler = (context, event) => {
  if (event.type !== 'driver.exited' || context.run === null) return {};
  const { class: exit, usage, reason, code, signal, said } = event.data;
  const run: Run = {
    ...context.run,
    usage: usage.inputTokens >= context.run.usage.inputTokens ? usage : context.run.usage,
    said: said ?? context.run.said,
  };
  const wishes: Wish[] = [];
  let { loss } = run;
  const ownEnd = !run.settled && loss === null;
  if (ownEnd && exit === 'ended') {
    const conversation = run.conversation === null ? {} : { conversation: run.conversation };
    wishes.push(
      report(run, 'run.ended', { outcome: 'interrupted', reason: reason ?? 'it was ended', ...conversation }),
    );
  }
  if (ownEnd && exit === 'clean') loss = { class: 'lost', reason: 'the process ended without ending its turn' };
  if (ownEnd && exit === 'crash') loss = { class: 'crash', reason: reason ?? exitText(code, signal) };
  if (ownEnd && exit === 'contention') {
    loss = { class: 'contention', reason: reason ?? 'another live process holds the conversation' };
  }
  // First, so that nothing more is handed out for what is used up.
  wishes.push(...spent({ agent: context.address, session: run.session, epoch: run.epoch }, run.usage), released(run));
  if (loss !== null && !run.settled) wishes.push(report(run, 'agent.gone', { ...loss }));
  return {
    set: {
      run: null,
      ...exitSeen(event),
      ...(ownEnd && exit === 'crash' ? afterCrash(context, event.at) : {}),
      ...(ownEnd && exit === 'contention' ? afterContention(context, event.at) : {}),
      ...(loss?.class === 'auth' && !run.settled ? afterContention(context, event.at, loss.reason) : {}),
      ...(ownEnd && exit !== 'ended' ? {} : afterRun(context, event.at)),
    },
    wishes,
  };
};

/** The session hears what the running conversation made of a text. */
export const steerSettled: Handler = (context, event) => {
  if (event.type !== 'driver.steer.done' && event.type !== 'driver.steer.failed') return {};
  const wish = event.wish as { session?: string; epoch?: number; say?: string } | undefined;
  const { run } = context;
  if (run === null || wish?.session !== run.session || wish.epoch !== run.epoch) return {};
  const result =
    event.type === 'driver.steer.done' ? (event.data.result as { taken?: boolean } | undefined) : undefined;
  return { wishes: [report(run, 'steer.settled', { say: wish.say, taken: result?.taken === true })] };
};

/** Reports whose refusal means that the session does not have this run any more. */
const BINDING = new Set(['offer.accepted', 'run.started', 'run.asked']);

/** Whether a refused tell says that the present run is not this agent's (any more). */
export function disowns(context: AgentContext, event: Taken): boolean {
  if (event.type !== 'mail.refused' || context.run === null) return false;
  const { to, id, type, outcome, code } = event.data;
  if (to !== context.run.session || toldAt(id) < context.run.acceptedSeq) return false;
  if (type === 'run.released') return false;
  return outcome === 'superseded' || outcome === 'unknown' || code === 'final' || BINDING.has(type);
}

/** The step that made a tell; ids of tells end in `/seq/index`. */
function toldAt(id: string): number {
  const found = /\/(\d+)\/\d+$/.exec(id);
  return found === null ? Number.MAX_SAFE_INTEGER : Number(found[1]);
}
