/**
 * Holds effects back: in a store restored from a backup nothing is performed and nothing watched until a person says
 * so (`chartroom resume effects`). Steps go on, what they wish waits. One row says it, and a restart does not forget it.
 */
import { KEYS } from '../store/keys.ts';
import type { Node } from './node.ts';

export interface Held {
  /** ISO time of the restore. */
  since: string;
  /** The moment and the batch that was restored. */
  backup: { at: string; batch: number };
}

export interface Hold {
  /** Null: effects are performed. */
  held(): Held | null;
  /** Resolves when effects may be performed: at once where nothing is held. */
  resumed: Promise<void>;
  /** Durable when it resolves. @returns what was held, null = nothing was */
  resume(): Promise<Held | null>;
}

const HELD = KEYS.meta('held');

/** Read from the store itself; the node may not be loaded yet. */
export function createHold({ node, read }: { node: Node; read: (key: string) => string | undefined }): Hold {
  let held = heldOf(read);
  let go: () => void = () => {};
  const resumed = new Promise<void>((resolve) => (go = resolve));
  if (held === null) go();
  return {
    held: () => held,
    resumed,
    async resume() {
      const was = held;
      if (was === null) return null;
      await node.write([{ key: HELD, value: null }]);
      held = null;
      go();
      return was;
    },
  };
}

export function heldOf(read: (key: string) => string | undefined): Held | null {
  const row = read(HELD);
  return row === undefined ? null : (JSON.parse(row) as Held);
}
