/**
 * Stands between GitHub, Linear and Chartroom's public door and hands every delivery on, byte for byte. A test can
 * act at a chosen moment of a chosen delivery: when half of it is on its way, when all of it is, or when its answer came.
 */
import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

/** `half`: half of the body is sent. `sent`: all of it is, no answer yet. `answered`: its answer is not handed on. */
export type Moment = 'half' | 'sent' | 'answered';

export interface Gate {
  /** For `hooksThrough`. */
  through(target: string): string;
  /**
   * Does something at that moment of the next delivery of that event (`pull_request opened`, `AgentSessionEvent`), and
   * only then goes on with it. Resolves when it is done.
   */
  at(moment: Moment, event: string, act: () => Promise<unknown>): Promise<void>;
  /**
   * From now on this share of the deliveries does not arrive, chosen as if by chance and the same in every run; all of
   * them unless it is given. @returns how many were lost so far, whenever it is asked
   */
  lose(share?: number): () => number;
  close(): Promise<void>;
}

interface Plan {
  moment: Moment;
  event: string;
  act: () => Promise<unknown>;
  done: () => void;
  failed: (error: unknown) => void;
}

export async function openGate(): Promise<Gate> {
  const plans: Plan[] = [];
  let target = '';
  let lostShare = 0;
  let passed = 0;
  let lost = 0;

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (isLost(++passed, lostShare)) {
      lost += 1;
      outgoing.writeHead(502).end();
      return;
    }
    const index = plans.findIndex(({ event }) => event === nameOf(incoming, body, event));
    const [plan] = index === -1 ? [] : plans.splice(index, 1);
    const reach = async (moment: Moment): Promise<void> => {
      if (plan?.moment === moment) await plan.act().then(plan.done, plan.failed);
    };
    try {
      const { status, text } = await handOn(incoming, body, reach);
      await reach('answered');
      outgoing.writeHead(plan?.moment === 'answered' ? 502 : status).end(text);
    } catch {
      // Nobody answered: the runtime is gone.
      outgoing.writeHead(502).end();
    }
  }

  async function handOn(
    { url, headers }: IncomingMessage,
    body: Buffer,
    reach: (moment: Moment) => Promise<void>,
  ): Promise<{ status: number; text: string }> {
    const { host: _host, connection: _connection, ...kept } = headers;
    const forward = request(`${target}${url}`, { method: 'POST', headers: kept, agent: false });
    const answered = once(forward, 'response') as Promise<[IncomingMessage]>;
    answered.catch(() => {});
    const middle = Math.floor(body.length / 2);
    await flushed((then) => forward.write(body.subarray(0, middle), then));
    await reach('half');
    await flushed((then) => forward.end(body.subarray(middle), then));
    await reach('sent');
    const [answer] = await answered;
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    return { status: answer.statusCode ?? 502, text };
  }

  const server = createServer((incoming, outgoing) => void pass(incoming, outgoing));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    through(wanted) {
      target = wanted;
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    at: (moment, event, act) =>
      new Promise((done, failed) => {
        plans.push({ moment, event, act, done, failed });
      }),
    lose(share = 1) {
      lostShare = share;
      return () => lost;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Multiples of the golden ratio, of which only the fraction counts, are spread evenly and in no order. */
const isLost = (count: number, share: number): boolean => (count * 0.618_033_988_75) % 1 < share;

/** The delivery's event, with its action where the wanted one names an action. */
function nameOf({ headers }: IncomingMessage, body: Buffer, wanted: string): string {
  const event = String(headers['x-github-event'] ?? headers['linear-event']);
  if (!wanted.includes(' ')) return event;
  return `${event} ${(JSON.parse(body.toString('utf8')) as { action?: string }).action}`;
}

/** Written out to the socket; an error there shows up as the missing answer. */
function flushed(write: (then: () => void) => void): Promise<void> {
  return new Promise((resolve) => write(resolve));
}
