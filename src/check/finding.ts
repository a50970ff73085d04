/** What `machine check` has to say about a machine: one rule, one place, what is wrong, why it matters, what to do. */

export interface Finding {
  machine: string;
  rule: Rule;
  /** A dotted state path, `on EVENT` where it is about one; the part of the definition otherwise. */
  where: string;
  what: string;
  why: string;
  todo: string;
}

/** Writes down what one rule found. */
export type Say = (rule: Rule, where: string, what: string) => void;

export type Rule = keyof typeof RULES;

/** Every rule: why it is one, and what to do where it is broken. docs/machines.md lists them. */
export const RULES = {
  'context-function': {
    why: 'a static context is one object that all actors share',
    todo: 'make it a function of `input`',
  },
  'context-plain': {
    why: 'the journal keeps it as JSON: what does not survive that is another value after a restart',
    todo: 'use null, strings and numbers; keep a time as an ISO string and a collection as an array',
  },
  'context-repeatable': {
    why: 'replay makes the context anew and must get the same one',
    todo: 'compute it from `input` alone; `input.at` is the clock',
  },
  'record-key': {
    why: 'a step that changes an unlisted key counts as taken',
    todo: 'name keys of the context in `recordKeys`',
  },
  invoke: {
    why: 'the kernel runs nothing for a machine: it would silently never start',
    todo: 'use a watch or an act',
  },
  'foreign-action': {
    why: 'the kernel performs wishes alone: it would silently do nothing, or park the actor',
    todo: 'wish it (`tell`, `act`), or `raise` an event of its own',
  },
  'inline-action': {
    why: 'it can be neither drawn nor explained, and a plain function would silently never run',
    todo: 'name it in setup({ actions })',
  },
  'unknown-action': { why: 'it would silently do nothing', todo: 'name it in setup({ actions })' },
  'inline-guard': {
    why: '`why` says a guard’s sentence by its name',
    todo: 'name one guard for the whole question in setup({ guards })',
  },
  'unknown-guard': { why: 'the first event that asks it parks the actor', todo: 'name it in setup({ guards })' },
  'unknown-delay': { why: 'the deadline would be over at once', todo: 'name it in setup({ delays })' },
  reason: {
    why: 'it is what `why` and the receipt say when the guard refuses',
    todo: 'give it a sentence in `reasons`',
  },
  unused: {
    why: 'what is named and never used is left over, or a transition that should use it is missing',
    todo: 'use it or remove it',
  },
  description: { why: 'the page, `why` and the documentation read it', todo: 'say in one sentence what it is' },
  'waits-for': {
    why: 'an actor that rests must say what it waits for',
    todo: 'give it meta.waitsFor: a gate, or nothing',
  },
  'refuses-and-changes': {
    why: 'a refusal drops the whole step: the rest would be lost without a word',
    todo: 'refuse with the action `refuse` alone, without target',
  },
  'refusal-code': {
    why: 'a receipt gives one of the codes of docs/protocol.md §4',
    todo: 'give `refuse` such a code and a reason',
  },
  'final-can-be-left': {
    why: 'a final actor takes nothing any more: what can be restored is not final',
    todo: 'make it a resting state, or remove its way out',
  },
  unreachable: {
    why: 'no event and no deadline leads there, whatever the guards say',
    todo: 'lead a transition there or remove it',
  },
  shadowed: {
    why: 'the candidate before it has no guard and is always taken',
    todo: 'guard that one, reorder them, or remove this one',
  },
  'dead-end': {
    why: 'an actor that gets there stays until something else ends it',
    todo: 'give it a way out, make it final, or let it wait for nothing',
  },
  'no-deadline': {
    why: 'whoever should move it may never be heard of again, and nobody would know',
    todo: 'give it an `after`, or say in meta.unbounded whose deadline or word ends the wait',
  },
  'no-person': {
    why: 'it waits for a person, and no event that a person may send is taken there',
    todo: 'take an answer or a correction',
  },
  'idle-reentry': {
    why: 'entering a state anew without a deadline to set anew does nothing, or never ends',
    todo: 'give it the deadline it sets anew, or remove the transition',
  },
  'no-end': {
    why: 'no transition leads on to a final state: the actor can never end',
    todo: 'lead a way to a final state, or say meta.endless on the root',
  },
  'event-unhandled': {
    why: 'whoever sends it is refused in every state',
    todo: 'take or refuse it in a region, or remove it from the catalogue',
  },
} as const satisfies Record<string, { why: string; todo: string }>;
