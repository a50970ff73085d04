/**
 * A mission from a list of issues: each is an item, and what blocks it is what it depends on: by its tracker's own
 * relations, and by “depends on” and “blocked by” in its text. Pure over what was read.
 */
import { workKind } from '../../machines/events/common.ts';
import { slug } from '../actor/address.ts';
import type { IssueRead } from '../effects/issue-reader.ts';

export interface IssueGraph {
  items: Record<string, unknown>[];
  mistakes: string[];
  /** What is worth knowing and no mistake. */
  remarks: string[];
}

/** Items are named as sessions of issues are. */
const KEY_LENGTH_MAX = 64;

export function graphOf(
  issues: readonly IssueRead[],
  /** Of what a text names beside the list: null = there is no such issue. */
  others: ReadonlyMap<string, { over: boolean } | null>,
  settingsFor: (issue: IssueRead) => Record<string, unknown> | null,
): IssueGraph {
  const mistakes: string[] = [];
  const remarks: string[] = [];
  const listed = new Map(issues.map((issue) => [issue.ref.toLowerCase(), issue]));
  const items = issues.flatMap((issue) => {
    if (issue.over) {
      remarks.push(`${issue.ref} is over: it is left out, and nothing waits for it`);
      return [];
    }
    const settings = settingsFor(issue);
    if (settings === null) {
      mistakes.push(`${issue.ref} belongs to no repository of the configuration`);
      return [];
    }
    const dependsOn = new Set<string>();
    const depend = (ref: string, otherwise: () => void): void => {
      const on = listed.get(ref.toLowerCase());
      if (on === undefined) otherwise();
      else if (!on.over) dependsOn.add(keyOf(on.ref));
    };
    for (const { ref, done } of issue.blockers)
      if (!done) depend(ref, () => remarks.push(`${issue.ref} waits for ${ref}, which is not in the list`));
    for (const ref of namedIn(issue)) {
      depend(ref, () => {
        const other = others.get(ref.toLowerCase());
        if (other?.over === true || issue.blockers.some((blocker) => isSame(blocker.ref, ref))) return;
        const what = other == null ? 'is no issue that can be read' : 'is not in the list and not over';
        mistakes.push(`${issue.ref} depends on ${ref}, which ${what}`);
      });
    }
    return [itemOf(issue, [...dependsOn], settings)];
  });
  return { items, mistakes, remarks };
}

const keyOf = (ref: string): string => slug(ref).slice(0, KEY_LENGTH_MAX).replace(/-+$/, '');
const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function itemOf(
  { ref, source, url, title, body, labels, priority }: IssueRead,
  dependsOn: string[],
  settings: Record<string, unknown>,
): Record<string, unknown> {
  const kind = labels.map((label) => label.toLowerCase()).find((label) => workKind.safeParse(label).success);
  return {
    ...settings,
    ...(kind === undefined ? {} : { kind }),
    ...(priority === undefined ? {} : { priority }),
    key: keyOf(ref),
    title,
    body,
    dependsOn,
    source: { kind: source, ref, url },
  };
}

const REF = String.raw`(?:https?://[^\s)]+/issues/\d+|[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+#\d+|#\d+|[A-Z][A-Z0-9]*-\d+)`;
const WORDS = new RegExp(String.raw`\b(?:depends on|blocked by)\b:?\s*((?:${REF}(?:\s*(?:,|and|&)\s*)*)+)`, 'gi');

/** Issues that its text says it depends on, as references, each once. Quoted code says nothing. */
export function namedIn({ ref, body }: Pick<IssueRead, 'ref' | 'body'>): string[] {
  const text = body.replace(/```[^]*?(?:```|$)|`[^`\n]*`|<!--[^]*?-->/g, ' ');
  const repo = ref.slice(0, Math.max(ref.lastIndexOf('#'), 0));
  const found = [...text.matchAll(WORDS)].flatMap(([, list]) =>
    [...list!.matchAll(new RegExp(REF, 'g'))].flatMap(([name]) => referenceOf(name, repo)),
  );
  return [...new Map(found.filter((name) => !isSame(name, ref)).map((name) => [name.toLowerCase(), name])).values()];
}

/** A bare number is of the issue's own repository; an issue of Linear has none. */
function referenceOf(name: string, repo: string): string[] {
  if (name.startsWith('#')) return repo === '' ? [] : [`${repo}${name}`];
  const url = /^https?:\/\/[^/]+\/(?:.*\/)?([^/]+\/[^/]+)\/issues\/(\d+)$/.exec(name);
  return [url === null ? name : `${url[1]}#${url[2]}`];
}
