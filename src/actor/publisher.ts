/**
 * Publishes the facts of committed batches, at least once and in order per actor. The row *published up to* follows
 * what the stream has acknowledged, so a start goes on from there, out of the batch records and journals.
 */
import type { Bus, Letter } from '../bus/bus.ts';
import { KEYS } from '../store/keys.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { idOf, kindOf } from './address.ts';
import { StoreError } from '../store/store.ts';
import type { BatchRecord } from './batch.ts';
import { batchOf } from './batch-search.ts';
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
/** What health tells of the stream; older sights are in the log. */
const NOTES_MAX = 20;
/** Which life of the stream the facts before went into. */
const STREAM = KEYS.meta('facts');

export interface Publisher {
  /** Facts as they are committed, for server-sent events. */
  subscribe(tell: (fact: Fact, cursor: string) => void): () => void;
  /** Facts behind a cursor (`batch.index`), oldest first, from the store. */
  since(cursor: string): AsyncIterable<{ fact: Fact; cursor: string }>;
  /** The cursor of the last fact committed: what comes is behind it. */
  position(): string;
  /** Batches committed and not yet published. */
  lag(): number;
  /** What went wrong with the stream, for health. */
  notes(): string[];
  start(): void;
  stop(): Promise<void>;
}

interface PublisherOptions {
  node: Node;
  bus: Bus;
  clock: Clock;
  log: Logger;
  namespace: string;
}

export function createPublisher({ node, bus, clock, log, namespace }: PublisherOptions): Publisher {
  const listeners = new Set<(fact: Fact, cursor: string) => void>();
  const memory = new Map<number, Fact[]>();
  let inMemory = 0;
  let published = 0;
  let latest = 0;
  let working: Promise<void> | null = null;
  let stopped = true;
  /** The stream was found to be the one the facts before went into, and to have them. */
  let isSame = false;
  /** Times the link was lost. */
  let losses = 0;
  const notes: string[] = [];

  bus.onStatus((status) => {
    // A server that comes back may have lost what it had acknowledged.
    if (status === 'connected') return work();
    isSame = false;
    losses += 1;
  });

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
    // Not in the turn of the commit: its receipts go out first.
    working = othersTurn()
      .then(publishAll)
      .finally(() => {
        working = null;
        if (needsWork() && !stopped) work();
      });
  }

  const needsWork = (): boolean => published < latest || !isSame;

  async function publishAll(): Promise<void> {
    while (needsWork() && !stopped) {
      try {
        await node.lapse();
      } catch {
        // The namespace is another's: the runtime ends, and what is not published is in its store.
        stopped = true;
        return;
      }
      if (isStopped()) return;
      let next: ReturnType<typeof nextMessages>;
      try {
        if (!isSame) await compareStream();
        next = nextMessages();
        if (next.messages.length > 0) await bus.publishAll('fact', next.messages);
      } catch (error) {
        if (error instanceof StoreError) {
          node.end(error);
          return;
        }
        log.debug({ err: (error as Error).message, batch: published + 1 }, 'facts wait for the bus');
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
        continue;
      }
      const { messages, upTo } = next;
      for (let batch = published + 1; batch <= upTo; batch++) {
        inMemory -= memory.get(batch)?.length ?? 0;
        memory.delete(batch);
      }
      published = upTo;
      if (messages.length > 0) await node.write([{ key: KEYS.meta('published'), value: String(upTo) }], { lazy: true });
    }
  }

  /** Whether the stream has what was published: it may have been made anew, or have lost its end. */
  async function compareStream(): Promise<void> {
    const lossesBefore = losses;
    const { created } = await bus.identify('fact');
    const before = node.read(STREAM);
    const last = before === created ? await bus.last('fact') : null;
    if (before !== created) {
      void node.write([{ key: STREAM, value: created }], { lazy: true });
      if (before !== undefined && published > 0) {
        note(`the fact stream was replaced (made ${created}): facts up to batch ${published} are in histories only`);
      }
    } else if (last !== null) {
      const batch = lastBatchIn(last);
      const lost = batch === null ? 0 : countFacts(batch + 1, published);
      if (batch !== null && lost > 0) {
        note(`the fact stream had lost its end: ${lost} facts are told once more`);
        published = batch;
      }
    }
    isSame = losses === lossesBefore;
  }

  function note(text: string): void {
    notes.push(text);
    notes.splice(0, notes.length - NOTES_MAX);
    log.warn({}, text);
  }

  /** The last batch of which a message is the last fact; the one before where more of it should follow. */
  function lastBatchIn({ body }: Letter): number | null {
    const fact = readFact(body);
    if (fact === null) return null;
    const { id, time, data } = fact;
    const isKernels = data.envelope.source === 'kernel';
    const batch = isKernels ? batchOfKernelFact(id) : batchOf(node.read, data.actor, data.seq, time);
    if (batch === null) return null;
    const facts = factsOf(batch);
    const isLast = facts.length > 0 && idOfFact(facts.at(-1)!, `${batch}.${facts.length - 1}`) === id;
    return isLast ? batch : batch - 1;
  }

  function countFacts(from: number, to: number): number {
    let count = 0;
    for (let batch = from; batch <= to; batch++) count += factsOf(batch).length;
    return count;
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
          body: envelopeText(fact, namespace, `${batch}.${index}`),
          msgId: idOfFact(fact, `${batch}.${index}`),
        });
      });
    }
    return { messages, upTo };
  }

  function factsOf(batch: number): Fact[] {
    const text = node.read(KEYS.batch(batch));
    if (text === undefined) return [];
    let record: BatchRecord;
    try {
      record = JSON.parse(text) as BatchRecord;
    } catch (error) {
      log.error({ err: error, batch }, 'a batch that is to be told cannot be read');
      return [];
    }
    const facts = record.steps.flatMap(([actor, seq]) => {
      const entryAt = entriesOf(node.read, actor);
      try {
        const entry = entryAt(seq);
        return [journalFact(actor, seq, entry, receiptOf(actor, seq, entry, entryAt))];
      } catch (error) {
        if (error instanceof StoreError) throw error;
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
    notes: () => notes,
    start() {
      stopped = false;
      isSame = false;
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

function readFact(body: Uint8Array): FactEnvelope | null {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as FactEnvelope;
  } catch {
    return null;
  }
}

/** It ends with its cursor, `batch.index`. */
function batchOfKernelFact(id: string): number | null {
  const batch = Number(id.slice(id.lastIndexOf('/') + 1).split('.')[0]);
  return Number.isSafeInteger(batch) && batch > 0 ? batch : null;
}

const idOfFact = (fact: Fact, cursor: string): string =>
  fact.envelope.source === 'kernel' ? `${fact.actor}/${fact.seq}/${fact.type}/${cursor}` : `${fact.actor}/${fact.seq}`;

/** A fact as it is on the bus, the JSON of a `FactEnvelope`. */
function envelopeText(fact: Fact, namespace: string, cursor: string): string {
  let data = JSON.stringify(fact);
  if (Buffer.byteLength(data) > DATA_BYTES_MAX) {
    data = JSON.stringify({ ...fact, before: null, after: null, waitingOn: [], dataomitted: true } satisfies Fact);
  }
  const head: Omit<FactEnvelope, 'data'> = {
    specversion: '1.0',
    id: idOfFact(fact, cursor),
    source: `/${namespace}`,
    type: fact.type,
    subject: fact.actor,
    time: fact.at,
    datacontenttype: 'application/json',
  };
  return `${JSON.stringify(head).slice(0, -1)},"data":${data}}`;
}

const othersTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
