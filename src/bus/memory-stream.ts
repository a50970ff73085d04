/** One life of a stream in memory, with the limits and the window of message ids of the real one. */
import { DiscardPolicy } from 'nats';
import { BusError } from './bus.ts';
import type { Letter, StreamIdentity, StreamName } from './bus.ts';
import type { streamSettings } from './streams.ts';

export interface MemoryStream {
  /** @throws BusError `BUS_FULL` */
  store(subject: string, body: Uint8Array, given: { msgId?: string; receiptTo?: string; nowMs: number }): Stored;
  behind(after: number, max: number): Letter[];
  identity(): StreamIdentity;
  letters(): readonly Letter[];
  /** What lies behind a sequence is gone, as if it had never come. */
  cut(seq: number): void;
}

interface Stored {
  seq: number;
  duplicate: boolean;
}

export function createMemoryStream(
  name: StreamName,
  created: string,
  settings: ReturnType<typeof streamSettings>,
): MemoryStream {
  const messages: Letter[] = [];
  /** Message id → where it is stored and since when. */
  const ids = new Map<string, { seq: number; atMs: number }>();
  const windowMs = settings.duplicate_window / 1e6;
  let lastSeq = 0;
  let stamps = 0;
  let bytes = 0;

  /** First message behind `after`; sequences ascend, so the search may halve. */
  function firstBehind(after: number): number {
    let low = 0;
    let high = messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (messages[middle]!.seq <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    store(subject, body, { msgId, receiptTo, nowMs }) {
      const known = msgId === undefined ? undefined : ids.get(msgId);
      if (known !== undefined && nowMs - known.atMs < windowMs) return { seq: known.seq, duplicate: true };
      const isFull = (): boolean =>
        (settings.max_msgs >= 0 && messages.length >= settings.max_msgs) || bytes + body.length > settings.max_bytes;
      if (isFull() && settings.discard === DiscardPolicy.New) {
        throw new BusError('BUS_FULL', `the ${name} stream is full`, { status: 503 });
      }
      while (isFull() && messages.length > 0) bytes -= messages.shift()!.body.length;
      const seq = ++lastSeq;
      // Two letters within one millisecond of the clock are still two.
      messages.push({
        seq,
        stamp: `${nowMs}.${stamps++}`,
        subject,
        body,
        ...(receiptTo === undefined ? {} : { receiptTo }),
      });
      bytes += body.length;
      if (msgId !== undefined) ids.set(msgId, { seq, atMs: nowMs });
      return { seq, duplicate: false };
    },
    behind(after, max) {
      const from = firstBehind(after);
      return messages.slice(from, from + max);
    },
    identity() {
      const end = lastSeq === 0 ? 0 : lastSeq + 1;
      return { created, firstSeq: messages[0]?.seq ?? end, lastSeq };
    },
    letters: () => messages,
    cut(seq) {
      messages.splice(firstBehind(seq));
      for (const [id, known] of ids) if (known.seq > seq) ids.delete(id);
      lastSeq = Math.min(lastSeq, seq);
    },
  };
}
