/**
 * A person takes the work over by hand: in the worktree, in the conversation of the agent that was at it. Meanwhile it
 * is theirs, under an epoch of its own, and no run begins. Handed back, the next run goes on from what they left.
 */
import { endAssignment, unwant } from './assignment.ts';
import { resetAttempts } from './budgets.ts';
import type { SessionContext } from './context.ts';
import { why } from './corrections.ts';
import { type AnyEvent, type Draft, set } from './draft.ts';
import { ORDER } from './next.ts';
import { owe, unpark } from './obligations.ts';
import { noteChange } from './run.ts';
import { tellLinear } from './tracker.ts';

/** Who sent it, as a person: `cli/alice` is `person/alice`. */
export const personOf = (source: string): string => `person/${source.slice(source.indexOf('/') + 1)}`;

export const isAgent = ({ source }: AnyEvent): boolean => source.startsWith('agent/');

/** Whose it is: a person's who works on it by hand, else the agent's. */
export const ownerOf = ({ taken, owner }: SessionContext): string | null => taken?.by ?? owner;

export function takeOver(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'correct.takeover') return;
  const by = personOf(event.source);
  // What the run that is cut off had to move: the person's commits count as well.
  const head = context.handback?.head ?? context.run?.head ?? context.worktree?.head ?? null;
  set(draft, { taken: { by, reason: event.data.reason ?? null, at: event.at, head } });
  endAssignment(draft, why(draft, 'taken over'));
  unwant(draft);
  tellLinear(draft, { type: 'thought', body: `${by} works on it by hand.` });
}

/** What was parked or counted was the agents' trouble: a person has looked at it. */
export function handBack(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'correct.handback' || context.taken === null) return;
  const { by, at, head } = context.taken;
  const { note } = event.data;
  const { worktree } = context;
  set(draft, {
    taken: null,
    epoch: context.epoch + 1,
    handback: { by, head },
    look: context.look + 1,
    restarts: 0,
    backoff: null,
    ...(worktree === null || worktree.fresh ? {} : { worktree: { ...worktree, keep: true } }),
  });
  unpark(draft);
  resetAttempts(draft, ORDER);
  const said = note === undefined ? '' : ` ${note}`;
  noteChange(draft, by, `I worked on it by hand from ${at} on. What I left is in the worktree.${said}`);
  tellLinear(draft, { type: 'thought', body: `${by} handed it back.` });
  // Nobody is at work any more, so what they ask for is owed like any text of theirs.
  if (note !== undefined && draft.context.obligations.length === 0) {
    owe(draft, {
      kind: 'answer',
      evidence: { author: by },
      voice: { author: by, text: note, at: event.at, about: null },
    });
  }
}
