/**
 * The outbox: performs the acts that are committed and not yet answered, and commits each answer. It knows how often
 * and when to try, never what an act does (src/effects).
 */
import { ACTS } from '../../machines/effects.ts';
import type { WishSpec } from '../../machines/contract.ts';
import type { Clock } from '../clock.ts';
import type { ActPerformer, Doing } from '../effects/effect.ts';
import { TerminalError, TransientError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { KEYS } from '../store/keys.ts';
import type { Node } from './node.ts';
import type { PendingAct } from './outbox-rows.ts';

/** Acts in flight per lane: GitHub's secondary limits punish more, git and processes are bound by the machine. */
const LANES_MAX = { github: 8, linear: 4, git: 4, process: 16 } as const;
const TRIES_DEFAULT = 8;
const BACKOFF_DEFAULT_MS = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 300_000] as const;
/** Providers are eventually consistent: an unanswered attempt is looked for twice, this far apart. */
const SECOND_LOOK_MS = 2_000;

type Lane = keyof typeof LANES_MAX;

export interface Outbox {
  /** Nothing is begun until `release` (a store restored from a backup must not act). */
  hold(): void;
  release(): void;
  inFlight(): number;
  stop(): Promise<void>;
}

interface OutboxOptions {
  node: Node;
  performers: Record<string, ActPerformer>;
  clock: Clock;
  log: Logger;
  held?: boolean;
}

export function createOutbox({ node, performers, clock, log, held = false }: OutboxOptions): Outbox {
  const waiting: Record<Lane, PendingAct[]> = { github: [], linear: [], git: [], process: [] };
  const running = new Map<string, { abort: AbortController; done: Promise<void> }>();
  const inLane: Record<Lane, number> = { github: 0, linear: 0, git: 0, process: 0 };
  let holding = held;
  let stopping = false;

  node.onCommitted(({ acts, settled }) => {
    for (const act of acts) enqueue(act);
    for (const key of settled) running.get(key)?.abort.abort();
    work();
  });

  function enqueue(act: PendingAct): void {
    waiting[performers[act.act]?.lane ?? 'process'].push(act);
  }

  function work(): void {
    if (holding || stopping) return;
    for (const lane of Object.keys(waiting) as Lane[]) {
      while (inLane[lane] < LANES_MAX[lane]) {
        const act = waiting[lane].shift();
        if (act === undefined) break;
        if (node.outbox.get(act.key) !== act) continue;
        inLane[lane] += 1;
        const abort = new AbortController();
        const done = perform(act, abort.signal).finally(() => {
          inLane[lane] -= 1;
          running.delete(act.key);
          work();
        });
        running.set(act.key, { abort, done });
      }
    }
  }

  async function perform(act: PendingAct, signal: AbortSignal): Promise<void> {
    act.begun = true;
    const spec: WishSpec | undefined = ACTS[act.act as keyof typeof ACTS];
    const types = spec?.answers ?? { done: `${act.act}.done`, failed: `${act.act}.failed` };
    const performer = performers[act.act];
    try {
      if (performer === undefined) throw new TerminalError('EFFECT_UNKNOWN', `nobody performs ${act.act} here`);
      const result = await tryPerform(performer, act, signal);
      if (signal.aborted) return;
      const answer = spec?.answer?.safeParse(result);
      if (answer?.success === false)
        throw new TerminalError(
          'EFFECT_ANSWER',
          `the answer of ${act.act} is not what it must be: ${answer.error.message}`,
        );
      const data = spec?.answers === undefined ? (result === undefined ? {} : { result }) : { ...(result as object) };
      commitAnswer(act, types.done, data);
    } catch (error) {
      if (stopping || signal.aborted) return;
      const failure = error as Error & { code?: string; retryAfterMs?: number };
      const known = error instanceof TerminalError || error instanceof TransientError;
      if (!known) log.error({ err: error, act: act.act, key: act.key }, 'an act failed in a way nobody foresaw');
      commitAnswer(act, types.failed, {
        code: known ? failure.code! : 'EFFECT_BUG',
        reason: failure.message,
        ...(failure.retryAfterMs === undefined || types.failed === 'worktree.failed'
          ? {}
          : { until: new Date(clock.now() + failure.retryAfterMs).toISOString() }),
      });
    }
  }

  /** Not waited for: an actor that is parked takes it when a person lets it go on, and other acts need the room. */
  function commitAnswer({ key }: PendingAct, type: string, data: Record<string, unknown>): void {
    node
      .answer(key, type, data)
      .catch((error: unknown) => log.error({ err: error, key }, 'the answer could not be committed'));
  }

  async function tryPerform(performer: ActPerformer, act: PendingAct, signal: AbortSignal): Promise<unknown> {
    const doing = (attempt: number): Doing => ({
      key: act.key,
      actor: act.actor,
      attempt,
      signal: AbortSignal.any([signal, AbortSignal.timeout(performer.deadlineMs)]),
      wishedAt: act.wishedAt,
    });
    if (act.attempted) {
      const found = await settleUnknown(performer, act, doing(1));
      if (found !== undefined) return found.answer;
    }
    const tries = performer.tries ?? TRIES_DEFAULT;
    const waits = performer.backoffMs ?? BACKOFF_DEFAULT_MS;
    for (let attempt = 1; ; attempt++) {
      if (performer.repeat !== 'key' && !act.attempted) {
        await node.write([{ key: KEYS.outbox(act.actor, act.seq, act.index), value: 'attempted' }]);
        act.attempted = true;
      }
      await node.lapse();
      if (signal.aborted) throw new TerminalError('EFFECT_STOPPED', `${act.act} was not begun`);
      try {
        return await performer.perform(act.params as never, doing(attempt));
      } catch (error) {
        const timedOut = (error as Error).name === 'TimeoutError' || (error as Error).name === 'AbortError';
        if (!(error instanceof TransientError) && !timedOut) throw error;
        if (signal.aborted || attempt >= tries) throw error;
        if (timedOut && performer.repeat === 'once') throw uncertain(act, 'no answer came in time');
        const wait = (error as TransientError).retryAfterMs ?? waits[Math.min(attempt - 1, waits.length - 1)]!;
        log.warn(
          { act: act.act, key: act.key, attempt, waitMs: wait, err: (error as Error).message },
          'an act is tried again',
        );
        await sleep(wait, signal);
        if (signal.aborted) throw error;
        // A failed try may have happened all the same: the answer was lost, not the deed.
        const found = performer.repeat === 'check' ? await lookTwice(performer, act, doing(attempt)) : undefined;
        if (found !== undefined) return found.answer;
      }
    }
  }

  /** An attempt without an answer, from before a crash: looked up, never guessed. */
  async function settleUnknown(
    performer: ActPerformer,
    act: PendingAct,
    doing: Doing,
  ): Promise<{ answer: unknown } | undefined> {
    if (performer.repeat === 'key') return undefined;
    if (performer.repeat === 'once' || performer.look === undefined) {
      throw uncertain(act, 'it was begun before the process ended');
    }
    return lookTwice(performer, act, doing);
  }

  async function lookTwice(
    performer: ActPerformer,
    act: PendingAct,
    doing: Doing,
  ): Promise<{ answer: unknown } | undefined> {
    if (performer.look === undefined) return undefined;
    const first = await performer.look(act.params as never, doing);
    if (first !== undefined) return { answer: first };
    await sleep(SECOND_LOOK_MS, doing.signal);
    const second = await performer.look(act.params as never, doing);
    return second === undefined ? undefined : { answer: second };
  }

  function sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      signal.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }

  return {
    hold: () => {
      holding = true;
    },
    release() {
      holding = false;
      work();
    },
    inFlight: () => running.size,
    async stop() {
      stopping = true;
      for (const { abort } of running.values()) abort.abort();
      await Promise.allSettled([...running.values()].map(({ done }) => done));
    },
  };
}

const uncertain = ({ act }: PendingAct, why: string): TerminalError =>
  new TerminalError('EFFECT_UNCERTAIN', `${act}: ${why}; whether it happened is not known, and it is not done twice`);
