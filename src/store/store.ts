/**
 * The contract of a store: an ordered map from text keys to text values, written in synced batches. One process opens
 * it at a time. Any implementation passes test/store/contract.ts.
 */

export type Operation = { put: string; value: string } | { del: string };

export interface Range {
  gte?: string;
  gt?: string;
  lt?: string;
  lte?: string;
  reverse?: boolean;
  limit?: number;
}

export interface Store {
  /** The value, or undefined. Synchronous: a step never awaits. */
  get(key: string): string | undefined;
  /** Entries in key order (bytewise UTF-8). Reads a consistent view of the moment it is called. */
  scan(range: Range): AsyncIterable<[key: string, value: string]>;
  /**
   * All operations or none, durable (synced) when the promise resolves. One write is in flight at a time; the caller
   * sees to it. After a failed write every later one is refused with `STORE_POISONED`: what the disk holds is no
   * longer known to us.
   * @throws StoreError
   */
  write(operations: Operation[]): Promise<void>;
  /** A consistent view streamed entry by entry while writes go on, for backup. */
  snapshot(): { entries(range: Range): AsyncIterable<[string, string]>; close(): Promise<void> };
  /** Bytes on disk by estimate. */
  size(): Promise<number>;
  close(): Promise<void>;
}

/**
 * `STORE_LOCKED` (another process holds it), `STORE_VERSION` (another build wrote it), `STORE_POISONED`,
 * `STORE_DAMAGED`, `STORE_FAILED`.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: 'STORE_LOCKED' | 'STORE_VERSION' | 'STORE_POISONED' | 'STORE_DAMAGED' | 'STORE_FAILED';

  constructor(code: StoreError['code'], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
