/**
 * Which conversation a run goes on with. What a person says goes to the agent that has the context, and so does work that
 * was cut off; a repair begins afresh, and so does whatever has grown too long: the prompt tells what was learned.
 */
import { isLong } from '../window.ts';
import type { Obligation, SessionContext } from './context.ts';

/** Runs that were lost in a row with the same conversation: it may be what they are lost to. */
const LOST_MAX = 2;
/** Ends that left a run's work half done. */
const CUT_OFF = new Set(['cancelled', 'interrupted', 'lost', 'limited']);

export interface Going {
  /** The conversation to go on with; null: a fresh one. */
  resumes: string | null;
  /** What a fresh one takes the place of. */
  parent: string | null;
}

export function goingOn(context: SessionContext, agent: string, main: Obligation): Going {
  const { conversation } = context;
  if (conversation?.agent !== agent || !isOneTalk(context, agent, main)) return { resumes: null, parent: null };
  if (isLong(conversation.filled) || context.restarts > LOST_MAX) return { resumes: null, parent: conversation.id };
  return { resumes: conversation.id, parent: null };
}

function isOneTalk(context: SessionContext, agent: string, main: Obligation): boolean {
  if (main.kind === 'answer' || context.answered !== null || context.handback !== null) return true;
  const last = context.runs.at(-1);
  return (
    last?.agent === agent &&
    last.for === main.kind &&
    last.epoch === context.conversation?.epoch &&
    CUT_OFF.has(last.outcome)
  );
}
