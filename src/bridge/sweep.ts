/**
 * Makes good what got lost between a source and us. From time to time it compares the provider's own log of deliveries
 * with the hooks that came, fetches what is missing, and lists what was handed to us; how each source stands is told in
 * health. Hooks are taken twice without harm, so a sweep may fetch too much and never too little.
 */
import { RejectedInput } from '../errors.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { hookId, letterOf, parseHook, subjectOf } from './hook.ts';
import type { OpenedConcern } from './concern.ts';
import type { Delivery, Hook, Source } from './hook.ts';
import type { HandedOver, Routed } from './router.ts';

/**
 * `live`: the last sweep missed nothing. `lagging`: not known, the source could not be asked. `gap`: something that was
 * sent or handed over did not come and is being fetched. `healed`: what was missing has been taken.
 */
export type SourceState = 'live' | 'lagging' | 'gap' | 'healed';
export const SOURCE_STATES: readonly SourceState[] = ['live', 'lagging', 'gap', 'healed'];

export interface SourceSight {
  state: SourceState;
  since: string;
  /** Why it is not live, or what a sweep of it cannot see. */
  reason: string | null;
  lastHookAt: string | null;
  sweptAt: string | null;
  /** Known to be missing now. */
  missing: number;
  /** Made good since the start. */
  recovered: number;
}

/** A delivery as the provider's log has it. */
export interface LoggedDelivery {
  /** Its delivery id, the same for every attempt. */
  id: string;
  atMs: number;
  read(signal: AbortSignal): Promise<Delivery>;
}

export interface DeliveryLog {
  /** What the provider has sent, or tried to, since then; null: its log is not shown to us. */
  list(sinceMs: number, signal: AbortSignal): Promise<LoggedDelivery[] | null>;
}

export interface SweptSource {
  source: Source;
  /** Absent: this provider keeps none. */
  log?: DeliveryLog;
  /** What is handed to us now. */
  listHandedOver(signal: AbortSignal): Promise<HandedOver[]>;
  /** What a person should know of it, though nothing is missed; null = nothing. */
  note?(): string | null;
  /** Pull requests that are open now. */
  listOpened?(signal: AbortSignal): Promise<OpenedConcern[]>;
}

export interface SweepOptions {
  sources: readonly SweptSource[];
  bus: Pick<Bus, 'publish' | 'read' | 'identify'>;
  /** Resolves when the runtime has made durable what that letter of the stream `hook` caused. */
  taken(seq: number): Promise<void>;
  /** Opens what nobody works on. */
  recover(issues: readonly HandedOver[]): Promise<Routed>;
  /** Closes what nobody looks at any more. */
  closeLate(opened: readonly OpenedConcern[]): Promise<Routed>;
  /** Up to when a source is known to be whole; it outlives the process. */
  cursor: { read(source: Source): number | undefined; write(source: Source, ms: number): Promise<void> };
  everyMs: number;
  clock: Clock;
  log: Logger;
}

export interface Sweep {
  /** The router has taken this hook. */
  noteTaken(hook: Pick<Hook, 'source' | 'delivery'>): void;
  sights(): Partial<Record<Source, SourceSight>>;
  start(): void;
  stop(): Promise<void>;
}

/** What was sent a moment ago may still be on its way to us. */
const ON_ITS_WAY_MS = 5_000;
/** Deliveries may show up in the log late, and its clock is not ours. */
const OVERLAP_MS = 600_000;
/** GitHub keeps its log for three days. */
const LOG_KEPT_MS = 3 * 86_400_000;
/** `healed` is shown this long, so that a person who looks later sees it. */
const HEALED_MS = 3_600_000;
/** Letters of the stream that are read at a time. */
const PAGE = 500;

export function createSweep(options: SweepOptions): Sweep {
  const { sources, bus, taken, recover, closeLate, cursor, everyMs, clock, log } = options;
  const iso = (ms: number): string => new Date(ms).toISOString();
  const startedMs = clock.now();
  const ended = new AbortController();
  const { signal } = ended;
  const stopped = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the sweep ends')), { once: true });
  });
  stopped.catch(() => {});
  const sights = new Map<Source, SourceSight>(
    sources.map(({ source }) => [
      source,
      {
        state: 'lagging',
        since: iso(startedMs),
        reason: 'not looked at yet',
        lastHookAt: null,
        sweptAt: null,
        missing: 0,
        recovered: 0,
      },
    ]),
  );
  /** Hook ids that came, by the time at which they did. */
  const came = new Map<string, number>();
  /** No letter can carry them. */
  const hopeless = new Set<string>();
  let readBackTo: number | undefined;
  const loops = new Map<Source, { cancel: () => void; running: Promise<void> }>();

  function set(source: Source, change: Partial<SourceSight>): void {
    const before = sights.get(source)!;
    const moved = change.state !== undefined && change.state !== before.state;
    sights.set(source, { ...before, ...change, ...(moved ? { since: iso(clock.now()) } : {}) });
    if (!moved) return;
    const level = change.state === 'live' || change.state === 'healed' ? 'info' : 'warn';
    log[level](
      { source, from: before.state, to: change.state, why: change.reason ?? null },
      'a source stands otherwise',
    );
  }

  async function missingOf(
    { source, log: deliveries }: SweptSource,
    sinceMs: number,
  ): Promise<LoggedDelivery[] | null> {
    if (deliveries === undefined) return [];
    const logged = await deliveries.list(sinceMs, signal);
    if (logged === null) return null;
    const settledMs = clock.now() - ON_ITS_WAY_MS;
    const lacking = (one: LoggedDelivery): boolean => {
      const id = hookId({ source, delivery: one.id });
      return one.atMs >= sinceMs && one.atMs <= settledMs && !came.has(id) && !hopeless.has(id);
    };
    if (logged.some(lacking)) await readBack(sinceMs);
    // Oldest first, as they were sent; of several attempts one.
    const byId = new Map(logged.filter(lacking).map((one) => [one.id, one]));
    return [...byId.values()].toSorted((a, b) => a.atMs - b.atMs);
  }

  /** What an earlier process took lies in the stream; read from its end, and no further than needed. */
  async function readBack(sinceMs: number): Promise<void> {
    const untilMs = sinceMs - OVERLAP_MS;
    if (readBackTo !== undefined && readBackTo <= untilMs) return;
    const { firstSeq, lastSeq } = await bus.identify('hook');
    for (let end = lastSeq; end >= firstSeq && end > 0;) {
      const begin = Math.max(firstSeq, end - PAGE + 1);
      let oldestMs = Infinity;
      for (let after = begin - 1; after < end;) {
        const letters = await bus.read('hook', after, { max: PAGE, waitMs: 0, signal });
        if (letters.length === 0) break;
        after = letters.at(-1)!.seq;
        for (const { body } of letters) {
          const hook = hookOf(body);
          if (hook === undefined) continue;
          const atMs = Date.parse(hook.receivedAt);
          oldestMs = Math.min(oldestMs, atMs);
          came.set(hookId({ source: hook.source, delivery: firstId(hook.delivery) }), atMs);
        }
      }
      if (oldestMs < untilMs) break;
      end = begin - 1;
    }
    readBackTo = untilMs;
  }

  async function fetchMissing(source: Source, missing: readonly LoggedDelivery[]): Promise<void> {
    for (const [place, one] of missing.entries()) {
      set(source, { missing: missing.length - place });
      try {
        const delivery = await one.read(signal);
        const { head } = delivery;
        const { seq } = await bus.publish('hook', subjectOf(head), letterOf(delivery), { msgId: hookId(head) });
        await Promise.race([taken(seq), stopped]);
        set(source, { recovered: sights.get(source)!.recovered + 1 });
      } catch (err) {
        if (!(err instanceof RejectedInput)) throw err;
        hopeless.add(hookId({ source, delivery: one.id }));
        log.error({ err, source, delivery: one.id }, 'a delivery that was missed cannot be fetched');
      }
    }
  }

  async function sweep(one: SweptSource): Promise<void> {
    const { source } = one;
    const beganMs = clock.now();
    const before = sights.get(source)!;
    try {
      const sinceMs = Math.max(cursor.read(source) ?? startedMs, beganMs - LOG_KEPT_MS);
      const missing = await missingOf(one, sinceMs);
      if (missing !== null && missing.length > 0) {
        const reason = `${missing.length} ${missing.length === 1 ? 'delivery' : 'deliveries'} did not come`;
        set(source, { state: 'gap', reason, missing: missing.length });
        await fetchMissing(source, missing);
      }
      const { sent } = await recover(await one.listHandedOver(signal));
      // No gap: where no hooks are sent, this is how they are found.
      await closeLate((await one.listOpened?.(signal)) ?? []);
      const healed = (missing?.length ?? 0) + sent.length;
      if (sent.length > 0) set(source, { recovered: sights.get(source)!.recovered + sent.length });
      const blind =
        missing === null ? 'its log of deliveries is not shown to this account; watches look by themselves' : null;
      const notes = [blind, one.note?.() ?? null].filter((note) => note !== null).join('; ') || null;
      const { state, since } = sights.get(source)!;
      const isShown = state === 'healed' && clock.now() - Date.parse(since) < HEALED_MS;
      if (healed > 0) {
        set(source, { state: 'healed', reason: `${healed} that did not come by themselves were fetched`, missing: 0 });
      } else if (before.state === 'gap') {
        set(source, { state: 'healed', reason: 'what was missing has come', missing: 0 });
      } else if (!isShown) set(source, { state: 'live', reason: notes, missing: 0 });
      set(source, { sweptAt: iso(clock.now()) });
      await cursor.write(source, Math.max(beganMs - OVERLAP_MS, sinceMs));
      for (const [id, atMs] of came) if (atMs < beganMs - LOG_KEPT_MS - OVERLAP_MS) came.delete(id);
    } catch (err) {
      if (signal.aborted) return;
      const reason = (err as Error).message;
      // A gap that is known stays one until it is made good.
      set(source, { state: sights.get(source)!.state === 'gap' ? 'gap' : 'lagging', reason });
      log.debug({ err, source }, 'a sweep failed');
    }
  }

  function run(one: SweptSource): void {
    if (signal.aborted) return;
    const running = sweep(one).then(() => {
      if (!signal.aborted) loops.get(one.source)!.cancel = clock.after(everyMs, () => run(one));
    });
    loops.set(one.source, { cancel: () => {}, running });
  }

  return {
    noteTaken({ source, delivery }) {
      came.set(hookId({ source, delivery: firstId(delivery) }), clock.now());
      if (sights.has(source)) set(source, { lastHookAt: iso(clock.now()) });
    },
    sights: () => Object.fromEntries(sights),
    start() {
      for (const one of sources) run(one);
    },
    async stop() {
      ended.abort();
      for (const { cancel } of loops.values()) cancel();
      await Promise.all([...loops.values()].map(({ running }) => running));
    },
  };
}

/** One sent again by hand has `#n` behind it. */
const firstId = (delivery: string): string => delivery.replace(/#\d+$/, '');

function hookOf(body: Uint8Array): Hook | undefined {
  try {
    return parseHook(body);
  } catch {
    return undefined;
  }
}
