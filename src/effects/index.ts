/**
 * The table wish → performer: everything this system can do to the world, on one page. Its rows are those of
 * `machines/effects.ts`; a row without a performer does not compile.
 */
import type { ActName, ActParams, WatchName, WatchParams } from '../../machines/effects.ts';
import type { ActPerformer, WatchPerformer } from './effect.ts';
import { placeOf } from './github/acts.ts';
import type { GithubActs } from './github/acts.ts';
import type { LinearActs } from './linear/acts.ts';
import type { Worktrees } from './worktree.ts';

export type Acts = { [Name in ActName]: ActPerformer<ActParams<Name>> };
export type Watches = { [Name in WatchName]: WatchPerformer<WatchParams<Name>> };

/** Acts on a running agent process. */
export type ProcessActs = Pick<
  Acts,
  'driver.prompt' | 'driver.steer' | 'driver.answer' | 'driver.interrupt' | 'process.end' | 'credential.revoke'
>;

export interface Performers {
  github: GithubActs;
  linear: LinearActs;
  worktrees: Worktrees;
  processes: ProcessActs;
  watches: {
    process: Watches['process'];
    pull: Watches['pull'];
    repository: Watches['repository'];
    issue: { github: Watches['issue']; linear: Watches['issue'] };
    consumer: Watches['consumer'];
  };
}

export function effectsTable({ github, linear, worktrees, processes, watches }: Performers): {
  acts: Acts;
  watches: Watches;
} {
  return {
    acts: {
      'worktree.prepare': worktrees['worktree.prepare'],
      'worktree.remove': worktrees['worktree.remove'],
      'run.verify': worktrees['run.verify'],
      'pull.merge': github['pull.merge'],
      'pull.close': github['pull.close'],
      'pull.say': github['pull.say'],
      'review.post': github['review.post'],
      'review.request': github['review.request'],
      'check.rerun': github['check.rerun'],
      'linear.say': linear['linear.say'],
      'linear.plan': linear['linear.plan'],
      'linear.link': linear['linear.link'],
      'linear.move': linear['linear.move'],
      'help.ask': helpAsker(github, linear),
      'driver.prompt': processes['driver.prompt'],
      'driver.steer': processes['driver.steer'],
      'driver.answer': processes['driver.answer'],
      'driver.interrupt': processes['driver.interrupt'],
      'process.end': processes['process.end'],
      'credential.revoke': processes['credential.revoke'],
    },
    watches: {
      process: watches.process,
      pull: watches.pull,
      repository: watches.repository,
      issue: {
        kind: 'watch',
        start: (params, context) => watches.issue[params.source].start(params, context),
      },
      consumer: watches.consumer,
    },
  };
}

/** Help is asked where the work is shown: on the pull request or GitHub issue, else on the Linear issue. */
function helpAsker(github: GithubActs, linear: LinearActs): Acts['help.ask'] {
  const atGithub = github['help.ask'];
  return {
    ...atGithub,
    perform(params, doing) {
      const { ref, agentSession } = params.where ?? {};
      if (placeOf(params.where) !== undefined || ref === undefined) return atGithub.perform(params, doing);
      const activity = { type: 'thought', body: params.text } as const;
      const words = { ref, activity, ...(agentSession === undefined ? {} : { agentSession }) };
      return linear['linear.say'].perform(words, doing);
    },
  };
}
