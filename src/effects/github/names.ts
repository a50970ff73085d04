/** How GitHub's things are named: repositories, issue references, and the hidden mark of what this system wrote. */
import { RejectedInput } from '../../errors.ts';

/** `acme/api` as the parameters Octokit's routes take. */
export function coordinates(repo: string): { owner: string; repo: string } {
  const slash = repo.indexOf('/');
  return { owner: repo.slice(0, slash), repo: repo.slice(slash + 1) };
}

/** `acme/api#12`. @returns undefined where it is another tracker's reference. */
export function parseIssueRef(ref: string): { repo: string; number: number } | undefined {
  const found = /^([A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+)#(\d+)$/.exec(ref);
  return found?.[1] === undefined ? undefined : { repo: found[1], number: Number(found[2]) };
}

export function issueOf(ref: string): { repo: string; number: number } {
  const issue = parseIssueRef(ref);
  if (issue === undefined) throw new RejectedInput('GITHUB_REF', `“${ref}” is not an issue of GitHub: owner/repo#12`);
  return issue;
}

/** Names of repositories, branches' owners and accounts are compared without case. */
export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

const MARK = /\n*<!-- chartroom:[^>]*-->/g;

/**
 * Hidden in a text, so that the same effect is found again and not written twice. The time is part of it because a
 * new store counts its steps from one again, and may meet the pull requests of the old one.
 */
export const markOf = ({ key, wishedAt }: { key: string; wishedAt: string }): string =>
  `<!-- chartroom:${key}@${wishedAt} -->`;

export const withMark = (text: string, mark: string): string => `${text.trimEnd()}\n\n${mark}`;
export const withoutMark = (text: string): string => text.replace(MARK, '').trim();
export const hasMark = (text: string): boolean => text.search(MARK) >= 0;
