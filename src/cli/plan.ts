/**
 * What a mission would be, before anything of it exists: its graph, its critical path, who would get each item, and every
 * mistake at once. Pure over the mission's input and what the dispatcher knows of the agents.
 */
import { match } from '../../machines/dispatcher/match.ts';
import type { AgentRow, RuledOut, Want } from '../../machines/dispatcher/match.ts';
import { MISSION_EVENTS } from '../../machines/events/mission.ts';
import type { MissionItem } from '../../machines/events/mission.ts';
import { criticalPath, levelsOf, mistakesIn } from '../../machines/mission/graph.ts';
import { ROLES } from '../../machines/session/assignment.ts';
import { roleOf } from '../config/roles.ts';
import type { Roles } from '../config/roles.ts';
import { explainIssues } from '../actor/envelope.ts';

export interface PlannedItem {
  key: string;
  title: string;
  dependsOn: string[];
  /** How many steps after the first it can begin at the earliest. */
  level: number;
  /** Who could take it, the one that would get it first. */
  agents: string[];
  /** Why nobody could; null = somebody can. */
  nobody: string | null;
}

export interface Plan {
  items: PlannedItem[];
  criticalPath: string[];
  /** What keeps it from being started. */
  mistakes: string[];
  /** What would make an item wait for a person once it is started. */
  gaps: string[];
}

export function planOf(input: Record<string, unknown>, agents: readonly AgentRow[], roles: Roles): Plan {
  const parsed = MISSION_EVENTS.open.data.safeParse(input);
  const nodes = nodesOf(input);
  const mistakes = [...(parsed.success ? [] : explainIssues(parsed.error)), ...mistakesIn(nodes)];
  const specs = parsed.success ? parsed.data.items : [];
  const levels = levelsOf(nodes);
  const items = specs.map((spec): PlannedItem => {
    const { able, ruledOut } = whoCan(spec, agents);
    const { key, title, dependsOn } = spec;
    const nobody = able.length > 0 ? null : whyNobody(spec, ruledOut);
    return { key, title, dependsOn, level: levels.get(key) ?? 0, agents: able, nobody };
  });
  const gaps = specs.flatMap((spec, index) => {
    const { nobody } = items[index]!;
    const isKnown = spec.role === undefined || roleOf(roles, spec.role) !== undefined;
    const unknown = `there is no role “${spec.role}”; roles: ${[...roles.keys()].join(', ')}`;
    return [...(isKnown ? [] : [`${spec.key}: ${unknown}`]), ...(nobody === null ? [] : [`${spec.key}: ${nobody}`])];
  });
  return { items, criticalPath: mistakes.length > 0 ? [] : criticalPath(nodes), mistakes, gaps };
}

/** As much of the graph as can be read, also from a file with other mistakes. */
function nodesOf({ items }: Record<string, unknown>): { key: string; dependsOn: string[] }[] {
  if (!Array.isArray(items)) return [];
  return items.flatMap((item: unknown) => {
    const { key, dependsOn } = (item ?? {}) as { key?: unknown; dependsOn?: unknown };
    if (typeof key !== 'string') return [];
    return [{ key, dependsOn: Array.isArray(dependsOn) ? dependsOn.filter((on) => typeof on === 'string') : [] }];
  });
}

/** Asked one by one with everybody free, so that whoever is busy now counts too. */
function whoCan(spec: MissionItem, agents: readonly AgentRow[]): { able: string[]; ruledOut: RuledOut[] } {
  const able: string[] = [];
  let rest = agents.map((agent) => ({ ...agent, ...(LASTING.has(agent.life) ? {} : FREE), session: undefined }));
  for (;;) {
    const { matched, unmatched } = match({ wants: [wantOf(spec)], agents: rest, offers: [], maxRuns: 1, held: null });
    const next = matched[0]?.agent;
    if (next === undefined) return { able, ruledOut: able.length > 0 ? [] : (unmatched[0]?.ruledOut ?? []) };
    able.push(next);
    rest = rest.filter(({ agent }) => agent !== next);
  }
}

const FREE = { life: 'asleep', door: 'open', declined: false } as const;
/** What passes is left out of a plan; these do not pass by themselves. */
const LASTING = new Set(['stopped', 'archived', 'offboarding', 'offboarded']);

const wantOf = ({ key, kind, role, lane, pin, user, priority }: MissionItem): Want => ({
  session: `session/${key}`,
  want: 1,
  user: user ?? 'default',
  kind,
  role: role ?? ROLES[kind],
  ...(lane === undefined ? {} : { lane }),
  ...(pin === undefined ? {} : { pin }),
  excluded: [],
  priority: priority ?? 0,
  since: '',
  said: null,
  pinLost: false,
});

function whyNobody({ kind, role, lane, pin }: MissionItem, ruledOut: readonly RuledOut[]): string {
  if (pin !== undefined && !ruledOut.some(({ agent }) => agent === pin)) return `${pin} is not hired`;
  const what = pin ?? `${role ?? ROLES[kind]}${lane === undefined ? '' : ` in lane ${lane}`}`;
  const reasons = ruledOut.filter(({ agent }) => pin === undefined || agent === pin);
  const why = reasons.map(({ agent, why: reason }) => `${agent}: ${reason}`).join('; ');
  return pin === undefined ? `no ${what} is hired${why === '' ? '' : ` (${why})`}` : `${pin} cannot take it (${why})`;
}
