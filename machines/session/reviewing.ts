/**
 * The review of this session’s pull request (domain §1.1 review, §1.8): asking for it, and what verdicts mean. A verdict
 * given by the review session and the same review seen at GitHub are one fact; whichever comes first moves the gate.
 */
import type { PullObserved } from '../events/index.ts';
import type { GivenVerdict, Reviewing, SessionContext } from './context.ts';
import { resetAttempts } from './budgets.ts';
import { type Draft, latest, say, set, wishFor } from './draft.ts';
import { reviewAddress } from './names.ts';
import { lapse, owe } from './obligations.ts';
import { isReview, isWaived, reviewOf } from './standing.ts';
import { askHelp, moveIssue } from './tracker.ts';

const SEEN_MAX = 500;
/** More review sessions of one pull request than this means that somebody closes them on purpose. */
const NTH_MAX = 20;

function revise(draft: Draft, change: Partial<Reviewing>): void {
  set(draft, { reviewing: { ...draft.context.reviewing, ...change } });
}

/** Asks for a review of this head: its own session where agents review, GitHub where people do. */
export function askForReview(draft: Draft): void {
  const { context, event } = draft;
  const { pull, reviewing, brief } = context;
  if (pull === null) return;
  moveIssue(draft, 'review');
  if (brief.reviewers === 'people' || reviewing.person !== null) {
    askPeople(draft, reviewing.person === null ? knownReviewers(context) : [reviewing.person]);
    revise(draft, { asked: { head: pull.head, of: 'people', at: event.at } });
    return;
  }
  // A person whose requested changes were answered is asked first, whoever else reviews (law 9).
  askPeople(draft, answeredReviewers(context));
  const to = reviewAddress(brief.user, brief.repo, pull.number, reviewing.nth);
  revise(draft, { asked: { head: pull.head, of: to, at: event.at } });
  if (reviewing.picture?.address !== to) openReview(draft, to);
  const by = context.runs.findLast((run) => run.evidence?.['headAfter'] === pull.head)?.agent ?? lastWorker(context);
  say(draft, to, 'review.wanted', {
    for: context.address,
    number: pull.number,
    head: pull.head,
    ...(by === null || pull.headBy !== 'us' ? {} : { by }),
    ...(brief.mission === null ? {} : { helper: brief.mission }),
  });
}

const lastWorker = ({ run, runs }: SessionContext): string | null => run?.agent ?? runs.at(-1)?.agent ?? null;

function askPeople(draft: Draft, logins: string[]): void {
  const { brief, pull } = draft.context;
  if (pull === null || logins.length === 0) return;
  // Somebody whom a correction names is asked in any case.
  if (brief.rerequest === 'never' && draft.context.reviewing.person === null) return;
  wishFor(draft, 'review.request', { repo: brief.repo, number: pull.number, logins });
}

const isPerson = ({ reviewer }: GivenVerdict): boolean => !reviewer.includes('/');

/** People whose requested changes were answered. */
const answeredReviewers = ({ reviewing, pull }: SessionContext): string[] =>
  reviewing.verdicts
    .filter((given) => isPerson(given) && given.verdict === 'request_changes' && given.head !== pull?.head)
    .map(({ reviewer }) => reviewer);

/** Everybody who has judged this pull request, those whose changes were answered first. */
const knownReviewers = (context: SessionContext): string[] => [
  ...new Set([
    ...answeredReviewers(context),
    ...context.reviewing.verdicts.filter(isPerson).map(({ reviewer }) => reviewer),
  ]),
];

function openReview(draft: Draft, to: string): void {
  const { brief, pull, reviewing, address } = draft.context;
  if (pull === null) return;
  const pin = reviewing.pin;
  say(draft, to, 'open', {
    title: `Review: ${brief.title}`.slice(0, 1_000),
    body: brief.body,
    source: { kind: 'review', url: pull.url },
    user: brief.user,
    repo: brief.repo,
    base: pull.base,
    kind: 'review',
    deliver: 'report',
    ...(pin?.startsWith('role/') === true ? { role: pin.slice('role/'.length) } : {}),
    ...(pin?.startsWith('agent/') === true ? { pin } : {}),
    gates: { review: 'none', checks: 'none' },
    priority: brief.priority,
    for: address,
    target: { number: pull.number, head: pull.head },
  });
}

/** What reviewers said at GitHub since the last look. */
export function observeReviews(draft: Draft, { reviews, head }: PullObserved): void {
  for (const review of reviews) {
    const { seen, reviewing, heads } = draft.context;
    const known = reviewing.verdicts.find(({ id }) => id === review.id);
    if (review.verdict === 'dismissed') {
      if (known !== undefined) dismiss(draft, known);
      continue;
    }
    if (known !== undefined || seen.reviews.includes(review.id)) continue;
    set(draft, { seen: { ...seen, reviews: latest([...seen.reviews, review.id], SEEN_MAX) } });
    if (review.verdict === 'comment') continue;
    // A review of a head that was never ours to see is recorded; of an earlier head of ours it carries over.
    if (review.head !== head && !heads.some((known) => known.head === review.head)) continue;
    take(draft, {
      id: review.id,
      reviewer: review.author,
      verdict: review.verdict,
      head: review.head,
      posted: true,
      body: review.body,
      comments: review.comments,
    });
  }
}

/** The verdict of our review session, told by itself. */
export function takeVerdict(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'verdict.given') return;
  const { reviewer, head, verdict, body, comments, posted } = event.data;
  const { pull, reviewing, seen } = context;
  if (pull === null || pull.head !== head) {
    // Judged a head that is no longer the pull request’s: recorded, also against the same review seen at GitHub.
    if (posted !== undefined)
      set(draft, { seen: { ...seen, reviews: latest([...seen.reviews, posted.id], SEEN_MAX) } });
    return;
  }
  if (posted !== undefined && reviewing.verdicts.some(({ id }) => id === posted.id)) return;
  const same = reviewing.verdicts.find((known) => known.reviewer === reviewer && known.head === head);
  if (same !== undefined && same.verdict === verdict && posted === undefined) return;
  if (posted !== undefined) set(draft, { seen: { ...seen, reviews: latest([...seen.reviews, posted.id], SEEN_MAX) } });
  if (verdict === 'comment') {
    if (reviewing.comment?.head === head) return;
    revise(draft, { comment: { head, reviewer } });
    askHelp(draft, {
      gate: 'review',
      on: 'person/operator',
      text: `${reviewer} commented on ${head.slice(0, 7)} and left the verdict to a person.`,
    });
    return;
  }
  take(draft, { id: posted?.id ?? null, reviewer, verdict, head, posted: posted !== undefined, body, comments });
}

interface Judgement {
  id: string | null;
  reviewer: string;
  verdict: 'approve' | 'request_changes';
  head: string;
  posted: boolean;
  body: string;
  comments: unknown[];
}

function take(draft: Draft, { id, reviewer, verdict, head, posted, body, comments }: Judgement): void {
  const { reviewing } = draft.context;
  const n = Math.max(0, ...reviewing.verdicts.map((known) => known.n)) + 1;
  const given: GivenVerdict = {
    id,
    reviewer,
    verdict,
    head,
    holds: verdict === 'approve' ? carried(draft.context, head) : null,
    at: draft.event.at,
    n,
    posted,
  };
  revise(draft, {
    verdicts: latest([...reviewing.verdicts.filter((known) => known.reviewer !== reviewer), given], 50),
  });
  // Its reviewer judged again: what was asked before is replaced by what is asked now.
  lapse(draft, (open) => open.kind === 'review' && open.evidence['reviewer'] === reviewer);
  if (verdict === 'request_changes') {
    owe(draft, {
      kind: 'review',
      head,
      signature: `review::${id ?? `${reviewer}::${head}`}`,
      evidence: { reviewer, review: id, head, body, comments },
    });
  } else {
    resetAttempts(draft, ['review']);
  }
  changeRefusal(draft);
}

function dismiss(draft: Draft, known: GivenVerdict): void {
  const { reviewing } = draft.context;
  revise(draft, { verdicts: reviewing.verdicts.filter(({ id }) => id !== known.id) });
  lapse(draft, (open) => open.kind === 'review' && open.evidence['reviewer'] === known.reviewer);
  changeRefusal(draft);
  const { pull } = draft.context;
  if (known.head !== pull?.head) return;
  // A person may be asked again; an agent judges a head once (domain §1.8), so somebody else has to.
  if (isPerson(known)) return revise(draft, { asked: null });
  revise(draft, { comment: { head: known.head, reviewer: known.reviewer, dismissed: true } });
  askHelp(draft, {
    gate: 'review',
    on: 'person/operator',
    text: `The review of ${known.head.slice(0, 7)} by ${known.reviewer} was dismissed: a person has to review it, or waive the review.`,
  });
}

/** The head an approval of `head` holds for now: our own later heads keep it unless the repository dismisses stale ones. */
function carried({ pull, heads, brief }: SessionContext, head: string): string | null {
  if (pull === null) return null;
  if (pull.head === head) return head;
  const at = heads.findIndex((known) => known.head === head);
  const later = heads.slice(at + 1);
  const keeps = at >= 0 && brief.gates.review !== 'everyHead' && later.every(({ by }) => by === 'us');
  return keeps ? pull.head : null;
}

/** The head moved: approvals go with it where they may. */
export function carryApprovals(draft: Draft, from: string, to: string, by: 'us' | 'other'): void {
  const { reviewing, brief } = draft.context;
  const keeps = by === 'us' && brief.gates.review !== 'everyHead';
  revise(draft, {
    verdicts: reviewing.verdicts.map((given) =>
      given.holds === from ? { ...given, holds: keeps ? to : null } : given,
    ),
    waivedHeads: [],
    comment: null,
    unreachable: null,
  });
}

/** Another pull request: what was said of the one before does not count for it, and counts anew if it comes back. */
export function forgetReviews(draft: Draft): void {
  set(draft, { seen: { ...draft.context.seen, reviews: [] } });
  revise(draft, {
    asked: null,
    nth: 1,
    picture: null,
    verdicts: [],
    waivedHeads: [],
    unreachable: null,
    comment: null,
  });
}

/** A new verdict, check or head: a refused merge may be tried again. */
export function changeRefusal(draft: Draft): void {
  if (draft.context.merge?.state === 'refused') set(draft, { merge: null });
}

/** The review session told of itself. */
export function pictureReview(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'session.changed') return;
  const { reviewing } = context;
  if (reviewing.asked?.of !== event.source && reviewing.picture?.address !== event.source) return;
  const { owner, phase, waitingOn, at } = event.data;
  if (reviewing.picture !== null && reviewing.picture.address === event.source && at < reviewing.picture.at) return;
  revise(draft, {
    picture: { address: event.source, owner, phase, waitingOn: waitingOn.slice(0, 5), at },
    unreachable: null,
  });
  const review = reviewOf(draft.context);
  if (!OVER.has(phase) || (review !== 'wanted' && review !== 'requested')) return;
  // Closed by a person before it judged: somebody else is asked. Done, it saw the end of a pull request that is open
  // here: opened again, or about to be seen as over here too.
  if (phase === 'done') set(draft, { look: draft.context.look + 1 });
  reviewSessionEnded(draft);
}

const OVER = new Set(['done', 'failed', 'cancelled']);

/** The pull request is open again; the review session that ended with it is not. */
export function reviewReopened(draft: Draft): void {
  const { picture } = draft.context.reviewing;
  if (picture !== null && OVER.has(picture.phase)) reviewSessionEnded(draft);
}

/** The review session is over although a review is wanted: the next one is opened. */
export function reviewSessionEnded(draft: Draft): void {
  const { reviewing } = draft.context;
  if (reviewing.nth >= NTH_MAX) return;
  revise(draft, { nth: reviewing.nth + 1, asked: null, picture: null });
}

/** It is not there, or does not review: help is asked, and shown until somebody else is asked. */
export function reviewUnreachable(draft: Draft, reason: string): void {
  revise(draft, { unreachable: reason });
  askHelp(draft, { gate: 'review', on: null, text: `The review could not be asked for: ${reason}.` });
}

/** GitHub does not ask them (no collaborator, no such account): nobody reviews until somebody else is asked. */
export function requestRefused(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'review.request.failed' || context.reviewing.asked?.of !== 'people') return;
  const review = reviewOf(context);
  if (review !== 'requested' && review !== 'wanted') return;
  reviewUnreachable(draft, event.data.reason);
}

/** Nobody here waits for the verdict of our review session any more. */
export function dropReview(draft: Draft): void {
  const { address, pull, reviewing } = draft.context;
  const of = reviewing.asked?.of;
  if (pull === null || of?.startsWith('session/') !== true) return;
  say(draft, of, 'review.dropped', { for: address, number: pull.number });
}

/** Asks once more where the review session did not take it. */
export function askAgain(draft: Draft): void {
  if (draft.context.reviewing.unreachable !== null) revise(draft, { unreachable: null, asked: null });
}

/** Somebody else is asked: a person through GitHub, an agent or role through the review session. */
export function replaceReviewer(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'correct.reviewer.replace' || isReview(context)) return;
  const { to, reason } = event.data;
  const { reviewing, pull, brief } = context;
  if (pull === null) return;
  if (to.startsWith('person/')) {
    const login = to.slice('person/'.length);
    if (reviewing.person === login) return;
    if (reviewing.person === null) dropReview(draft);
    revise(draft, { person: login, asked: null, pin: null, unreachable: null });
    return;
  }
  const address =
    reviewing.picture?.address ?? (reviewing.asked?.of.startsWith('session/') === true ? reviewing.asked.of : null);
  if (reviewing.pin === to && reviewing.person === null && address !== null) return;
  revise(draft, {
    person: null,
    pin: to,
    comment: null,
    unreachable: null,
    // People were asked so far: the agents have yet to be.
    asked: address !== null && reviewing.person === null && reviewing.unreachable === null ? reviewing.asked : null,
  });
  if (address !== null) say(draft, address, 'correct.reassign', { to, ...(reason === undefined ? {} : { reason }) });
  if (brief.reviewers === 'people') set(draft, { brief: { ...brief, reviewers: 'agents' } });
}

export function waive(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'correct.review.waive') return;
  const { head } = event.data;
  const { reviewing } = context;
  if (head === undefined) {
    if (!reviewing.waived) revise(draft, { waived: true });
  } else if (!reviewing.waivedHeads.includes(head)) {
    revise(draft, { waivedHeads: latest([...reviewing.waivedHeads, head], 20) });
  }
  if (head === undefined || head === context.pull?.head) lapse(draft, ({ kind }) => kind === 'review');
  if (isWaived(draft.context) && !isWaived(context)) dropReview(draft);
  changeRefusal(draft);
}
