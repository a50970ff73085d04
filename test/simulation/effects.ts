/**
 * Scripted acts: what the world makes of each wish. An act may be done at once, or done now and answered later, or fail;
 * after a crash of the runtime one that was begun is looked up by its key, so that it is never done twice.
 */
import type { ActParams } from '../../machines/effects.ts';
import { isEnough } from '../../src/effects/verify.ts';
import type { Github, Pull } from './github.ts';
import type { Kernel, PendingAct } from './kernel.ts';
import type { Processes } from './processes.ts';
import type { Random } from './random.ts';

type Answer = ['done' | 'failed', Record<string, unknown> | undefined];

export interface Effects {
  perform(act: PendingAct, random: Random, calm: boolean): void;
  /** The runtime crashed: what was asked of a process is not known to have been done. */
  crash(): void;
}

export function createEffects(kernel: Kernel, github: Github, processes: Processes): Effects {
  /** Done, and not answered yet. */
  const done = new Map<string, Answer>();
  /** Sessions whose worktree is not the first: its number. */
  const directories = new Map<string, number>();

  function perform(act: PendingAct, random: Random, calm: boolean): void {
    const known = done.get(act.key);
    if (known !== undefined) {
      done.delete(act.key);
      return kernel.answer(act, ...known);
    }
    const answer: Answer =
      !calm && random.chance(0.04) && act.act !== 'process.end'
        ? ['failed', { code: 'SIM', reason: 'the world said no' }]
        : answerTo(act, random, calm);
    act.begun = true;
    if (calm || random.chance(0.75)) return kernel.answer(act, ...answer);
    done.set(act.key, answer);
  }

  function answerTo({ act, actor, params }: PendingAct, random: Random, calm: boolean): Answer {
    const number = params['number'] as number;
    const pull = github.pulls.find((other) => other.number === number);
    const process = processes.alive.get(actor);
    switch (act) {
      case 'worktree.prepare':
        return ['done', prepare(actor, params as ActParams<'worktree.prepare'>)];
      case 'run.verify':
        return ['done', verify(params as ActParams<'run.verify'>, random, calm)];
      case 'pull.merge':
        return merge(pull, params['head'] as string, calm || random.chance(0.9));
      case 'pull.close':
        if (pull?.state === 'open') github.change(pull, { state: 'closed', closedBy: 'self' }, kernel.nowMs);
        return ['done', undefined];
      case 'review.post':
        return post(pull, params as ActParams<'review.post'>);
      case 'check.rerun': {
        const ofHead = github.pulls.find(({ head }) => head === params['head']);
        if (ofHead?.state === 'open') {
          const checks = Object.fromEntries(Object.keys(ofHead.checks).map((name) => [name, null]));
          github.change(ofHead, { checks }, kernel.nowMs);
        }
        return ['done', undefined];
      }
      case 'process.end':
        if (process !== undefined) process.ending = true;
        return ['done', undefined];
      case 'driver.steer':
        return ['done', { taken: process?.state === 'up' && random.chance(0.7) }];
      case 'driver.answer':
        if (process?.state === 'asking') process.state = 'up';
        return ['done', undefined];
      case 'driver.prompt':
        if (process === undefined || process.state === 'starting') {
          return ['failed', { code: 'SIM', reason: 'there is no conversation' }];
        }
        process.turn = true;
        return ['done', { turn: `t${process.words}` }];
      case 'driver.interrupt':
        if (process !== undefined) processes.interrupt(process);
        return ['done', undefined];
      case 'linear.move':
        return ['done', { moved: true, state: 'x' }];
      default:
        return ['done', undefined];
    }
  }

  function prepare(actor: string, { branch, fresh, head }: ActParams<'worktree.prepare'>): Record<string, unknown> {
    if (fresh) directories.set(actor, (directories.get(actor) ?? 1) + 1);
    const n = directories.get(actor);
    const path = `/w/${actor.slice('session/'.length)}${n === undefined ? '' : `-${n}`}`;
    return { path, branch, head: head ?? github.find({ branch })?.head ?? '0000000' };
  }

  /** The real rules, on what the world shows; now and then a run has left something behind. */
  function verify(params: ActParams<'run.verify'>, random: Random, calm: boolean): Record<string, unknown> {
    const pull = params.for === 'verdict' ? undefined : github.find({ branch: params.branch });
    const flaw = calm ? 100 : random.below(100);
    const gates = github.pulls.find(({ branch }) => branch === params.branch);
    const gate =
      params.for === 'checks' && gates !== undefined ? github.observe(gates, params.gates ?? {}).gate.state : undefined;
    const evidence = {
      headBefore: params.headBefore,
      headAfter: pull?.head ?? params.headBefore,
      ...(pull === undefined ? {} : { pull: pull.number }),
      dirty: flaw < 3 ? ['left.txt'] : [],
      unpushed: flaw === 4 ? 1 : 0,
      protected: flaw === 5 && params.for !== 'verdict' ? ['.github/workflows/ci.yml'] : [],
      ...(gate === undefined ? {} : { gate }),
    };
    return { run: params.run, ok: isEnough(params, evidence, pull), evidence };
  }

  function merge(pull: Pull | undefined, head: string, willing: boolean): Answer {
    if (pull?.head !== head || pull.state !== 'open' || pull.conflict === true || !willing) {
      return ['failed', { code: 'GITHUB_409', reason: 'head moved, in conflict, or not allowed' }];
    }
    github.change(pull, { state: 'closed', merged: true }, kernel.nowMs);
    return ['done', { merged: true }];
  }

  function post(pull: Pull | undefined, { reviewer, verdict, head }: ActParams<'review.post'>): Answer {
    if (pull === undefined || pull.state !== 'open')
      return ['failed', { code: 'GITHUB_422', reason: 'the pull request is closed' }];
    const id = `r${pull.number}-${pull.reviews.length + 1}`;
    github.change(pull, { reviews: [...pull.reviews, { id, author: reviewer, verdict, head }] }, kernel.nowMs);
    return ['done', { posted: { as: reviewer, id }, how: 'review' }];
  }

  return {
    perform,
    crash() {
      for (const act of kernel.acts.values()) {
        if (!act.act.startsWith('driver.') || !done.has(act.key)) continue;
        done.set(act.key, ['failed', { code: 'UNKNOWN', reason: 'whether it was done is not known' }]);
      }
    },
  };
}
