/** Reads issues of GitHub and Linear for whoever makes a mission of them: what is asked, what blocks it, whether it is over. */
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { TerminalError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { createGithub } from './github/github.ts';
import { parseIssueRef } from './github/names.ts';
import { createLinear } from './linear/linear.ts';
import { hasLinear } from './linear/token.ts';

export interface IssueRead {
  ref: string;
  source: 'github' | 'linear';
  url: string;
  title: string;
  body: string;
  labels: string[];
  /** Closed, completed or dropped. */
  over: boolean;
  priority?: number | undefined;
  /** What its tracker says blocks it. */
  blockers: { ref: string; done: boolean }[];
}

const OVER = new Set(['completed', 'canceled', 'duplicate']);

/** undefined = there is no issue of this name. @throws TransientError, TerminalError: the tracker cannot be asked. */
export function createIssueReader({
  config,
  clock,
  log,
}: {
  config: Config;
  clock: Clock;
  log: Logger;
}): (ref: string) => Promise<IssueRead | undefined> {
  const { apiUrl, token, app, paced } = config.github;
  const github = createGithub({
    apiUrl,
    auth: app === undefined ? { token } : { app },
    identities: {},
    userAgent: 'chartroom',
    clock,
    log,
    paced,
  });
  const linear = createLinear({ ...config.linear, clock });
  return async (ref) => {
    const source = parseIssueRef(ref) === undefined ? 'linear' : 'github';
    if (source === 'linear' && !hasLinear(config.linear)) {
      throw new TerminalError(
        'LINEAR_TOKEN',
        `${ref} is an issue of Linear, and neither linear.token nor linear.app is set`,
      );
    }
    const seen = source === 'github' ? await github.observeIssue(ref, {}) : await linear.observeIssue(ref);
    if (seen === undefined) return undefined;
    const { url, title, body, state, priority, blockers = [], removed } = seen.facts;
    return {
      ref: seen.facts.ref,
      source,
      url,
      title,
      body,
      labels: seen.labels,
      over: removed || OVER.has(state.type),
      ...(priority === undefined ? {} : { priority }),
      blockers,
    };
  };
}
