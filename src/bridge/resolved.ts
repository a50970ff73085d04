/**
 * The issues that a pull request says it resolves, as GitHub and Linear read it: a closing word before the issue, or
 * Linear's key in the branch, which is what Linear's “copy branch name” writes.
 * https://docs.github.com/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
 * https://linear.app/docs/github#link-through-pull-requests
 */

interface Said {
  repo: string;
  branch: string;
  title: string;
  body: string;
}

const CLOSING = '(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|complet(?:e[sd]?|ing))';
const KEY = '[A-Za-z][A-Za-z0-9_]{0,31}-\\d{1,9}';
const ISSUE = [
  '(?<number>#\\d{1,9})',
  '(?<named>[\\w.-]{1,100}/[\\w.-]{1,100}#\\d{1,9})',
  'https://github\\.com/(?<repo>[\\w.-]{1,100}/[\\w.-]{1,100})/issues/(?<at>\\d{1,9})',
  `(?<key>${KEY})`,
  `https://linear\\.app/[\\w-]{1,100}/issue/(?<linked>${KEY})`,
].join('|');
const ONE = `(?:${ISSUE.replaceAll(/\?<\w+>/g, '?:')})(?![\\w-])`;
/** A list goes on: “fixes #3, #4 and ENG-5”. */
const SENTENCE = new RegExp(
  `\\b${CLOSING}:?\\s+(?:issues?\\s+)?(${ONE}(?:(?:,?\\s+and\\s+|,\\s*|\\s*&\\s*)${ONE})*)`,
  'gi',
);
const EACH = new RegExp(`(?<![\\w/#-])(?:${ISSUE})(?![\\w-])`, 'gi');
const IN_BRANCH = new RegExp(`(?:^|[/_])(${KEY})(?=$|[/_-])`, 'g');
/** Of so much text; a longer one is no sentence about an issue. */
const TEXT_MAX = 65_536;

/** References as sessions have them (`ENG-42`, `acme/api#12`), each once, what the text says before what the branch does. */
export function resolvedIssues({ repo, branch, title, body }: Said): string[] {
  const found: string[] = [];
  for (const [, list] of `${title}\n${body}`.slice(0, TEXT_MAX).matchAll(SENTENCE)) {
    for (const { groups } of list!.matchAll(EACH)) {
      const { number, named, repo: other, at, key, linked } = groups!;
      if (number !== undefined) found.push(`${repo}${number}`);
      else if (other !== undefined) found.push(`${other}#${at}`);
      else found.push((named ?? key ?? linked)!);
    }
  }
  for (const [, key] of branch.matchAll(IN_BRANCH)) found.push(key!);
  return found.filter((ref, place) => found.findIndex((one) => one.toLowerCase() === ref.toLowerCase()) === place);
}
