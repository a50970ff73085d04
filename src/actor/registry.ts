/** The machines of this node, checked against the rules that make them executable, drawable and replayable. */
import { Bug } from '../errors.ts';
import type { Definition } from './state.ts';

export type Registry = ReadonlyMap<string, Definition>;

interface NodeLike {
  id: string;
  type: string;
  states?: Record<string, NodeLike>;
  invoke?: unknown[];
  entry?: unknown[];
  exit?: unknown[];
  description?: string | undefined;
  meta?: { waitsFor?: string } | undefined;
  transitions?: Map<string, TransitionLike[]>;
  always?: TransitionLike[] | undefined;
}
interface TransitionLike {
  actions?: unknown;
  guard?: unknown;
}

/** @throws Bug with every broken rule at once */
export function createRegistry(definitions: readonly Definition[]): Registry {
  const registry = new Map<string, Definition>();
  const mistakes: string[] = [];
  for (const definition of definitions) {
    if (registry.has(definition.kind)) mistakes.push(`${definition.kind}: registered twice`);
    registry.set(definition.kind, definition);
    mistakes.push(...checkDefinition(definition));
  }
  if (mistakes.length > 0) throw new Bug(`machines break the rules of docs/machines.md:\n  ${mistakes.join('\n  ')}`);
  return registry;
}

/** One sentence per broken rule. */
export function checkDefinition(definition: Definition): string[] {
  const mistakes: string[] = [];
  const say = (place: string, mistake: string): void => {
    mistakes.push(`${definition.kind} ${place}: ${mistake}`);
  };
  const logic = definition.logic as unknown as {
    root: NodeLike;
    config: { context?: unknown };
    implementations: { actions: Record<string, unknown>; guards: Record<string, unknown> };
  };
  if (typeof logic.config.context !== 'function')
    say('context', 'must be a function; a static one is shared by all actors');
  for (const guard of Object.keys(logic.implementations.guards)) {
    if (definition.reasons[guard] === undefined) say(`guard ${guard}`, 'has no sentence in reasons');
  }
  walk(logic.root, (node) => {
    if ((node.invoke?.length ?? 0) > 0) say(node.id, 'invokes an actor; use a watch');
    for (const action of [...(node.entry ?? []), ...(node.exit ?? [])]) checkAction(node.id, action, say);
    for (const transition of transitionsOf(node)) {
      for (const action of [transition.actions ?? []].flat()) checkAction(node.id, action, say);
      checkGuard(node.id, transition.guard, say);
    }
    const resting = node.type === 'atomic' && (node.always?.length ?? 0) === 0;
    if (!resting) return;
    if (node.description === undefined) say(node.id, 'is a resting state without a description');
    if (node.meta?.waitsFor === undefined) say(node.id, 'is a resting state without meta.waitsFor');
  });
  return mistakes;
}

function walk(node: NodeLike, visit: (node: NodeLike) => void): void {
  visit(node);
  for (const child of Object.values(node.states ?? {})) walk(child, visit);
}

function transitionsOf(node: NodeLike): TransitionLike[] {
  return [...(node.transitions?.values() ?? []), node.always ?? []].flat();
}

function checkAction(place: string, action: unknown, say: (place: string, mistake: string) => void): void {
  const name = typeof action === 'string' ? action : (action as { type?: string }).type;
  if (typeof action === 'function' && !isTimerAction(name)) say(place, 'has an inline action; name it in setup()');
}

/** `after` is compiled to inline raise and cancel actions of XState's own. */
const isTimerAction = (name: string | undefined): boolean => name === 'xstate.raise' || name === 'xstate.cancel';

function checkGuard(place: string, guard: unknown, say: (place: string, mistake: string) => void): void {
  if (guard !== undefined && typeof guard === 'function')
    say(place, 'has an inline guard or guard combinator; name it in setup()');
}
