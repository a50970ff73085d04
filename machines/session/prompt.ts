/**
 * The parts of a run's prompt (domain §1.3): objective, why, what is required now, what changed, facts with their time,
 * evidence, texts and notes. Pure; templates turn them into text.
 */
import type { ObligationKind } from '../events/common.ts';
import type { PromptParts } from '../events/agent.ts';
import { asVoice } from '../notes.ts';
import type { Obligation, PastRun, SessionContext } from './context.ts';
import { short } from './names.ts';
import { checksOf, isReview, reviewOf } from './standing.ts';

export function promptFor(
  context: SessionContext,
  main: Obligation,
  claims: readonly string[],
  at: string,
): PromptParts {
  const { brief, answered } = context;
  const texts = context.obligations.filter((open) => open.voice !== null && claims.includes(open.id));
  return {
    objective: {
      title: brief.title,
      body: brief.body,
      ...(brief.source.url === null ? {} : { url: brief.source.url }),
    },
    why: whyOf(context, main),
    required: requiredOf(context, main),
    changes: context.changes.slice(-200),
    facts: factsOf(context, at),
    ...evidenceOf(main),
    texts: texts.slice(0, 200).map(({ id, voice }) => ({
      id,
      at: voice!.at,
      author: voice!.author,
      text: voice!.text,
      ...(voice!.about === null ? {} : { about: voice!.about }),
    })),
    notes: context.notes.filter(({ readBy }) => readBy === null).map(asVoice),
    ...(context.runs.length === 0 ? {} : { earlier: context.runs.slice(-EARLIER_MAX).map(earlierOf) }),
    ...(answered === null ? {} : { answered: { question: answered.question, answer: answered.answer } }),
    deliver: deliverOf(context, main.kind),
  };
}

/** Who waits for a verdict is no evidence: it is judged alike for everybody. */
function evidenceOf({ evidence: { askedBy: _askers, ...evidence }, last }: Obligation): { evidence?: object } {
  if (Object.keys(evidence).length === 0 && last === null) return {};
  return { evidence: { ...evidence, ...(last === null ? {} : { lastAttempt: last }) } };
}

/** What older runs did shows in the branch. */
const EARLIER_MAX = 5;

function earlierOf({ epoch, agent, for: kind, outcome, at, reason, summary }: PastRun) {
  return {
    epoch,
    agent,
    for: kind,
    outcome,
    at,
    ...(reason === null ? {} : { reason }),
    ...(summary === null ? {} : { summary }),
  };
}

function whyOf(context: SessionContext, { kind, head, last }: Obligation): string {
  const again = last === null ? '' : ` An earlier attempt ended without it: ${last.reason}.`;
  const on = head === null ? '' : ` on ${short(head)}`;
  const why: Record<ObligationKind, string> = {
    implement: 'This work was asked for and is not delivered yet.',
    answer: 'A person wrote about this work.',
    review: `A reviewer requested changes${on}.`,
    checks: `Checks failed${on}.`,
    queue: `The pull request cannot be merged${on}: it left the merge queue or conflicts with its base.`,
    upkeep: `The branch conflicts with ${context.brief.base ?? 'its base'}${on}.`,
    verdict: `A review is wanted${on}.`,
  };
  return why[kind] + again;
}

function requiredOf(context: SessionContext, { kind, head, last }: Obligation): string[] {
  const branch = context.branch;
  const required: Record<ObligationKind, string[]> = {
    implement:
      context.brief.deliver === 'pull_request'
        ? ['Do what the objective asks.', `Commit, push ${branch}, and open one pull request from it.`]
        : ['Do what the objective asks.', 'Deliver a report. Open no pull request.'],
    answer: ['Act on what the person wrote, or answer it.'],
    review: ['Answer every requested change with a commit.', `Push to ${branch}.`],
    checks: ['Make the failing checks pass. Do not switch them off.', `Push to ${branch}.`],
    queue: ['Bring the branch up to date with its base and repair what broke.', `Push to ${branch}.`],
    upkeep: ['Resolve the conflict with the base.', `Push to ${branch}.`],
    verdict: [
      `Judge commit ${head ?? 'of the pull request'} and nothing newer.`,
      'Give a verdict: approve, request_changes or comment.',
    ],
  };
  return last === null ? required[kind] : [...required[kind], `Leave nothing behind: ${last.reason}.`];
}

function factsOf(context: SessionContext, at: string): PromptParts['facts'] {
  const { pull, seen } = context;
  const facts: PromptParts['facts'] = [];
  if (pull !== null) {
    const asOf = seen.pullAt ?? at;
    facts.push({ text: `Pull request #${pull.number} (${pull.url}) is ${pull.state} at ${short(pull.head)}.`, asOf });
    if (pull.conflict === true) facts.push({ text: `It conflicts with ${pull.base}.`, asOf });
    if (!isReview(context)) {
      facts.push({ text: `Checks are ${checksOf(context)}; review is ${reviewOf(context)}.`, asOf });
    }
  }
  if (context.issue !== null && seen.issueAt !== null) {
    facts.push({ text: `The issue is in state ${context.issue.state.name}.`, asOf: seen.issueAt });
  }
  return facts;
}

function deliverOf({ brief, branch }: SessionContext, kind: ObligationKind): string {
  if (kind === 'verdict') return 'A verdict for exactly the commit named, with comments by file and line.';
  if (brief.deliver === 'report') return 'A report; no pull request.';
  return `A pull request from ${branch} in ${brief.repo}, everything committed and pushed.`;
}
