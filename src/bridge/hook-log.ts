/** The hooks that lie in the stream: listed for people, and sent again by hand under a new id. */
import { BusError } from '../bus/bus.ts';
import type { Bus } from '../bus/bus.ts';
import { RejectedInput } from '../errors.ts';
import { hookId, parseHook, subjectOf } from './hook.ts';
import type { Hook } from './hook.ts';

export interface HookLine {
  seq: number;
  subject: string;
  delivery: string;
  receivedAt: string;
}

const PAGE = 500;

export interface HookLog {
  /** The newest `limit`, oldest first. */
  list(options?: { limit?: number }): Promise<HookLine[]>;
  /** The whole hook with this number; undefined: it lies in the stream no more. */
  read(seq: number): Promise<(HookLine & { body: unknown }) | undefined>;
  /**
   * Publishes the hook of this delivery id once more as `<delivery>#<n>`, so that neither stream nor actors take it for
   * the one they know. @throws RejectedInput `HOOK_UNKNOWN`
   */
  redeliver(delivery: string): Promise<HookLine>;
}

export function createHookLog(bus: Pick<Bus, 'read' | 'publish'>): HookLog {
  async function* hooks(): AsyncGenerator<{ seq: number; hook: Hook }> {
    for (let after = 0; ;) {
      const letters = await bus.read('hook', after, { max: PAGE, waitMs: 0 });
      for (const { seq, body } of letters) {
        after = seq;
        const hook = hookOf(body);
        if (hook !== undefined) yield { seq, hook };
      }
      if (letters.length === 0) return;
    }
  }

  return {
    async list({ limit = 100 } = {}) {
      const lines: HookLine[] = [];
      for await (const { seq, hook } of hooks()) {
        lines.push(lineOf(seq, hook));
        if (lines.length > limit) lines.shift();
      }
      return lines;
    },
    async read(seq) {
      const [letter] = await bus.read('hook', seq - 1, { max: 1, waitMs: 0 }).catch((error: unknown) => {
        // The stream ends before it.
        if (error instanceof BusError && error.code === 'BUS_REPLACED') return [];
        throw error;
      });
      if (letter?.seq !== seq) return undefined;
      const hook = hookOf(letter.body);
      return hook === undefined ? undefined : { ...lineOf(seq, hook), body: hook.body };
    },
    async redeliver(delivery) {
      const first = firstId(delivery);
      let found: Hook | undefined;
      let times = 0;
      for await (const { hook } of hooks()) {
        if (firstId(hook.delivery) !== first) continue;
        found = hook;
        times++;
      }
      if (found === undefined) throw new RejectedInput('HOOK_UNKNOWN', `no delivery ${first} lies in the stream`);
      const again = { ...found, delivery: `${first}#${times}` };
      const options = { msgId: hookId(again) };
      const { seq } = await bus.publish('hook', subjectOf(again), JSON.stringify(again), options);
      return lineOf(seq, again);
    },
  };
}

const firstId = (delivery: string): string => delivery.replace(/#\d+$/, '');

const lineOf = (seq: number, hook: Hook): HookLine => ({
  seq,
  subject: subjectOf(hook),
  delivery: hook.delivery,
  receivedAt: hook.receivedAt,
});

function hookOf(body: Uint8Array): Hook | undefined {
  try {
    return parseHook(body);
  } catch {
    return undefined;
  }
}
