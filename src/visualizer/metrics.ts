/** Prometheus metrics: counters fed by committed facts, gauges read when asked. */
import { Counter, Gauge, Registry } from 'prom-client';
import { kindOf } from '../actor/address.ts';
import type { Fact } from '../actor/fact.ts';

export interface Metrics {
  /** Counts one committed fact. */
  count(fact: Fact): void;
  hook(source: string, routed: 'routed' | 'nobody' | 'unreadable'): void;
  text(): Promise<string>;
  contentType: string;
}

export interface Gauges {
  queuedBytes(): number;
  oldestMailMs(): number;
  oldestTimerMs(): number;
  outboxPending(): number;
  publishLag(): number;
  actorsInMemory(): number;
}

export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  const steps = new Counter({
    name: 'chartroom_steps_total',
    help: 'Committed steps by kind of actor, event type and outcome.',
    labelNames: ['kind', 'type', 'outcome'] as const,
    registers: [registry],
  });
  const kernel = new Counter({
    name: 'chartroom_kernel_facts_total',
    help: 'Dead letters, actors parked and unparked.',
    labelNames: ['type'] as const,
    registers: [registry],
  });
  const hooks = new Counter({
    name: 'chartroom_hooks_total',
    help: 'Webhook deliveries routed, by source; nobody = it concerned no actor.',
    labelNames: ['source', 'routed'] as const,
    registers: [registry],
  });
  const gauge = (name: string, help: string, read: () => number): void => {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      }),
    );
  };
  gauge('chartroom_queued_bytes', 'Bytes of envelopes waiting in memory.', gauges.queuedBytes);
  gauge('chartroom_oldest_mail_ms', 'Age of the oldest envelope waiting in memory.', gauges.oldestMailMs);
  gauge('chartroom_oldest_timer_ms', 'How late the oldest due timer is.', gauges.oldestTimerMs);
  gauge('chartroom_outbox_pending', 'Acts without an answer.', gauges.outboxPending);
  gauge('chartroom_publish_lag_batches', 'Batches whose facts are not published yet.', gauges.publishLag);
  gauge('chartroom_actors_in_memory', 'Actors in memory.', gauges.actorsInMemory);

  return {
    count(fact) {
      if (fact.envelope.source === 'kernel') kernel.inc({ type: fact.type });
      else {
        const type = fact.type.startsWith('xstate.') ? 'timer' : fact.type;
        steps.inc({ kind: kindOf(fact.actor), type, outcome: fact.outcome });
      }
    },
    hook: (source, routed) => hooks.inc({ source, routed }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
