/** Names that a session gives to others: its branch, and the review session of a pull request. */

/** Lower case, every run of other characters one `-`, trimmed. */
export function slug(name: string, max = 100): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, max)
    .replace(/-+$/, '');
}

const TITLE_MAX = 40;

/** `<prefix>/<session id>-<slug of the title>`, fixed when the session opens. */
export function branchName(prefix: string, address: string, title: string): string {
  const id = address.slice(address.indexOf('/') + 1);
  const words = slug(title, TITLE_MAX);
  return `${prefix}/${words === '' ? id : `${id}-${words}`}`;
}

/** The review session of a user and pull request; a later one where a person closed the first. */
export function reviewAddress(user: string, repo: string, number: number, nth = 1): string {
  const tail = `-${number}${nth > 1 ? `-${nth}` : ''}`;
  const name = slug(`review-${user}-${slug(repo)}`, 127 - tail.length);
  return `session/${name}${tail}`;
}

/** A head as people read it. */
export const short = (head: string): string => head.slice(0, 7);
