/** Storing messages in the streams: one by one, or many in order with their acknowledgements outstanding. */
import { headers } from 'nats';
import type { MsgHdrs } from 'nats';
import { createAcknowledgements } from './acknowledgements.ts';
import { BusError } from './bus.ts';
import type { Bus, StreamName } from './bus.ts';
import type { Connection } from './connection.ts';
import { checkInbox, RECEIPT_TO, subjectOf } from './subject.ts';

/** Acknowledgements outstanding in `publishAll`: a failure leaves at most these in doubt. */
const WINDOW = 512;

interface Acknowledgement {
  seq?: number;
  duplicate?: boolean;
  error?: { code: number; err_code?: number; description: string };
}

/** `onMissing`: told when a stream is not there, so that whoever may make streams does. */
export function createPublishing(
  connection: Connection,
  onMissing: () => void = () => {},
): Pick<Bus, 'publish' | 'publishAll'> {
  const acknowledgements = createAcknowledgements(connection);

  async function store(
    stream: StreamName,
    subject: string,
    body: string | Uint8Array,
    head: MsgHdrs | undefined,
  ): Promise<{ seq: number; duplicate: boolean }> {
    const full = subjectOf(connection.namespace, stream, subject);
    const msg = await acknowledgements.request(full, body, head).catch((error: unknown) => {
      if (!(error instanceof BusError) || error.code !== 'BUS_NO_RESPONDER') throw error;
      // Nobody listening on a stream's subject: there is no such stream, or no JetStream; maybe later.
      onMissing();
      throw new BusError('BUS_UNREACHABLE', `the ${stream} stream is not there`, { cause: error });
    });
    const { seq, duplicate, error } = msg.json<Acknowledgement>();
    if (error !== undefined) throw ackError(error, stream);
    return { seq: seq!, duplicate: duplicate === true };
  }

  return {
    async publish(stream, subject, body, { msgId, receiptTo } = {}) {
      return store(stream, subject, body, headersOf({ msgId, receiptTo }));
    },
    async publishAll(stream, messages) {
      for (let from = 0; from < messages.length; from += WINDOW) {
        const sent = messages
          .slice(from, from + WINDOW)
          .map(({ subject, body, msgId }) => store(stream, subject, body, headersOf({ msgId })));
        const failed = (await Promise.allSettled(sent)).find((result) => result.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      }
    },
  };
}

function headersOf({
  msgId,
  receiptTo,
}: {
  msgId?: string | undefined;
  receiptTo?: string | undefined;
}): MsgHdrs | undefined {
  if (msgId === undefined && receiptTo === undefined) return undefined;
  const result = headers();
  if (msgId !== undefined) result.set('Nats-Msg-Id', msgId);
  if (receiptTo !== undefined) result.set(RECEIPT_TO, checkInbox(receiptTo));
  return result;
}

/** Error codes of the server: a stream at its limit, and a disk or account without room. */
const FULL = new Set([10_077, 10_023, 10_047, 10_028]);

function ackError(error: NonNullable<Acknowledgement['error']>, stream: StreamName): BusError {
  return FULL.has(error.err_code ?? 0)
    ? new BusError('BUS_FULL', `the ${stream} stream is full: ${error.description}`, { status: error.code })
    : new BusError('BUS_REFUSED', `the ${stream} stream refused: ${error.description}`, { status: error.code });
}
