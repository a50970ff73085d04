/**
 * What this product does at Linear: says, plans, links and moves. All of it is idempotent by the effect's key or by
 * looking first, and what concerns one agent session happens one after another, in the order it was wished.
 */
import { createHash } from 'node:crypto';
import type { ActParams } from '../../../machines/effects.ts';
import { TerminalError } from '../../errors.ts';
import { untilOf } from '../../bridge/status-link.ts';
import type { StatusLink } from '../../bridge/status-link.ts';
import type { ActPerformer, Doing } from '../effect.ts';
import { ADD_ACTIVITY, ADD_COMMENT, ATTACH_LINK, READ_LINKS, UPDATE_SESSION } from './documents.ts';
import type { Linear } from './linear.ts';
import { moveIssue } from './move.ts';

type LinearActName = 'linear.say' | 'linear.plan' | 'linear.link' | 'linear.move';
export type LinearActs = { [Name in LinearActName]: ActPerformer<ActParams<Name>> };

/** Agent sessions whose plan may still be overtaken: those of the last hour or so. */
const PLANNED_MAX = 1_000;
/** One try; several requests at most. */
const DEADLINE_MS = 60_000;

/** The link to an actor's public status page, made at that moment; absent where no page is configured. */
export type MakeStatusLink = (actor: string, nowMs: number) => StatusLink;

export function createLinearActs(linear: Linear, statusLink?: MakeStatusLink): LinearActs {
  // From the time of the wish: doing it again makes the same link.
  const statusOf = ({ actor, wishedAt }: Doing): Status | undefined =>
    statusLink && { actor, link: statusLink(actor, Date.parse(wishedAt)) };
  const inTurn = createTurns();
  /** Agent session → the step whose plan it shows. */
  const planned = new Map<string, number>();
  const act = <Name extends LinearActName>(
    target: (params: ActParams<Name>) => string,
    perform: (params: ActParams<Name>, doing: Doing) => Promise<unknown>,
  ): ActPerformer<ActParams<Name>> => ({
    kind: 'act',
    repeat: 'key',
    deadlineMs: DEADLINE_MS,
    lane: 'linear',
    perform: (params, doing) => inTurn(target(params), () => perform(params, doing)),
  });
  return {
    'linear.say': act<'linear.say'>(
      ({ ref, agentSession }) => agentSession ?? ref,
      (params, doing) => say(linear, params, doing),
    ),
    'linear.plan': act<'linear.plan'>(
      ({ agentSession }) => agentSession,
      async ({ agentSession, steps }, doing) => {
        const { key, signal } = doing;
        // A plan that had to be tried again must not paint over a younger one.
        if (seqOf(key) < (planned.get(agentSession) ?? 0)) return;
        const status = statusOf(doing);
        const links = status && renewal(await linksOf(linear, agentSession, signal), status);
        await linear.ask(UPDATE_SESSION, { id: agentSession, input: { plan: steps, ...changeOf(links) } }, signal);
        planned.delete(agentSession);
        planned.set(agentSession, seqOf(key));
        if (planned.size > PLANNED_MAX) planned.delete(planned.keys().next().value ?? '');
      },
    ),
    'linear.link': act<'linear.link'>(
      ({ ref, agentSession }) => agentSession ?? ref,
      (params, doing) => link(linear, params, doing, statusOf(doing)),
    ),
    'linear.move': act<'linear.move'>(
      ({ ref }) => ref,
      (params, doing) => moveIssue(linear, params, doing),
    ),
  };
}

/** The step of a key `actor/seq/index`. */
const seqOf = (key: string): number => Number(key.split('/').at(-2) ?? 0);

/** An activity of the agent session; where there is none, a comment that stays. */
async function say(linear: Linear, params: ActParams<'linear.say'>, doing: Doing): Promise<unknown> {
  const { agentSession, activity } = params;
  if (agentSession === undefined) return comment(linear, params, doing);
  const id = idOf(doing);
  const { type, body, action, parameter, ephemeral } = activity;
  const content =
    type === 'action' ? { type, action: action ?? body, parameter: parameter ?? '', result: body } : { type, body };
  // Linear refuses it on the others: what is asked or answered must not vanish.
  const vanishes = ephemeral === true && (type === 'thought' || type === 'action');
  const input = { id, agentSessionId: agentSession, content, ...(vanishes ? { ephemeral: true } : {}) };
  try {
    await once(() => linear.ask(ADD_ACTIVITY, { input }, doing.signal));
  } catch (error) {
    // Somebody deleted the thread; a question or a result must still reach the people at the issue.
    if (error instanceof TerminalError && error.code === 'LINEAR_NOT_FOUND') return comment(linear, params, doing);
    throw error;
  }
  return { activity: id };
}

async function comment(linear: Linear, { ref, activity }: ActParams<'linear.say'>, doing: Doing): Promise<unknown> {
  const { type, body, action, parameter, ephemeral } = activity;
  // What would have vanished with the next activity is not worth a comment.
  if (ephemeral === true) return { comment: null };
  const id = idOf(doing);
  const text = type === 'action' ? [action, parameter, body].filter(Boolean).join(' ') : body;
  await once(() => linear.ask(ADD_COMMENT, { input: { id, issueId: ref, body: text } }, doing.signal));
  return { comment: id };
}

/** The id is ours: that it exists already means that an earlier try arrived and only its answer was lost. */
async function once(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!(error instanceof TerminalError) || error.code !== 'LINEAR_EXISTS') throw error;
  }
}

/**
 * A UUID (version 4 in form, as Linear asks) from the effect's key, the same for every try. The time of the wish is in
 * it because keys begin again when somebody begins again with an empty store, and Linear's memory does not.
 */
function idOf({ key, wishedAt }: Doing): string {
  const bytes = createHash('sha256').update(`linear:${key}:${wishedAt}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

interface ExternalLink {
  label: string;
  url: string;
}

interface Status {
  actor: string;
  link: StatusLink;
}

const STATUS_LABEL = 'Status';

async function link(
  linear: Linear,
  { ref, agentSession, url, label }: ActParams<'linear.link'>,
  { signal }: Doing,
  status: Status | undefined,
): Promise<void> {
  if (agentSession === undefined) {
    // One attachment per issue and URL: Linear updates the one it has.
    await linear.ask(ATTACH_LINK, { issue: ref, url, title: label }, signal);
    if (status) await linear.ask(ATTACH_LINK, { issue: ref, url: status.link.url, title: STATUS_LABEL }, signal);
    return;
  }
  const known = await linksOf(linear, agentSession, signal);
  const { added, removed } = status === undefined ? NOTHING : renewal(known, status);
  const fresh = known.some((one) => one.url === url) ? [] : [{ label, url }];
  const input = changeOf({ added: [...fresh, ...added], removed });
  if (Object.keys(input).length > 0) await linear.ask(UPDATE_SESSION, { id: agentSession, input }, signal);
}

const linksOf = async (linear: Linear, agentSession: string, signal: AbortSignal): Promise<ExternalLink[]> =>
  (await linear.ask(READ_LINKS, { id: agentSession }, signal)).agentSession.externalLinks;

interface LinkChange {
  added: ExternalLink[];
  removed: string[];
}
const NOTHING: LinkChange = { added: [], removed: [] };

/** The newest link to the status page in place of those shown before; a try that comes late leaves a younger one. */
function renewal(known: readonly ExternalLink[], { actor, link: { url, until } }: Status): LinkChange {
  const before = known.flatMap((one) => {
    const end = untilOf(one.url, actor);
    return end === undefined ? [] : [{ url: one.url, end }];
  });
  if (before.some(({ end }) => end >= until)) return NOTHING;
  return { added: [{ label: STATUS_LABEL, url }], removed: before.map((one) => one.url) };
}

const changeOf = ({ added, removed }: LinkChange = NOTHING) => ({
  ...(added.length === 0 ? {} : { addedExternalUrls: added }),
  ...(removed.length === 0 ? {} : { removedExternalUrls: removed }),
});

/** Runs what has the same key one after another; a failure does not hold up the next. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return <Result>(key: string, perform: () => Promise<Result>): Promise<Result> => {
    const mine = (last.get(key) ?? Promise.resolve()).then(perform, perform);
    last.set(key, mine);
    const forget = (): void => {
      if (last.get(key) === mine) last.delete(key);
    };
    void mine.then(forget, forget);
    return mine;
  };
}
