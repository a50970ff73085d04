/** Everything that takes an envelope from outside, on one node of the real machines: what goes in is bytes. */
import { MACHINES } from '../../machines/index.ts';
import { servedQuestions } from '../../src/actor/asked.ts';
import { createLetterbox } from '../../src/actor/letterbox.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { SPACES } from '../../src/store/keys.ts';
import { startSiteOn } from '../visualizer/site.ts';
import { letter } from './letter.ts';
import { openMemoryStore } from './memory-store.ts';

/** What a door said: a receipt, or that this is no envelope. */
export type Said = Receipt | { error: string };

export const DOORS = ['mail', 'ask.send', 'POST /api/send'] as const;
export type Door = (typeof DOORS)[number];

export interface Doors {
  /** Puts bytes in; resolves with the one outcome. `to`: the mailbox of the door `mail`. */
  put(door: Door, bytes: Uint8Array, to?: string): Promise<Said>;
  /** What a preview of the same bytes says. */
  preview(bytes: Uint8Array): Promise<Said>;
  /** A question over the bus, and over HTTP as a POST or a query. */
  ask(question: string, input: Uint8Array): Promise<{ status: number; said: unknown }>;
  post(path: string, input: Uint8Array): Promise<{ status: number; said: unknown }>;
  get(path: string): Promise<{ status: number; said: unknown }>;
  /** All rows of actors: what a refused envelope must leave as it is. */
  actors(): Promise<string[]>;
  deadLetters(): Promise<{ envelope: unknown; receipt: Receipt }[]>;
  /** Receipts that came for letters nobody waits for any more. */
  surplus(): Receipt[];
  stop(): Promise<void>;
}

export const HELD = 'session/held';
export const bytesOf = (value: unknown): Uint8Array =>
  value instanceof Uint8Array ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

/** With one session that waits for ever, and the dispatcher. */
export async function openDoors(): Promise<Doors> {
  const clock = createFakeClock();
  const store = await openMemoryStore();
  const site = await startSiteOn(clock, { store, definitions: [...MACHINES] });
  const server = createMemoryServer({ clock });
  const waiting = new Map<string, (receipt: Receipt) => void>();
  const surplus: Receipt[] = [];
  const bus = server.bus();
  const letterbox = createLetterbox({
    node: site.node,
    bus: {
      ...bus,
      reply(inbox, body) {
        const receipt = JSON.parse(body) as Receipt;
        const take = waiting.get(inbox);
        waiting.delete(inbox);
        if (take === undefined) surplus.push(receipt);
        else take(receipt);
      },
    },
    clock,
    log: createLog({ level: 'silent' }),
    takeHook: async () => {},
  });
  await letterbox.start();
  const served = servedQuestions(site.questions);
  let letters = 0;
  const opened = await site.node.send(
    letter(HELD, 'open', {
      title: 'Never begun',
      body: '',
      source: { kind: 'manual' },
      repo: 'acme/hello',
      base: 'main',
      kind: 'implement',
      deliver: 'pull_request',
    }),
  );
  if (opened.outcome !== 'taken') throw new Error(JSON.stringify(opened));
  await site.node.quiet();

  const ask: Doors['ask'] = async (question, input) => {
    const answer = await served[question]!(input);
    return 'error' in answer
      ? { status: answer.error, said: { error: answer.message } }
      : { status: 200, said: JSON.parse(answer.body) as unknown };
  };
  const fetched = async (path: string, init: RequestInit = {}) => {
    const response = await site.ask(path, init);
    return { status: response.status, said: (await response.json()) as unknown };
  };
  const post: Doors['post'] = (path, input) => fetched(path, { method: 'POST', body: new Uint8Array(input) });

  async function rows(space: { gte: string; lt: string }): Promise<[string, string][]> {
    const found: [string, string][] = [];
    for await (const row of store.scan(space)) found.push(row);
    return found;
  }

  return {
    async put(door, bytes, to = HELD) {
      switch (door) {
        case 'mail': {
          const receiptTo = `_INBOX.test.${++letters}`;
          const receipt = new Promise<Receipt>((resolve) => waiting.set(receiptTo, resolve));
          await bus.publish('mail', to.replace('/', '.'), bytes, { receiptTo });
          return receipt;
        }
        case 'ask.send':
          return (await ask('send', bytes)).said as Said;
        case 'POST /api/send':
          return (await post('/api/send', bytes)).said as Said;
      }
    },
    preview: async (bytes) => (await ask('preview', bytes)).said as Said,
    ask,
    post,
    get: (path) => fetched(path),
    async actors() {
      await site.node.quiet();
      const all = await rows(SPACES.all);
      const kernels = /^0!(meta|batch|dead|seen)!/;
      return all.filter(([key]) => !kernels.test(key)).map(([key, value]) => `${key} ${value}`);
    },
    async deadLetters() {
      await site.node.quiet();
      return (await rows(SPACES.dead)).map(([, value]) => JSON.parse(value) as { envelope: unknown; receipt: Receipt });
    },
    surplus: () => surplus,
    async stop() {
      await letterbox.stop();
      await site.stop();
    },
  };
}
