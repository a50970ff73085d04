/** What `doctor` finds at Linear: whether it takes us, and whether it shows the teams whose issues belong to a repository. */
import { isSame } from '../bridge/opening.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Team } from '../effects/linear/linear.ts';
import { bad, good } from './finding.ts';
import type { Finding } from './finding.ts';

/** More teams than this are not listed where one is looked for in vain. */
const SHOWN_MAX = 20;

export async function* checkLinear({ linear, repos }: Config, clock: Clock): AsyncGenerator<Finding> {
  const { createLinear } = await import('../effects/linear/linear.ts');
  let teams: Team[];
  try {
    teams = await createLinear({ ...linear, clock }).listTeams();
  } catch (error) {
    yield bad('linear', `${linear.apiUrl}: ${(error as Error).message}`, todoFor(error, linear.app !== undefined));
    return;
  }
  yield good('linear', `reachable at ${linear.apiUrl}`);
  for (const { name, linear: routed } of repos) {
    for (const key of routed?.teams ?? []) yield findingOf(name, key, teams);
  }
}

function findingOf(repo: string, key: string, teams: readonly Team[]): Finding {
  const part = `linear team ${key}`;
  const team = teams.find((one) => isSame(one.key, key));
  if (team !== undefined) return good(part, `“${team.name}”, its issues belong to ${repo}`);
  // The name stands in Linear's own pages, the key only before the number of an issue.
  const named = teams.find((one) => isSame(one.name, key));
  if (named !== undefined) {
    return bad(part, `this is the team’s name, not its key`, `write ${named.key} in linear.teams of ${repo}`);
  }
  const shown = teams.map((one) => one.key).toSorted();
  const list = shown.length === 0 ? 'none at all' : shown.slice(0, SHOWN_MAX).join(', ');
  const more = shown.length > SHOWN_MAX ? ` and ${shown.length - SHOWN_MAX} more` : '';
  return bad(
    part,
    `Linear shows no team with this key: it shows ${list}${more}`,
    `correct linear.teams of ${repo}, or let the token’s user or application see that team`,
  );
}

function todoFor(error: unknown, hasApp: boolean): string {
  const { code } = error as { code?: string };
  if (code === 'LINEAR_RATE_LIMITED') return 'wait until Linear’s limit is over';
  if (code !== 'LINEAR_UNAUTHORIZED' && code !== 'LINEAR_FORBIDDEN') return 'see whether this machine reaches it';
  return hasApp ? 'look at linear.app and at the application’s settings in Linear' : 'make a new token';
}
