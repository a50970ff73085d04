/**
 * How many chats are awake at once, played by the dispatcher and the chats themselves: never more than may be, nobody
 * who waits is forgotten, idle ones make room, and who waits longest is served first.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentDefinition } from '../../machines/agent/index.ts';
import { dispatcherDefinition } from '../../machines/dispatcher/index.ts';
import { createRandom } from '../simulation/random.ts';
import { testActor } from '../support/actor.ts';
import type { StepEffect } from '../../src/actor/step.ts';
import type { TestActor } from '../support/actor.ts';

const DISPATCHER = 'dispatcher/main';
const USAGE = { inputTokens: 0, outputTokens: 0 };
const QUIET = ['stopped', 'archived', 'offboarded'];

interface Letter {
  from: string;
  to: string;
  type: string;
  data: Record<string, unknown>;
}

/** Chats and their dispatcher; letters between two of them arrive in order, of several pairs in any. */
function openHouse(maxChats: number, names: readonly string[]) {
  const actors = new Map<string, TestActor>();
  const post: Letter[] = [];
  const dispatcher = testActor(dispatcherDefinition, DISPATCHER);
  actors.set(DISPATCHER, dispatcher);
  dispatcher.take('fleet.configured', { maxRuns: 4, maxChats });

  function send(to: string, type: string, data: Record<string, unknown> = {}): string {
    const actor = actors.get(to)!;
    const result = actor.send(type, data, { source: 'cli/alice' });
    if ('effects' in result) keep(to, result.effects);
    return result.outcome;
  }
  function keep(from: string, effects: readonly StepEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'tell' && actors.has(effect.to))
        post.push({ from, to: effect.to, type: effect.type, data: effect.data });
      // Nothing is in the way of a revocation here.
      if (effect.kind === 'act' && effect.act === 'credential.revoke')
        send(from, 'credential.revoke.done', { key: 'k' });
    }
  }
  for (const name of names) {
    actors.set(`agent/${name}`, testActor(agentDefinition, `agent/${name}`));
    send(`agent/${name}`, 'hire', { role: 'reviewer', driver: 'scripted', mode: 'chat' });
  }

  /** Delivers the n-th pair's next letter. */
  function deliver(n = 0): void {
    const pairs = [...new Set(post.map(({ from, to }) => `${from} ${to}`))];
    const pair = pairs[n % pairs.length];
    const at = post.findIndex(({ from, to }) => `${from} ${to}` === pair);
    const [letter] = post.splice(at, 1);
    if (letter !== undefined) send(letter.to, letter.type, letter.data);
  }
  function settle(): void {
    while (post.length > 0) deliver();
  }
  const context = (name: string) => actors.get(`agent/${name}`)!.context() as { chat: { up: boolean } };
  const life = (name: string): string => (actors.get(`agent/${name}`)!.value() as { life: string }).life;
  return {
    dispatcher,
    post,
    deliver,
    settle,
    life,
    /** What happens to a chat, and all that follows from it. */
    let(name: string, type: string, data: Record<string, unknown> = {}): string {
      const outcome = send(`agent/${name}`, type, data);
      settle();
      return outcome;
    },
    send: (name: string, type: string, data: Record<string, unknown> = {}) => send(`agent/${name}`, type, data),
    wait(seconds: number): void {
      for (const [address, actor] of actors) keep(address, actor.wait(seconds));
      settle();
    },
    isUp: (name: string): boolean => context(name).chat.up,
    up: (): string[] => names.filter((name) => context(name).chat.up),
    waiting: (): string[] =>
      names.filter((name) =>
        actors
          .get(`agent/${name}`)!
          .project()
          .waitingOn.some(({ gate }) => gate === 'slot'),
      ),
    waitsOf: (name: string) => actors.get(`agent/${name}`)!.project().waitingOn,
  };
}
type House = ReturnType<typeof openHouse>;

const wakes = (house: House, name: string): void => {
  house.let(name, 'say', { text: 'hello' });
  house.let(name, 'driver.started', { pid: 1, startedAt: '2026-01-01T00:00:00.000Z' });
};
const finishes = (house: House, name: string): string =>
  house.let(name, 'driver.turned', { outcome: 'completed', usage: USAGE });
const ends = (house: House, name: string): string => house.let(name, 'driver.exited', { class: 'ended', usage: USAGE });

test('a chat beyond the limit waits, visibly at itself and at the dispatcher, and wakes when another has gone', () => {
  const house = openHouse(2, ['a', 'b', 'c', 'd']);
  for (const name of ['a', 'b']) wakes(house, name);
  house.let('c', 'say', { text: 'hello' });
  house.wait(5);
  house.let('d', 'say', { text: 'hello' });
  assert.deepEqual(house.up(), ['a', 'b']);
  assert.deepEqual(
    house.waitsOf('c').map(({ gate, on, moves }) => [gate, on, moves]),
    [['slot', DISPATCHER, ['place.given']]],
  );
  assert.deepEqual(
    house.dispatcher.project().waitingOn.map(({ on, detail }) => [on, detail]),
    [
      ['agent/c', 'agent/c waits to wake: 2 of 2 chats at a time are awake, 0 before it'],
      ['agent/d', 'agent/d waits to wake: 2 of 2 chats at a time are awake, 1 before it'],
    ],
  );
  house.wait(5);
  house.let('b', 'driver.exited', { class: 'crash', usage: USAGE });
  assert.deepEqual(house.up(), ['a', 'c'], 'who waited longer goes before who was just there');
  house.let('a', 'correct.stop');
  ends(house, 'a');
  assert.deepEqual([house.up(), house.waiting()], [['c', 'd'], ['b']]);
});

test('a chat that nobody needs makes room at once, one for each that waits; one with company does not', () => {
  const house = openHouse(3, ['a', 'b', 'c', 'd', 'e']);
  for (const name of ['a', 'b', 'c']) wakes(house, name);
  house.let('c', 'consumer.attached', { consumer: 't1', kind: 'terminal' });
  for (const name of ['b', 'a', 'c']) {
    finishes(house, name);
    house.wait(1);
  }
  assert.deepEqual(house.up(), ['a', 'b', 'c'], 'idle chats stay as long as nobody waits');
  house.let('d', 'say', { text: 'hello' });
  assert.deepEqual(
    [house.life('b'), house.life('a'), house.life('c')],
    ['stopping', 'awake', 'awake'],
    'the longest idle',
  );
  ends(house, 'b');
  assert.deepEqual([house.up(), house.life('b')], [['a', 'c', 'd'], 'asleep']);
  house.let('e', 'say', { text: 'hello' });
  ends(house, 'a');
  house.let('b', 'say', { text: 'again' });
  assert.deepEqual([house.up(), house.waiting()], [['c', 'd', 'e'], ['b']], 'company is not idle');
  house.let('c', 'consumer.left', { consumer: 't1', kind: 'terminal' });
  assert.equal(house.life('c'), 'stopping');
});

test('a letter that is withdrawn, or a chat that is put away while it waits, leaves its turn to the next', () => {
  const house = openHouse(1, ['a', 'b', 'c', 'd']);
  wakes(house, 'a');
  for (const name of ['b', 'c', 'd']) {
    house.let(name, 'say', { text: 'hello' });
    house.wait(1);
  }
  house.let('b', 'correct.offboard');
  // The place is on its way when it is not needed any more.
  house.send('a', 'driver.exited', { class: 'clean', usage: USAGE });
  house.let('a', 'correct.stop');
  assert.deepEqual(house.up(), ['c']);
  house.send('c', 'driver.exited', { class: 'crash', usage: USAGE });
  while (!house.post.some(({ type }) => type === 'place.given')) house.deliver();
  house.send('d', 'correct.archive');
  house.settle();
  assert.deepEqual([house.up(), house.waiting()], [['c'], []]);
});

test('in whatever order letters, processes and corrections come: never too many, nobody forgotten', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const schedules = Number(process.env['PLACE_SCHEDULES'] ?? 20);
  let waited = 0;
  for (let seed = 1; seed <= schedules; seed++) {
    const random = createRandom(seed);
    const max = 1 + random.below(3);
    const house = openHouse(max, names);
    for (let move = 0; move < 60; move++) {
      const name = random.pick(names);
      const life = house.life(name);
      const consumer = { consumer: 't1', kind: 'terminal' };
      if (random.chance(0.5)) house.deliver(random.below(8));
      else if (random.chance(0.35)) house.send(name, 'say', { text: 'x' });
      else if (random.chance(0.2)) house.send(name, random.pick(['consumer.attached', 'consumer.left']), consumer);
      else if (random.chance(0.1))
        house.send(name, random.pick(['correct.stop', 'correct.archive', 'correct.restart']));
      else if (random.chance(0.25)) house.send(name, random.pick(['correct.resume', 'correct.restore']));
      else if (random.chance(0.02)) house.send(name, 'correct.offboard');
      else if (life === 'starting')
        house.send(name, 'driver.started', { pid: 1, startedAt: '2026-01-01T00:00:00.000Z' });
      else if (life === 'busy') house.send(name, 'driver.turned', { outcome: 'completed', usage: USAGE });
      else if (house.isUp(name))
        house.send(name, 'driver.exited', { class: life === 'stopping' ? 'ended' : 'clean', usage: USAGE });
      assert.ok(house.up().length <= max, `seed ${seed}, move ${move}: ${house.up().length} of ${max} are awake`);
    }
    house.settle();
    const waiting = house.waiting();
    waited += waiting.length;
    if (waiting.length > 0) {
      const leaving = names.filter((name) => ['stopping', 'offboarding'].includes(house.life(name)));
      const idle = names.filter((name) => isIdle(house, name));
      assert.equal(house.up().length, max, `seed ${seed}: ${waiting.join(' ')} wait though there is room`);
      assert.ok(idle.length === 0 || leaving.length >= waiting.length, `seed ${seed}: ${idle.join(' ')} sit idle`);
    }
    // Everybody finishes and leaves: then everybody who waited has had a turn.
    for (let round = 0; round < 60 && house.waiting().length > 0; round++) {
      for (const name of house.up()) {
        const life = house.life(name);
        if (life === 'starting') house.let(name, 'driver.started', { pid: 1, startedAt: '2026-01-01T00:00:00.000Z' });
        else if (life === 'busy') finishes(house, name);
        else ends(house, name);
        house.let(name, 'consumer.left', { consumer: 't1', kind: 'terminal' });
      }
    }
    assert.deepEqual(house.waiting(), [], `seed ${seed}: forgotten`);
    for (const name of names)
      if (QUIET.includes(house.life(name))) assert.ok(!house.isUp(name), `seed ${seed}: ${name}`);
  }
  assert.ok(waited > 0, 'some had to wait');
});

/** Awake with nobody there and nothing to read, as the dispatcher knows it. */
function isIdle(house: House, name: string): boolean {
  const rows = house.dispatcher.context()['agents'] as { agent: string; place?: string }[];
  return rows.some(({ agent, place }) => agent === `agent/${name}` && place === 'idle');
}
