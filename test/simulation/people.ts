/**
 * What people and the outside do to a running fleet: every correction of docs/events.md, texts, answers, reviews, pushes,
 * closed pull requests, changed issues; and what machines do: red checks, evicted queues, dead processes, crashes.
 */
import type { MissionContext } from '../../machines/mission/index.ts';
import type { SessionContext } from '../../machines/session/index.ts';
import { CHECKS } from './github.ts';
import type { Comment, Pull } from './github.ts';
import type { Exit } from './processes.ts';
import type { Random } from './random.ts';
import { REPO } from './shape.ts';
import { changeIssue } from './tracker.ts';
import type { World } from './world.ts';

interface Way {
  name: string;
  go: () => void;
}

export function disturb(world: World, random: Random): void {
  const kinds: Way[] = [
    { name: 'session', go: () => correctSession(world, random) },
    { name: 'session again', go: () => correctSession(world, random) },
    { name: 'session once more', go: () => correctSession(world, random) },
    { name: 'agent', go: () => correctAgent(world, random) },
    { name: 'agent again', go: () => correctAgent(world, random) },
    { name: 'mission', go: () => correctMission(world, random) },
    { name: 'fleet', go: () => correctFleet(world, random) },
    { name: 'github', go: () => outsideGithub(world, random) },
    { name: 'github again', go: () => outsideGithub(world, random) },
    { name: 'tracker', go: () => outsideTracker(world, random) },
    { name: 'process', go: () => strikeProcess(world, random) },
    { name: 'runtime', go: () => void (random.chance(0.5) && world.crash(random)) },
  ];
  random.prefer(kinds)!.go();
}

function named(names: readonly string[]): { name: string }[] {
  return names.map((name) => ({ name }));
}

function correctSession(world: World, random: Random): void {
  const address = random.prefer(named([...world.open('session'), ...world.all('session').slice(0, 1)]))?.name;
  if (address === undefined) return;
  const context = world.contextOf<SessionContext>(address);
  const agent = random.prefer(named(world.all('agent')))!.name;
  const head = context.pull?.head ?? '0000000';
  const obligation = context.obligations[0]?.id ?? 'none';
  const kind = context.obligations[0]?.kind ?? 'implement';
  const correct = (type: string, data: Record<string, unknown> = {}): Way => ({
    name: type,
    go: () => {
      const fence = random.chance(0.25) ? { expectepoch: random.chance(0.6) ? context.epoch : random.below(4) } : {};
      world.mail(address, type, data, fence);
    },
  });
  const question = context.questions[0]?.id;
  const ways: Way[] = [
    correct('correct.reassign', { to: random.pick([agent, agent, 'role/implementer', 'lane/fast']) }),
    correct('correct.unassign'),
    correct('correct.adopt', { agent }),
    correct('correct.reviewer.replace', { to: random.pick([agent, 'role/reviewer', 'person/ann']) }),
    correct('correct.review.waive', random.chance(0.5) ? {} : { head }),
    correct('correct.check.ignore', { name: random.pick(CHECKS), ...(random.chance(0.5) ? { head } : {}) }),
    correct('correct.check.rerun', random.chance(0.5) ? {} : { name: 'Tests' }),
    correct('correct.obligation.drop', { id: obligation }),
    correct('correct.budget.set', {
      kind: random.pick([kind, 'restarts', 'tokens', 'costUsd', 'runSeconds']),
      limit: random.pick([1, 3, 1_000]),
    }),
    correct('correct.retry', random.chance(0.7) ? {} : { kind }),
    correct('correct.stop'),
    correct('correct.pause'),
    correct('correct.resume'),
    correct('correct.takeover'),
    correct('correct.handback', random.chance(0.5) ? {} : { note: 'Mind the tests.' }),
    correct('correct.withdraw'),
    correct('correct.delegate'),
    correct('correct.edit', random.pick([{ priority: 1 }, { title: 'Otherwise' }, { gates: { review: 'none' } }, {}])),
    correct('say', { text: 'Please mind the tests.' }),
    correct('fyi', { text: 'The release is on Monday.' }),
    correct('answer', { text: 'That way.', ...(question === undefined || random.chance(0.3) ? {} : { question }) }),
  ];
  // Nobody attaches what another session is at work on.
  const pull = world.github.pulls.findLast(({ session }) => session === address || !world.isOpen(session));
  if (pull !== undefined) ways.push(correct('correct.pull.attach', { number: pull.number }));
  if (random.chance(0.15)) {
    const outcome = random.pick(['done', 'failed', 'cancelled']);
    ways.push(correct('correct.close', { outcome, ...(random.chance(0.5) ? { pull: 'close' } : {}) }));
  }
  random.prefer(ways)!.go();
}

function correctAgent(world: World, random: Random): void {
  const address = random.prefer(named(world.all('agent')))!.name;
  const correct = (type: string, data: Record<string, unknown> = {}): Way => ({
    name: type,
    go: () => world.mail(address, type, data),
  });
  const consumer = { consumer: `t${random.below(2)}`, kind: 'terminal' };
  const ways: Way[] = [
    correct('correct.pause'),
    correct('correct.resume'),
    correct('correct.interrupt'),
    correct('correct.drain'),
    correct('correct.stop'),
    correct('correct.restart'),
    correct('correct.archive', random.chance(0.5) ? { unlessActive: true } : {}),
    correct('correct.restore'),
    correct('correct.lane.set', { lanes: random.pick([[], ['fast']]) }),
    correct('correct.limits.set', random.pick([{ runsPerHour: 1 }, { runsPerHour: 9 }, { runSeconds: 60 }])),
    correct('correct.subscribe', { repo: random.pick([REPO, ' Acme/API ']) }),
    correct('correct.unsubscribe', { repo: REPO }),
    correct('correct.memory.set', { key: 'a', value: 'b' }),
    correct('correct.memory.delete', { key: 'a' }),
    correct('say', { text: 'Hello.' }),
    correct('query', { text: 'How far are you?', ...(random.chance(0.5) ? { deadlineMs: 60_000 } : {}) }),
    correct('fyi', { text: 'Lunch at noon.' }),
    { name: 'consumer.attached', go: () => world.tell(address, 'consumer.attached', consumer) },
    { name: 'consumer.left', go: () => world.tell(address, 'consumer.left', consumer) },
    { name: 'hire', go: () => world.hire(`extra${random.below(2)}`, random.pick(['implementer', 'reviewer'])) },
  ];
  if (random.chance(0.3)) ways.push(correct('correct.offboard'));
  random.prefer(ways)!.go();
}

function correctMission(world: World, random: Random): void {
  const address = random.prefer(named(world.all('mission')))?.name;
  if (address === undefined) return correctSession(world, random);
  const { items } = world.contextOf<MissionContext>(address);
  const item = random.prefer(items.map(({ spec }) => ({ name: spec.key })))?.name ?? 'a';
  const other = random.pick(items).spec.key;
  const extra = {
    key: `x${random.below(2)}`,
    title: 'One more',
    body: '',
    kind: 'implement',
    dependsOn: random.chance(0.5) ? [item] : [],
    repo: REPO,
    deliver: 'report',
  };
  const correct = (type: string, data: Record<string, unknown> = {}): Way => ({
    name: type,
    go: () => world.mail(address, type, data),
  });
  const ways: Way[] = [
    correct('correct.item.add', { item: extra }),
    correct('correct.item.remove', { item, dependants: random.pick(['free', 'remove']) }),
    correct('correct.item.depends', { item, on: random.pick([[], [other]]) }),
    correct('correct.item.restart', { item }),
    correct('correct.policy.set', random.pick([{ maxParallel: 1 }, { onItemFailed: 'continue' }, { review: 'none' }])),
    correct('correct.pause', random.chance(0.5) ? { runs: true } : {}),
    correct('correct.pause'),
    correct('correct.resume'),
    correct('fyi', { text: 'The customer called.' }),
  ];
  if (random.chance(0.1)) ways.push(correct('correct.stop', random.chance(0.5) ? { force: true } : {}));
  random.prefer(ways)!.go();
}

function correctFleet(world: World, random: Random): void {
  const type = random.pick([
    'correct.pause',
    'correct.pause',
    'correct.resume',
    'correct.resume',
    'correct.drain',
    'correct.stop',
    'fyi',
  ]);
  if ((type === 'correct.stop' || type === 'correct.drain') && random.chance(0.5)) return;
  world.mail('dispatcher/main', type, type === 'fyi' ? { text: 'Quiet, please.' } : {});
}

function outsideGithub(world: World, random: Random): void {
  const { github, kernel } = world;
  const open = github.pulls.filter(({ state }) => state === 'open');
  const pull = random.prefer(open.map((of) => ({ name: `pull ${of.number}`, of })))?.of;
  if (pull === undefined) return reopen(world, random);
  const change = (changes: Partial<Pull>): void => github.change(pull, changes, kernel.nowMs);
  const ways: Way[] = [
    { name: 'push', go: () => github.move(pull, 'other', kernel.nowMs) },
    { name: 'push again', go: () => github.move(pull, 'other', kernel.nowMs) },
    { name: 'conflict', go: () => change({ conflict: true }) },
    { name: 'draft', go: () => change({ draft: !pull.draft }) },
    { name: 'red', go: () => change({ checks: { ...pull.checks, [random.pick(CHECKS)]: 'failure' } }) },
    { name: 'review', go: () => change({ reviews: [...pull.reviews, personsReview(pull, random)] }) },
    {
      name: 'dismiss',
      go: () => change({ reviews: pull.reviews.map((review) => ({ ...review, verdict: 'dismissed' as const })) }),
    },
    { name: 'evict', go: () => change({ queue: 'evicted' }) },
    { name: 'comment', go: () => comment(world, random, 'pull', pull.branch) },
    { name: 'comment again', go: () => comment(world, random, 'pull', pull.branch) },
  ];
  if (random.chance(0.3)) ways.push({ name: 'close', go: () => change({ state: 'closed', closedBy: 'person' }) });
  if (random.chance(0.15)) ways.push({ name: 'merge', go: () => change({ state: 'closed', merged: true }) });
  random.prefer(ways)!.go();
}

function reopen({ github, kernel }: World, random: Random): void {
  const pull = github.pulls.find(({ merged, closedBy }) => !merged && closedBy === 'person');
  if (pull === undefined || random.chance(0.5)) return;
  if (github.pulls.some(({ branch, state }) => branch === pull.branch && state === 'open')) return;
  github.change(pull, { state: 'open', closedBy: null }, kernel.nowMs);
}

function personsReview(pull: Pull, random: Random): Pull['reviews'][number] {
  const verdict = random.pick(['approve', 'request_changes', 'comment'] as const);
  return {
    id: `p${pull.number}-${pull.reviews.length + 1}`,
    author: random.pick(['ann', 'bob']),
    verdict,
    head: pull.head,
  };
}

function comment(world: World, random: Random, on: Comment['on'], about: string): void {
  const kind = random.pick(['person', 'person', 'bot', 'self'] as const);
  const id = `github:comment:${world.github.comments.length + 1}`;
  world.github.comments.push({ id, on, about, author: { login: kind, kind } });
}

function outsideTracker(world: World, random: Random): void {
  const issue = world.issues[0];
  if (issue === undefined) return outsideGithub(world, random);
  const change = (changes: Parameters<typeof changeIssue>[1]): void => changeIssue(issue, changes, world.kernel.nowMs);
  const ways: Way[] = [
    { name: 'undelegate', go: () => change({ delegated: false }) },
    { name: 'delegate', go: () => change({ delegated: true }) },
    { name: 'edit', go: () => change({ title: `An issue, version ${issue.version}` }) },
    { name: 'block', go: () => change({ blockers: [{ ref: 'ENG-2', done: random.chance(0.6) }] }) },
    { name: 'comment', go: () => comment(world, random, 'issue', issue.ref) },
    { name: 'complete', go: () => change({ type: random.pick(['completed', 'started', 'started']) }) },
  ];
  if (random.chance(0.05)) ways.push({ name: 'remove', go: () => change({ removed: true }) });
  random.prefer(ways)!.go();
}

function strikeProcess({ processes }: World, random: Random): void {
  const process = random.prefer([...processes.alive.values()]);
  if (process !== undefined) processes.die(process, random.pick<Exit>(['crash', 'crash', 'ended', 'clean']));
}
