/**
 * Who watches what, in random schedules: hiring, subscribing, stopping, crashing, offboarding and a runtime that dies
 * before a commit race for the same repositories. Decided as the kernel decides, on states alone.
 * `SUBSCRIPTION_SCHEDULES=10000` plays that many.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentDefinition } from '../../machines/agent/index.ts';
import { decide } from '../../src/actor/decide.ts';
import type { Stood } from '../../src/actor/decide.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Definition } from '../../src/actor/state.ts';
import { createRandom } from '../simulation/random.ts';

const SCHEDULES = Number(process.env['SUBSCRIPTION_SCHEDULES'] ?? 150);
const MOVES = 24;
const AGENTS = ['agent/a', 'agent/b', 'agent/c', 'agent/d'] as const;
/** Three of one user, one of another. */
const userOf = (agent: string): string => (agent < 'agent/d' ? 'ann' : 'ben');
/** Ways to write two repositories. */
const REPOS = ['acme/api', 'Acme/API', ' acme/api ', 'acme/web'] as const;
const INACTIVE = new Set(['stopped', 'archived', 'offboarded']);
const NO_USAGE = { inputTokens: 0, outputTokens: 0 };
const definition = agentDefinition as unknown as Definition;
const registry = new Map([['agent', definition]]);

interface World {
  agents: Map<string, Stood>;
  claims: Map<string, string>;
}

const claimOf = (agent: string, repo: string): string => `subscription:${userOf(agent)}:${repo.trim().toLowerCase()}`;
const lifeOf = (stood: Stood): string => (stood.live.state.value as { life: string }).life;

function play(seed: number): string[] {
  const random = createRandom(seed);
  const world: World = { agents: new Map(), claims: new Map() };
  const story: string[] = [];
  for (let move = 0; move < MOVES; move++) {
    const actor = random.pick(AGENTS);
    const repo = random.pick(REPOS);
    const stood = world.agents.get(actor) ?? null;
    const [type, data] = stood === null ? (['hire', hireOf(actor)] as const) : nextMove(random, repo);
    const decision = decide(
      {
        actor,
        envelope: { specversion: '1.0', id: `${seed}-${move}`, source: 'cli/ann', type, subject: actor, data },
        at: new Date(Date.parse('2026-01-01T00:00:00.000Z') + move * 1_000).toISOString(),
        door: 'inside',
      },
      stood,
      {
        registry,
        timers: {},
        holderOf: (claim) => world.claims.get(claim) ?? null,
        phaseOf: () => null,
        near: () => [],
      },
    );
    const { receipt } = decision;
    // The runtime dies before the commit: nothing of it happened.
    const isLost = random.chance(0.1);
    story.push(`${actor} ${type} ${type.includes('subscribe') ? repo : ''}: ${isLost ? 'lost' : receipt.outcome}`);
    judge(receipt, type, repo, actor, world);
    if (isLost || decision.step === null) continue;
    commit(world, actor, stood, { live: decision.step.live, projection: decision.projection });
    check(world);
  }
  return story;
}

const hireOf = (agent: string) => ({
  role: 'reviewer',
  driver: 'scripted',
  mode: 'worker',
  user: userOf(agent),
});

type Random = ReturnType<typeof createRandom>;
function nextMove(random: Random, repo: string): readonly [string, Record<string, unknown>] {
  return random.pick([
    ['correct.subscribe', { repo }],
    ['correct.subscribe', { repo }],
    ['correct.subscribe', { repo }],
    ['correct.unsubscribe', { repo }],
    ['correct.stop', {}],
    ['correct.stop', {}],
    ['correct.resume', {}],
    ['correct.resume', {}],
    ['correct.resume', {}],
    ['correct.restart', {}],
    ['correct.offboard', {}],
    ['credential.revoke.done', { key: 'k' }],
    ['credential.revoke.done', { key: 'k' }],
    ['driver.exited', { class: 'crash', usage: NO_USAGE }],
    ['hire', { role: 'reviewer', driver: 'scripted', mode: 'worker' }],
  ] as [string, Record<string, unknown>][]);
}

/** Every refusal of a subscription is true, and names who is in the way; coming back is never refused for one. */
function judge(receipt: Receipt, type: string, repo: string, actor: string, world: World): void {
  if (type === 'correct.resume' && lifeOf(world.agents.get(actor)!) === 'stopped')
    assert.equal(receipt.outcome, 'taken', 'it comes back, whatever somebody else took meanwhile');
  if (type !== 'correct.subscribe') return;
  const claim = claimOf(actor, repo);
  const holder = world.claims.get(claim) ?? null;
  const life = lifeOf(world.agents.get(actor)!);
  const isAway = INACTIVE.has(life) || life === 'offboarding';
  if (isAway) assert.equal(receipt.outcome, 'refused', `${actor} is ${life}`);
  else if (holder === null) assert.equal(receipt.outcome, 'taken', `${claim} is free`);
  else if (holder === actor) assert.equal(receipt.outcome, 'recorded', `${claim} is its own already`);
  else {
    assert.equal(receipt.code, 'claim');
    assert.equal((receipt as { holder?: string }).holder, holder);
  }
}

function commit(world: World, actor: string, before: Stood | null, after: Stood): void {
  for (const claim of before?.live.state.claims ?? []) world.claims.delete(claim);
  for (const claim of after.live.state.claims) {
    assert.ok(!world.claims.has(claim), `${claim} has two holders`);
    world.claims.set(claim, actor);
  }
  world.agents.set(actor, after);
}

function check({ agents, claims }: World): void {
  for (const [claim, holder] of claims) {
    const life = lifeOf(agents.get(holder)!);
    assert.ok(!INACTIVE.has(life), `${holder} holds ${claim} and is ${life}`);
    assert.ok(claim.startsWith(`subscription:${userOf(holder)}:`));
  }
  for (const [agent, stood] of agents) {
    const { subscriptions } = stood.live.state.context as { subscriptions: { repo: string; takenBy: string | null }[] };
    if (INACTIVE.has(lifeOf(stood))) continue;
    // What it lists as its own it holds, and the other way round.
    const own = subscriptions.filter(({ takenBy }) => takenBy === null).map(({ repo }) => claimOf(agent, repo));
    assert.deepEqual(
      own.sort(),
      [...claims]
        .filter(([, holder]) => holder === agent)
        .map(([claim]) => claim)
        .sort(),
    );
  }
}

test(`in ${SCHEDULES} schedules a repository has one watcher of a user, who is active, and a refusal names them`, () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    let story: string[] = [];
    try {
      story = play(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    for (const line of story) seen.add(line.replace(/^agent\/. /, '').replace(/ .*:/, ':'));
  }
  for (const needed of [
    'correct.subscribe: taken',
    'correct.subscribe: refused',
    'correct.offboard: taken',
    'correct.resume: taken',
  ])
    assert.ok(seen.has(needed), `no schedule has ${needed}: ${[...seen].join(', ')}`);
});
