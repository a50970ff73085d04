/** Scripted agent processes for the simulation: each does some work, asks, fails, hangs or dies, as chance has it. */
import type { RunBegun } from '../../machines/events/agent.ts';
import type { World } from './github.ts';
import type { Kernel } from './kernel.ts';
import type { Random } from './random.ts';

export interface Process {
  agent: string;
  run: string;
  begun: RunBegun;
  state: 'starting' | 'up' | 'asking' | 'turned';
  /** Asked to end. */
  ending: boolean;
  worktree: string;
}

export interface Processes {
  readonly alive: Map<string, Process>;
  /** Compares the standing watches with what is alive: starts what is new. Returns what is wrong. */
  settle(): string | null;
  /** One move of one process. `calm`: nothing goes wrong any more. */
  move(process: Process, calm: boolean): void;
  die(process: Process, exit: 'clean' | 'crash' | 'contention' | 'ended'): void;
}

const USAGE = { inputTokens: 10, outputTokens: 5 };

export function createProcesses(kernel: Kernel, github: World, random: Random): Processes {
  const alive = new Map<string, Process>();
  const names = new Set<string>();
  let questions = 0;

  function tell(process: Process, type: string, data: Record<string, unknown>): void {
    kernel.post(process.agent, type, data);
  }

  function die(process: Process, exit: 'clean' | 'crash' | 'contention' | 'ended'): void {
    alive.delete(process.agent);
    tell(process, 'driver.exited', { class: exit, usage: USAGE });
  }

  function turn(process: Process, outcome: string, more: Record<string, unknown> = {}): void {
    process.state = 'turned';
    tell(process, 'driver.turned', { outcome, usage: USAGE, ...more });
  }

  /** Works as it should: a push for every kind of work, a verdict for a review. */
  function work(process: Process, calm: boolean): void {
    const { begun } = process;
    if (begun.for === 'verdict') {
      const verdict = calm || random.chance(0.6) ? 'approve' : 'request_changes';
      return turn(process, 'completed', {
        result: { verdict: { head: begun.head, verdict, body: 'I looked at it.', comments: [] } },
      });
    }
    const session = kernel.actors.get(begun.session)?.live.state.context as { brief: { deliver: string } } | undefined;
    if (begun.branch === undefined || session?.brief.deliver === 'report')
      return turn(process, 'completed', { result: { report: 'done' } });
    const pull = github.push(begun.branch, { session: begun.session, epoch: begun.epoch });
    return turn(process, 'completed', { result: { summary: 'done', pull: pull.number } });
  }

  return {
    alive,
    die,
    settle() {
      for (const [address] of kernel.actors) {
        if (!address.startsWith('agent/')) continue;
        const params = kernel.watches(address)['process'] as { run: string; begun: RunBegun } | undefined;
        const process = alive.get(address);
        if (process !== undefined && params?.run !== process.run) {
          return `${address} lets go of its process ${process.run} while it is alive (watch: ${params?.run ?? 'none'})`;
        }
        if (params === undefined || process !== undefined || names.has(`${address} ${params.run}`)) continue;
        names.add(`${address} ${params.run}`);
        const { begun } = params;
        alive.set(address, {
          agent: address,
          run: params.run,
          begun,
          state: 'starting',
          ending: false,
          worktree: begun.worktree,
        });
      }
      const worktrees = [...alive.values()].map(({ worktree }) => worktree);
      const twice = worktrees.find((path, index) => worktrees.indexOf(path) !== index);
      return twice === undefined ? null : `two live processes in ${twice}`;
    },
    move(process, calm) {
      if (process.ending && (calm || random.chance(0.7))) return die(process, 'ended');
      if (!calm && random.chance(0.06)) return die(process, random.pick(['crash', 'clean', 'contention', 'ended']));
      switch (process.state) {
        case 'starting':
          process.state = 'up';
          return tell(process, 'driver.started', { pid: 1, startedAt: new Date(kernel.nowMs).toISOString() });
        case 'up': {
          const mishap = calm ? 1 : random.below(100) / 100;
          if (mishap < 0.06) return turn(process, 'failed', { reason: 'it broke' });
          if (mishap < 0.1) {
            const until = new Date(kernel.nowMs + 120_000).toISOString();
            return turn(process, 'limited', { until });
          }
          if (mishap < 0.13) return turn(process, 'completed', { result: { handedBack: 'not my work' } });
          if (mishap < 0.16) return turn(process, 'completed');
          if (mishap < 0.18) return turn(process, 'auth', { reason: 'not logged in' });
          if (mishap < 0.22) {
            process.state = 'asking';
            const question = `q${++questions}`;
            return tell(process, 'driver.asked', { question, kind: 'question', text: 'Which way?' });
          }
          if (mishap < 0.25) return tell(process, 'driver.silent', { sinceMs: 600_000 });
          return work(process, calm);
        }
        case 'asking':
          return;
        case 'turned':
          return die(process, process.ending ? 'ended' : 'clean');
      }
    },
  };
}
