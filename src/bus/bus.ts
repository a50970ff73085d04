/**
 * The contract of the bus, between this process and everything outside: three streams, questions and receipts
 * (docs/protocol.md §2). `nats-bus.ts` is the real one, `memory-bus.ts` that of the tests; both pass
 * test/bus/contract.ts. Only src/bus knows nats.
 */

export type StreamName = 'mail' | 'hook' | 'fact';

/** A message read from a stream, with its place in it. */
export interface Letter {
  /** Sequence in the stream, from 1, with gaps where messages were removed. */
  seq: number;
  /** When the server stored it: with its sequence it tells a letter from another that was given the same one later. */
  stamp: string;
  /** Subject tokens behind `<ns>.<stream>.`, e.g. `session.eng-42`. */
  subject: string;
  body: Uint8Array;
  /** Where the sender wants the receipt, as it said it: only an inbox will do. */
  receiptTo?: string;
}

/** What tells one life of a stream from another (made anew, emptied, restored). */
export interface StreamIdentity {
  /** ISO creation time. */
  created: string;
  firstSeq: number;
  lastSeq: number;
}

/** How a question was answered: JSON, or an error with an HTTP-like code. */
export type Answer = { body: string } | { error: 400 | 404 | 503; message: string };

/** A row of the namespace's small table (the lease of the runtime). `revision` changes with every write. */
export interface BusRow {
  value: string;
  revision: number;
}

export interface Bus {
  /**
   * Letters behind `after`, at most `max`; waits up to `waitMs` for the first (also while disconnected). Empty when there
   * is none. Reads nothing twice and loses nothing over a reconnect.
   * @throws BusError `BUS_REPLACED`: the stream is not the one last identified, or ends before `after`; identify it again
   */
  read(
    stream: 'mail' | 'hook',
    after: number,
    options: { max: number; waitMs: number; signal?: AbortSignal },
  ): Promise<Letter[]>;
  /** The last message of a stream; null when it is empty. */
  last(stream: StreamName): Promise<Letter | null>;
  /** The stamp of the letter that has this sequence now; null: none has. */
  stampOf(stream: StreamName, seq: number): Promise<string | null>;
  /** Also settles which life of the stream `read` reads from now on. */
  identify(stream: StreamName): Promise<StreamIdentity>;
  /** Stores a message; resolves when the server has it. `msgId`: de-duplication within the stream's window. @throws BusError */
  publish(
    stream: StreamName,
    subject: string,
    body: string | Uint8Array,
    options?: { msgId?: string; receiptTo?: string },
  ): Promise<{ seq: number; duplicate: boolean }>;
  /** Like publish without waiting for each acknowledgement: resolves when all are stored. In order. */
  publishAll(stream: StreamName, messages: { subject: string; body: string; msgId: string }[]): Promise<void>;
  /** Sends a receipt to the inbox a sender named. Never throws: a receipt can be asked for again. */
  reply(inbox: string, body: string): void;
  /** Answers `<ns>.ask.<question>`, registered as a NATS service (`$SRV.*`). */
  serve(questions: Record<string, (body: Uint8Array) => Promise<Answer>>): Promise<{ stop(): Promise<void> }>;
  /** Plain subjects of live views, not stored: `<ns>.live.<subject>`. */
  broadcast(subject: string, body: string): void;
  listen(subject: string, handle: (subject: string, body: Uint8Array) => void): { stop(): void };
  getRow(key: string): Promise<BusRow | null>;
  /** Writes a row whose revision is still this (0: there is none); returns the new one, null when somebody else wrote. */
  putRow(key: string, value: string, revision: number): Promise<number | null>;
  /** What a person has to know of the link and the streams now, in sentences: `reasons` why nothing moves, and `notes`. */
  look(): Promise<{ reasons: string[]; notes: string[] }>;
  /** Connected or not, told at every change and once at the call. */
  onStatus(tell: (status: 'connected' | 'disconnected') => void): void;
  close(): Promise<void>;
}

/** What a client outside uses: command line, tests, other programs. */
export interface BusClient {
  /** Asks and waits. @throws BusError `BUS_NO_RESPONDER` | `BUS_TIMEOUT` | `BUS_UNREACHABLE` | `BUS_REFUSED` (with the service's code in `status`) */
  ask(question: string, body: unknown, options?: { timeoutMs?: number }): Promise<unknown>;
  /**
   * Puts an envelope into an actor's letterbox, where it is kept while the runtime is down. `receipt` settles when the
   * runtime has taken it; it rejects with `BUS_TIMEOUT` after `timeoutMs`. @throws BusError like `Bus.publish`
   */
  mail(
    address: string,
    envelope: unknown,
    options?: { timeoutMs?: number },
  ): Promise<{ seq: number; receipt: Promise<unknown> }>;
  /** Facts from now on, or from a stream sequence; goes on after a reconnect where it was. */
  follow(
    filter: { actor?: string; fromSeq?: number },
    signal: AbortSignal,
  ): AsyncIterable<{ seq: number; body: string }>;
  /** To whoever listens at this moment on `<ns>.live.<subject>`; lost while disconnected. */
  broadcast(subject: string, body: string): void;
  close(): Promise<void>;
}

export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code:
    | 'BUS_UNREACHABLE'
    | 'BUS_NO_RESPONDER'
    | 'BUS_TIMEOUT'
    | 'BUS_FULL'
    | 'BUS_REFUSED'
    | 'BUS_REPLACED'
    | 'BUS_CLOSED';
  readonly status: number | undefined;

  constructor(code: BusError['code'], message: string, options: { cause?: unknown; status?: number } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = options.status;
  }
}
