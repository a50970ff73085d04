/**
 * Scripted agent processes: a worker's does some work, asks, fails, hangs or dies, as chance has it; a chat's answers
 * its mail. A process pushes only while the door of its run lets it: once the epoch is over it is refused.
 */
import type { RunBegun } from '../../machines/events/agent.ts';
import type { SessionContext } from '../../machines/session/index.ts';
import type { Github } from './github.ts';
import type { Kernel } from './kernel.ts';
import type { Random } from './random.ts';
import type { Transport } from './transport.ts';

export type Exit = 'clean' | 'crash' | 'contention' | 'ended';

export interface Process {
  name: string;
  agent: string;
  run: string;
  /** A worker's run; null: a chat. */
  begun: RunBegun | null;
  state: 'starting' | 'up' | 'asking' | 'turned';
  /** Asked to end. */
  ending: boolean;
  /** A chat's running turn. */
  turn: boolean;
  words: number;
}

export interface Processes {
  readonly alive: Map<string, Process>;
  /** Compares the standing watch of an agent with what is alive: starts what is new. Returns what is wrong. */
  settle(agent: string): string | null;
  /** One move of one process. `calm`: nothing goes wrong any more. */
  move(process: Process, random: Random, calm: boolean): void;
  die(process: Process, exit: Exit): void;
  interrupt(process: Process): void;
}

const USAGE = { inputTokens: 10, outputTokens: 5, costUsd: 0.01 };

export function createProcesses(kernel: Kernel, github: Github, transport: Transport): Processes {
  const alive = new Map<string, Process>();
  const names = new Set<string>();

  /** Ids of words depend on the process alone: read again after a restart they are the same. */
  function tell(process: Process, type: string, data: Record<string, unknown>, to = process.agent): void {
    const id = `${process.agent}/${process.run}/${++process.words}`;
    transport.send({
      envelope: { specversion: '1.0', id, source: 'watch/process', type, subject: to, data },
      door: 'trusted',
      lane: `process ${process.agent}`,
      volatile: false,
    });
  }

  function die(process: Process, exit: Exit): void {
    alive.delete(process.agent);
    tell(process, 'driver.exited', { class: exit, usage: USAGE });
  }

  function turn(process: Process, outcome: string, more: Record<string, unknown> = {}): void {
    process.state = process.begun === null ? 'up' : 'turned';
    process.turn = false;
    tell(process, 'driver.turned', { outcome, usage: USAGE, ...more });
  }

  function sessionOf({ begun }: Process): SessionContext | undefined {
    return begun === null
      ? undefined
      : (kernel.actors.get(begun.session)?.live.state.context as unknown as SessionContext);
  }

  /** Works as it should: a push for every kind of work, a verdict for a review, a report where one is wanted. */
  function work(process: Process, begun: RunBegun, random: Random, calm: boolean): void {
    if (begun.for === 'verdict') {
      const verdict = calm || random.chance(0.6) ? 'approve' : random.chance(0.8) ? 'request_changes' : 'comment';
      const result = { verdict: { head: begun.head, verdict, body: 'I looked at it.', comments: [] } };
      return turn(process, 'completed', { result });
    }
    const session = sessionOf(process);
    if (begun.branch === undefined || session?.brief.deliver === 'report')
      return turn(process, 'completed', { result: { report: 'done' } });
    if (session === undefined || session.epoch !== begun.epoch || isFinal(begun.session))
      return turn(process, 'failed', { reason: 'the push was refused' });
    const pull = github.push(begun.branch, begun.session, kernel.nowMs);
    turn(process, 'completed', { result: { summary: 'done', pull: pull.number } });
  }

  const isFinal = (address: string): boolean => kernel.actors.get(address)?.live.view.final === true;

  function mishap(process: Process, random: Random): boolean {
    const roll = random.below(100);
    if (roll < 6) turn(process, 'failed', { reason: 'it broke' });
    else if (roll < 9) turn(process, 'limited', { until: new Date(kernel.nowMs + 120_000).toISOString() });
    else if (roll < 11) turn(process, 'limited');
    else if (roll < 14 && process.begun !== null) turn(process, 'completed', { result: { handedBack: 'not my work' } });
    else if (roll < 17) turn(process, 'completed');
    else if (roll < 19) turn(process, 'auth', { reason: 'not logged in' });
    else if (roll < 20) turn(process, random.pick(['refused', 'budget']));
    else if (roll < 25) {
      process.state = 'asking';
      const data = { question: `${process.run}:q${process.words}`, kind: 'question', text: 'Which way?' };
      tell(process, 'driver.asked', data);
    } else if (roll < 27) tell(process, 'driver.silent', { sinceMs: 600_000 });
    else if (roll < 29) tell(process, 'driver.heard', {});
    else return false;
    return true;
  }

  function start(process: Process): void {
    process.state = 'up';
    const startedAt = new Date(kernel.nowMs).toISOString();
    tell(process, 'driver.started', { pid: 1, startedAt, conversation: `c-${process.run}` });
    const { begun } = process;
    const ids = begun?.prompt.notes.map(({ id }) => id) ?? [];
    if (begun !== null && ids.length > 0) tell(process, 'note.read', { ids, by: `run ${begun.epoch}` }, begun.session);
  }

  return {
    alive,
    die,
    settle(agent) {
      const params = kernel.watches(agent)['process'] as { run: string; begun?: RunBegun } | undefined;
      const process = alive.get(agent);
      if (process !== undefined && params?.run !== process.run) {
        return `${agent} lets go of its process ${process.run} while it is alive (watch: ${params?.run ?? 'none'})`;
      }
      if (params === undefined || process !== undefined || names.has(`${agent} ${params.run}`)) return null;
      names.add(`${agent} ${params.run}`);
      alive.set(agent, {
        name: `process ${agent}`,
        agent,
        run: params.run,
        begun: params.begun ?? null,
        state: 'starting',
        ending: false,
        turn: false,
        words: 0,
      });
      return twoInOne();
    },
    move(process, random, calm) {
      if (process.ending && (calm || random.chance(0.7))) return die(process, 'ended');
      if (!calm && random.chance(0.05))
        return die(process, random.pick<Exit>(['crash', 'clean', 'contention', 'ended']));
      if (process.state === 'starting') return start(process);
      // A process may take its time to leave: its run is over, its worktree is not free.
      if (process.state === 'turned' && !calm && random.chance(0.6)) return;
      if (process.state === 'turned') return die(process, process.ending ? 'ended' : 'clean');
      if (process.state === 'asking') return;
      if (!calm && (process.begun !== null || process.turn) && mishap(process, random)) return;
      if (process.begun !== null) return work(process, process.begun, random, calm);
      if (!process.turn) return;
      tell(process, 'driver.said', { text: 'Here you are.', final: true });
      turn(process, 'completed');
    },
    interrupt(process) {
      if (process.state === 'up' || process.state === 'asking') turn(process, 'interrupted');
    },
  };

  /** Sessions share no directory, so two processes of one session are two in one worktree, unless it was left. */
  function twoInOne(): string | null {
    const held = new Map<string, string>();
    for (const { begun, agent } of alive.values()) {
      if (begun === null) continue;
      const other = held.get(begun.worktree);
      if (other !== undefined) return `${other} and ${agent} both have a process in ${begun.worktree}`;
      held.set(begun.worktree, agent);
    }
    return null;
  }
}
