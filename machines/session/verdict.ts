/**
 * A review session (domain §1.8): it owes a verdict for a head, at most one per head, posts it as its reviewer, and
 * tells the session under review.
 */
import { endAssignment, excludedOf, isLive, wantAnew } from './assignment.ts';
import type { Obligation, OwnVerdict, SessionContext } from './context.ts';
import { type Draft, latest, say, set, wishFor } from './draft.ts';
import { amend, lapse, owe, unpark } from './obligations.ts';
import { judge } from './judging.ts';
import { ask } from './tracker.ts';

const VERDICTS_KEPT = 50;

/** The session under review asks: for a head already judged the verdict is told again, else it is owed. */
export function wantVerdict(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'review.wanted') return;
  const { for: asker, head, by, number, helper = null } = event.data;
  const { brief } = context;
  if (asker.startsWith('session/') && helper !== context.helper) set(draft, { helper });
  if (asker.startsWith('session/') && brief.for !== asker)
    set(draft, { brief: { ...brief, for: asker, target: number } });
  if (by !== undefined && !context.makers.some((maker) => maker.head === head && maker.agent === by)) {
    set(draft, { makers: latest([...context.makers, { head, agent: by }], 50) });
  }
  const judged = context.verdicts.find((verdict) => verdict.head === head);
  if (judged !== undefined) {
    if (judged.state !== 'posting') tellVerdict(draft, judged);
    return;
  }
  const running = context.run?.claims ?? [];
  const owed = context.obligations.find((open) => open.kind === 'verdict' && open.head === head);
  lapse(draft, (open) => open.kind === 'verdict' && open.head !== head && !running.includes(open.id));
  if (owed === undefined) oweVerdict(draft, head, asker);
  else {
    unpark(draft, ({ id, parked }) => id === owed.id && parked?.by !== 'stopped');
    if (!askersOf(owed).includes(asker)) setAskers(draft, owed, [...askersOf(owed), asker]);
  }
  if (excludedOf(draft.context).join() !== excludedOf(context).join()) wantAnew(draft);
}

/** Sessions under review and subscribed agents that wait for this verdict. */
export function askersOf({ evidence }: Pick<Obligation, 'evidence'>): string[] {
  const { askedBy } = evidence;
  return Array.isArray(askedBy) ? askedBy.filter((asker) => typeof asker === 'string') : [];
}

export function oweVerdict(draft: Draft, head: string, asker: string): void {
  owe(draft, { kind: 'verdict', head, signature: 'verdict', evidence: { askedBy: [asker] } });
}

const setAskers = (draft: Draft, { id, evidence }: Obligation, askedBy: string[]): void =>
  amend(draft, id, { evidence: { ...evidence, askedBy } });

/** The session under review ended: what it alone waited for is not owed, and nobody works at it. A subscription’s stays. */
export function dropVerdict(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'review.dropped') return;
  const asker = event.data.for;
  for (const owed of context.obligations) {
    if (owed.kind !== 'verdict' || !askersOf(owed).includes(asker)) continue;
    const left = askersOf(owed).filter((other) => other !== asker);
    const isClaimed = context.run?.claims.includes(owed.id) === true;
    if (left.length > 0) setAskers(draft, owed, left);
    // The verdict of a run that has ended is there: it is posted.
    else if (isClaimed && !isLive(context)) continue;
    else {
      if (isClaimed) endAssignment(draft, `${asker} has ended: nobody waits for the verdict`);
      lapse(draft, ({ id }) => id === owed.id);
    }
  }
}

/** The evidence of a review run is in: its verdict, for exactly this head, is posted under the reviewer's identity. */
export function judgeReview(draft: Draft): void {
  const { context, event } = draft;
  const { run } = context;
  judge(draft);
  if (event.type !== 'run.verified' || run?.ended?.verdict == null || run.for !== 'verdict') return;
  if (draft.context.runs.at(-1)?.ok !== true) return;
  const { head, verdict, body, comments } = run.ended.verdict;
  const own: OwnVerdict = {
    head,
    verdict,
    body,
    comments,
    reviewer: run.agent,
    state: 'posting',
    posted: null,
    refusal: null,
    at: event.at,
  };
  const others = draft.context.verdicts.filter((known) => known.head !== head);
  set(draft, { verdicts: latest([...others, own], VERDICTS_KEPT) });
  const { brief } = draft.context;
  if (brief.target === null) return;
  wishFor(draft, 'review.post', {
    repo: brief.repo,
    number: brief.target,
    head,
    verdict,
    body,
    comments,
    reviewer: run.agent,
  });
}

/** GitHub took the review (or the comment and status that stand for it), or refused it: the verdict counts either way. */
export function posted(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'review.post.done' && event.type !== 'review.post.failed') return;
  const head = event.wish?.['head'];
  const own = context.verdicts.find((known) => known.head === head && known.state === 'posting');
  if (own === undefined) return;
  const mark = event.type === 'review.post.done' ? postedAs(event.data.result) : null;
  const refusal = event.type === 'review.post.failed' ? event.data.reason : null;
  const told: OwnVerdict = { ...own, state: refusal === null ? 'posted' : 'refused', posted: mark, refusal };
  set(draft, { verdicts: context.verdicts.map((known) => (known === own ? told : known)) });
  tellVerdict(draft, told);
  if (refusal !== null) {
    ask(draft, {
      gate: 'review',
      on: own.reviewer,
      text: `GitHub did not take the review (${own.verdict}) of ${own.head.slice(0, 7)} by ${own.reviewer}: ${refusal}. The verdict counts here; where the branch requires a review, a person has to give it.`,
    });
  }
  if (context.brief.target === null) return;
  say(draft, own.reviewer, 'review.recorded', {
    repo: context.brief.repo,
    number: context.brief.target,
    head: own.head,
    verdict: own.verdict,
    accepted: told.state === 'posted',
  });
}

function postedAs(result: unknown): { as: string; id: string } | null {
  const mark = (result as { posted?: { as?: unknown; id?: unknown } } | null | undefined)?.posted;
  return typeof mark?.as === 'string' && typeof mark.id === 'string' ? { as: mark.as, id: mark.id } : null;
}

function tellVerdict(draft: Draft, { head, verdict, body, comments, reviewer, posted }: OwnVerdict): void {
  const to = draft.context.brief.for;
  if (to === null) return;
  say(draft, to, 'verdict.given', { reviewer, head, verdict, body, comments, ...(posted === null ? {} : { posted }) });
}

/** Verdicts that GitHub has not answered yet. */
export const isPosting = ({ verdicts }: SessionContext): boolean => verdicts.some(({ state }) => state === 'posting');
