/**
 * A batch: everything a group of steps writes, in one synced write, numbered and chained by hash to the one before,
 * so that a gap or a flipped byte is found. What may leave the process waits in `after` until it is durable.
 */
import { createHash } from 'node:crypto';
import type { Operation } from '../store/store.ts';
import { KEYS } from '../store/keys.ts';
import type { Fact } from './fact.ts';

/** Steps, bytes and milliseconds after which a batch is closed. */
export const BATCH_STEPS_MAX = 256;
export const BATCH_BYTES_MAX = 1_048_576;
export const BATCH_MS_MAX = 5;

export interface BatchRecord {
  number: number;
  at: string;
  /** Hash of the record before; empty for the first. */
  prev: string;
  /** Hash over `prev` and everything written with this record. */
  hash: string;
  /** Committed steps in order. */
  steps: [actor: string, seq: number][];
  /** Facts that are not steps: parked, unparked, dead letters; kept whole, they are rare. */
  facts?: Fact[];
  /** Where each of them stands among all facts of the batch: read again, facts have the order they were told in. */
  factsAt?: number[];
}

export interface Batch {
  number: number;
  /** Later operations of a key replace earlier ones. */
  writes: Map<string, string | null>;
  steps: [string, number][];
  facts: Fact[];
  /** Facts of the record itself (see `BatchRecord.facts`). */
  kernelFacts: Fact[];
  /** Run in order once durable: receipts first. */
  after: (() => void)[];
  /** Told when it never becomes durable: whoever waits for it. */
  failures: ((error: Error) => void)[];
  bytes: number;
  startedMs: number;
}

export function openBatch(number: number, startedMs: number): Batch {
  return {
    number,
    writes: new Map(),
    steps: [],
    facts: [],
    kernelFacts: [],
    after: [],
    failures: [],
    bytes: 0,
    startedMs,
  };
}

export function put(batch: Batch, key: string, value: string): void {
  batch.writes.set(key, value);
  batch.bytes += key.length + value.length;
}

/** Removes a row; one that was put in this very batch never reaches the disk. */
export function del(batch: Batch, key: string, existsBefore: boolean): void {
  if (!existsBefore && batch.writes.has(key)) batch.writes.delete(key);
  else batch.writes.set(key, null);
  batch.bytes += key.length;
}

export const isEmpty = (batch: Batch): boolean => batch.writes.size === 0 && batch.after.length === 0;

/** Closes the batch: its operations with record and chain. */
export function seal(batch: Batch, prev: string, at: string): { operations: Operation[]; hash: string } {
  const operations: Operation[] = [];
  const hash = createHash('sha256').update(prev);
  for (const [key, value] of batch.writes) {
    operations.push(value === null ? { del: key } : { put: key, value });
    // Journals are what is kept for ever; the rest are caches and queues that later batches replace.
    if (value !== null && key.startsWith('0!journal!')) hash.update(key).update(value);
  }
  const record: BatchRecord = { number: batch.number, at, prev, hash: hash.digest('hex'), steps: batch.steps };
  if (batch.kernelFacts.length > 0) {
    record.facts = batch.kernelFacts;
    record.factsAt = batch.kernelFacts.map((fact) => batch.facts.indexOf(fact));
  }
  operations.push({ put: KEYS.batch(batch.number), value: JSON.stringify(record) });
  operations.push({ put: KEYS.meta('last'), value: JSON.stringify({ number: batch.number, hash: record.hash }) });
  return { operations, hash: record.hash };
}

/** The hash a record must have, from the record before and the journal entries it lists. */
export function recordHash(prev: string, entries: Iterable<[key: string, value: string]>): string {
  const hash = createHash('sha256').update(prev);
  for (const [key, value] of entries) hash.update(key).update(value);
  return hash.digest('hex');
}
