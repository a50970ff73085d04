/**
 * Messages to streams with their acknowledgements outstanding. The library's own requests make an error with its stack,
 * a timer and three promises for each; here all share one inbox, one timer, and what is published in one turn of the
 * loop goes out in one write.
 */
import type { Msg, MsgHdrs } from 'nats';
import { BusError } from './bus.ts';
import { busError } from './connection.ts';
import type { Connection } from './connection.ts';

/** A server that has not stored a message after this long is treated as gone; the same id again is harmless. */
const ACK_TIMEOUT_MS = 5_000;
/** What the server answers in the name of a stream that is not there. */
const NO_RESPONDER = 503;

export interface Acknowledgements {
  /** Rejects at once while disconnected, and at the moment of disconnection. @throws BusError */
  request(subject: string, body: string | Uint8Array, headers: MsgHdrs | undefined): Promise<Msg>;
}

interface Outstanding {
  subject: string;
  dueMs: number;
  resolve: (msg: Msg) => void;
  reject: (error: BusError) => void;
}

export function createAcknowledgements(connection: Connection): Acknowledgements {
  const { nc } = connection;
  /** In order of their sending, which is that of their ends. */
  const outstanding = new Map<string, Outstanding>();
  let inbox: string | null = null;
  let count = 0;
  let timer: NodeJS.Timeout | null = null;
  let sending: (() => void)[] = [];

  connection.onLink((status) => {
    if (status === 'connected') return;
    const error = connection.absence()!;
    for (const token of outstanding.keys()) take(token)!.reject(error);
  });
  connection.onDenied((subject) => {
    for (const [token, one] of outstanding) {
      if (one.subject === subject) take(token)!.reject(denied(subject));
    }
  });

  function take(token: string): Outstanding | undefined {
    const one = outstanding.get(token);
    outstanding.delete(token);
    return one;
  }

  function answer(msg: Msg): void {
    const one = take(msg.subject.slice(inbox!.length + 1));
    if (one === undefined) return;
    const isNobody = msg.data.length === 0 && msg.headers?.code === NO_RESPONDER;
    if (isNobody) one.reject(new BusError('BUS_NO_RESPONDER', `nobody answers ${one.subject}`));
    else one.resolve(msg);
  }

  function listen(): string {
    if (inbox !== null) return inbox;
    inbox = connection.inbox();
    nc.subscribe(`${inbox}.*`, { callback: (error, msg) => error === null && answer(msg) });
    return inbox;
  }

  function endLate(): void {
    timer = null;
    const now = performance.now();
    for (const [token, { dueMs, subject, reject }] of outstanding) {
      if (dueMs > now) return watch(dueMs - now);
      outstanding.delete(token);
      reject(new BusError('BUS_TIMEOUT', `no answer from ${subject} in time`));
    }
  }

  function watch(ms: number): void {
    if (timer !== null) return;
    // Whatever waits for an answer is kept alive by the connection.
    timer = setTimeout(endLate, ms).unref();
  }

  function sendSoon(send: () => void): void {
    sending.push(send);
    if (sending.length > 1) return;
    setImmediate(() => {
      const all = sending;
      sending = [];
      for (const one of all) one();
    });
  }

  return {
    request(subject, body, headers) {
      const absence = connection.absence();
      if (absence !== null) return Promise.reject(absence);
      return new Promise((resolve, reject) => {
        const token = String(++count);
        outstanding.set(token, { subject, dueMs: performance.now() + ACK_TIMEOUT_MS, resolve, reject });
        watch(ACK_TIMEOUT_MS);
        sendSoon(() => {
          // Gone already when the link was lost in between.
          if (!outstanding.has(token)) return;
          try {
            const reply = `${listen()}.${token}`;
            nc.publish(subject, body, headers === undefined ? { reply } : { reply, headers });
          } catch (error) {
            take(token)!.reject(busError(error, subject));
          }
        });
      });
    },
  };
}

const denied = (subject: string): BusError =>
  new BusError('BUS_REFUSED', `${subject}: this user of NATS may not publish there`);
