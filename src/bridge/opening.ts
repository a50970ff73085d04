/**
 * Where an issue's work lives, and how a new piece of it is to be worked. Pure over what the index answers: the same
 * hooks in any order, twice or late, lead to the same session.
 */
import type { IssueObserved } from '../../machines/events/session.ts';
import { fingerprint, slug } from '../actor/address.ts';
import type { Source } from './hook.ts';

/** How issues of a repository are worked: an entry of `repos` in chartroom.yaml (docs/protocol.md §8). */
export interface RepoRouting {
  /** GitHub owner/repo. */
  name: string;
  base?: string | undefined;
  user?: string | undefined;
  linear?: { teams?: readonly string[] | undefined } | undefined;
  kind?: Open['kind'] | undefined;
  deliver?: Open['deliver'] | undefined;
  role?: string | undefined;
  lane?: string | undefined;
  gates?: Open['gates'] | undefined;
  merge?: Open['merge'] | undefined;
  reviewers?: Open['reviewers'] | undefined;
  budgets?: Open['budgets'] | undefined;
  mergeMethod?: Open['mergeMethod'] | undefined;
  queueCheck?: string | undefined;
  branchPrefix?: string | undefined;
  protectedPaths?: string[] | undefined;
  rerun?: Open['rerun'] | undefined;
  rerequest?: Open['rerequest'] | undefined;
}
export type Open = NonNullable<IssueObserved['open']>;

/**
 * The repository an issue belongs to: GitHub's own, or the one that names the Linear team. Where several do, a label
 * that is the repository's name (or `repo:` and its name) decides, else the first.
 */
export function repoOf(
  source: Source,
  ref: string,
  labels: readonly string[],
  repos: readonly RepoRouting[],
): RepoRouting | undefined {
  if (source === 'github') return repos.find(({ name }) => isSame(name, ref.slice(0, ref.lastIndexOf('#'))));
  const team = ref.slice(0, Math.max(ref.lastIndexOf('-'), 0));
  const fitting = repos.filter(({ linear }) => linear?.teams?.some((key) => isSame(key, team)));
  const named = fitting.find(({ name }) =>
    labels.some((label) => {
      const text = label.replace(/^repo:\s*/i, '');
      return isSame(text, name) || isSame(text, name.slice(name.indexOf('/') + 1));
    }),
  );
  return named ?? fitting[0];
}

/** The settings a session is opened with; only the step that creates it uses them. */
export function openOf(repo: RepoRouting, priority: number | undefined): Open {
  const { kind, deliver, user, gates, merge, reviewers } = repo;
  const given: Partial<Open> = {};
  for (const key of OPTIONAL) if (repo[key] !== undefined) Object.assign(given, { [key]: repo[key] });
  if (priority !== undefined) given.priority = priority;
  return {
    repo: repo.name,
    kind: kind ?? 'implement',
    deliver: deliver ?? 'pull_request',
    user: user ?? 'default',
    gates: { checks: gates?.checks ?? 'required', review: gates?.review ?? 'required' },
    merge: merge ?? 'people',
    reviewers: reviewers ?? 'agents',
    ...given,
  };
}

const OPTIONAL = [
  'base',
  'role',
  'lane',
  'budgets',
  'mergeMethod',
  'queueCheck',
  'branchPrefix',
  'protectedPaths',
  'rerun',
  'rerequest',
] as const satisfies (keyof RepoRouting & keyof Open)[];

/** What the index shows of an actor. */
export interface IndexedActor {
  address: string;
  final: boolean;
  /** ISO time of its last step. */
  updatedAt: string;
  refs: readonly string[];
  tags: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * The address of a new session of this issue. Its outside name as slug; with a fingerprint where another source has
 * that slug; with `-2`, `-3`, … where sessions of this issue lived before.
 */
export async function newAddress(
  ref: string,
  look: (address: string) => Promise<IndexedActor | null>,
): Promise<string> {
  const isOurs = (actor: IndexedActor) => actor.refs.some((held) => isSame(held, `issue:${ref}`));
  const plain = `session/${slug(ref)}`;
  const holder = await look(plain);
  if (holder === null) return plain;
  const base = isOurs(holder) ? plain : `${plain}-${fingerprint(ref)}`;
  for (let life = 1; ; life++) {
    const address = life === 1 ? base : `${base}-${life}`;
    if ((await look(address)) === null) return address;
  }
}

export const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
