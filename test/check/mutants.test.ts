/**
 * The check against what it is there for: every single mutant of the real machines, class by class. A class whose
 * mutants all break a rule is found whole. A transition that is taken away breaks a rule only where it was the last of
 * its kind; whether it was, is counted here from the configuration itself, without the code under test.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, emit, log, not, sendTo, spawnChild } from 'xstate';
import { MACHINES } from '../../machines/index.ts';
import type { Definition } from '../../src/actor/state.ts';
import { checkMachine } from '../../src/check/check.ts';
import { skipLong } from '../support/long.ts';
import { configOf, listed, mutantsOf, mutantsOfRoot, spots, withConfig, withoutCandidate } from './mutants.ts';
import type { Config, Mutant } from './mutants.ts';

const all = (mutants: (definition: Definition) => Mutant[]): Mutant[] => MACHINES.flatMap(mutants);
const rulesOf = ({ definition }: Mutant): string[] => checkMachine(definition).map(({ rule }) => rule);

/** Of a class all are made; where there is little time every third is tried. */
const EVERY = skipLong === false ? 1 : 3;

function findsAll(mutants: Mutant[], rule: string, atLeast: number): void {
  assert.ok(mutants.length >= atLeast, `${mutants.length} mutants are too few to say anything`);
  const tried = mutants.filter((_, nth) => nth % EVERY === 0);
  const missed = tried.filter((mutant) => !rulesOf(mutant).includes(rule)).map(({ name }) => name);
  assert.deepEqual(missed, [], `of ${tried.length} mutants`);
}

const isRest = ({ type, states, always }: Config): boolean =>
  type === undefined && states === undefined && listed(always).every((one) => 'guard' in (one as object));

test('the machines of Chartroom break no rule', () => {
  for (const definition of MACHINES) assert.deepEqual(checkMachine(definition), []);
});

test('a machine made anew from its configuration is the same to the check', () => {
  for (const definition of MACHINES) assert.deepEqual(checkMachine(withConfig(definition, configOf(definition))), []);
});

test('a resting or final state without its description is found, each of them', () => {
  const mutants = all((definition) =>
    mutantsOf(definition, (state) =>
      isRest(state) || state.type === 'final' ? [['no description', () => delete state.description]] : [],
    ),
  );
  findsAll(mutants, 'description', 60);
});

test('a resting state without its gate is found, each of them', () => {
  const mutants = all((definition) =>
    mutantsOf(definition, (state) => (isRest(state) ? [['no gate', () => delete state.meta]] : [])),
  );
  findsAll(mutants, 'waits-for', 55);
});

test('a wait that no longer says why it needs no deadline is found, each of them', () => {
  const mutants = all((definition) =>
    mutantsOf(definition, ({ meta }) =>
      meta?.['unbounded'] === undefined ? [] : [['no word of its end', () => delete meta['unbounded']]],
    ),
  );
  findsAll(mutants, 'no-deadline', 10);
});

test('a deadline that is taken away is found, each of them', (t) => {
  const mutants = all((definition) =>
    mutantsOf(definition, ({ after = {} }) => Object.keys(after).map((key) => [`no ${key}`, () => delete after[key]])),
  );
  assert.ok(mutants.length >= 20);
  const missed = mutants.filter((mutant) => rulesOf(mutant).length === 0).map(({ name }) => name);
  assert.deepEqual(missed, []);
  t.diagnostic(`${mutants.length} deadlines`);
});

test('a deadline that a guard may refuse, with nothing behind it, is found, each of them', () => {
  const mutants = all((definition) =>
    mutantsOf(definition, (state) => {
      const ways = Object.values(state.after ?? {}).flatMap(listed) as { guard?: string }[];
      const needsNone = ['nothing', 'human', 'paused', 'withdrawn'].includes(String(state.meta?.['waitsFor']));
      if (ways.length === 0 || needsNone || state.meta?.['unbounded'] !== undefined) return [];
      const guard = Object.keys(definition.reasons)[0]!;
      return [['every deadline asks', () => ways.forEach((way) => (way.guard ??= guard))]];
    }),
  );
  findsAll(mutants, 'no-deadline', 15);
});

test('a state that stands apart is found, each of them', () => {
  const mutants = all((definition) =>
    mutantsOf(definition, (state) =>
      state.states === undefined || state.type === 'parallel'
        ? []
        : [['an island', () => (state.states!['island'] = { description: 'Apart.', meta: { waitsFor: 'nothing' } })]],
    ),
  );
  findsAll(mutants, 'unreachable', 15);
});

test('a machine that can no longer end is found', () => {
  for (const definition of MACHINES.filter(({ kind }) => kind !== 'dispatcher')) {
    const [mutant] = mutantsOfRoot(definition, (root) => [
      ['no final state', () => spots(root).forEach(({ state }) => state.type === 'final' && delete state.type)],
    ]);
    assert.ok(rulesOf(mutant!).includes('no-end'), mutant!.name);
  }
  const endless = MACHINES.find(({ kind }) => kind === 'dispatcher')!;
  findsAll(
    mutantsOfRoot(endless, (root) => [['not endless', () => delete root.meta]]),
    'no-end',
    1,
  );
});

test('a trap, from which no event leads to an end, is found in every machine that ends', () => {
  const trap: Config = { description: 'A trap.', meta: { waitsFor: 'human' } };
  for (const definition of MACHINES.filter(({ kind }) => kind !== 'dispatcher')) {
    const mutants = mutantsOf(definition, (state, path) => {
      const isRegionOfEnd = definition.kind === 'agent' ? path === 'life' : path === '';
      if (!isRegionOfEnd) return [];
      return Object.entries(state.states!)
        .filter(([, inner]) => inner.type === undefined && inner.states === undefined)
        .map(([name, inner]) => [
          `a trap behind ${name}`,
          () => {
            state.states!['trap'] = trap;
            inner.on = { ...inner.on, fyi: 'trap' };
          },
        ]);
    });
    findsAll(mutants, 'no-end', 1);
    findsAll(mutants, 'dead-end', 1);
  }
});

test('what can be left again and is made final is found', () => {
  const agent = MACHINES.find(({ kind }) => kind === 'agent')!;
  const life = mutantsOf(agent, (state, path) =>
    ['life.archived', 'life.stopped', 'life.coolingDown'].includes(path)
      ? [['is final', () => (state.type = 'final')]]
      : [],
  );
  findsAll(life, 'final-can-be-left', 3);
  const mission = MACHINES.find(({ kind }) => kind === 'mission')!;
  const left = mutantsOf(mission, (state, path) =>
    path === 'completed' ? [['goes on', () => (state.on = { 'correct.resume': 'running' })]] : [],
  );
  findsAll(left, 'final-can-be-left', 1);
});

test('an event that no region takes any more is found, each of the catalogue', (t) => {
  const mutants = all((definition) =>
    Object.keys(definition.events).flatMap((type) =>
      mutantsOfRoot(definition, (root) => [
        [`nothing takes ${type}`, () => spots(root).forEach(({ state }) => delete state.on?.[type])],
      ]),
    ),
  );
  findsAll(mutants, 'event-unhandled', 140);
  t.diagnostic(`${mutants.length} events`);
});

test('a refusal that also goes somewhere or does something is found, each of them', () => {
  const refusals = (change: (one: Record<string, unknown>, state: Config) => void) =>
    all((definition) =>
      mutantsOf(definition, (state) =>
        Object.entries(state.on ?? {}).flatMap(([type, candidates]) =>
          listed(candidates)
            .filter((one) => JSON.stringify((one as { actions?: unknown }).actions ?? '').includes('"refuse"'))
            .map((one): [string, () => void] => [
              `the refusal of ${type} changes`,
              () => change(one as Record<string, unknown>, state),
            ]),
        ),
      ),
    );
  findsAll(
    refusals((one) => (one['actions'] = [one['actions'], 'note'])),
    'refuses-and-changes',
    35,
  );
  findsAll(
    refusals((one) => {
      delete one['guard'];
      one['reenter'] = true;
      one['target'] = '.';
      delete one['target'];
      one['actions'] = [{ type: 'refuse', params: { code: 'no', reason: 'x' } }];
    }),
    'refusal-code',
    35,
  );
});

test('what the kernel would silently not do is found wherever it stands', () => {
  const foreign: [string, unknown][] = [
    ['inline-action', assign({})],
    ['foreign-action', log('x')],
    ['foreign-action', sendTo('x', { type: 'x' })],
    ['foreign-action', emit({ type: 'x' })],
    ['foreign-action', spawnChild('x')],
    ['unknown-action', 'nobodyNamedThis'],
  ];
  const doing = (action: unknown, definitions: readonly Definition[]): Mutant[] =>
    definitions.flatMap((definition) =>
      mutantsOf(definition, (state) =>
        isRest(state) ? [['does what it must not', () => (state.entry = [action])]] : [],
      ),
    );
  findsAll(
    doing(() => {}, MACHINES),
    'inline-action',
    55,
  );
  const small = MACHINES.filter(({ kind }) => kind === 'mission' || kind === 'dispatcher');
  for (const [rule, action] of foreign) findsAll(doing(action, small), rule, 8);
  const invoking = all((definition) =>
    mutantsOf(definition, (state) => (isRest(state) ? [['invokes', () => (state.invoke = { src: 'somebody' })]] : [])),
  );
  findsAll(invoking, 'invoke', 55);
});

test('a guard without its sentence, unnamed, combined or written in place is found, each of them', () => {
  const unexplained = MACHINES.flatMap((definition) =>
    Object.keys(definition.reasons).map((guard): Mutant => {
      const { [guard]: _gone, ...reasons } = definition.reasons;
      return { name: guard, definition: { ...definition, reasons }, config: configOf(definition) };
    }),
  );
  findsAll(unexplained, 'reason', 70);
  const asked = (put: (guard: string) => unknown): Mutant[] =>
    all((definition) =>
      mutantsOf(definition, (state) =>
        [...Object.values(state.on ?? {}), ...Object.values(state.after ?? {}), state.always]
          .flatMap(listed)
          .flatMap((one): [string, () => void][] => {
            const candidate = one as { guard?: string };
            if (typeof one !== 'object' || candidate.guard === undefined) return [];
            return [
              [`asks otherwise than ${candidate.guard}`, () => (candidate.guard = put(candidate.guard!) as string)],
            ];
          }),
      ),
    );
  findsAll(
    asked((guard) => not(guard as never)),
    'inline-guard',
    100,
  );
  findsAll(
    asked(() => 'nobodyNamedThis'),
    'unknown-guard',
    100,
  );
});

test('what stands behind a candidate without a guard is found, each of them', () => {
  const mutants = all((definition) =>
    mutantsOf(definition, (state) =>
      (['on', 'after'] as const).flatMap((table) =>
        Object.entries(state[table] ?? {}).flatMap(([name, candidates]) => {
          const [first] = listed(candidates);
          if (typeof first !== 'object' || 'guard' in (first as object)) return [];
          return [[`${table} ${name} twice`, () => (state[table]![name] = [first, first])] as [string, () => void]];
        }),
      ),
    ),
  );
  findsAll(mutants, 'shadowed', 100);
  const unguarded = all((definition) =>
    mutantsOf(definition, (state) =>
      [...Object.values(state.on ?? {}), ...Object.values(state.after ?? {}), state.always].flatMap((candidates) => {
        const ways = listed(candidates) as { guard?: string }[];
        const asks = ways.findIndex((way) => typeof way === 'object' && way.guard !== undefined);
        // Behind it another must stand that is now out of reach.
        if (asks < 0 || asks === ways.length - 1) return [];
        return [[`${ways[asks]!.guard} is not asked`, () => delete ways[asks]!.guard] as [string, () => void]];
      }),
    ),
  );
  findsAll(unguarded, 'shadowed', 20);
});

test('a state that only a person ends and no person can any more is found, each of them', () => {
  const peoples = new Set<unknown>(['human', 'paused', 'withdrawn']);
  const mutants = MACHINES.flatMap((definition): Mutant[] => {
    if (!spots(configOf(definition)).some(({ state }) => peoples.has(state.meta?.['waitsFor']))) return [];
    const events = Object.fromEntries(
      Object.entries(definition.events).map(([type, event]) => [type, { ...event, from: 'runtime' }]),
    ) as Definition['events'];
    return [{ name: definition.kind, definition: { ...definition, events }, config: configOf(definition) }];
  });
  findsAll(mutants, 'no-person', 3);
  for (const { definition, config } of mutants) {
    const said = checkMachine(definition).filter(({ rule }) => rule === 'no-person');
    const waits = spots(config).filter(({ state }) => isRest(state) && peoples.has(state.meta?.['waitsFor']));
    assert.equal(said.length, waits.length, definition.kind);
  }
});

test('a name of the setup that nothing uses any more is found, each guard, action and delay', () => {
  const without = (names: (state: Config) => string[], remove: (state: Config, name: string) => void): Mutant[] =>
    all((definition) => {
      const used = new Set(spots(configOf(definition)).flatMap(({ state }) => names(state)));
      return [...used].flatMap((name) =>
        mutantsOfRoot(definition, (root) => [
          [`nothing uses ${name}`, () => spots(root).forEach(({ state }) => remove(state, name))],
        ]),
      );
    });
  const ways = (state: Config): { guard?: string }[] =>
    [...Object.values(state.on ?? {}), ...Object.values(state.after ?? {}), state.always]
      .flatMap(listed)
      .filter((one) => typeof one === 'object') as { guard?: string }[];
  const guards = without(
    (state) => ways(state).flatMap(({ guard }) => (typeof guard === 'string' ? [guard] : [])),
    (state, name) => ways(state).forEach((way) => way.guard === name && delete way.guard),
  );
  findsAll(guards, 'unused', 60);
  const delays = without(
    (state) => Object.keys(state.after ?? {}).filter((name) => Number.isNaN(Number(name))),
    (state, name) => delete state.after?.[name],
  );
  findsAll(delays, 'unused', 15);
  const reasons = MACHINES.map((definition): Mutant => {
    const named = { ...definition, reasons: { ...definition.reasons, nobodyAsks: 'nobody asks this' } };
    return { name: definition.kind, definition: named, config: configOf(definition) };
  });
  findsAll(reasons, 'unused', 4);
});

test('a state that enters itself anew without a deadline is found, each of them', () => {
  const mutants = all((definition) =>
    mutantsOf(definition, (state, path) =>
      isRest(state) && state.after === undefined
        ? [['enters itself', () => (state.always = { target: `#${definition.kind}.${path}`, reenter: true })]]
        : [],
    ),
  );
  findsAll(mutants, 'idle-reentry', 30);
});

test('a context that all share, that JSON would lose or that is another each time is found', () => {
  const contexts: [string, unknown][] = [
    ['context-function', {}],
    ['context-plain', () => ({ at: new Date(0) })],
    ['context-plain', () => ({ name: undefined })],
    ['context-plain', () => ({ list: [{ cost: Number.NaN }] })],
    ['context-plain', () => ({ rows: new Map() })],
    ['context-repeatable', () => ({ id: Math.random() })],
    ['context-repeatable', ({ input }: { input: { nowhere: { at: string } } }) => ({ at: input.nowhere.at })],
  ];
  for (const [rule, context] of contexts) {
    findsAll(
      all((definition) => mutantsOfRoot(definition, (root) => [['other context', () => (root.context = context)]])),
      rule,
      4,
    );
  }
  for (const definition of MACHINES) {
    const rules = checkMachine({ ...definition, recordKeys: ['nowhere'] }).map(({ rule }) => rule);
    assert.ok(rules.includes('record-key'));
  }
});

// — a transition that is taken away —

/** How often each thing stands in a configuration, counted from the data alone. */
function counted(config: Config): { names: Map<string, number>; targets: Map<string, number>; events: Set<string> } {
  const names = new Map<string, number>();
  const targets = new Map<string, number>();
  const events = new Set<string>();
  const count = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
  const use = (part: unknown): void => {
    for (const one of listed(part)) {
      if (typeof one === 'string') count(names, one);
      else if (typeof one === 'object' && one !== null) count(names, (one as { type: string }).type);
    }
  };
  for (const { path, state } of spots(config)) {
    if (state.initial !== undefined) count(targets, path === '' ? state.initial : `${path}.${state.initial}`);
    if (state.type === 'parallel') {
      for (const name of Object.keys(state.states!)) count(targets, path === '' ? name : `${path}.${name}`);
    }
    use(state.entry);
    for (const type of Object.keys(state.on ?? {})) events.add(type);
    const candidates = [...Object.values(state.on ?? {}), ...Object.values(state.after ?? {}), state.always];
    for (const one of candidates.flatMap(listed)) {
      const { target, guard, actions } = (typeof one === 'string' ? { target: one } : one) as {
        target?: string;
        guard?: string;
        actions?: unknown;
      };
      use(actions);
      if (guard !== undefined) count(names, guard);
      // What leads back to itself brings nobody here.
      if (target !== undefined && resolved(target, path) !== path) count(targets, resolved(target, path));
    }
  }
  return { names, targets, events };
}

function resolved(target: string, from: string): string {
  if (target.startsWith('#')) return target.split('.').slice(1).join('.');
  if (target.startsWith('.')) return from === '' ? target.slice(1) : `${from}${target}`;
  const around = from.split('.').slice(0, -1).join('.');
  return around === '' ? target : `${around}.${target}`;
}

/** What a configuration lost against the one it was made from: the last use of a name, way to a state, taker of an event. */
function losses(before: Config, after: Config): string[] {
  const [old, now] = [counted(before), counted(after)];
  const gone = (was: Map<string, number>, is: Map<string, number>): string[] =>
    [...was.keys()].filter((key) => !is.has(key));
  const wishes = new Set(['tell', 'act', 'act.cancel', 'refuse', 'supersede']);
  return [
    ...gone(old.names, now.names).filter((name) => !wishes.has(name)),
    ...gone(old.targets, now.targets),
    ...[...old.events].filter((type) => !now.events.has(type)),
  ];
}

test('a transition that is taken away is found wherever it was the last of its kind', (t) => {
  let found = 0;
  const equivalent: string[] = [];
  for (const definition of MACHINES) {
    const types = new Set(Object.keys(definition.events));
    const mutants = mutantsOf(definition, (state) => [
      ...withoutCandidate(state, 'on'),
      ...withoutCandidate(state, 'always'),
      ...withoutCandidate(state, 'after'),
    ]);
    for (const mutant of mutants) {
      const lost = losses(configOf(definition), mutant.config);
      const labels = lost.filter(
        (what) =>
          !types.has(what) && /\w\.\w/.test(what) && !spots(configOf(definition)).some(({ path }) => path === what),
      );
      if (rulesOf(mutant).length > 0) found += 1;
      else if (lost.length > labels.length) assert.fail(`${mutant.name} is not found, and lost ${lost.join(', ')}`);
      else equivalent.push(mutant.name);
    }
  }
  t.diagnostic(`${found + equivalent.length} transitions: ${found} found, ${equivalent.length} break no rule`);
  if (process.env['SHOW_MUTANTS'] !== undefined) t.diagnostic(equivalent.join('\n'));
  assert.ok(found > 200);
});
