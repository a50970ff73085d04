/**
 * The second process of the part `hooks`: posts signed deliveries at a steady rate and measures each from the moment
 * it was due, so that a server that falls behind cannot hide it. Told what to do by its parent, ends with it.
 */
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { percentile } from './figure.ts';

export interface Posting {
  url: string;
  secret: string;
  /** Deliveries a second. */
  rate: number;
  warmMs: number;
  ms: number;
  sessions: number;
  /** Ids of comments go on from here: a task’s deliveries are no duplicates of another’s. */
  firstComment: number;
}

export interface Posted {
  /** All that were sent, those before anything was measured as well. */
  sent: number;
  count: number;
  /** Answered otherwise than 200 (spooled, refused), or never sent since too many were under way. */
  other: number;
  p50: number;
  p99: number;
}

/** As GitHub’s are, issue and repository with all their fields. */
const BODY_BYTES = 25_000;
/** A server that far behind has failed the figure; what is due beyond it is counted and not sent. */
const UNDER_WAY_MAX = 2_000;
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

function bodyOf(session: number, comment: number): string {
  const delivery = {
    action: 'created',
    issue: { number: session + 1, title: `Issue ${session}`, user: { login: 'ann', type: 'User' } },
    comment: {
      id: comment,
      html_url: `https://github.com/acme/api/issues/${session + 1}#issuecomment-${comment}`,
      body: 'Please look at the other handler too.',
      user: { login: 'ann', type: 'User' },
    },
    repository: { full_name: 'acme/api', description: '' },
    sender: { login: 'ann', type: 'User' },
  };
  delivery.repository.description = 'x'.repeat(BODY_BYTES - JSON.stringify(delivery).length);
  return JSON.stringify(delivery);
}

function post(posting: Posting, body: string, comment: number): Promise<number> {
  const { url, secret } = posting;
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'issue_comment',
    'x-github-delivery': `bench-${comment}`,
    'x-hub-signature-256': `sha256=${signature}`,
  };
  return new Promise((resolve, reject) => {
    const sending = request(`${url}/webhooks/github`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    // A connection that the server has just closed for having been idle is no answer of it.
    sending.once('error', (error) => (sending.reusedSocket ? resolve(post(posting, body, comment)) : reject(error)));
    sending.end(body);
  });
}

async function perform(posting: Posting): Promise<Posted> {
  const { rate, warmMs, ms, sessions, firstComment } = posting;
  const latencies: number[] = [];
  const underWay = new Set<Promise<void>>();
  let other = 0;
  let unsent = 0;
  const start = performance.now();
  const total = Math.floor(((warmMs + ms) / 1_000) * rate);
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - start) / 1_000) * rate) + 1);
    for (; sent < due; sent++) {
      if (underWay.size >= UNDER_WAY_MAX) {
        unsent += 1;
        continue;
      }
      const dueMs = start + (sent / rate) * 1_000;
      const comment = firstComment + sent;
      const one = post(posting, bodyOf(comment % sessions, comment), comment).then((status) => {
        if (dueMs - start < warmMs) return;
        if (status === 200) latencies.push(performance.now() - dueMs);
        else other += 1;
      });
      underWay.add(one);
      void one.finally(() => underWay.delete(one));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(underWay);
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
  return { sent: total - unsent, count: latencies.length, other: other + unsent, p50, p99 };
}

process.on('message', (posting: Posting) => {
  perform(posting).then(
    (posted) => process.send?.(posted),
    (error: unknown) => {
      process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
