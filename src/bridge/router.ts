/**
 * Finds out whom a hook concerns and makes what follows: pokes of watches, observations straight into mailboxes, and
 * new sessions for issues that are handed to us. A hook is taken when everything it caused is durable; taking it again
 * causes the same again, under the same ids. One that concerns nobody is counted, and nothing else.
 */
import type { Envelope } from '../actor/envelope.ts';
import { RejectedInput } from '../errors.ts';
import type { Logger } from '../log.ts';
import { isOneOf } from './concern.ts';
import type {
  CommentConcern,
  Concern,
  Delegates,
  IssueConcern,
  LinkedConcern,
  OpenedConcern,
  OwnAccount,
  Poke,
  StopConcern,
} from './concern.ts';
import { concernsOfGithub } from './github.ts';
import { hookId, parseHook, subjectOf } from './hook.ts';
import type { Hook, Source } from './hook.ts';
import { concernsOfLinear } from './linear.ts';
import { isSame, newAddress, openOf, repoOf } from './opening.ts';
import type { IndexedActor, RepoRouting } from './opening.ts';
import type { IssueObserved } from '../../machines/events/session.ts';

export interface RouterIndex {
  /** Addresses that have this reference, final ones too; compared without case. */
  find(ref: string): Promise<readonly string[]>;
  /** null: no such actor. */
  look(address: string): Promise<IndexedActor | null>;
}

export interface RouterNode {
  /**
   * Resolves when the envelope is durable: stepped, or in the stored mailbox of an actor that is held. What became of
   * it, a refusal too, is the kernel's to keep. @throws RejectedInput an envelope nobody could take (too large).
   */
  send(envelope: Envelope): Promise<unknown>;
  /** Lets a standing watch look now; none stands: nothing. */
  poke(actor: string, watch: Poke['watch'], hint: unknown): void;
}

export type IssueFacts = Omit<IssueObserved, 'open'>;
/** An issue as its tracker shows it now. `labels` choose among repositories. */
export interface Hydrated {
  /** Envelope id of just these facts, whoever tells them; absent: the id derives from the hook. */
  id?: string;
  facts: IssueFacts;
  labels?: readonly string[];
}

/** An issue that is ours by the tracker's list; read whole only where nobody works on it. */
export interface HandedOver {
  source: Source;
  ref: string;
  /** ISO time of its last delegation, where the tracker tells it. */
  at?: string | undefined;
  read(): Promise<Hydrated | null>;
}

export interface RouterOptions {
  index: RouterIndex;
  node: RouterNode;
  /** Reads an issue; null = the tracker has none of this name. @throws TransientError, TerminalError */
  hydrate: Record<Source, (ref: string) => Promise<Hydrated | null>>;
  config: RouterConfig;
  /** Where bodies lie that were too large for a message. */
  bodies?: { get(ref: string): Promise<Uint8Array> };
  log: Logger;
  metrics?: RouterMetrics;
  /** Told of every hook when all it caused is durable. */
  onTaken?: (hook: Pick<Hook, 'source' | 'delivery'>, routed: Routed) => void;
}

export interface RouterConfig {
  repos: readonly RepoRouting[];
  /** Our own accounts; undefined: the tracker has not said yet who we are. */
  self: Record<Source, () => Promise<readonly OwnAccount[] | undefined>>;
  /** Logins of bots whose comments count as a person's. */
  bots?: readonly string[];
  /** Logins of people whose comments at GitHub count; absent: everybody's. */
  people?: readonly string[] | undefined;
  /** Is this ours, by what the payload shows? undefined: it may be. The tracker is asked unless it is not. */
  isDelegated: Record<Source, (delegates: Delegates, ref: string) => boolean | undefined>;
  /** Repositories are configured under one name and may be called otherwise at GitHub, where hooks come from. */
  repoNames?: { known(fullName: string): string | undefined; configured(fullName: string): Promise<string> };
  /** Did one of our own acts write this text? It bears a mark that people do not see, and is no news. */
  isOwnText?: (text: string) => boolean;
}

export interface RouterMetrics {
  /** `what`: it caused something, concerned nobody, or could not be read. */
  hook(subject: string, what: 'routed' | 'nobody' | 'unreadable'): void;
}

/** What one hook caused. */
export interface Routed {
  poked: { actor: string; watch: Poke['watch'] }[];
  sent: { to: string; type: string; id: string }[];
}

export interface Router {
  /** @throws whatever kept it from becoming durable: the hook is not taken and is to be tried again. */
  take(letter: { body: Uint8Array }): Promise<Routed>;
  /** Opens what was handed to us without our hearing of it. */
  recover(issues: readonly HandedOver[]): Promise<Routed>;
  /** Closes what was opened on branches whose work is over. */
  closeLate(opened: readonly OpenedConcern[]): Promise<Routed>;
}

export function createRouter(options: RouterOptions): Router {
  const { index, node, hydrate, config, bodies, log, metrics, onTaken } = options;

  async function actorsWith(refs: readonly string[]): Promise<IndexedActor[]> {
    const addresses = new Set<string>();
    for (const ref of refs) for (const address of await index.find(ref)) addresses.add(address);
    const actors = await Promise.all([...addresses].map((address) => index.look(address)));
    return actors.filter((actor) => actor !== null);
  }

  /** Sessions that work on it; those that only review it are none. Newest first. */
  async function sessionsWith(refs: readonly string[]): Promise<IndexedActor[]> {
    const actors = (await actorsWith(refs)).filter((actor) => actor.address.startsWith('session/') && !isReview(actor));
    return actors.toSorted((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt));
  }

  /** What is being done about a reference; hooks about it go one after another, all others beside them. */
  const lines = new Map<string, Promise<void>>();

  function inLine(refs: readonly string[], work: () => Promise<void>): Promise<void> {
    const keys = [...new Set(refs.map((ref) => ref.toLowerCase()))];
    const before = keys.flatMap((key) => lines.get(key) ?? []);
    const done = Promise.allSettled(before).then(work);
    for (const key of keys) lines.set(key, done);
    return done.finally(() => {
      for (const key of keys) if (lines.get(key) === done) lines.delete(key);
    });
  }

  async function route(hook: Hook, concerns: readonly Concern[], routed: Routed): Promise<void> {
    for (const [place, concern] of concerns.entries()) await follow(concern, `${hookId(hook)}:${place}`, hook, routed);
  }

  /** @param id of what the hook makes an actor hear here; ids are per actor, so one will do for all it concerns. */
  async function follow(concern: Concern, id: string, hook: Hook, routed: Routed): Promise<void> {
    switch (concern.kind) {
      case 'poke':
        return poke(concern, routed);
      case 'comment':
        return tellComment(concern, hook, routed);
      case 'stop':
        return tellStop(concern, hook, routed);
      case 'issue':
        return tellIssue(concern, id, hook, routed);
      case 'opened':
        return tellOpened(concern, { source: `hook/${hook.source}`, causationid: hookId(hook) }, routed);
      case 'linked':
        return attachPull(concern, hook, routed);
    }
  }

  async function poke({ refs, watch, hint }: Poke, routed: Routed): Promise<void> {
    for (const { address, final } of await actorsWith(refs)) {
      if (final) continue;
      node.poke(address, watch, hint);
      routed.poked.push({ actor: address, watch });
    }
  }

  async function send(envelope: Omit<Envelope, 'specversion'>, routed: Routed): Promise<void> {
    const { subject, type, id } = envelope;
    try {
      await node.send({ specversion: '1.0', ...envelope });
      routed.sent.push({ to: subject, type, id });
    } catch (err) {
      // Trying again would not make it smaller, and would hold back every hook behind it.
      if (!(err instanceof RejectedInput)) throw err;
      log.error({ err, actor: subject, type, envelope: id }, 'an observation was not sent');
    }
  }

  async function tellComment(concern: CommentConcern, hook: Hook, routed: Routed): Promise<void> {
    if (config.isOwnText?.(concern.text) === true) return;
    const sessions = await sessionsWith(concern.refs);
    const live = sessions.filter(({ final }) => !final);
    const told = live.length === 0 && concern.spoken ? sessions.slice(0, 1) : live;
    const { id, comment, on, author, text, url } = concern;
    const own = told.length === 0 ? [] : await config.self[hook.source]();
    // Taken for a person's, a word of our own would wake a run that answers it. The watches read it when they can tell.
    if (own === undefined && live.length > 0) {
      const { refs } = concern;
      return poke({ kind: 'poke', watch: on === 'pull' ? 'pull' : 'issue', refs, hint: {} }, routed);
    }
    const kind = kindOf(hook.source, author, own ?? []);
    for (const { address } of told) {
      await send(
        {
          id,
          source: `hook/${hook.source}`,
          type: 'comment.observed',
          subject: address,
          causationid: hookId(hook),
          data: { comment, on, author: { login: author.login, kind }, text, url },
        },
        routed,
      );
    }
  }

  /** A pull request of a branch whose work is over: its session, the newest one, closes it. */
  async function tellOpened(
    { refs, id, told }: OpenedConcern,
    from: { source: string; causationid?: string },
    routed: Routed,
  ): Promise<void> {
    const sessions = await sessionsWith(refs);
    const [last] = sessions;
    if (last === undefined || sessions.some(({ final }) => !final)) return;
    await send({ ...from, id, type: 'pull.late', subject: last.address, data: told }, routed);
  }

  /**
   * A person’s own pull request for an issue that is worked on becomes that session’s, by a correction in their name.
   * Not where the session has one, nor that of a branch a session has, nor a stranger’s.
   */
  async function attachPull(
    { refs, id, repo, branch, number, author }: LinkedConcern,
    hook: Hook,
    routed: Routed,
  ): Promise<void> {
    if ((await sessionsWith(branch)).length > 0) return;
    if (kindOf(hook.source, author, (await config.self[hook.source]()) ?? []) !== 'person') return;
    const inRepo = `branch:${repo}/`.toLowerCase();
    for (const ref of refs) {
      const working = (await sessionsWith([ref])).find(
        (session) => !session.final && session.refs.some((held) => held.toLowerCase().startsWith(inRepo)),
      );
      if (working === undefined || working.refs.some((held) => held.startsWith('pull:'))) continue;
      const source = `${hook.source}/${author.login}`.slice(0, 256);
      const envelope = { id, source, type: 'correct.pull.attach', subject: working.address, causationid: hookId(hook) };
      return send({ ...envelope, data: { number } }, routed);
    }
  }

  async function tellStop({ refs, id, by }: StopConcern, hook: Hook, routed: Routed): Promise<void> {
    for (const { address, final } of await sessionsWith(refs)) {
      if (final) continue;
      const envelope = {
        id,
        source: `${hook.source}/${by.login}`.slice(0, 256),
        type: 'correct.stop',
        subject: address,
      };
      await send({ ...envelope, causationid: hookId(hook), data: { reason: `${by.login} pressed stop` } }, routed);
    }
  }

  async function tellIssue(concern: IssueConcern, id: string, hook: Hook, routed: Routed): Promise<void> {
    const sessions = await sessionsWith(concern.refs);
    const live = sessions.filter(({ final }) => !final);
    const look: Poke = { kind: 'poke', watch: 'issue', refs: concern.refs, hint: {} };
    const { byComment = false, source, delegates, ref } = concern;
    if (live.length > 0 && byComment && config.isDelegated[source](delegates, ref) === false) return;
    if (live.length > 0 && !concern.tell) return poke(look, routed);
    if (live.length === 0 && !mayBeOurs(concern, sessions[0])) return;

    const issue = await hydrated(concern);
    if (issue === null) return poke(look, routed);
    const observe = (to: string, data: IssueObserved) => {
      const envelope = {
        id: issue.id ?? id,
        source: `hook/${hook.source}`,
        type: 'issue.observed',
        subject: to,
        data,
      };
      return send({ ...envelope, causationid: hookId(hook) }, routed);
    };
    if (live.length > 0) {
      for (const { address } of live) await observe(address, issue.facts);
      return;
    }
    const opened = await opening(hook.source, issue);
    if (opened !== null) await observe(opened.address, opened.data);
  }

  function mayBeOurs(
    { agentSession, handedOver, delegates, source, ref, told, at }: IssueConcern,
    last?: IndexedActor,
  ): boolean {
    if (told.removed || (agentSession === undefined && config.isDelegated[source](delegates, ref) === false))
      return false;
    // What happened before the last session ended is what that session was about, or a hook read again.
    return last === undefined || (handedOver && Date.parse(at) > Date.parse(last.updatedAt));
  }

  /** The tracker's word; without it the hook's, which is enough to begin: what is missing, the issue watch reads. */
  async function hydrated(concern: IssueConcern): Promise<Hydrated | null> {
    const { source, ref, agentSession, told, delegates } = concern;
    const byHook: Hydrated = {
      // What may be ours is not opened by its hook alone: the sweep finds it when the tracker can be asked.
      facts: { ref, ...told, delegated: config.isDelegated[source](delegates, ref) === true },
      ...(delegates.labels === undefined ? {} : { labels: delegates.labels }),
    };
    if (told.removed) return byHook;
    try {
      const found = await hydrate[source](ref);
      if (found === null || agentSession === undefined || found.facts.agentSession === agentSession) return found;
      // Other facts than those the tracker's id stands for.
      const { id: _, ...rest } = found;
      return { ...rest, facts: { ...found.facts, agentSession } };
    } catch (err) {
      log.warn({ err, issue: ref }, 'the tracker does not show an issue; going by the hook');
      return byHook;
    }
  }

  /** null: not ours to open. */
  async function opening(
    source: Source,
    { facts, labels }: Hydrated,
  ): Promise<{ address: string; data: IssueObserved } | null> {
    const over = facts.state.type === 'completed' || facts.state.type === 'canceled';
    const warranted = facts.agentSession !== undefined || (facts.delegated && !over);
    if (facts.removed || !warranted) return null;
    const repo = repoOf(source, facts.ref, labels ?? [], config.repos);
    if (repo === undefined) {
      log.warn({ issue: facts.ref }, 'an issue is delegated to us, but no repository of the configuration has it');
      return null;
    }
    const address = await newAddress(facts.ref, (candidate) => index.look(candidate));
    return { address, data: { ...facts, open: openOf(repo, facts.priority) } };
  }

  async function reopen({ source, ref, at, read }: HandedOver, routed: Routed): Promise<void> {
    const sessions = await sessionsWith([`issue:${ref}`]);
    // A session that is there has a watch that looks by itself; one that ended was the answer to an older delegation.
    if (sessions.some(({ final }) => !final)) return;
    const [last] = sessions;
    if (last !== undefined && !(at !== undefined && Date.parse(at) > Date.parse(last.updatedAt))) return;
    const issue = await read();
    const opened = issue === null ? null : await opening(source, issue);
    if (issue === null || opened === null) return;
    const { address, data } = opened;
    const id = issue.id ?? `${source}:recovered:${ref}:${issue.facts.updatedAt}`;
    await send({ id, source: `recovery/${source}`, type: 'issue.observed', subject: address, data }, routed);
  }

  function kindOf(
    source: Source,
    author: CommentConcern['author'],
    own: readonly OwnAccount[],
  ): 'person' | 'bot' | 'self' {
    if (isOneOf(own, author)) return 'self';
    const { login, id, bot } = author;
    const { people } = config;
    // At Linear whoever writes belongs to the workspace.
    if (source === 'github' && !bot && people !== undefined && !people.some((name) => isSame(name, login)))
      return 'bot';
    return bot && !(config.bots ?? []).some((name) => isSame(name, login) || name === id) ? 'bot' : 'person';
  }

  /** Not async where the body lies in the letter: hooks get in line in the order in which they are taken. */
  async function withBody(hook: Hook, ref: string): Promise<Hook> {
    if (bodies === undefined) throw new RejectedInput('HOOK', `the body is kept apart as ${ref}, but nothing reads it`);
    const body: unknown = JSON.parse(new TextDecoder().decode(await bodies.get(ref)));
    return { ...hook, body };
  }

  return {
    async take(letter) {
      const routed: Routed = { poked: [], sent: [] };
      let hook: Hook;
      try {
        hook = parseHook(letter.body);
        if (hook.bodyRef !== undefined) hook = await withBody(hook, hook.bodyRef);
      } catch (err) {
        if (!(err instanceof RejectedInput)) throw err;
        log.warn({ err }, 'a hook cannot be read');
        metrics?.hook('-', 'unreadable');
        return routed;
      }
      const renaming = renamed(hook, config.repoNames);
      if (renaming !== undefined) hook = renaming instanceof Promise ? await renaming : renaming;
      const concerns = hook.source === 'github' ? concernsOfGithub(hook) : concernsOfLinear(hook);
      const refs = concerns.flatMap((concern) => concern.refs);
      // A comment right behind the hook that opens its session has to find that session.
      await inLine(refs, () => route(hook, concerns, routed));
      const caused = routed.poked.length + routed.sent.length > 0;
      metrics?.hook(subjectOf(hook), caused ? 'routed' : 'nobody');
      onTaken?.(hook, routed);
      return routed;
    },
    async recover(issues) {
      const routed: Routed = { poked: [], sent: [] };
      // In line with the hooks about it, or a delegation of this moment would be opened by both.
      for (const issue of issues) await inLine([`issue:${issue.ref}`], () => reopen(issue, routed));
      return routed;
    },
    async closeLate(opened) {
      const routed: Routed = { poked: [], sent: [] };
      for (const one of opened) await inLine(one.refs, () => tellOpened(one, { source: 'recovery/github' }, routed));
      return routed;
    },
  };
}

/**
 * The hook under the name by which its repository is configured; undefined: it bears that name. Not a promise where the
 * name is known: hooks get in line in the order in which they are taken.
 */
function renamed(hook: Hook, names: RouterConfig['repoNames']): Hook | Promise<Hook> | undefined {
  const told = hook.source === 'github' ? (hook.body as { repository?: { full_name?: unknown } } | null) : null;
  const name = told?.repository?.full_name;
  if (names === undefined || typeof name !== 'string') return undefined;
  const known = names.known(name);
  if (known === undefined) return names.configured(name).then((found) => underName(hook, name, found));
  return isSame(known, name) ? undefined : underName(hook, name, known);
}

/** In the places where a hook names its own repository, and in no text. */
function underName(hook: Hook, from: string, to: string): Hook {
  const isOwn = (value: unknown): value is { full_name: string } =>
    typeof value === 'object' && value !== null && isSame(String((value as { full_name?: unknown }).full_name), from);
  const change = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(change);
    if (typeof value !== 'object' || value === null) return value;
    const copy = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one)]));
    return isOwn(value) ? { ...copy, full_name: to } : copy;
  };
  return { ...hook, body: change(hook.body) };
}

const isReview = ({ tags }: IndexedActor): boolean => tags['kind'] === 'review';
