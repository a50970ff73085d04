/**
 * Who gets what: the matching function, pure and explainable. For each piece of work that wants an agent, in order of
 * priority and waiting time, it names the agent that gets it, or what rules each agent out.
 */
import type { AgentChanged, WorkWanted } from '../events/dispatcher.ts';

export interface AgentRow extends AgentChanged {
  /** When it last became free; the longest idle goes first. */
  freeSince: string;
  /** It declined an offer of this picture of it; not asked again before it says something new. */
  declined: boolean;
  /** It let an offer time out; asked after all others until it answers one. */
  silent: boolean;
  /** Something was heard of it since it was last matched. */
  heard: boolean;
}

export interface Want extends WorkWanted {
  /** What was last said of its being unmatched, shortened; null = nothing. */
  said: string | null;
  /** The pinned agent was found gone and the session was told. */
  pinLost: boolean;
}

export interface Offer {
  session: string;
  agent: string;
  want: number;
  /** The session said that the offer was accepted, */
  accepted: boolean;
  /** the agent that it has the session; after both, the agent's own word counts alone. */
  seen: boolean;
}

export interface RuledOut {
  agent: string;
  why: string;
  /** A few letters, so that what was last said can be kept short. */
  code: string;
  /** It may pass by itself: busy, paused, cooling down. What an agent is, or that it was stopped, does not. */
  passes: boolean;
}
type Against = Omit<RuledOut, 'agent'>;

export interface Matching {
  matched: { session: string; want: number; agent: string }[];
  unmatched: {
    session: string;
    want: number;
    role: string;
    ruledOut: RuledOut[];
    /** Who would take it: with all slots taken, or while nothing is handed out. */
    suited: string[];
    slot: boolean;
    /** Nobody who is hired will take it: somebody has to move first. */
    nobody: boolean;
  }[];
}

export interface Field {
  wants: readonly Want[];
  agents: readonly AgentRow[];
  offers: readonly Offer[];
  maxRuns: number;
  /** Why nothing at all is handed out now, null = it is. */
  held: string | null;
}

/** Roles known by what they do: for these the kind of the work decides, and the role is only a preference. */
const GENERIC = new Map([
  ['implementer', 'implementer'],
  ['implement', 'implementer'],
  ['worker', 'implementer'],
  ['reviewer', 'reviewer'],
  ['review', 'reviewer'],
  ['audit', 'reviewer'],
  ['auditor', 'reviewer'],
  ['tester', 'tester'],
  ['test', 'tester'],
]);

const sameRole = (a: string, b: string): boolean => canonical(a) === canonical(b);
const canonical = (role: string): string => GENERIC.get(role.toLowerCase()) ?? role.toLowerCase();

export function match(field: Field): Matching {
  const busy = new Set(field.offers.map((offer) => offer.agent));
  const offered = new Set(field.offers.map((offer) => offer.session));
  let free = field.maxRuns - slotsTaken(field);
  const result: Matching = { matched: [], unmatched: [] };
  for (const want of inOrder(field.wants)) {
    // The session has yet to close its last offer.
    if (offered.has(want.session)) continue;
    const ruledOut: RuledOut[] = [];
    const suited: AgentRow[] = [];
    for (const agent of field.agents) {
      const against = ruleOut(want, agent, field, busy);
      if (against === null) suited.push(agent);
      else ruledOut.push({ agent: agent.agent, ...against });
    }
    const chosen = free > 0 && field.held === null ? best(want, suited, field.wants) : undefined;
    if (chosen === undefined) {
      const slot = suited.length > 0 && field.held === null;
      const nobody = suited.length === 0 && ruledOut.every(({ passes }) => !passes);
      const { session, want: number, role } = want;
      const names = suited.map(({ agent }) => agent);
      result.unmatched.push({ session, want: number, role, ruledOut, suited: names, slot, nobody });
      continue;
    }
    free--;
    busy.add(chosen.agent);
    result.matched.push({ session: want.session, want: want.want, agent: chosen.agent });
  }
  return result;
}

/** Runs there are or may be in a moment: open offers, and agents that have a session. */
export function slotsTaken({ agents, offers }: Pick<Field, 'agents' | 'offers'>): number {
  const taken = new Set(offers.map((offer) => offer.agent));
  for (const agent of agents) if (agent.session !== undefined) taken.add(agent.agent);
  return taken.size;
}

/** Urgent (1) before low (4) before none (0); then who waits longest. */
function inOrder(wants: readonly Want[]): Want[] {
  const rank = ({ priority }: Want): number => (priority === 0 ? 5 : priority);
  return [...wants].sort((a, b) => rank(a) - rank(b) || order(a.since, b.since) || order(a.session, b.session));
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What rules this agent out for this work, or null: first what will not change, then what passes. */
export function ruleOut(
  want: Want,
  agent: AgentRow,
  { agents, held }: Pick<Field, 'agents' | 'held'>,
  busy: ReadonlySet<string>,
): Against | null {
  if (agent.user !== want.user) return never('u', `works for ${agent.user}, not for ${want.user}`);
  if (agent.mode === 'chat') return never('m', 'is a chat, which is not offered work');
  if (isExcluded(want, agent.agent)) return never('x', 'is excluded from this work');
  const unsuited = want.pin === undefined ? unfit(want, agent, agents) : offPin(want.pin, want, agent);
  if (unsuited !== null) return unsuited;
  // Whoever waits for this agent alone sees what it is at, and hears of it when that is another work.
  if (want.pin === agent.agent && agent.session !== undefined)
    return later(`b:${agent.session}`, `is busy with ${agent.session}`);
  if (agent.life !== 'asleep')
    return { code: agent.life.slice(0, 3), why: lifeText(agent), passes: !LEFT.has(agent.life) };
  if (agent.door !== 'open') return later('d', `its door is ${agent.door}`);
  if (agent.session !== undefined || busy.has(agent.agent)) return later('b', 'is busy');
  const { concurrent } = agent;
  if (concurrent !== undefined && atWork(agent, agents, busy) >= concurrent)
    return later('c', `${concurrent} of role ${agent.role} at the same time are its limit`);
  if (agent.declined) return later('r', 'declined, and has said nothing new since');
  return held === null ? null : later('h', held);
}

const never = (code: string, why: string): Against => ({ code, why, passes: false });
const later = (code: string, why: string): Against => ({ code, why, passes: true });
/** Lives that only a person ends, or nobody. */
const LEFT = new Set(['stopped', 'archived', 'offboarding', 'offboarded']);

/** Agents of the same role and user that have a run or are offered one. */
const atWork = ({ role, user }: AgentRow, agents: readonly AgentRow[], busy: ReadonlySet<string>): number =>
  agents.filter(
    (other) => other.role === role && other.user === user && (other.session !== undefined || busy.has(other.agent)),
  ).length;

function lifeText(agent: AgentRow): string {
  if (agent.life === 'busy' || agent.life === 'starting') return 'is busy';
  return agent.life === 'coolingDown' ? 'is cooling down' : `is ${agent.life}`;
}

const isExcluded = (want: Want, agent: string): boolean =>
  want.excluded.includes(agent) || want.excluded.includes(agent.slice('agent/'.length));

/** A correction named an agent, a lane or a role: that word counts, whatever the kinds are (a lane keeps them). */
function offPin(pin: string, want: Want, agent: AgentRow): Against | null {
  if (pin.startsWith('lane/')) {
    const lane = pin.slice('lane/'.length);
    return agent.lanes.includes(lane) ? wrongKind(want, agent) : never('l', `is not in lane ${lane}`);
  }
  if (pin.startsWith('role/')) {
    const role = pin.slice('role/'.length);
    return sameRole(agent.role, role) ? null : never('o', `is no ${role}`);
  }
  return agent.agent === pin ? null : never('p', `the work waits for ${pin} alone`);
}

function unfit(want: Want, agent: AgentRow, agents: readonly AgentRow[]): Against | null {
  const kind = wrongKind(want, agent);
  if (kind !== null) return kind;
  if (want.lane !== undefined && !agent.lanes.includes(want.lane)) {
    return never('l', `is not in lane ${want.lane}`);
  }
  if (!sameRole(agent.role, want.role) && isNamedRole(want, agents)) return never('o', `is no ${want.role}`);
  return null;
}

/** A role of a person's own naming counts where somebody has it and takes such work; else the kind alone decides. */
function isNamedRole(want: Want, agents: readonly AgentRow[]): boolean {
  if (GENERIC.has(want.role.toLowerCase())) return false;
  return agents.some(
    (agent) => sameRole(agent.role, want.role) && agent.user === want.user && agent.kinds.includes(want.kind),
  );
}

function wrongKind(want: Want, agent: AgentRow): Against | null {
  return agent.kinds.includes(want.kind)
    ? null
    : never('k', `${article(agent.role)} ${agent.role} does not take ${want.kind} work`);
}

/** Past owner, role asked for, least waited for, longest idle; the name settles what is left. */
function best(want: Want, suited: readonly AgentRow[], wants: readonly Want[]): AgentRow | undefined {
  const rank = (agent: AgentRow): number[] => [
    agent.silent ? 1 : 0,
    agent.agent === want.lastOwner ? 0 : 1,
    sameRole(agent.role, want.role) ? 0 : 1,
    wants.filter((other) => other.pin === agent.agent && other.session !== want.session).length,
  ];
  return [...suited].sort((a, b) => {
    const [ofA, ofB] = [rank(a), rank(b)];
    for (let index = 0; index < ofA.length; index++) {
      if (ofA[index] !== ofB[index]) return ofA[index]! - ofB[index]!;
    }
    return order(a.freeSince, b.freeSince) || order(a.agent, b.agent);
  })[0];
}

const article = (word: string): string => (/^[aeiou]/i.test(word) ? 'an' : 'a');
