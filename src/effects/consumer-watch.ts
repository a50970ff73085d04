/**
 * The watch of an agent's consumers: terminals and pages that are attached say so in regular beats on a live subject,
 * which stay here; the agent is told only that one came or left. One that falls silent has left.
 */
import type { WatchParams } from '../../machines/effects.ts';
import type { Bus } from '../bus/bus.ts';
import { SILENT_MS, beat, consumerSubject } from '../bus/presence.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { WatchPerformer } from './effect.ts';

interface ConsumerWatchOptions {
  bus: Pick<Bus, 'listen'>;
  clock: Clock;
  log: Logger;
}

export function createConsumerWatch({
  bus,
  clock,
  log,
}: ConsumerWatchOptions): WatchPerformer<WatchParams<'consumer'>> {
  return {
    kind: 'watch',
    start({ present: before }, { actor, tell }) {
      const present = new Map<string, { kind: 'terminal' | 'page'; cancel: () => void }>();
      const say = (type: string, consumer: string, kind: 'terminal' | 'page'): void => {
        tell(type, { consumer, kind }, { id: `${type}/${consumer}/${clock.now()}` }).catch((error: unknown) =>
          log.warn({ actor, consumer, err: error }, 'a consumer could not be told'),
        );
      };
      const leave = (consumer: string): void => {
        const known = present.get(consumer);
        if (known === undefined) return;
        known.cancel();
        present.delete(consumer);
        say('consumer.left', consumer, known.kind);
      };
      const beats = (consumer: string, kind: 'terminal' | 'page'): void => {
        present.get(consumer)?.cancel();
        present.set(consumer, { kind, cancel: clock.after(SILENT_MS, () => leave(consumer)) });
      };
      for (const { consumer, kind } of before) beats(consumer, kind);
      const listening = bus.listen(consumerSubject(actor), (_subject, body) => {
        const parsed = beat.safeParse(parseJson(body));
        if (!parsed.success) return;
        const { consumer, kind, leaving } = parsed.data;
        if (leaving === true) {
          leave(consumer);
          return;
        }
        const isNew = !present.has(consumer);
        beats(consumer, kind);
        if (isNew) say('consumer.attached', consumer, kind);
      });
      return {
        update() {},
        poke() {},
        stop() {
          listening.stop();
          for (const { cancel } of present.values()) cancel();
          return Promise.resolve();
        },
      };
    },
  };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
