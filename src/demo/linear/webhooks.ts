/**
 * Sends webhooks: signed, one after another, with a log of every attempt. A delivery that is not answered with HTTP 200
 * within five seconds is tried again after a minute, an hour and six hours, under the same delivery id.
 */
import { createHmac } from 'node:crypto';
import type { Workspace } from './records.ts';
import type { Payload } from './payloads.ts';

export interface WebhookTarget {
  url: string;
  secret: string;
}

export interface Delivery {
  /** Header `Linear-Delivery`. */
  id: string;
  event: string;
  action: string;
  body: Record<string, unknown>;
  state: 'waiting' | 'delivered' | 'failed' | 'lost';
  attempts: { at: string; status?: number; error?: string }[];
}

/** Linear waits this long for an answer. */
const ANSWER_MS = 5_000;
/** Waits before the second, third and fourth attempt. */
const RETRY_MS = [60_000, 3_600_000, 21_600_000];

export interface Webhooks {
  deliveries: Delivery[];
  send(payload: Payload): void;
  /** Sends a logged delivery once more, under its id. */
  redeliver(id: string): void;
  /** `deliver` sends, `hold` keeps until `deliver` is chosen again, `lose` never sends what happens meanwhile. */
  mode(mode: 'deliver' | 'hold' | 'lose'): void;
  retarget(target: WebhookTarget | undefined): void;
  /** Resolves when every attempt begun so far has ended; waits between attempts are not waited for. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export function createWebhooks(workspace: Workspace, firstTarget: WebhookTarget | undefined): Webhooks {
  const webhookId = workspace.newId();
  const deliveries: Delivery[] = [];
  const cancels = new Set<() => void>();
  let target = firstTarget;
  let mode: 'deliver' | 'hold' | 'lose' = 'deliver';
  let held: Delivery[] = [];
  let queue: Promise<void> = Promise.resolve();
  const closing = new AbortController();

  function enqueue(delivery: Delivery): void {
    queue = queue.then(() => attempt(delivery));
  }

  async function attempt(delivery: Delivery): Promise<void> {
    if (closing.signal.aborted || target === undefined) return;
    const sentAtMs = workspace.clock.now();
    const record: Delivery['attempts'][number] = { at: new Date(sentAtMs).toISOString() };
    delivery.attempts.push(record);
    const raw = JSON.stringify({ ...delivery.body, webhookTimestamp: sentAtMs, webhookId });
    const abort = new AbortController();
    const giveUp = later(ANSWER_MS, () => abort.abort());
    try {
      const response = await fetch(target.url, {
        method: 'POST',
        signal: AbortSignal.any([abort.signal, closing.signal]),
        body: raw,
        headers: {
          'Content-Type': 'application/json; charset=utf-8',
          'User-Agent': 'Linear-Webhook',
          'Linear-Delivery': delivery.id,
          'Linear-Event': delivery.event,
          'Linear-Signature': createHmac('sha256', target.secret).update(raw).digest('hex'),
          'Linear-Timestamp': String(sentAtMs),
        },
      });
      await response.arrayBuffer();
      record.status = response.status;
    } catch (error) {
      record.error = error instanceof Error ? error.message : String(error);
    }
    giveUp();
    if (record.status === 200) {
      delivery.state = 'delivered';
      return;
    }
    const wait = RETRY_MS[delivery.attempts.length - 1];
    delivery.state = wait === undefined ? 'failed' : 'waiting';
    if (wait !== undefined && !closing.signal.aborted) later(wait, () => enqueue(delivery));
  }

  function later(ms: number, call: () => void): () => void {
    const stop = workspace.clock.after(ms, () => {
      cancels.delete(cancel);
      call();
    });
    const cancel = (): void => {
      cancels.delete(cancel);
      stop();
    };
    cancels.add(cancel);
    return cancel;
  }

  return {
    deliveries,
    send({ event, action, body }) {
      if (target === undefined) return;
      const delivery: Delivery = {
        id: workspace.newId(),
        event,
        action,
        body: structuredClone(body),
        state: mode === 'lose' ? 'lost' : 'waiting',
        attempts: [],
      };
      deliveries.push(delivery);
      if (mode === 'hold') held.push(delivery);
      if (mode === 'deliver') enqueue(delivery);
    },
    redeliver(id) {
      const delivery = deliveries.find((one) => one.id === id);
      if (delivery === undefined) throw new Error(`no delivery ${id}`);
      enqueue(delivery);
    },
    mode(next) {
      mode = next;
      if (mode !== 'deliver') return;
      for (const delivery of held) enqueue(delivery);
      held = [];
    },
    retarget(next) {
      target = next;
    },
    async settled() {
      let seen: Promise<void> | undefined;
      while (seen !== queue) {
        seen = queue;
        await seen;
      }
    },
    async close() {
      closing.abort();
      for (const cancel of cancels) cancel();
      await queue;
    },
  };
}
