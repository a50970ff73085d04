/**
 * What trackers and people are shown: Linear's acknowledgement, plan, activities, links and states; GitHub comments
 * where the work came from there; help where nobody alive can move a gate. All of it is wishes; nothing is decided here.
 */
import type { ActParams } from '../effects.ts';
import type { Obligation, SessionContext } from './context.ts';
import { type Draft, set, wishFor } from './draft.ts';
import { checksOf, holdOf, isReview, pullOf, reviewIsGood } from './standing.ts';

type Activity = ActParams<'linear.say'>['activity'];
type Step = ActParams<'linear.plan'>['steps'][number];

export const isLinear = ({ brief }: SessionContext): boolean =>
  brief.source.kind === 'linear' && brief.source.ref !== null;

const agentSession = ({ issue }: SessionContext): { agentSession?: string } =>
  issue?.agentSession == null ? {} : { agentSession: issue.agentSession };

/** Adds an activity where the issue lives in Linear; elsewhere nothing. */
export function tellLinear(draft: Draft, activity: Activity): void {
  const { context } = draft;
  const { ref } = context.brief.source;
  if (!isLinear(context) || ref === null) return;
  wishFor(draft, 'linear.say', { ref, ...agentSession(context), activity });
}

/** Linear wants an acknowledgement within seconds of an agent session's creation. */
export function greet(draft: Draft): void {
  const { linear, issue } = draft.context;
  if (linear.greeted || !isLinear(draft.context) || issue?.agentSession == null) return;
  set(draft, { linear: { ...linear, greeted: true } });
  tellLinear(draft, { type: 'thought', body: 'Received. I am looking at it.', ephemeral: true });
}

export const isShownAtLinear = (context: SessionContext): boolean =>
  isLinear(context) && context.issue?.agentSession != null;

/** A word before Linear takes silence for giving up; none where the next word is a person's. */
export function keepAlive(draft: Draft): void {
  const { context } = draft;
  const { run, pull, obligations } = context;
  const isWaitedFor = obligations.length > 0 && obligations.every(({ parked }) => parked !== null);
  if (holdOf(context) !== 'free' || context.questions.length > 0 || isWaitedFor) return;
  const body =
    run !== null
      ? `${run.agent} is still at work.`
      : pull !== null
        ? `Waiting for what comes next on pull request #${pull.number}.`
        : 'Waiting to begin.';
  tellLinear(draft, { type: 'thought', body, ephemeral: true });
}

/** A link to the status page goes with every plan and holds a week: long before, the same plan brings a new one. */
const PLAN_HOLDS_MS = 3 * 86_400_000;

/** The plan shown on the agent session, told when a step of it changed, and again before what it links to ends. */
export function showPlan(draft: Draft): void {
  const { context, event } = draft;
  const session = context.issue?.agentSession;
  if (session == null || !isLinear(context)) return;
  const steps = planOf(context);
  const period = Math.floor(Date.parse(event.at) / PLAN_HOLDS_MS);
  const plan = `${session}:${steps.map(({ status }) => status).join()}:${period}`;
  if (plan === context.linear.plan) return;
  set(draft, { linear: { ...context.linear, plan } });
  wishFor(draft, 'linear.plan', { agentSession: session, steps });
}

function planOf(context: SessionContext): Step[] {
  const pull = pullOf(context);
  const stage =
    pull === 'merged'
      ? 4
      : pull !== 'open'
        ? context.runs.length > 0 || context.run?.begunAt
          ? 1
          : 0
        : isReady(context)
          ? 3
          : 2;
  return ['Prepare the workspace', 'Implement', 'Pass review and checks', 'Merge'].map((content, index) => ({
    content,
    status: index < stage ? 'completed' : context.ending ? 'canceled' : index === stage ? 'inProgress' : 'pending',
  }));
}

const isReady = (context: SessionContext): boolean => reviewIsGood(context) && checksOf(context) === 'green';

/** Shows a URL beside the issue, once. */
export function link(draft: Draft, url: string, label: string): void {
  const { context } = draft;
  const { ref } = context.brief.source;
  if (!isLinear(context) || ref === null || context.linear.linked.includes(url)) return;
  set(draft, { linear: { ...context.linear, linked: [...context.linear.linked, url] } });
  wishFor(draft, 'linear.link', { ref, ...agentSession(context), url, label });
}

const FORWARD = ['started', 'review', 'completed'];

/** Moves the issue forward, never back: what was wished once is not wished again. */
export function moveIssue(draft: Draft, to: 'started' | 'review' | 'completed'): void {
  const { context } = draft;
  const { ref } = context.brief.source;
  if (!isLinear(context) || ref === null) return;
  const moved = context.linear.moved;
  if (moved !== null && FORWARD.indexOf(moved) >= FORWARD.indexOf(to)) return;
  set(draft, { linear: { ...context.linear, moved: to } });
  wishFor(draft, 'linear.move', { ref, to });
}

/** A question of a run, where the person who asked for the work will see it. */
export function elicit(draft: Draft, text: string, choices: readonly string[]): void {
  const body = choices.length === 0 ? text : `${text}\n\n${choices.map((choice) => `- ${choice}`).join('\n')}`;
  if (isLinear(draft.context)) tellLinear(draft, { type: 'elicitation', body });
  else askHelp(draft, { gate: 'human', on: 'person/operator', text: body });
}

/** One notice that an obligation is parked. */
export function notifyParked(draft: Draft, { kind }: Obligation, reason: string): void {
  const text = `I cannot go on with ${WORDS[kind]}: ${reason}. Say what to do, or retry.`;
  if (isLinear(draft.context)) tellLinear(draft, { type: 'error', body: text });
  else askHelp(draft, { gate: 'human', on: 'person/operator', text });
}

const WORDS: Record<Obligation['kind'], string> = {
  implement: 'the implementation',
  answer: 'your message',
  review: 'the requested changes',
  checks: 'the failing checks',
  queue: 'the merge queue',
  upkeep: 'the conflict with the base branch',
  verdict: 'the review',
};

/**
 * Asks for help. Of an item, and of the review of one, the mission asks, which knows from `waitingOn` what it waits for:
 * nobody is asked twice about one thing.
 */
export function askHelp(draft: Draft, plea: Plea): void {
  if (draft.context.brief.mission === null && draft.context.helper === null) ask(draft, plea);
}

interface Plea {
  gate: string;
  on: string | null;
  text: string;
  since?: string;
}

/** Where the work is shown: on the pull request, else on its issue, else only in the fact. */
export function ask(draft: Draft, { gate, on, text, since }: Plea): void {
  const { context, event } = draft;
  const number = context.pull?.number ?? context.brief.target ?? issueNumber(context);
  wishFor(draft, 'help.ask', {
    gate,
    on,
    since: since ?? event.at,
    text,
    where: {
      ...(context.brief.source.ref === null ? {} : { ref: context.brief.source.ref }),
      ...agentSession(context),
      ...(number === null ? {} : { repo: context.brief.repo, number }),
    },
  });
}

/** The number of the GitHub issue this came from: `owner/repo#12`. */
export function issueNumber({ brief }: SessionContext): number | null {
  if (brief.source.kind !== 'github' || brief.source.ref === null) return null;
  const number = Number(brief.source.ref.slice(brief.source.ref.lastIndexOf('#') + 1));
  return Number.isInteger(number) && number > 0 ? number : null;
}

/** Linear’s last word: the response, never given before the end. */
export function respond(draft: Draft, type: 'response' | 'error', body: string): void {
  if (draft.context.linear.closed || isReview(draft.context)) return;
  set(draft, { linear: { ...draft.context.linear, closed: true } });
  tellLinear(draft, { type, body });
}
