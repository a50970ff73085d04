/** Standing watches: started, updated and stopped as the states that want them are entered and left. */
import type { Clock } from '../clock.ts';
import type { Envelope } from './envelope.ts';
import type { Node } from './node.ts';
import { canonicalJson } from './state.ts';
import type { Watch, WatchPerformer } from '../effects/effect.ts';
import type { Logger } from '../log.ts';

export interface Watches {
  /** Look now: a hook said something about it. Nothing happens where no such watch stands. */
  poke(actor: string, name: string, hint?: unknown): void;
  standing(actor: string): string[];
  /** Those that cannot look, of one actor or of all, the longest blind first. */
  blind(actor?: string): Blind[];
  /** Starts what was held. */
  release(): void;
  stop(): Promise<void>;
}

/** A standing watch that cannot look: what it would tell is not known meanwhile. */
export interface Blind {
  actor: string;
  watch: string;
  since: string;
  reason: string;
}

interface WatchesOptions {
  node: Node;
  performers: Record<string, WatchPerformer>;
  log: Logger;
  clock: Clock;
  /** None is started until `release`: a store restored from a backup looks at nothing and starts no process. */
  held?: boolean;
}

interface Standing {
  params: string;
  watch: Watch<never>;
  abort: AbortController;
  trouble: { since: string; reason: string } | null;
}

export function createWatches({ node, performers, log, clock, held = false }: WatchesOptions): Watches {
  /** What would stand; null when nothing is held. */
  let waiting: Map<string, Record<string, Record<string, unknown>>> | null = held ? new Map() : null;
  const standing = new Map<string, Map<string, Standing>>();
  const ending = new Set<Promise<void>>();

  node.onCommitted(({ watching }) => {
    for (const { actor, watches } of watching) {
      if (waiting === null) settle(actor, watches);
      else waiting.set(actor, watches);
    }
  });

  function settle(actor: string, wanted: Record<string, Record<string, unknown>>): void {
    const own = standing.get(actor) ?? new Map<string, Standing>();
    for (const [name, { watch, abort }] of own) {
      if (wanted[name] !== undefined) continue;
      own.delete(name);
      end(watch, abort, 'state', actor, name);
    }
    for (const [name, params] of Object.entries(wanted)) {
      const text = canonicalJson(params);
      const known = own.get(name);
      if (known === undefined) start(actor, name, params, text, own);
      else if (known.params !== text) {
        known.params = text;
        known.watch.update(params as never);
      }
    }
    if (own.size > 0) standing.set(actor, own);
    else standing.delete(actor);
  }

  function start(
    actor: string,
    name: string,
    params: Record<string, unknown>,
    text: string,
    own: Map<string, Standing>,
  ): void {
    const performer = performers[name];
    if (performer === undefined) {
      log.warn({ actor, watch: name }, 'nobody performs this watch here');
      return;
    }
    const abort = new AbortController();
    const entry: Omit<Standing, 'watch'> = { params: text, abort, trouble: null };
    const watch = performer.start(params as never, {
      actor,
      signal: abort.signal,
      trouble(reason) {
        const since = entry.trouble?.since ?? new Date(clock.now()).toISOString();
        entry.trouble = reason === null ? null : { since, reason };
      },
      tell(type, data, { id, expectepoch, to, source }) {
        const envelope: Envelope = {
          specversion: '1.0',
          id,
          source: source ?? `watch/${name}`,
          type,
          subject: to ?? actor,
          data,
        };
        if (expectepoch !== undefined) envelope.expectepoch = expectepoch;
        return node.send(envelope, { door: 'hook' });
      },
    });
    own.set(name, Object.assign(entry, { watch }));
  }

  function end(
    watch: Watch<never>,
    abort: AbortController,
    leaving: 'state' | 'runtime',
    actor: string,
    name: string,
  ): void {
    const done = watch
      .stop(leaving)
      .catch((error: unknown) => log.error({ err: error, actor, watch: name }, 'a watch did not stop cleanly'))
      .finally(() => {
        abort.abort();
        ending.delete(done);
      });
    ending.add(done);
  }

  return {
    poke: (actor, name, hint) => standing.get(actor)?.get(name)?.watch.poke(hint),
    blind: (actor) =>
      [...standing]
        .filter(([address]) => actor === undefined || address === actor)
        .flatMap(([address, own]) =>
          [...own].flatMap(([watch, { trouble }]) => (trouble === null ? [] : [{ actor: address, watch, ...trouble }])),
        )
        .toSorted((a, b) => (a.since < b.since ? -1 : 1)),
    standing: (actor) => [...(standing.get(actor)?.keys() ?? [])],
    release() {
      const released = waiting ?? [];
      waiting = null;
      for (const [actor, watches] of released) settle(actor, watches);
    },
    async stop() {
      for (const [actor, own] of standing)
        for (const [name, { watch, abort }] of own) end(watch, abort, 'runtime', actor, name);
      standing.clear();
      await Promise.allSettled(ending);
    },
  };
}
