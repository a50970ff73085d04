/** Why an actor waits, and what each event it could get now would do: from its durable state, nothing is tried for real. */
import type { Supervision, WaitingOn } from '../../machines/contract.ts';
import type { Clock } from '../clock.ts';
import type { Actor } from './actors.ts';
import { duration } from './duration.ts';
import type { Node } from './node.ts';
import type { Receipt } from './receipt.ts';
import type { Definition } from './state.ts';
import { candidates } from './step.ts';
import type { LiveActor } from './step.ts';
import type { Blind } from './watches.ts';

export interface Why {
  actor: string;
  phase: string;
  waitingOn: (WaitingOn & { sentence: string })[];
  /** Event type → would move, would only be recorded, would be refused with the reason, or depends on its data. */
  events: Record<string, { would: 'move' | 'record' | 'refuse' | 'depend'; because: string }>;
  parked: Actor['parked'];
  /** Watches that cannot look: what they would tell is not known. */
  blind: Blind[];
  supervision?: Supervision;
}

/** Beside these, what the machine itself explains (`explain`): of the dispatcher, who does not get what. */
export function whyOf(node: Node, actor: Actor, clock: Clock, blind: Blind[]): Why {
  const { live, projection } = actor.stood!;
  const definition = node.registry.get(actor.kind)!;
  const events: Why['events'] = {};
  const found = candidates(definition, live);
  for (const [type, spec] of Object.entries(definition.events)) {
    if (spec.creates === 'always') continue;
    const own = found.filter((candidate) => candidate.event === type);
    if (live.view.final) {
      events[type] = atEnd(definition, live, type);
    } else if (own.length === 0) {
      events[type] = { would: 'refuse', because: `nothing waits for it in ${projection.phase}` };
    } else if (spec.data.safeParse({}).success && spec.report !== true) {
      events[type] = tried(() =>
        node.preview({
          specversion: '1.0',
          id: `why/${clock.now()}/${type}`,
          source: 'why',
          type,
          subject: actor.address,
          data: {},
        }),
      );
    } else {
      events[type] = { would: 'depend', because: 'on its data; a preview tells' };
    }
  }
  return {
    actor: actor.address,
    phase: projection.phase,
    waitingOn: projection.waitingOn.map((wait) => ({ ...wait, sentence: sentenceOf(wait, clock.now()) })),
    events,
    parked: actor.parked,
    blind,
    ...(projection.supervision === undefined ? {} : { supervision: projection.supervision }),
    ...definition.explain?.(live.view as never),
  };
}

/** What has ended still takes notes, late answers and corrections that want what already is. */
function atEnd(definition: Definition, { state, view }: LiveActor, type: string): Why['events'][string] {
  const event = { type, data: {}, at: state.at, id: `why/${type}`, source: 'why', seq: state.seq + 1 };
  try {
    return definition.whenFinal(view as never, event) === null
      ? { would: 'refuse', because: 'it has ended; only what wants what already is would be recorded' }
      : { would: 'record', because: 'it has ended; nothing else changes' };
  } catch {
    // It looks at the data, and there is none.
    return { would: 'depend', because: 'on its data; a preview tells' };
  }
}

/** A step that throws is a bug of the machine: it is told of this event, and the others are told all the same. */
function tried(preview: () => Receipt): Why['events'][string] {
  try {
    return foretold(preview());
  } catch (error) {
    return { would: 'refuse', because: `its step throws, the actor would be parked: ${(error as Error).message}` };
  }
}

function foretold(receipt: Receipt): Why['events'][string] {
  const { outcome, reason, before, after } = receipt;
  if (outcome === 'recorded') return { would: 'record', because: 'nothing else changes' };
  if (outcome !== 'taken') return { would: 'refuse', because: reason ?? outcome };
  const same = before?.phase === after?.phase;
  return {
    would: 'move',
    because: same ? `stays ${after?.phase ?? ''}` : `${before?.phase ?? ''} → ${after?.phase ?? ''}`,
  };
}

/** `waits for review by agent/susan for 5 min, gives up in 25 min: requested on head 1a2b3c4` */
export function sentenceOf(wait: WaitingOn, nowMs: number): string {
  const who = wait.on === null ? 'nobody (somebody has to be found)' : wait.on;
  const until = wait.until === null ? '' : `, ${untilWord(wait)} in ${duration(Date.parse(wait.until) - nowMs)}`;
  return `waits on ${wait.gate}: ${who}, for ${duration(nowMs - Date.parse(wait.since))}${until}: ${wait.detail}`;
}

/** A pause is over at its end; whatever else is waited for is given up then. */
const untilWord = ({ gate }: WaitingOn): string => (gate === 'backoff' || gate === 'provider' ? 'goes on' : 'gives up');
