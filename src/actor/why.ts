/** Why an actor waits, and what each event it could get now would do: from its durable state, nothing is tried for real. */
import type { WaitingOn } from '../../machines/contract.ts';
import type { Clock } from '../clock.ts';
import type { Actor } from './actors.ts';
import type { Node } from './node.ts';
import { candidates } from './step.ts';

export interface Why {
  actor: string;
  phase: string;
  waitingOn: (WaitingOn & { sentence: string })[];
  /** Event type → `moves`, `refused` with the guard's sentence, or `depends` on its data. */
  events: Record<string, { would: 'move' | 'refuse' | 'depend'; because: string }>;
  parked: Actor['parked'];
}

export function whyOf(node: Node, actor: Actor, clock: Clock): Why {
  const { live, projection } = actor.stood!;
  const definition = node.registry.get(actor.kind)!;
  const events: Why['events'] = {};
  const found = candidates(definition, live);
  for (const [type, spec] of Object.entries(definition.events)) {
    if (spec.creates === 'always') continue;
    const own = found.filter((candidate) => candidate.event === type);
    const guards = [...new Set(own.map(({ guard }) => guard).filter((guard) => guard !== null))];
    if (own.length === 0) {
      events[type] = { would: 'refuse', because: `nothing waits for it in ${projection.phase}` };
    } else if (spec.data.safeParse({}).success && spec.report !== true) {
      const receipt = node.preview({
        specversion: '1.0',
        id: `why/${clock.now()}/${type}`,
        source: 'why',
        type,
        subject: actor.address,
        data: {},
      });
      const moves = receipt.outcome === 'taken' || receipt.outcome === 'recorded';
      const sentence = guards.map((guard) => definition.reasons[guard]).filter((reason) => reason !== undefined);
      events[type] = moves
        ? {
            would: 'move',
            because:
              receipt.outcome === 'recorded'
                ? 'changes nothing that counts'
                : `${receipt.before?.phase ?? ''} → ${receipt.after?.phase ?? ''}`,
          }
        : { would: 'refuse', because: [receipt.reason ?? receipt.outcome, ...sentence].join('; ') };
    } else {
      const sentences = guards.map((guard) => definition.reasons[guard] ?? guard);
      events[type] = {
        would: 'depend',
        because: sentences.length === 0 ? 'on its data' : `on its data; refused when ${sentences.join(', or ')}`,
      };
    }
  }
  return {
    actor: actor.address,
    phase: projection.phase,
    waitingOn: projection.waitingOn.map((wait) => ({ ...wait, sentence: sentenceOf(wait, clock.now()) })),
    events,
    parked: actor.parked,
  };
}

/** `waits for review by agent/susan for 5 min, gives up in 25 min: requested on head 1a2b3c4` */
export function sentenceOf(wait: WaitingOn, nowMs: number): string {
  const who = wait.on === null ? 'nobody (somebody has to be found)' : wait.on;
  const until = wait.until === null ? '' : `, gives up in ${duration(Date.parse(wait.until) - nowMs)}`;
  return `waits on ${wait.gate}: ${who}, for ${duration(nowMs - Date.parse(wait.since))}${until}: ${wait.detail}`;
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
