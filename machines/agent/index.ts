/** The agent: a hired worker with a mailbox. Two regions, *life* (`life.ts`) and *door* (`door.ts`). */
import type { ActorView, MachineDefinition, MachineEvent } from '../contract.ts';
import { AGENT_ACTS, AGENT_EVENTS } from '../events/agent.ts';
import { isFull, withNote, withRead } from '../notes.ts';
import type { NoteTaken } from '../notes.ts';
import type { AgentContext } from './context.ts';
import { newAgent } from './context.ts';
import { door } from './door.ts';
import { withReview } from './employment.ts';
import { life } from './life.ts';
import { announce, claims, project, watch } from './project.ts';
import { REASONS, agent } from './setup.ts';

export type { AgentContext } from './context.ts';

/** Answers of acts that change nothing by themselves: what they brought about is told by the process watch. */
const answers = Object.fromEntries(
  AGENT_ACTS.flatMap((name) => [`${name}.done`, `${name}.failed`]).map((t) => [t, {}]),
);

const logic = agent.createMachine({
  id: 'agent',
  context: ({ input }) => newAgent(input),
  type: 'parallel',
  on: {
    ...answers,
    'driver.prompt.done': { actions: 'notesShown' },
    fyi: { actions: 'note' },
    'note.read': { actions: 'noteRead' },
    'review.recorded': { actions: 'reviewRecorded' },
    'correct.lane.set': { actions: 'setLanes' },
    'correct.driver.set': { actions: 'setDriver' },
    'correct.limits.set': { actions: 'setLimits' },
    'correct.memory.set': { actions: 'memorise' },
    'correct.memory.delete': { actions: 'forget' },
  },
  states: { life, door },
});

/** Goals that an offboarded agent has reached for ever. */
const REACHED = new Set(['correct.offboard', 'correct.stop', 'correct.drain']);
const HEARD = new Set<string>([
  'mail.refused',
  'query.withdrawn',
  'query.answered',
  'place.given',
  'place.wanted',
  'driver.exited',
  'driver.turned',
  ...AGENT_ACTS.flatMap((name) => [`${name}.done`, `${name}.failed`]),
]);

function whenFinal({ context }: ActorView<AgentContext>, event: MachineEvent): AgentContext | null {
  if (event.type === 'fyi' && !isFull(context.notes)) {
    return { ...context, notes: withNote(context.notes, event as unknown as NoteTaken) };
  }
  // Posted before it left, told after.
  if (event.type === 'review.recorded') return { ...context, reviews: withReview(context, event) };
  if (event.type === 'note.read') {
    const { ids, by } = event.data as { ids: string[]; by: string };
    return { ...context, notes: withRead(context.notes, ids, by) };
  }
  return REACHED.has(event.type) || HEARD.has(event.type) ? context : null;
}

export const agentDefinition: MachineDefinition<AgentContext> = {
  kind: 'agent',
  version: '2',
  logic,
  events: AGENT_EVENTS,
  reasons: REASONS,
  recordKeys: ['notes', 'reviews', 'consumerLeftAt'],
  claims,
  watch,
  project,
  announce,
  whenFinal,
};
