/** A fact as the demo shows it: who, what, which state, and what it waits for. */
import type { Fact } from '../actor/fact.ts';
import type { Output } from '../cli/output.ts';

const WHO = { session: 'cyan', agent: 'green', dispatcher: 'dim', mission: 'yellow' } as const;

/** One line, or none for what moves nothing a person follows. */
export function showFact(out: Output, fact: Fact): void {
  const { actor, before, after } = fact;
  const kind = actor.split('/')[0] as keyof typeof WHO;
  const moved = before?.phase !== after?.phase;
  const isPicture = fact.type === 'session.changed' || fact.type.endsWith('.done');
  const isQuiet = fact.outcome === 'recorded' || ((kind === 'dispatcher' || isPicture) && !moved);
  if (isQuiet) return;
  const state = moved ? `${before?.phase ?? 'new'} → ${out.paint('bold', after?.phase ?? '')}` : (after?.phase ?? '');
  const event = fact.type.startsWith('xstate.after.') ? 'a timer' : fact.type;
  const waits = moved ? fact.waitingOn.map(({ gate, on }) => `${gate}: ${on ?? 'nobody'}`).join(', ') : '';
  const line = [
    out.paint('dim', fact.at.slice(11, 19)),
    out.paint(WHO[kind] ?? 'dim', actor.padEnd(34)),
    event.padEnd(20),
    state,
    waits === '' ? '' : out.paint('dim', `(waits on ${waits})`),
  ];
  out.answer(line.join('  ').trimEnd());
}
