/**
 * One mission of eight items among ten agents, twenty actors in all, moved and disturbed in random order: after every single
 * event what the mission shows of an item, or has on its way in its mailbox, is what the item's session itself says of its
 * owner, epoch, state and gates. A picture is behind by the mail that is on its way, and by nothing else.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MACHINES } from '../../machines/index.ts';
import type { WaitingOn } from '../../machines/contract.ts';
import type { MissionContext } from '../../machines/mission/index.ts';
import { pictureFrom } from '../../machines/mission/items.ts';
import { createRegistry } from '../../src/actor/registry.ts';
import { createKernel } from './kernel.ts';
import type { Kernel } from './kernel.ts';
import { disturb } from './people.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { REPO } from './shape.ts';
import type { Opening, Shape } from './shape.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

/** More for whoever asks. */
const SCHEDULES = Number(process.env['PICTURES'] ?? 12);
const MOVES = 250;
const START_MS = Date.parse('2026-01-01T00:00:00.000Z');
const MISSION = 'mission/m';
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const REGISTRY = createRegistry(MACHINES);

function twentyActors(random: Random): Shape {
  const hired = (name: string, role: string): Opening => ({
    to: `agent/${name}`,
    type: 'hire',
    data: { role, driver: 'scripted', mode: 'worker' },
  });
  const items = KEYS.map((key, place) => ({
    key,
    title: `Do ${key}`,
    body: '',
    kind: random.chance(0.85) ? 'implement' : 'docs',
    dependsOn: KEYS.slice(0, place).filter(() => random.chance(0.15)),
    repo: REPO,
    deliver: 'pull_request',
    gates: { checks: random.chance(0.5) ? ['Tests'] : 'none', review: random.pick(['required', 'everyHead', 'none']) },
    merge: random.pick(['self', 'people', 'queue']),
    reviewers: 'agents',
  }));
  const policy = { maxParallel: 2 + random.below(5), onItemFailed: random.pick(['continue', 'hold']) };
  return {
    issues: [],
    openings: [
      { to: 'dispatcher/main', type: 'fleet.configured', data: { maxRuns: 6 } },
      ...['ivy', 'ian', 'ida', 'ira', 'isa', 'ivo', 'ike'].map((name) => hired(name, 'implementer')),
      ...['rosa', 'rita', 'rolf'].map((name) => hired(name, 'reviewer')),
      { to: MISSION, type: 'open', data: { objective: 'All of it', items, policy } },
    ],
  };
}

interface Said {
  phase: string;
  work: string;
  owner: string | null;
  epoch: number;
  waitingOn: readonly WaitingOn[];
}
const words = ({ phase, work, owner, epoch, waitingOn }: Said): string =>
  [phase, work, owner, epoch, ...waitingOn.map(({ gate, on }) => `${gate}:${on}`)].join(' ');

/** What each item is shown as, and what it is; those that agree are left out. */
function differences(kernel: Kernel): string[] {
  const mission = kernel.actors.get(MISSION);
  if (mission === undefined || mission.live.view.final) return [];
  const coming = kernel.mailboxes.get(MISSION) ?? [];
  return (mission.live.state.context as unknown as MissionContext).items.flatMap(({ session, picture, spec }) => {
    const own = kernel.actors.get(session);
    const last = coming.findLast(({ type, source }) => type === 'session.changed' && source === session);
    const shown = last === undefined ? picture : pictureFrom(last.data as never);
    if (own === undefined) return shown === null ? [] : [`${spec.key} is shown and does not exist`];
    if (shown === null) return [`${spec.key} exists and is not shown`];
    const { value } = own.live.state;
    const work = typeof value === 'string' ? value : (value as { open: { work: string } }).open.work;
    const [says, is] = [words(shown), words({ ...own.projection, work, epoch: own.projection.epoch! })];
    return says === is ? [] : [`${spec.key} is shown as “${says}” and is “${is}”`];
  });
}

function moveOnce(world: World, random: Random): void {
  const { kernel } = world;
  const timer = kernel.nextTimer();
  const isDue = timer !== null && timer.dueMs <= kernel.nowMs;
  kernel.nowMs += random.below(1_500);
  const sorts = world.moves(random, false);
  if (timer !== null && (sorts.length === 0 || isDue || random.chance(0.04))) kernel.fire(timer);
  else random.prefer(random.prefer(sorts)?.moves ?? [])?.go();
}

test('after every event a mission’s picture of owner, epoch and gates is what its sessions say', () => {
  let events = 0;
  let most = 0;
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const found: string[] = [];
    const kernel = createKernel(REGISTRY, START_MS, ({ envelope }) => {
      events++;
      for (const difference of differences(kernel)) found.push(`after ${envelope.type}: ${difference}`);
    });
    const shape = twentyActors(createRandom(seed));
    const world = createWorld(kernel, shape);
    for (const [n, { to, type, data }] of shape.openings.entries()) {
      kernel.send({ specversion: '1.0', id: `opening-${n}`, source: 'cli/ann', type, subject: to, data }, 'outside');
    }
    for (let move = 0; move < MOVES && found.length === 0; move++) {
      const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(move + 1, 0x85ebca77));
      if (random.chance(0.2)) disturb(world, random);
      else moveOnce(world, random);
    }
    assert.deepEqual(found.slice(0, 3), [], `seed ${seed}`);
    most = Math.max(most, kernel.actors.size);
  }
  assert.ok(most >= 20, `${most} actors`);
  assert.ok(events > SCHEDULES * MOVES * 0.5, `${events} events`);
});
