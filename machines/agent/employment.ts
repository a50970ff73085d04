/**
 * Corrections of an agent as an employee: stopped, restarted, offboarded, its lanes, limits, memory, notes and the
 * repositories it watches. Claims are not touched here: they follow from the state (`project.ts`).
 */
import { act, refuse } from '../decision.ts';
import type { Wish } from '../decision.ts';
import { RESERVED_NAMES, subscriptionClaim } from '../events/agent.ts';
import type { HiredRole } from '../events/agent.ts';
import { isFull, withNote, withRead } from '../notes.ts';
import type { MachineEvent } from '../contract.ts';
import type { AgentContext, Cause, Loss, Review, Run, Subscription } from './context.ts';
import type { Handler, Taken } from './event.ts';
import { roleNamed } from './roles.ts';
import { endProcess, released, report, withdrawn } from './run.ts';

/** More keys than this is not memory but a database. */
const MEMORY_KEYS_MAX = 200;
/** Memory is listed in every prompt. */
const MEMORY_CHARACTERS_MAX = 100_000;
const SUBSCRIPTIONS_MAX = 200;
const REVIEWS_KEPT = 100;

export const hired: Handler = ({ address }, event) => {
  if (event.type !== 'hire') return {};
  const name = address.replace('agent/', '');
  if (RESERVED_NAMES.includes(name)) {
    const todo = 'hire under a name of its own: chartroom hire NAME --role conductor';
    return { wishes: [refuse('guard', `“${name}” is whoever conducts a mission, and nobody’s name; ${todo}`)] };
  }
  const { user, lanes, driver, mode, env, limits, github, settings, origin } = event.data;
  const { role, missing } = roleOfHire(event);
  if (missing !== undefined) return { wishes: [refuse('guard', missing)] };
  if (origin !== undefined && mode !== 'chat') return { wishes: [refuse('guard', 'only a chat is adopted')] };
  const { kinds, actions } = settings ?? role;
  return {
    set: {
      role: role.name,
      user: user ?? 'default',
      lanes: lanes ?? [],
      driver,
      mode,
      env: env ?? {},
      limits: { ...role.limits, ...limits },
      github: github?.login ?? null,
      kinds: [...kinds],
      actions: [...actions],
      hiredAt: event.at,
      cause: causeOf(event),
      ...(origin === undefined ? {} : { origin: { ...origin, adopted: 0 } }),
      ...(origin?.archived === true && origin.letters === 0 ? { afterwards: 'archived' as const } : {}),
    },
  };
};

type HireEvent = Extract<Taken, { type: 'hire' }>;
type RoleOfHire = { role: Omit<HiredRole, 'aliases'>; missing?: never } | { role?: never; missing: string };

/** The role as the configuration has it; where nobody looked it up, as the hire brings it along or as built in. */
function roleOfHire({ data, known }: HireEvent): RoleOfHire {
  const { role, driver } = known?.configured ?? {};
  if (role !== undefined && 'missing' in role) return { missing: role.missing };
  if (driver !== undefined && 'missing' in driver) return { missing: driver.missing };
  if (role !== undefined) return { role: role.found as HiredRole };
  if (data.settings !== undefined) return { role: { name: data.role, ...data.settings } };
  const builtIn = roleNamed(data.role);
  if (builtIn === undefined) return { missing: `there is no role “${data.role}”` };
  return { role: { name: builtIn.name, kinds: [...builtIn.kinds], actions: [...builtIn.actions] } };
}

function causeOf(event: Taken): Cause {
  const data = event.data as { reason?: string } | undefined;
  return { by: event.source, reason: data?.reason ?? null, at: event.at };
}

export const remember: Handler = (_, event) => ({ set: { cause: causeOf(event) } });

/** A process that is there is ended, a run that has none yet is let go; the session hears `agent.gone` either way. */
function letGo(context: AgentContext, loss: Loss): { run: Run | null; wishes: Wish[] } {
  const { run } = context;
  if (run === null)
    return { run: null, wishes: context.chat.up ? [...withdrawn(), endProcess(context, loss.reason)] : [] };
  if (run.begun === null) return { run: null, wishes: [released(run), report(run, 'agent.gone', { ...loss })] };
  return { run: { ...run, loss: run.loss ?? loss, ending: true }, wishes: [endProcess(context, loss.reason)] };
}

const reasonFrom = (event: Taken, verb: string): string => {
  const { by, reason } = causeOf(event);
  return reason === null ? `${verb} by ${by}` : `${verb} by ${by}: ${reason}`;
};

export const stop: Handler = (context, event) => {
  const { run, wishes } = letGo(context, { class: 'stopped', reason: reasonFrom(event, 'stopped') });
  return { set: { run, afterwards: 'stopped', cause: causeOf(event), cooling: null }, wishes };
};

/** Stopping already: only where it goes afterwards changes. */
export const stopAfterwards: Handler = (context, event) =>
  context.afterwards === 'stopped' ? {} : { set: { afterwards: 'stopped', cause: causeOf(event) } };

/** Drained while its process is ending: there is no way back to sleep. */
export const drainedAfterwards: Handler = ({ afterwards }) =>
  afterwards === 'asleep' ? { set: { afterwards: 'stopped' } } : {};

export const resumeAfterwards: Handler = (context, event) =>
  context.afterwards === 'asleep' ? {} : { set: { afterwards: 'asleep', cause: causeOf(event) } };

const FRESH = { crashes: [], crashesInRow: 0, contentions: 0, cooling: null, runs: [] } satisfies Partial<AgentContext>;

/** Fresh counters; a run in progress is interrupted, which is no attempt. */
export const restart: Handler = (context, event) => {
  const { run } = context;
  const set: Partial<AgentContext> = { ...FRESH, afterwards: 'asleep' };
  if (run === null) return { set, wishes: context.chat.up ? [endProcess(context, 'restarted')] : [] };
  if (run.begun === null) {
    const loss: Loss = { class: 'lost', reason: reasonFrom(event, 'restarted') };
    return { set: { ...set, run: null }, wishes: [released(run), report(run, 'agent.gone', { ...loss })] };
  }
  const wishes = [endProcess(context, 'restarted')];
  if (!run.settled && run.loss === null) {
    const conversation = run.conversation === null ? {} : { conversation: run.conversation };
    const ended = { outcome: 'interrupted', reason: reasonFrom(event, 'restarted'), ...conversation };
    wishes.unshift(report(run, 'run.ended', ended));
  }
  return { set: { ...set, run: { ...run, settled: run.settled || run.loss === null, ending: true } }, wishes };
};

/** Back from `stopped`: claims again what is free, and lists what somebody else took meanwhile. */
export const comeBack: Handler = (context, event) => ({
  set: {
    ...FRESH,
    afterwards: 'asleep',
    cause: causeOf(event),
    subscriptions: context.subscriptions.map((subscription) => {
      const holder = event.known?.holders?.[subscriptionClaim(context.user, subscription.repo)] ?? null;
      return { ...subscription, takenBy: holder === context.address ? null : holder };
    }),
  },
});

/**
 * The employment ends: credentials are revoked, what was asked of the process is withdrawn, the process ended. What the
 * agent holds is released by the commit that enters `offboarded`.
 */
export const offboard: Handler = (context, event) => {
  const { run, wishes } = letGo(context, { class: 'offboarded', reason: reasonFrom(event, 'offboarded') });
  return {
    set: { run, afterwards: 'stopped', cause: causeOf(event), cooling: null, revoked: false },
    wishes: [revoke(context), ...(context.chat.up ? [] : withdrawn()), ...wishes],
  };
};

function revoke({ run }: AgentContext): Wish {
  return act('credential.revoke', run === null ? {} : { session: run.session, epoch: run.epoch });
}

/** What is still in the way of the end is tried again. */
export const offboardAgain: Handler = (context) => {
  const wishes: Wish[] = [];
  if (!context.revoked) wishes.push(revoke(context));
  if (context.run !== null || context.chat.up) wishes.push(endProcess(context, 'offboarded'));
  return { wishes };
};

export const credentialRevoked: Handler = () => ({ set: { revoked: true } });

export const interrupt: Handler = () => ({ wishes: [act('driver.interrupt', {})] });

export const cooled: Handler = () => ({ set: { cooling: null } });

export const setLanes: Handler = (_, event) =>
  event.type === 'correct.lane.set' ? { set: { lanes: event.data.lanes } } : {};

export const setDriver: Handler = (context, event) => {
  if (event.type !== 'correct.driver.set') return {};
  const { driver } = event.data;
  const configured = event.known?.configured?.['driver'];
  if (configured !== undefined && 'missing' in configured) return { wishes: [refuse('guard', configured.missing)] };
  if (context.mode !== 'chat') {
    return { wishes: [refuse('guard', 'a worker keeps the driver it was hired with; hire another')] };
  }
  return { set: { driver } };
};

export const setLimits: Handler = (context, event) => {
  if (event.type !== 'correct.limits.set') return {};
  const { reason: _reason, ...limits } = event.data;
  return { set: { limits: { ...context.limits, ...limits } } };
};

export const memorise: Handler = (context, event) => {
  if (event.type !== 'correct.memory.set') return {};
  const { key, value } = event.data;
  const memory = { ...context.memory, [key]: value };
  const size = Object.entries(memory).reduce((sum, [name, text]) => sum + name.length + text.length, 0);
  if (Object.keys(memory).length > MEMORY_KEYS_MAX || size > MEMORY_CHARACTERS_MAX) {
    const bound = `${MEMORY_KEYS_MAX} keys and ${MEMORY_CHARACTERS_MAX} characters`;
    return { wishes: [refuse('limit', `memory holds ${bound}; delete something first`)] };
  }
  return { set: { memory } };
};

export const forget: Handler = (context, event) => {
  if (event.type !== 'correct.memory.delete' || !(event.data.key in context.memory)) return {};
  const { [event.data.key]: _forgotten, ...memory } = context.memory;
  return { set: { memory } };
};

export const note: Handler = (context, event) => {
  if (event.type !== 'fyi') return {};
  if (isFull(context.notes)) return { wishes: [refuse('limit', 'too many notes here have not been read')] };
  return { set: { notes: withNote(context.notes, event) } };
};

export const noteRead: Handler = (context, event) =>
  event.type === 'note.read' ? { set: { notes: withRead(context.notes, event.data.ids, event.data.by) } } : {};

export const reviewRecorded: Handler = (context, event) => {
  if (event.type !== 'review.recorded') return {};
  return { set: { reviews: withReview(context, event) } };
};

export const withReview = ({ reviews }: Pick<AgentContext, 'reviews'>, { data, at }: MachineEvent): Review[] =>
  [...reviews, { ...(data as Omit<Review, 'at'>), at }].slice(-REVIEWS_KEPT);

const sameRepo = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();

export const subscribe: Handler = (context, event) => {
  if (event.type !== 'correct.subscribe') return {};
  if (!context.kinds.includes('review')) {
    return { wishes: [refuse('guard', `a ${context.role} does not review, so it has nothing to subscribe to`)] };
  }
  const repo = event.data.repo.trim();
  const others = context.subscriptions.filter((subscription) => !sameRepo(subscription.repo, repo));
  const known = context.subscriptions.find((subscription) => sameRepo(subscription.repo, repo));
  if (known !== undefined && known.takenBy === null) return {};
  if (others.length >= SUBSCRIPTIONS_MAX) {
    return { wishes: [refuse('limit', `an agent watches ${SUBSCRIPTIONS_MAX} repositories at most`)] };
  }
  const subscription: Subscription = { repo, since: event.at, takenBy: null };
  return { set: { subscriptions: [...others, subscription] } };
};

export const unsubscribe: Handler = (context, event) => {
  if (event.type !== 'correct.unsubscribe') return {};
  const { repo } = event.data;
  const subscriptions = context.subscriptions.filter((subscription) => !sameRepo(subscription.repo, repo));
  if (subscriptions.length === context.subscriptions.length) return {};
  return { set: { subscriptions, heads: context.heads.filter((head) => !sameRepo(head.repo, repo)) } };
};
