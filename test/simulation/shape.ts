/** What a schedule plays on, from its seed: how many agents of which kind, and one of a few sorts of work. */
import type { IssueObserved } from '../../machines/events/session.ts';
import type { Issue } from './tracker.ts';
import type { Random } from './random.ts';

export interface Opening {
  to: string;
  type: string;
  data: Record<string, unknown>;
}

export interface Shape {
  openings: Opening[];
  issues: Issue[];
}

export const REPO = 'acme/api';

type Settings = NonNullable<IssueObserved['open']>;

/** How the repository wants its work done. */
function settings(random: Random): Settings {
  const budgets = random.chance(0.35)
    ? {
        budgets: random.pick([
          { tokens: 60 },
          { costUsd: 0.05 },
          { restarts: 1 },
          { restarts: 0 },
          { checks: 1, review: 1 },
        ]),
      }
    : {};
  return {
    repo: REPO,
    kind: random.chance(0.9) ? 'implement' : random.pick(['docs', 'test'] as const),
    deliver: random.chance(0.85) ? 'pull_request' : 'report',
    user: 'default',
    merge: random.pick(['self', 'self', 'queue', 'people'] as const),
    reviewers: random.chance(0.85) ? 'agents' : 'people',
    gates: {
      checks: random.pick([['Tests'], ['Tests', 'Lint'], 'required', 'none'] as const) as Settings['gates']['checks'],
      review: random.pick(['required', 'required', 'everyHead', 'none'] as const),
    },
    ...budgets,
  };
}

export function shapeOf(random: Random): Shape {
  const openings: Opening[] = [];
  const hire = (name: string, role: string, more: Record<string, unknown> = {}): void => {
    const data = { role, driver: 'scripted', mode: 'worker', ...more };
    openings.push({ to: `agent/${name}`, type: 'hire', data });
  };
  openings.push({
    to: 'dispatcher/main',
    type: 'fleet.configured',
    data: { maxRuns: 1 + random.below(3) },
  });
  hire('ivy', 'implementer', random.chance(0.3) ? { lanes: ['fast'] } : {});
  if (random.chance(0.5)) hire('ian', 'implementer', random.chance(0.3) ? { limits: { runsPerHour: 2 } } : {});
  hire('rosa', 'reviewer', random.chance(0.3) ? { github: { login: 'rosa' } } : {});
  if (random.chance(0.2)) hire('cora', 'conductor', { mode: 'chat' });
  const issues: Issue[] = [];
  const sort = random.below(10);
  if (sort < 4) openings.push(lone(random));
  else if (sort < 6) issues.push(issue(random));
  else {
    const linked = random.chance(0.25);
    if (linked) issues.push(issue(random));
    openings.push(mission(random, linked ? issues[0] : undefined));
  }
  if (random.chance(0.15)) openings.push({ to: 'agent/rosa', type: 'correct.subscribe', data: { repo: REPO } });
  return { openings, issues };
}

function lone(random: Random): Opening {
  const { user: _user, ...data } = settings(random);
  const wish = random.chance(0.15) ? random.pick([{ pin: 'agent/ivy' }, { lane: 'fast' }, { role: 'tester' }]) : {};
  return {
    to: 'session/lone',
    type: 'open',
    data: { title: 'One thing', body: '', source: { kind: 'manual' }, ...data, ...wish },
  };
}

function issue(random: Random): Issue {
  return {
    ref: 'ENG-1',
    session: 'session/eng-1',
    title: 'An issue',
    delegated: true,
    type: 'started',
    blockers: random.chance(0.3) ? [{ ref: 'ENG-2', done: false }] : [],
    removed: false,
    version: 0,
    updatedMs: 0,
    settings: settings(random),
  };
}

function mission(random: Random, linked: Issue | undefined): Opening {
  const item = (key: string, dependsOn: string[]): Record<string, unknown> => {
    const { user: _user, ...brief } = settings(random);
    const source = linked !== undefined && key === 'a' ? { source: { kind: 'linear', ref: linked.ref } } : {};
    return { key, title: `Do ${key}`, body: '', dependsOn, ...brief, ...source };
  };
  const items = [item('a', []), item('b', random.chance(0.5) ? ['a'] : [])];
  if (random.chance(0.3)) items.push(item('c', random.chance(0.5) ? ['b'] : []));
  return {
    to: 'mission/m',
    type: 'open',
    data: {
      objective: 'All of it',
      items,
      ...(random.chance(0.3) ? { conductor: random.pick(['person/ann', 'agent/cora']) } : {}),
      policy: {
        maxParallel: 1 + random.below(2),
        onItemFailed: random.pick(['continue', 'hold', 'fail']),
        ...(random.chance(0.3) ? { review: 'none' } : {}),
      },
    },
  };
}
