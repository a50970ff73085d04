/** One change to a machine's configuration at a time: every mutant of a class, made from the real configuration as data. */
import { createMachine } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import type { Definition } from '../../src/actor/state.ts';

export interface Mutant {
  /** What was done, and where. */
  name: string;
  definition: Definition;
  /** The configuration as it is now, for an opinion of one's own. */
  config: Config;
}

/** XState's configuration of a state, as plain data. */
export interface Config {
  type?: string;
  initial?: string;
  description?: string;
  meta?: Record<string, unknown>;
  entry?: unknown;
  invoke?: unknown;
  on?: Record<string, unknown>;
  always?: unknown;
  after?: Record<string, unknown>;
  states?: Record<string, Config>;
  context?: unknown;
}

interface Spot {
  /** Dotted, the root empty. */
  path: string;
  state: Config;
}

/** Every state of a configuration, the root first. */
export function spots(state: Config, path = ''): Spot[] {
  const inner = Object.entries(state.states ?? {}).flatMap(([name, child]) =>
    spots(child, path === '' ? name : `${path}.${name}`),
  );
  return [{ path, state }, ...inner];
}

/** What may be an object, a string or a list of them. */
export const listed = (candidates: unknown): unknown[] =>
  candidates === undefined ? [] : Array.isArray(candidates) ? (candidates as unknown[]) : [candidates];

export const configOf = (definition: Definition): Config => definition.logic.config as unknown as Config;

/** The same definition over another configuration. */
export function withConfig(definition: Definition, config: Config): Definition {
  const { implementations } = definition.logic as AnyStateMachine & { implementations: object };
  return { ...definition, logic: createMachine(config as never, implementations as never) };
}

/** Functions stay the same, everything else is copied. */
function copied<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map((part: unknown) => copied(part)) as Value;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copied(part as unknown)])) as Value;
}

type Change = (state: Config, path: string) => [string, () => unknown][];

/** A mutant for each thing that `change` could do to a state: what it did, and the doing. */
export function mutantsOf(definition: Definition, change: Change): Mutant[] {
  return spots(configOf(definition)).flatMap((spot, index) =>
    change(spot.state, spot.path).map(([name], nth) => {
      const config = copied(configOf(definition));
      const { state, path } = spots(config)[index]!;
      change(state, path)[nth]![1]();
      return { name: `${definition.kind} ${path}: ${name}`, definition: withConfig(definition, config), config };
    }),
  );
}

/** The same for changes of the whole. */
export const mutantsOfRoot = (definition: Definition, change: (root: Config) => [string, () => unknown][]): Mutant[] =>
  mutantsOf(definition, (state, path) => (path === '' ? change(state) : []));

/** Takes one candidate out of a table of events, or of the eventless ones. */
export function withoutCandidate(state: Config, place: 'on' | 'after' | 'always'): [string, () => void][] {
  if (place === 'always') {
    return listed(state.always).map((_, nth) => [
      `always ${nth} is gone`,
      () => {
        state.always = listed(state.always).filter((_one, index) => index !== nth);
      },
    ]);
  }
  const table = state[place] ?? {};
  return Object.keys(table).flatMap((key) =>
    listed(table[key]).map((_, nth): [string, () => void] => [
      `${place} ${key} ${nth} is gone`,
      () => {
        const left = listed(table[key]).filter((_one, index) => index !== nth);
        if (left.length === 0) delete table[key];
        else table[key] = left;
      },
    ]),
  );
}
