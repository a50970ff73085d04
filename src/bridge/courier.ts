/**
 * Brings deliveries into the stream and knows when they are durable. The stream alone is not (its server may answer
 * before it has synced): a delivery is safe when the runtime has taken it, or when it lies in the spool. What lies
 * there is published in order when the bus is back, and goes when the runtime has taken it; twice is harmless, since
 * the stream and every envelope made from a hook know it by its delivery id.
 */
import { BusError } from '../bus/bus.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import { RejectedInput, TransientError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { hookId, letterByRef, letterOf, subjectOf } from './hook.ts';
import type { Delivery } from './hook.ts';
import type { Spool } from './spool.ts';

/** Where bodies go that are too large for a message of the bus. */
export interface BodyStore {
  /** @returns what `bodyRef` of the hook will be. The same id again replaces it. */
  put(id: string, bytes: Uint8Array): Promise<string>;
}

export interface CourierOptions {
  bus: Pick<Bus, 'publish' | 'onStatus'>;
  spool: Spool;
  /** Resolves when the runtime has made durable what that letter of the stream `hook` caused. */
  taken: (seq: number) => Promise<void>;
  bodies?: BodyStore;
  clock: Clock;
  log: Logger;
  /** How long the runtime may take before the delivery is spooled as well. */
  hookWaitMs: number;
  /** First pause before the spool tries again, doubled up to `RETRY_MS_MAX`. */
  retryMs: number;
  letterBytesMax: number;
}

/** `taken` by the runtime, or `kept` in the spool until it is. */
export type Fate = 'taken' | 'kept';

export interface Courier {
  /** Resolves when the delivery is durable. @throws TransientError neither stream nor spool can take it; RejectedInput `HOOK_SIZE` */
  bring(delivery: Delivery): Promise<Fate>;
  /** Resolves when what was asked of the disk is done; what is spooled stays for the next process. */
  close(): Promise<void>;
}

/** A server that does not answer for this long is treated as gone: Linear waits 5 s for us, and the spool is there. */
const PUBLISH_WAIT_MS = 2_000;
const RETRY_MS_MAX = 30_000;
/** `status` of a BusError for what is larger than the server takes. */
const TOO_LARGE = 413;

export function createCourier(options: CourierOptions): Courier {
  const { bus, spool, taken, bodies, clock, log, hookWaitMs, retryMs, letterBytesMax } = options;
  /** What lies in the spool and in the stream: its place there. The rest of the spool is unpublished. */
  const published = new Map<number, number>();
  let connected = false;
  let closed = false;
  let failures = 0;
  let draining: Promise<void> | undefined;
  let drainAgain = false;
  let cancelRetry = () => {};
  const waits = new Set<() => void>();

  const unpublished = () => spool.numbers().filter((number) => !published.has(number));

  async function publish(delivery: Delivery): Promise<number> {
    const { head } = delivery;
    let letter = letterOf(delivery);
    if (letter.length > letterBytesMax) {
      if (bodies === undefined) throw tooLarge();
      letter = letterByRef(head, await bodies.put(hookId(head), delivery.body));
    }
    try {
      return (await bus.publish('hook', subjectOf(head), letter, { msgId: hookId(head) })).seq;
    } catch (error) {
      // Tried again it would be refused for ever, and everything behind it would wait.
      if (error instanceof BusError && error.status === TOO_LARGE) {
        throw new RejectedInput('HOOK_SIZE', 'the delivery is larger than NATS takes; set max_payload: 8MB there');
      }
      throw error;
    }
  }

  /** undefined: it took too long, or we are closing. What comes of it later is not lost, only not waited for. */
  function within<Value>(ms: number, work: Promise<Value>): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      const giveUp = () => resolve(undefined);
      const cancel = clock.after(ms, giveUp);
      waits.add(giveUp);
      work.then(resolve, reject).finally(() => {
        cancel();
        waits.delete(giveUp);
      });
    });
  }

  async function publishNow(delivery: Delivery): Promise<number | undefined> {
    // Behind what is spooled and not yet published it would overtake it.
    if (!connected || spool.size().count > published.size) return undefined;
    try {
      return await within(PUBLISH_WAIT_MS, publish(delivery));
    } catch (err) {
      if (err instanceof RejectedInput) throw err;
      log.warn({ err, delivery: delivery.head.delivery }, 'the bus did not take a delivery');
      return undefined;
    }
  }

  const takenInTime = (seq: number): Promise<boolean> =>
    within(
      hookWaitMs,
      taken(seq).then(() => true),
    ).then(
      (inTime) => inTime ?? false,
      (err: unknown) => {
        log.warn({ err, seq }, 'the runtime did not take a hook');
        return false;
      },
    );

  function drain(): void {
    cancelRetry();
    if (closed || !connected || spool.size().count === 0) return;
    if (draining !== undefined) {
      drainAgain = true;
      return;
    }
    drainAgain = false;
    draining = drainOnce()
      .then(
        () => {
          failures = 0;
        },
        (err: unknown) => {
          failures++;
          log.warn({ err, ...spool.size() }, 'the spool could not be brought into the stream');
        },
      )
      .finally(() => {
        draining = undefined;
        if (drainAgain) drain();
        else if (!closed && spool.size().count > 0) {
          cancelRetry = clock.after(Math.min(RETRY_MS_MAX, retryMs * 2 ** Math.min(failures, 10)), drain);
        }
      });
  }

  async function drainOnce(): Promise<void> {
    // Those spooled in one file are told one after the other, each with its place in the stream.
    await Promise.resolve();
    const waiting = spool.numbers();
    for (const number of unpublished()) {
      if (closed) return;
      const delivery = await spool.read(number);
      if (delivery === undefined) continue;
      const seq = await within(PUBLISH_WAIT_MS, publish(delivery)).catch((error: unknown) => {
        if (error instanceof RejectedInput) return spool.setAside(number, error);
        throw error;
      });
      if (!spool.has(number)) continue;
      if (seq === undefined) throw new TransientError('BUS_SILENT', 'the bus did not answer in time');
      published.set(number, seq);
    }
    for (const number of waiting) {
      const seq = published.get(number);
      if (seq === undefined) continue;
      if (closed || !(await takenInTime(seq))) return;
      await spool.remove(number);
      published.delete(number);
    }
    log.info({ count: waiting.length }, 'spooled deliveries were taken');
  }

  bus.onStatus((status) => {
    connected = status === 'connected';
    if (connected) {
      failures = 0;
      // The server may have come back without what it had: published again, it is a duplicate at worst.
      published.clear();
      drain();
    }
  });

  return {
    async bring(delivery) {
      // Also while the bus is away: spooled, it could never leave.
      if (bodies === undefined && letterOf(delivery).length > letterBytesMax) throw tooLarge();
      const seq = await publishNow(delivery);
      if (seq !== undefined && (await takenInTime(seq))) return 'taken';
      const number = await spool.add(delivery);
      if (seq !== undefined) published.set(number, seq);
      drain();
      return 'kept';
    },
    async close() {
      closed = true;
      cancelRetry();
      for (const giveUp of waits) giveUp();
      await draining;
    },
  };
}

const tooLarge = (): RejectedInput => new RejectedInput('HOOK_SIZE', 'the body is larger than a message of the bus');
