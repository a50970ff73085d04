/** What an agent can do through the run door, and what becomes of it: an envelope, a question, or a pull request. */
import { z } from 'zod';
import type { EventSpec } from '../../machines/contract.ts';
import { AGENT_EVENTS } from '../../machines/events/agent.ts';
import { line, prose } from '../../machines/events/common.ts';
import { EVENTS } from '../../machines/events/index.ts';
import type { RunIdentity } from './process/watch.ts';

export type Deed =
  /** An envelope to this actor. */
  | { do: 'send'; to: string; type: string; data: Record<string, unknown> }
  /** The own session as it stands. */
  | { do: 'read'; actor: string }
  | { do: 'openPull'; title: string; body: string; base?: string; draft: boolean };

export type Refused = { refused: string };

/** Reading or answering for others is a conductor's: whoever may hand work from one agent to another. */
const CONDUCTS = 'correct.reassign';

/** Other names under which a role may list an action: the event it sends. */
const SAME: Record<string, string> = {
  'session.read': 'read',
  'memory.set': 'correct.memory.set',
  'memory.delete': 'correct.memory.delete',
  'session.adopt': 'correct.adopt',
  'session.answer': 'answer',
};
const NAMES = Object.fromEntries(Object.entries(SAME).map(([name, other]) => [other, name]));

/**
 * Whether a role with these actions may do this one to that actor. `correct.*` stands for the corrections that the
 * catalogue gives a conductor: the others are people's, unless a role lists them by name.
 */
export function mayDo(actions: readonly string[], action: string, actor = 'session/'): boolean {
  const names = [action, SAME[action], NAMES[action]].filter((name) => name !== undefined);
  if (names.some((name) => actions.includes(name))) return true;
  return actions.includes('correct.*') && isConductors(action, actor);
}

/** An item of a mission is a session. */
function isConductors(action: string, actor: string): boolean {
  const kind = actor.includes('#') ? 'session' : actor.slice(0, actor.indexOf('/'));
  const events: Record<string, EventSpec> = EVENTS[kind as keyof typeof EVENTS] ?? {};
  return events[action]?.conductor === true;
}

/** An actor, or an item of a mission. */
const addressee = z
  .string()
  .regex(/^[a-z]+\/[a-z0-9][a-z0-9_-]{0,127}(#[a-z0-9][a-z0-9_-]{0,127})?$/, 'must be kind/id, or mission/id#key');

const memory = AGENT_EVENTS['correct.memory.set'].data.pick({ key: true, value: true });
const pull = z.strictObject({
  title: line,
  body: prose.default(''),
  base: z.string().optional(),
  draft: z.boolean().default(false),
});
const answer = z.strictObject({
  question: z.string().optional(),
  text: prose.optional(),
  choice: z.string().optional(),
});

/** What an allowed action means. @throws ZodError where its data is not what it must be. */
export function deedOf(
  { agent, session, actions }: RunIdentity,
  { action, data, actor }: { action: string; data: Record<string, unknown>; actor?: string | undefined },
): Deed | Refused {
  const to = actor === undefined ? session : addressee.parse(actor);
  const own: Refused = { refused: 'this run has no session; name the actor' };
  const name = NAMES[action] ?? action;
  if ((name === 'session.read' || name === 'session.answer') && to !== session && !mayDo(actions, CONDUCTS)) {
    return { refused: `${name} is for this run’s own session only` };
  }
  switch (name) {
    case 'session.read':
      return to === undefined ? own : { do: 'read', actor: to };
    case 'memory.set':
      return { do: 'send', to: agent, type: 'correct.memory.set', data: memory.parse(data) };
    case 'memory.delete':
      return { do: 'send', to: agent, type: 'correct.memory.delete', data: memory.pick({ key: true }).parse(data) };
    case 'session.adopt':
      return to === undefined ? own : { do: 'send', to, type: 'correct.adopt', data: { ...data, agent } };
    case 'session.answer':
      return to === undefined ? own : { do: 'send', to, type: 'answer', data: answer.parse(data) };
    case 'pull.open': {
      const { base, ...wanted } = pull.parse(data);
      return { do: 'openPull', ...wanted, ...(base === undefined ? {} : { base }) };
    }
    default:
      // Typed events by their own name: corrections of a conductor, words, notes. The actor's machine judges them.
      return to === undefined ? own : { do: 'send', to, type: action, data };
  }
}
