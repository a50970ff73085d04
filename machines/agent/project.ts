/** What others see of an agent, computed from its state: claims, watches, projection, and what the dispatcher is told. */
import type { ActorView, Announcement, Projection, Supervision, WaitingOn } from '../contract.ts';
import type { WatchParams } from '../effects.ts';
import type { AgentChanged } from '../events/dispatcher.ts';
import { subscriptionClaim } from '../events/agent.ts';
import type { AgentContext } from './context.ts';
import { isWaiting } from './mail.ts';
import { placeOf } from './chat.ts';
import { crashesWithin } from './counters.ts';

type View = ActorView<AgentContext>;

/** Lives in which an agent holds nothing (law 13). */
const INACTIVE = new Set(['stopped', 'archived', 'offboarded']);
/** Lives in which it does nothing of its own accord either. */
const LEAVING = new Set([...INACTIVE, 'offboarding']);

export function lifeOf(view: View): string {
  return region(view, 'life');
}

export function doorOf(view: View): string {
  return region(view, 'door');
}

function region({ value }: View, name: string): string {
  if (typeof value === 'string') return value;
  const part = value[name];
  return typeof part === 'string' ? part : '';
}

export function claims(view: View): string[] {
  if (INACTIVE.has(lifeOf(view))) return [];
  const { user, subscriptions } = view.context;
  return subscriptions.filter(({ takenBy }) => takenBy === null).map(({ repo }) => subscriptionClaim(user, repo));
}

export function watch(name: string, view: View): Record<string, unknown> | undefined {
  switch (name) {
    case 'process':
      return view.context.mode === 'chat' ? chatProcess(view) : workerProcess(view);
    case 'repository': {
      const repos = view.context.subscriptions.filter(({ takenBy }) => takenBy === null).map(({ repo }) => repo);
      return repos.length === 0 || LEAVING.has(lifeOf(view)) ? undefined : { repos };
    }
    case 'consumer':
      return view.context.mode === 'chat'
        ? { present: view.context.consumers.map(({ consumer, kind }) => ({ consumer, kind })) }
        : undefined;
    default:
      return undefined;
  }
}

function workerProcess({ address, context }: View): WatchParams<'process'> | undefined {
  const { run } = context;
  if (run === null || run.begun === null) return undefined;
  return {
    run: `${run.session.slice('session/'.length)}-${run.epoch}`,
    agent: address,
    role: context.role,
    driver: context.driver,
    mode: 'worker',
    env: context.env,
    begun: run.begun,
    ...(run.begun.conversation === undefined ? {} : { conversation: run.begun.conversation }),
    memory: run.memory,
    ...(run.notes.length === 0 ? {} : { notes: run.notes }),
    actions: context.actions,
  };
}

function chatProcess({ address, context }: View): WatchParams<'process'> | undefined {
  const { chat } = context;
  if (!chat.up) return undefined;
  return {
    run: `chat-${chat.life}`,
    agent: address,
    role: context.role,
    driver: chat.driver ?? context.driver,
    mode: 'chat',
    env: context.env,
    ...(chat.resumes === null ? {} : { conversation: chat.resumes }),
    memory: chat.memory,
    actions: context.actions,
    limits: context.limits,
  };
}

export function project(view: View): Projection {
  const { context } = view;
  const life = lifeOf(view);
  return {
    phase: life,
    epoch: null,
    owner: null,
    waitingOn: view.final ? [] : waitingOn(view),
    title: `${context.role} (${context.driver})`,
    user: context.user,
    mission: null,
    refs: [
      ...(claims(view).length === 0
        ? []
        : context.subscriptions.map(({ repo }) => `subscription:${repo.toLowerCase()}`)),
      ...(context.origin?.names.map((name) => `name:${name}`) ?? []),
    ],
    tags: {
      role: context.role,
      driver: context.driver,
      mode: context.mode,
      lanes: context.lanes,
      kinds: context.kinds,
      life,
      door: doorOf(view),
      ...(context.run === null ? {} : { session: context.run.session }),
    },
    supervision: supervision(view),
  };
}

function supervision(view: View): Supervision {
  const { context } = view;
  const { crashesInRow, lastExit, cooling } = context;
  return {
    crashes: crashesWithin(context, view.at).length,
    crashesInRow,
    backOffUntil: cooling?.until ?? null,
    lastExit,
    dormant:
      context.mode === 'chat' && lifeOf(view) === 'asleep' && placeIn(view) === undefined ? dormancy(context) : null,
  };
}

const placeIn = (view: View) => placeOf(view.context, lifeOf(view), view.at);

function dormancy({ lastExit }: AgentContext): string {
  const nobody = 'no mail waits and nobody is there';
  if (lastExit === null) return nobody;
  const { class: exit, reason } = lastExit;
  const how =
    exit === 'clean' ? 'left by itself' : exit === 'ended' ? `was ended (${reason})` : `ended in ${exit} (${reason})`;
  return `its process ${how}; ${nobody}`;
}

export function waitingOn(view: View): WaitingOn[] {
  const { context } = view;
  const life = lifeOf(view);
  const since = view.since[`life.${life}`] ?? view.at;
  const waits: WaitingOn[] = [];
  const { run, cause } = context;
  const causeText = cause === null ? '' : ` by ${cause.by}${cause.reason === null ? '' : `: ${cause.reason}`}`;
  switch (life) {
    case 'asleep':
      if (placeIn(view) === 'wanted') {
        waits.push({
          gate: 'slot',
          on: 'dispatcher/main',
          since: wakingSince(context, since),
          until: null,
          detail: 'has something to wake for, and waits until one chat fewer is awake',
          moves: ['place.given'],
        });
      }
      break;
    case 'starting':
      if (run?.begun === null) {
        const until = view.timers['life.starting:ready'] ?? null;
        const detail = `waits for ${run.session} to make its worktree ready`;
        waits.push({ gate: 'agent', on: run.session, since, until, detail, moves: ['run.begun', 'run.cancelled'] });
      } else waits.push(processWait(view, 'waits for its process to start', 'life.starting:ready', ['driver.started']));
      break;
    case 'busy':
      if (context.chat.question !== null) {
        waits.push({
          gate: 'human',
          on: writer(context),
          since: context.chat.question.at,
          until: context.consumers.length > 0 ? null : (view.timers['life.busy:clock'] ?? null),
          detail: `asked: ${context.chat.question.text.slice(0, 200)}`,
          moves: ['answer'],
        });
      } else if (context.silence !== null) {
        const { stage, since: from } = context.silence;
        const what = stage === 'asked' ? 'it was asked what it does' : 'its turn was interrupted';
        const detail = `nothing is heard of it since ${from}: ${what}`;
        waits.push(processWait(view, detail, 'life.busy:silence', ['driver.heard', 'driver.turned']));
      } else if (run?.question != null) {
        waits.push({
          gate: 'human',
          on: run.session,
          since: run.question.at,
          until: view.timers['life.busy:clock'] ?? null,
          detail: `asked: ${run.question.text.slice(0, 200)}`,
          moves: ['run.answered'],
        });
      } else
        waits.push(processWait(view, `works for ${run?.session ?? 'a chat'}`, 'life.busy:clock', ['driver.turned']));
      break;
    case 'coolingDown':
      waits.push({
        gate: 'backoff',
        on: null,
        since,
        until: context.cooling?.until ?? null,
        detail: context.cooling?.reason ?? 'cooling down',
        moves: ['correct.restart'],
      });
      break;
    case 'stopping':
      waits.push(processWait(view, 'its process is being ended', 'life.stopping:leave', ['driver.exited'], 'stopping'));
      break;
    case 'offboarding': {
      const what = run === null && !context.chat.up ? 'its credential is being revoked' : 'its process is being ended';
      waits.push(processWait(view, what, 'life.offboarding:again', ['driver.exited'], 'stopping'));
      break;
    }
    case 'archived':
      waits.push({
        gate: 'paused',
        on: null,
        since,
        until: null,
        detail: `archived${causeText}`,
        moves: ['correct.restore'],
      });
      break;
    case 'stopped':
      waits.push({
        gate: 'paused',
        on: null,
        since,
        until: null,
        detail: `stopped${causeText}`,
        moves: ['correct.resume', 'correct.restart'],
      });
      break;
    default:
      break;
  }
  const door = doorOf(view);
  const doorSince = cause?.at ?? view.since[`door.${door}`] ?? view.at;
  if (door === 'paused') {
    waits.push({
      gate: 'paused',
      on: null,
      since: doorSince,
      until: null,
      detail: `takes no new work, paused${causeText}`,
      moves: ['correct.resume'],
    });
  }
  if (life === 'coolingDown') {
    for (const { repo, takenBy } of context.subscriptions) {
      if (takenBy !== null) continue;
      waits.push({ gate: 'backoff', on: null, since, until: null, detail: `${repo} is unwatched`, moves: [] });
    }
  }
  return waits;
}

/** The first letter or company that nobody was awake for. */
function wakingSince({ mail, consumers }: AgentContext, asleepSince: string): string {
  const times = [...mail.filter(isWaiting).map(({ at }) => at), ...consumers.map(({ since }) => since)].sort();
  const [first] = times;
  return first === undefined || first < asleepSince ? asleepSince : first;
}

/** Who wrote what its turn is about, where that is a person. */
function writer({ mail, chat }: AgentContext): string | null {
  const author = mail.find(({ id }) => chat.turn?.includes(id))?.author ?? '';
  return /^(?:cli|page)\//.test(author) ? author.replace(/^[a-z]+/, 'person') : null;
}

function processWait(
  view: View,
  detail: string,
  timer: string,
  moves: string[],
  gate: 'agent' | 'stopping' = 'agent',
): WaitingOn {
  const since = view.since[timer.slice(0, timer.indexOf(':'))] ?? view.at;
  const on = `external/${view.context.driver}`;
  return { gate, on, since, until: view.timers[timer] ?? null, detail, moves };
}

/** What the dispatcher knows of this agent. */
export function changed(view: View): AgentChanged {
  const { context } = view;
  const place = context.mode === 'chat' ? placeIn(view) : undefined;
  return {
    agent: view.address,
    role: context.role,
    kinds: context.kinds,
    lanes: context.lanes,
    user: context.user,
    life: lifeOf(view),
    door: doorOf(view),
    ...(context.run === null ? {} : { session: context.run.session }),
    mode: context.mode,
    ...(context.limits.concurrent === undefined ? {} : { concurrent: context.limits.concurrent }),
    ...(place === undefined ? {} : { place }),
    why: whyText(view),
  };
}

function whyText(view: View): string {
  const { run, cooling, cause } = view.context;
  const life = lifeOf(view);
  const door = doorOf(view);
  const by = cause === null ? '' : ` by ${cause.by}`;
  if (life === 'coolingDown') return `cooling down until ${cooling?.until ?? '?'}: ${cooling?.reason ?? '?'}`;
  if (life === 'stopped' || life === 'offboarding' || life === 'offboarded' || life === 'archived')
    return `${life}${by}`;
  if (run !== null) return `${life === 'starting' ? 'starting' : life} with ${run.session}`;
  if (door === 'paused') return `paused${by}`;
  if (door !== 'open') return door;
  return 'free';
}

export function announce(before: View | null, after: View): Announcement[] {
  const now = changed(after);
  if (before !== null && same(changed(before), now)) return [];
  return [{ to: 'dispatcher/main', type: 'agent.changed', data: now }];
}

/** Both are built by `changed`, so their keys come in the same order. */
function same(a: AgentChanged, b: AgentChanged): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
