/** A mission's items as a graph: which column each stands in, what lies on the critical path, how far it is. Pure. */
import type { WaitingOn } from './answers.ts';

export interface MissionItem {
  key: string;
  title: string;
  session: string;
  state: string;
  dependsOn: string[];
  owner: string | null;
  phase: string | null;
  pull: number | null;
  waitingOn: WaitingOn[];
  heldBy: string[];
  since: string | null;
  refused: string | null;
}

export interface MissionGraph {
  /** Key → column, from 0. */
  levels: Map<string, number>;
  /** Keys of the longest chain of items that are still open. */
  critical: Set<string>;
}

export const OVER = new Set(['done', 'failed', 'cancelled']);

/** Of a mission's context; whatever is not as expected is left out. */
export function itemsOf(context: Record<string, unknown>): MissionItem[] {
  const { items } = context;
  if (!Array.isArray(items)) return [];
  return (items as Record<string, unknown>[]).flatMap((item): MissionItem[] => {
    const spec = item['spec'] as { key?: string; title?: string; dependsOn?: string[] } | undefined;
    const picture = item['picture'] as Partial<MissionItem> | null | undefined;
    if (typeof spec?.key !== 'string') return [];
    return [
      {
        key: spec.key,
        title: spec.title ?? spec.key,
        dependsOn: spec.dependsOn ?? [],
        session: (item['session'] as string | undefined) ?? '',
        state: (item['state'] as string | undefined) ?? 'waiting',
        since: (item['since'] as string | undefined) ?? null,
        heldBy: (item['heldBy'] as string[] | undefined) ?? [],
        refused: (item['refused'] as string | null | undefined) ?? null,
        owner: picture?.owner ?? null,
        phase: picture?.phase ?? null,
        pull: picture?.pull ?? null,
        waitingOn: picture?.waitingOn ?? [],
      },
    ];
  });
}

export function graphOfItems(items: readonly MissionItem[]): MissionGraph {
  const byKey = new Map(items.map((item) => [item.key, item]));
  const levels = new Map<string, number>();
  const levelOf = (key: string, above: readonly string[]): number => {
    const known = levels.get(key);
    if (known !== undefined) return known;
    // A circle is refused when a mission is made; one that is drawn all the same must end.
    const before = (byKey.get(key)?.dependsOn ?? []).filter((on) => byKey.has(on) && !above.includes(on));
    const level = Math.max(-1, ...before.map((on) => levelOf(on, [...above, key]))) + 1;
    levels.set(key, level);
    return level;
  };
  for (const { key } of items) levelOf(key, []);
  const chains = new Map<string, string[]>();
  for (const item of [...items].sort((a, b) => levels.get(a.key)! - levels.get(b.key)!)) {
    if (OVER.has(item.state)) continue;
    const before = item.dependsOn.map((on) => chains.get(on) ?? []);
    const longest = before.reduce<string[]>((best, chain) => (chain.length > best.length ? chain : best), []);
    chains.set(item.key, [...longest, item.key]);
  }
  const all = [...chains.values()];
  const critical = all.reduce<string[]>((best, chain) => (chain.length > best.length ? chain : best), []);
  return { levels, critical: new Set(critical.length > 1 ? critical : []) };
}
