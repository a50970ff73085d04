/** Ready means progress: the oldest unread mail, due timer and unpublished fact are young, and the bus is there. */
import type { Hold } from './actor/hold.ts';
import type { Letterbox } from './actor/letterbox.ts';
import type { Node } from './actor/node.ts';
import type { Blind } from './actor/watches.ts';
import type { Publisher } from './actor/publisher.ts';
import type { Source } from './bridge/hook.ts';
import type { SourceSight } from './bridge/sweep.ts';
import type { Bus } from './bus/bus.ts';
import type { Clock } from './clock.ts';

/** Mail or a timer that waits longer than this while the loop runs means something is stuck. */
const STUCK_MS = 10_000;

/** Absences told; older ones are in the log. */
const NOTES_MAX = 20;

/** Watches that cannot look, named; a token that was revoked blinds them all for the same reason. */
const BLIND_MAX = 20;

const iso = (ms: number): string => new Date(ms).toISOString();

export interface Health {
  ready: () => Promise<{ ready: boolean; reasons: string[] } & Record<string, unknown>>;
}

interface HealthOptions {
  bus: Bus;
  node: Node;
  publisher: Publisher;
  letterbox: Letterbox;
  hold: Hold;
  blind: () => Blind[];
  sights: () => Partial<Record<Source, SourceSight>>;
  /** Of what deliveries wait in. */
  spool: { notes(): string[] };
  clock: Clock;
}

export function createHealth({
  bus,
  node,
  publisher,
  letterbox,
  hold,
  sights,
  blind,
  spool,
  clock,
}: HealthOptions): Health {
  const startedMs = clock.now();
  const notes: string[] = [];
  let connected = false;
  let awaySinceMs: number | null = null;
  bus.onStatus((status) => {
    connected = status === 'connected';
    if (!connected) {
      awaySinceMs ??= clock.now();
      return;
    }
    if (awaySinceMs === null) return;
    const seconds = Math.round((clock.now() - awaySinceMs) / 1_000);
    notes.push(`NATS was away for ${seconds} s from ${iso(awaySinceMs)}; what waited went out when it was back`);
    notes.splice(0, notes.length - NOTES_MAX);
    awaySinceMs = null;
  });
  return {
    ready: async () => {
      const reasons: string[] = [];
      const oldestMailMs = node.oldestWaitingMs();
      const oldestTimerMs = node.oldestTimerMs();
      if (awaySinceMs !== null)
        reasons.push(`NATS is not connected since ${iso(awaySinceMs)}; steps of local timers and effects go on`);
      const seen = await bus.look();
      reasons.push(...seen.reasons);
      if (oldestMailMs > STUCK_MS) reasons.push(`the oldest mail waits for ${Math.round(oldestMailMs / 1_000)} s`);
      if (oldestTimerMs > STUCK_MS) reasons.push(`a timer is ${Math.round(oldestTimerMs / 1_000)} s late`);
      return {
        ready: reasons.length === 0,
        reasons,
        notes: [
          ...heldNote(hold),
          ...damageNotes(node),
          ...seen.notes,
          ...letterbox.notes(),
          ...publisher.notes(),
          ...spool.notes(),
          ...notes,
        ],
        effects: hold.held() === null ? 'performed' : 'held',
        nats: connected ? 'connected' : 'disconnected',
        sources: sights(),
        damaged: node.actors.listDamaged().map(([actor, damage]) => ({ actor, damage })),
        blind: blind().slice(0, BLIND_MAX),
        uptimeSeconds: Math.round((clock.now() - startedMs) / 1_000),
        oldestMailMs,
        oldestTimerMs,
        pendingActs: node.outbox.size(),
        oldestActWishedAt: node.outbox.oldestWishedAt(),
        unpublishedBatches: publisher.lag(),
        actorsInMemory: node.actors.inMemory(),
      };
    },
  };
}

function heldNote(hold: Hold): string[] {
  const held = hold.held();
  if (held === null) return [];
  return [`effects are held since the store was restored (${held.since}); perform them: chartroom resume effects`];
}

const damageNotes = (node: Node): string[] =>
  node.actors
    .listDamaged()
    .map(
      ([actor, damage]) => `${actor} is left as it is: ${damage}; only a backup has it whole: chartroom restore-store`,
    );
