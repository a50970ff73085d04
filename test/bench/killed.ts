/**
 * A real `chartroom up`, killed while 64 envelopes are in flight and started again at once: how long until the first
 * new receipt, and whether everything sent is there, once and in order. It throws where it is not.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Envelope } from '../../src/actor/envelope.ts';
import type { BusClient } from '../../src/bus/bus.ts';
import { connectClient } from '../../src/bus/client.ts';
import { privateNats, startNatsServer } from '../../src/bus/server.ts';
import { programArgs } from '../../src/package.ts';
import { atMost, sinceMs } from './figure.ts';
import type { Figure } from './figure.ts';
import { addressOf, envelope, openOf } from './sessions.ts';

const SESSIONS = 16;
/** Of each session: 64 in flight. */
const IN_FLIGHT = 4;
const FLOW_MS = 2_000;
const RECEIPT_MS_MAX = 60_000;
const SOURCE = 'bench/sender';
const NAMESPACE = 'chartroom';

interface Up {
  process: ChildProcess;
  ready: Promise<void>;
}

export async function measureKilled(directory: string): Promise<Figure[]> {
  const home = path.join(directory, 'killed');
  mkdirSync(home);
  const config = path.join(home, 'chartroom.yaml');
  const data = path.join(home, 'data');
  const listen = '{ listen: "127.0.0.1:0" }';
  writeFileSync(config, `data: ${data}\nlog: error\nwebhooks: ${listen}\noperator: ${listen}\nrepos: []\n`);
  let up = start(config);
  await up.ready;
  const access = (await privateNats(path.join(data, 'nats'), 'operator'))!;
  const client = await connectClient({ ...access, namespace: NAMESPACE });
  try {
    for (let index = 0; index < SESSIONS; index++) {
      await client.ask('send', envelope(addressOf(index), 'open', { ...openOf(index) }, `open-${index}`));
    }
    const flow = startFlow(client);
    await delay(FLOW_MS);
    const mark = performance.now();
    const gone = once(up.process, 'exit');
    up.process.kill('SIGKILL');
    await gone;
    up = start(config);
    // Everything that was said before has been heard when this is answered.
    await client.ask('health', {}).catch(() => {});
    await flow.next();
    const firstMs = sinceMs(mark);
    await up.ready;
    await flow.askAgain();
    await delay(FLOW_MS);
    const sent = await flow.end();
    await assertWhole(client, sent);
    const total = sent.reduce((sum, count) => sum + count, 0);
    return [
      {
        name: 'kill -9 under 64 in flight to the first new receipt',
        measured: firstMs / 1_000,
        unit: 's',
        must: atMost(1.5),
        aim: atMost(0.7),
        note: `${total} sent: each taken once, in order`,
      },
    ];
  } finally {
    await client.close();
    const ended = once(up.process, 'exit');
    up.process.kill('SIGINT');
    await ended;
    // Taken over where the killed one left it, so it is ended with whoever ends this one.
    await (await startNatsServer({ directory: path.join(data, 'nats'), namespace: NAMESPACE })).stop();
  }
}

function start(config: string): Up {
  const child = spawn(process.execPath, [...programArgs('src/cli/main'), 'up', '--json', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const failed = once(child, 'exit').then(() => Promise.reject(new Error('up ended before it was ready')));
  const ready = Promise.race([once(child.stdout, 'data'), failed]).then(() => {});
  failed.catch(() => {});
  ready.catch(() => {});
  return { process: child, ready };
}

/** Everything that goes to each session, until it is ended. */
function startFlow(client: BusClient) {
  let isOver = false;
  let tell: (() => void)[] = [];
  const sent: number[] = [];
  const heard = (): void => {
    for (const resolve of tell.splice(0)) resolve();
  };
  /** What has no receipt yet, with how to say that its sender has one after all. */
  const open = new Map<Envelope, () => void>();
  const toSession = async (index: number): Promise<void> => {
    const underWay = new Set<Promise<void>>();
    for (let count = 0; !isOver;) {
      if (underWay.size >= IN_FLIGHT) {
        await Promise.race(underWay);
        continue;
      }
      const data = { kind: 'checks', limit: 3 + (count % 8) };
      const one = { ...envelope(addressOf(index), 'correct.budget.set', data, idOf(index, count)), source: SOURCE };
      const { receipt } = await client.mail(addressOf(index), one, { timeoutMs: RECEIPT_MS_MAX });
      sent[index] = ++count;
      const again = new Promise<void>((resolve) => open.set(one, resolve));
      const settled = Promise.race([receipt.then(heard), again]).finally(() => {
        open.delete(one);
        underWay.delete(settled);
      });
      underWay.add(settled);
    }
    await Promise.all(underWay);
  };
  const flowing = Promise.all(Array.from({ length: SESSIONS }, (_, index) => toSession(index)));
  return {
    /** Resolves with the next receipt. */
    next: () => Promise.race([new Promise<void>((resolve) => tell.push(resolve)), flowing.then(() => {})]),
    /**
     * The runtime is back and has read what the stream held: a receipt that was on its way when it died never comes, so
     * its sender asks again under the same id. Sooner, it would overtake its own mail.
     */
    async askAgain(): Promise<void> {
      for (const [one, settle] of Array.from(open)) {
        await client.ask('send', one);
        settle();
      }
    },
    /** @returns how many went to each */
    async end(): Promise<number[]> {
      isOver = true;
      await flowing;
      return sent;
    },
  };
}

const idOf = (index: number, count: number): string => `flow-${index}-${count}`;

async function assertWhole(client: BusClient, sent: number[]): Promise<void> {
  for (const [index, count] of sent.entries()) {
    const taken: string[] = [];
    for (let from = 1; ; from += 1_000) {
      const question = { actor: addressOf(index), from, limit: 1_000 };
      const { entries } = (await client.ask('history', question)) as { entries: { envelope: { id: string } }[] };
      taken.push(...entries.map(({ envelope: { id } }) => id).filter((id) => id.startsWith('flow-')));
      if (entries.length < 1_000) break;
    }
    const wanted = Array.from({ length: count }, (_, at) => idOf(index, at));
    const first = wanted.findIndex((id, at) => taken[at] !== id);
    if (taken.length !== count || first >= 0) {
      throw new Error(`${addressOf(index)} took ${taken.length} of ${count}; the first that differs is ${first}`);
    }
  }
}
