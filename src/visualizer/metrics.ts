/** Prometheus metrics: counters fed by committed facts, gauges read when asked. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Want } from '../../machines/dispatcher/match.ts';
import type { IndexRow } from '../actor/actors.ts';
import { kindOf } from '../actor/address.ts';
import type { Fact } from '../actor/fact.ts';
import type { Source } from '../bridge/hook.ts';
import { SOURCE_STATES } from '../bridge/sweep.ts';
import type { SourceSight } from '../bridge/sweep.ts';

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
  agents(): Promise<Pick<IndexRow, 'address' | 'phase' | 'supervision'>[]>;
  /** What wants an agent and has none. */
  wants(): Promise<readonly WantedWork[]>;
  nowMs(): number;
  sources(): Partial<Record<Source, SourceSight>>;
}

/** `since`: ISO. */
export type WantedWork = Pick<Want, 'user' | 'role' | 'kind' | 'since'>;

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
  const exits = new Counter({
    name: 'chartroom_process_exits_total',
    help: 'Ended processes of agents, by how: clean, crash, contention, ended (by us).',
    labelNames: ['class'] as const,
    registers: [registry],
  });
  registerAgents(registry, gauges);
  registerWork(registry, gauges);
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
  registry.registerMetric(
    new Gauge({
      name: 'chartroom_source',
      help: 'How a source of webhooks stands: 1 at its state, 0 at the others.',
      labelNames: ['source', 'state'] as const,
      registers: [],
      collect() {
        for (const [source, sight] of Object.entries(gauges.sources()))
          for (const state of SOURCE_STATES) this.set({ source, state }, sight.state === state ? 1 : 0);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'chartroom_source_recovered',
      help: 'Deliveries and delegations that did not come by themselves and were fetched, since the start.',
      labelNames: ['source'] as const,
      registers: [],
      collect() {
        for (const [source, { recovered }] of Object.entries(gauges.sources())) this.set({ source }, recovered);
      },
    }),
  );

  return {
    count(fact) {
      if (fact.envelope.source === 'kernel') kernel.inc({ type: fact.type });
      else {
        const type = fact.type.startsWith('xstate.') ? 'timer' : fact.type;
        steps.inc({ kind: kindOf(fact.actor), type, outcome: fact.outcome });
        const exit = fact.type === 'driver.exited' ? fact.supervision?.lastExit : undefined;
        if (exit != null) exits.inc({ class: exit.class });
      }
    },
    hook: (source, routed) => hooks.inc({ source, routed }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** The sign for whoever hires or starts more agents: how much waits for one, and for how long. */
function registerWork(registry: Registry, { wants, nowMs }: Gauges): void {
  const labelNames = ['user', 'role', 'kind'] as const;
  registry.registerMetric(
    new Gauge({
      name: 'chartroom_waiting_work',
      help: 'Sessions that want an agent and have none, by user, role and kind of work.',
      labelNames,
      registers: [],
      async collect() {
        this.reset();
        for (const { user, role, kind } of await wants()) this.inc({ user, role, kind });
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'chartroom_waiting_work_oldest_seconds',
      help: 'For how long the oldest of them has waited.',
      labelNames,
      registers: [],
      async collect() {
        this.reset();
        // Of one kind the last is kept: the oldest.
        const newestFirst = (await wants()).toSorted((a, b) => Date.parse(b.since) - Date.parse(a.since));
        for (const { user, role, kind, since } of newestFirst) {
          this.set({ user, role, kind }, Math.max(0, nowMs() - Date.parse(since)) / 1_000);
        }
      },
    }),
  );
}

/** What supervision knows of each agent, read when asked: an agent that is gone has no row any more. */
function registerAgents(registry: Registry, { agents }: Gauges): void {
  registry.registerMetric(
    new Gauge({
      name: 'chartroom_agents',
      help: 'Agents by where they are in their lives.',
      labelNames: ['phase'] as const,
      registers: [],
      async collect() {
        this.reset();
        for (const { phase } of await agents()) this.inc({ phase });
      },
    }),
  );
  const perAgent = (name: string, help: string, read: (row: NonNullable<IndexRow['supervision']>) => number | null) =>
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: ['agent'] as const,
        registers: [],
        async collect() {
          this.reset();
          for (const { address, supervision } of await agents()) {
            const value = supervision === undefined ? null : read(supervision);
            if (value !== null) this.set({ agent: address }, value);
          }
        },
      }),
    );
  perAgent('chartroom_agent_crashes', 'Crashes of an agent within the window.', ({ crashes }) => crashes);
  perAgent(
    'chartroom_agent_backoff_until_seconds',
    'Unix time until when an agent starts nothing.',
    ({ backOffUntil }) => (backOffUntil === null ? null : Date.parse(backOffUntil) / 1_000),
  );
}
