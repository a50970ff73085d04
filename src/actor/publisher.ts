/**
 * Publishes the facts of committed batches, at least once and in order per actor. The row *published up to* follows
 * what the stream has acknowledged, so a start goes on from there, out of the batch records and journals.
 */
import type { Bus } from '../bus/bus.ts';
import { KEYS } from '../store/keys.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { idOf, kindOf } from './address.ts';
import type { BatchRecord } from './batch.ts';
import type { Fact, FactEnvelope } from './fact.ts';
import { journalFact } from './facts.ts';
import { entriesOf, receiptOf } from './journal.ts';
import type { Node } from './node.ts';

/** Facts kept in memory while the bus is away; what is older is read again from the store. */
const MEMORY_FACTS_MAX = 20_000;
/** `data` over this many bytes leaves out its larger parts. */
const DATA_BYTES_MAX = 16_384;
/** Facts on their way before the stream has acknowledged them. */
const TOGETHER_MAX = 512;
const RETRY_MS = 1_000;

export interface Publisher {
  /** Facts as they are committed, for server-sent events. */
  subscribe(tell: (fact: Fact, cursor: string) => void): () => void;
  /** Facts behind a cursor (`batch.index`), oldest first, from the store. */
  since(cursor: string): AsyncIterable<{ fact: Fact; cursor: string }>;
  /** The cursor of the last fact committed: what comes is behind it. */
  position(): string;
  /** Batches committed and not yet published. */
  lag(): number;
  start(): void;
  stop(): Promise<void>;
}

interface PublisherOptions {
  node: Node;
  bus: Bus;
  clock: Clock;
  log: Logger;
  namespace: string;
  /** See `Lease.lapse`. */
  lapse?: () => Promise<void> | null;
}

export function createPublisher({ node, bus, clock, log, namespace, lapse = () => null }: PublisherOptions): Publisher {
  const listeners = new Set<(fact: Fact, cursor: string) => void>();
  const memory = new Map<number, Fact[]>();
  let inMemory = 0;
  let published = 0;
  let latest = 0;
  let working: Promise<void> | null = null;
  let stopped = true;

  node.onCommitted(({ facts, batch }) => {
    latest = Math.max(latest, batch);
    facts.forEach((fact, index) => {
      for (const tell of listeners) tell(fact, `${batch}.${index}`);
    });
    // The batch a start begins with is told without its facts; they are in the store.
    if (facts.length > 0 && inMemory + facts.length <= MEMORY_FACTS_MAX) {
      memory.set(batch, facts);
      inMemory += facts.length;
    }
    work();
  });

  const isStopped = (): boolean => stopped;

  function work(): void {
    if (stopped || working !== null) return;
    working = publishAll().finally(() => {
      working = null;
      if (published < latest && !stopped) work();
    });
  }

  async function publishAll(): Promise<void> {
    while (published < latest && !stopped) {
      try {
        await lapse();
      } catch {
        // The namespace is another's: the runtime ends, and what is not published is in its store.
        stopped = true;
        return;
      }
      if (isStopped()) return;
      const { messages, upTo } = nextMessages();
      try {
        if (messages.length > 0) await bus.publishAll('fact', messages);
      } catch (error) {
        log.debug({ err: (error as Error).message, batch: published + 1 }, 'facts wait for the bus');
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
        continue;
      }
      for (let batch = published + 1; batch <= upTo; batch++) {
        inMemory -= memory.get(batch)?.length ?? 0;
        memory.delete(batch);
      }
      published = upTo;
      if (messages.length > 0) await node.write([{ key: KEYS.meta('published'), value: String(upTo) }], { lazy: true });
    }
  }

  /** The facts of the next batches, as many as go out together: a wait for each batch's own is longer than a batch. */
  function nextMessages(): { messages: Parameters<Bus['publishAll']>[1]; upTo: number } {
    const messages: Parameters<Bus['publishAll']>[1] = [];
    let upTo = published;
    while (upTo < latest && messages.length < TOGETHER_MAX) {
      const batch = ++upTo;
      (memory.get(batch) ?? factsOf(batch)).forEach((fact, index) => {
        messages.push({
          subject: `${token(kindOf(fact.actor))}.${token(idOf(fact.actor))}.${fact.type.replaceAll('.', '_')}`,
          body: JSON.stringify(envelopeOf(fact, namespace, `${batch}.${index}`)),
          msgId: idOfFact(fact, `${batch}.${index}`),
        });
      });
    }
    return { messages, upTo };
  }

  function factsOf(batch: number): Fact[] {
    const text = node.read(KEYS.batch(batch));
    if (text === undefined) return [];
    const record = JSON.parse(text) as BatchRecord;
    const facts = record.steps.flatMap(([actor, seq]) => {
      const entryAt = entriesOf(node.read, actor);
      try {
        const entry = entryAt(seq);
        return [journalFact(actor, seq, entry, receiptOf(actor, seq, entry, entryAt))];
      } catch (error) {
        // One step that cannot be read must not hold up the facts of all others.
        log.error({ err: error, actor, seq, batch }, 'a step that is to be told cannot be read');
        return [];
      }
    });
    record.facts?.forEach((fact, index) => facts.splice(record.factsAt?.[index] ?? facts.length, 0, fact));
    return facts;
  }

  return {
    subscribe(tell) {
      listeners.add(tell);
      return () => void listeners.delete(tell);
    },
    async *since(cursor) {
      const [batchText, indexText] = cursor.split('.');
      let batch = Number(batchText);
      let index = Number(indexText ?? 0) + 1;
      if (!Number.isSafeInteger(batch) || batch < 0) return;
      for (; batch <= latest; batch++) {
        const facts = factsOf(batch);
        for (; index < facts.length; index++) yield { fact: facts[index]!, cursor: `${batch}.${index}` };
        index = 0;
      }
    },
    position: () => `${latest}.${Math.max(0, factsOf(latest).length - 1)}`,
    lag: () => latest - published,
    start() {
      stopped = false;
      published = Number(node.read(KEYS.meta('published')) ?? 0);
      work();
    },
    async stop() {
      stopped = true;
      await working;
    },
  };
}

/** A letter to what is no address is a fact too, and must not hold up the others: what a subject may not have is `_`. */
const token = (text: string): string => text.replace(/[^A-Za-z0-9_-]+/g, '_') || '_';

const idOfFact = (fact: Fact, cursor: string): string =>
  fact.envelope.source === 'kernel' ? `${fact.actor}/${fact.seq}/${fact.type}/${cursor}` : `${fact.actor}/${fact.seq}`;

export function envelopeOf(fact: Fact, namespace: string, cursor: string): FactEnvelope {
  let data = fact;
  if (Buffer.byteLength(JSON.stringify(fact)) > DATA_BYTES_MAX) {
    data = { ...fact, before: null, after: null, waitingOn: [], dataomitted: true };
  }
  return {
    specversion: '1.0',
    id: idOfFact(fact, cursor),
    source: `/${namespace}`,
    type: fact.type,
    subject: fact.actor,
    time: fact.at,
    datacontenttype: 'application/json',
    data,
  };
}
