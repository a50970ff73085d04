/** Comments written once: each carries the hidden mark of its effect, by which it is found again. */
import type { Doing } from '../effect.ts';
import type { Account } from './account.ts';
import { commentAnswer } from './answers.ts';
import type { CommentAnswer } from './answers.ts';
import { coordinates, markOf, withMark } from './names.ts';

interface Place {
  repo: string;
  /** Of a pull request or an issue: GitHub counts them together. */
  number: number;
}

/** Clocks differ; a comment of ours is never older than its wish by more than this. */
const CLOCKS_APART_MS = 600_000;

/** @returns the comment, the earlier one where it was written before. */
export async function commentOnce(account: Account, place: Place, text: string, doing: Doing): Promise<CommentAnswer> {
  const written = await findComment(account, place, doing);
  if (written !== undefined) return written;
  const params = { ...paramsOf(place), body: withMark(text, markOf(doing)) };
  return account.send(commentAnswer, 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments', params, doing.signal);
}

export async function findComment(account: Account, place: Place, doing: Doing): Promise<CommentAnswer | undefined> {
  const since = new Date(Date.parse(doing.wishedAt) - CLOCKS_APART_MS).toISOString();
  const comments = await account.list(
    commentAnswer,
    'GET /repos/{owner}/{repo}/issues/{issue_number}/comments',
    { ...paramsOf(place), since },
    { signal: doing.signal },
  );
  return comments.find(({ body }) => body?.includes(markOf(doing)) === true);
}

const paramsOf = ({ repo, number }: Place) => ({ ...coordinates(repo), issue_number: number });
