/** Ready means progress: the oldest unread mail, due timer and unpublished fact are young, and the bus is there. */
import type { Hold } from './actor/hold.ts';
import type { Letterbox } from './actor/letterbox.ts';
import type { Node } from './actor/node.ts';
import type { Publisher } from './actor/publisher.ts';
import type { Bus } from './bus/bus.ts';
import type { Clock } from './clock.ts';

/** Mail or a timer that waits longer than this while the loop runs means something is stuck. */
const STUCK_MS = 10_000;

export interface Health {
  ready: () => Promise<{ ready: boolean; reasons: string[] } & Record<string, unknown>>;
}

interface HealthOptions {
  bus: Bus;
  node: Node;
  publisher: Publisher;
  letterbox: Letterbox;
  hold: Hold;
  clock: Clock;
}

export function createHealth({ bus, node, publisher, letterbox, hold, clock }: HealthOptions): Health {
  const startedMs = clock.now();
  let connected = false;
  bus.onStatus((status) => {
    connected = status === 'connected';
  });
  return {
    ready: () => {
      const reasons: string[] = [];
      const oldestMailMs = node.oldestWaitingMs();
      const oldestTimerMs = node.oldestTimerMs();
      if (!connected) reasons.push('NATS is not connected; steps of local timers and effects go on');
      if (oldestMailMs > STUCK_MS) reasons.push(`the oldest mail waits for ${Math.round(oldestMailMs / 1_000)} s`);
      if (oldestTimerMs > STUCK_MS) reasons.push(`a timer is ${Math.round(oldestTimerMs / 1_000)} s late`);
      return Promise.resolve({
        ready: reasons.length === 0,
        reasons,
        notes: [...heldNote(hold), ...damageNotes(node), ...letterbox.notes()],
        effects: hold.held() === null ? 'performed' : 'held',
        nats: connected ? 'connected' : 'disconnected',
        uptimeSeconds: Math.round((clock.now() - startedMs) / 1_000),
        oldestMailMs,
        oldestTimerMs,
        pendingActs: node.outbox.size(),
        oldestActWishedAt: node.outbox.oldestWishedAt(),
        unpublishedBatches: publisher.lag(),
        actorsInMemory: node.actors.inMemory(),
      });
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
