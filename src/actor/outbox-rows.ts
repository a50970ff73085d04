/** Acts that were wished and have no answer yet, by key. Rows and parameters are durable; this is their index. */

export interface PendingAct {
  /** `actor/seq/index`. */
  key: string;
  actor: string;
  seq: number;
  index: number;
  act: string;
  params: Record<string, unknown>;
  /** ISO time of the step that wished it. */
  wishedAt: string;
  /** An attempt was recorded before the process ended: whether it happened is to be looked up. */
  attempted: boolean;
  /** It has been begun by this process and can no longer be cancelled. */
  begun?: true;
}

export interface OutboxRows {
  get(key: string): PendingAct | undefined;
  add(pending: PendingAct): void;
  remove(key: string): void;
  of(actor: string): PendingAct[];
  /** Those of an act not yet begun. */
  cancellable(actor: string, act: string): PendingAct[];
  size(): number;
  oldestWishedAt(): string | null;
}

export function createOutboxRows(): OutboxRows {
  const byKey = new Map<string, PendingAct>();
  const byActor = new Map<string, Set<PendingAct>>();

  return {
    get: (key) => byKey.get(key),
    add(pending) {
      byKey.set(pending.key, pending);
      const own = byActor.get(pending.actor) ?? new Set();
      own.add(pending);
      byActor.set(pending.actor, own);
    },
    remove(key) {
      const pending = byKey.get(key);
      if (pending === undefined) return;
      byKey.delete(key);
      const own = byActor.get(pending.actor);
      own?.delete(pending);
      if (own?.size === 0) byActor.delete(pending.actor);
    },
    of: (actor) => [...(byActor.get(actor) ?? [])],
    cancellable: (actor, act) =>
      [...(byActor.get(actor) ?? [])].filter(
        (pending) => pending.act === act && pending.begun !== true && !pending.attempted,
      ),
    size: () => byKey.size,
    oldestWishedAt: () => {
      let oldest: string | null = null;
      for (const pending of byKey.values()) if (oldest === null || pending.wishedAt < oldest) oldest = pending.wishedAt;
      return oldest;
    },
  };
}
