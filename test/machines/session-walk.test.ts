/** Random lives of a session: whatever comes in whatever order, the laws of a resting session hold. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import type { SessionEvent } from '../../machines/events/index.ts';
import { sessionMachine } from '../../machines/session/machine.ts';
import { PHASES } from '../../machines/session/phase.ts';
import {
  authorityOf,
  checksOf,
  holdOf,
  humanOf,
  pullOf,
  queueOf,
  reviewOf,
  startOf,
} from '../../machines/session/standing.ts';
import { H1, H2, H3, REVIEW, USAGE, green, issue, pending, pull, red, review, work } from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play, Sent } from './session-play.ts';

type Move = (session: Play, pick: number) => [SessionEvent['type'], Record<string, unknown>, Sent?] | null;

const HEADS = [H1, H2, H3];
const AGENTS = ['agent/ada', 'agent/ben'];
const at = <T>(list: readonly T[], pick: number): T => list[pick % list.length]!;
const epochOf = (session: Play, pick: number): number =>
  Math.max(0, session.context().epoch - (pick % 5 === 0 ? 1 : 0));
const report =
  (type: SessionEvent['type'], data: (pick: number) => Record<string, unknown>): Move =>
  (session, pick) => [
    type,
    data(pick),
    { epoch: epochOf(session, pick), source: session.context().run?.agent ?? 'agent/ada' },
  ];
const plain =
  (type: SessionEvent['type'], data: (pick: number) => Record<string, unknown> = () => ({})): Move =>
  (_, pick) => [type, data(pick)];

/** Events that usually carry the work on, more than once so that walks get far. */
const ONWARD: Move[] = [
  (session) => {
    const { want } = session.context();
    return want === null ? null : ['work.matched', { agent: 'agent/ada', want: want.number }];
  },
  (session) => ['offer.accepted', {}, { epoch: session.context().epoch }],
  (session) => {
    const { run, branch } = session.context();
    return run === null
      ? null
      : ['worktree.prepared', { path: '/w', branch, head: H1 }, { wish: { epoch: run.epoch } }];
  },
  (session) => ['run.started', { driver: 'scripted', conversation: 'c1' }, { epoch: session.context().epoch }],
  (session, pick) => [
    'run.ended',
    {
      outcome: 'completed',
      report: 'done',
      verdict: {
        head: at(HEADS, pick),
        verdict: at(['approve', 'request_changes', 'comment'], pick),
        body: '',
        comments: [],
      },
    },
    { epoch: session.context().epoch },
  ],
  (session) => {
    const { unreleased } = session.context();
    return unreleased[0] === undefined ? null : ['run.released', { epoch: unreleased[0].epoch, usage: USAGE }];
  },
  (session, pick) => {
    const { run } = session.context();
    if (run === null) return null;
    const evidence = {
      headBefore: run.head,
      headAfter: at(HEADS, pick),
      dirty: pick % 7 === 0 ? ['a'] : [],
      unpushed: 0,
      protected: pick % 11 === 0 ? ['.github/workflows/ci.yml'] : [],
      ...(pick % 3 === 0 ? { pull: 7 } : {}),
    };
    return ['run.verified', { run: run.epoch, ok: pick % 4 !== 0, evidence }, { wish: { run: run.epoch } }];
  },
];

/** What would carry this very state on: half of all moves, so that walks get far. */
const next: Move = (session, pick) => {
  if (session.final()) return null;
  const { run } = session.context();
  switch (session.regions()['work']) {
    case 'unassigned':
      return ONWARD[0]!(session, pick);
    case 'offered':
      return ONWARD[1]!(session, pick);
    case 'preparing':
      return ONWARD[2]!(session, pick);
    case 'running':
      return run?.startedAt === null ? ONWARD[3]!(session, pick) : ONWARD[4]!(session, pick);
    case 'stopping':
      return ONWARD[5]!(session, pick);
    case 'verifying':
      return run?.released === true ? ONWARD[6]!(session, pick) : ONWARD[5]!(session, pick);
    default:
      return PULLS(session, pick);
  }
};

const PULLS: Move = (_, pick) => [
  'pull.observed',
  pull({
    head: at(HEADS, pick),
    headBy: pick % 5 === 0 ? 'other' : 'us',
    gate: at([pending, green, red(), red('Lint'), { state: 'unknown', checks: [], failures: [] }], pick >> 2),
    draft: pick % 13 === 0,
    conflict: at([false, false, true, null], pick >> 3),
    reviews: at(
      [
        [],
        [],
        [review({ head: at(HEADS, pick) })],
        [review({ id: 'r2', verdict: 'approve', head: at(HEADS, pick) })],
        [review({ verdict: 'dismissed' })],
      ],
      pick >> 1,
    ),
    queue: { state: at(['out', 'out', 'out', 'waiting', 'evicted'], pick >> 4) },
    ...(pick % 17 === 0 ? { state: 'closed', closedBy: { login: 'maria', kind: 'person' } } : {}),
    ...(pick % 97 === 0 ? { state: 'closed', merged: true } : {}),
  }),
];

const MOVES: Move[] = [
  ...ONWARD,
  ...ONWARD,
  ...ONWARD,
  PULLS,
  PULLS,
  PULLS,
  PULLS,
  (_, pick) => [
    'issue.observed',
    issue({
      delegated: pick % 3 !== 0,
      blockers: pick % 4 === 0 ? [{ ref: 'ENG-1', done: pick % 8 === 0 }] : [],
      ...(pick % 2 === 0 ? { agentSession: 'as-1' } : {}),
      removed: pick % 61 === 0,
    }),
  ],
  plain('comment.observed', (pick) => ({
    comment: `c${pick % 40}`,
    on: 'pull',
    author: { login: 'maria', kind: at(['person', 'bot', 'self'], pick) },
    text: 'please',
    url: 'u',
  })),
  plain('start.held', (pick) => ({ by: at([['slot'], ['session/m1-a'], ['paused']], pick) })),
  plain('start.freed'),
  plain('work.matched', (pick) => ({ agent: at(AGENTS, pick), want: pick % 6 })),
  (session, pick) => [
    'work.unmatched',
    {
      want: session.context().want?.number ?? 0,
      role: 'implementer',
      ruledOut: pick % 2 === 0 ? [] : [{ agent: 'agent/ada', why: 'is busy' }],
      slot: pick % 5 === 0,
    },
  ],
  plain('pin.lost', (pick) => ({ agent: at(AGENTS, pick), lane: pick % 2 === 0 ? null : 'core', reason: 'stopped' })),
  report('offer.declined', (pick) => ({ reason: at(['busy', 'paused', 'closed', 'unsuited'], pick) })),
  report('run.asked', (pick) => ({ question: `q${pick % 3}`, text: 'Which?', choices: ['a', 'b'] })),
  report('run.ended', (pick) => ({
    outcome: at(['handedBack', 'asked', 'interrupted', 'limited', 'failed'], pick),
    reason: 'so',
  })),
  report('agent.gone', (pick) => ({
    class: at(['crash', 'silent', 'lost', 'contention', 'auth', 'offboarded', 'stopped'], pick),
    reason: 'so',
  })),
  report('steer.settled', (pick) => ({ say: `answer-${pick % 30}`, taken: pick % 2 === 0 })),
  (session) => [
    'worktree.failed',
    { code: 'GIT', reason: 'no' },
    { wish: { epoch: session.context().run?.epoch ?? 0 } },
  ],
  (session) => [
    'run.verify.failed',
    { key: 'k', code: 'GIT', reason: 'no' },
    { wish: { run: session.context().run?.epoch ?? 0 } },
  ],
  (_, pick) => [
    'verdict.given',
    {
      reviewer: 'agent/susan',
      head: at(HEADS, pick),
      verdict: at(['approve', 'request_changes', 'comment'], pick >> 1),
      body: 'b',
      comments: [],
      ...(pick % 2 === 0 ? { posted: { as: 's', id: `p${pick % 9}` } } : {}),
    },
    { source: REVIEW },
  ],
  (session, pick) => [
    'session.changed',
    {
      value: {},
      phase: 'delegated',
      owner: pick % 2 === 0 ? 'agent/susan' : null,
      epoch: 1,
      unread: 0,
      waitingOn: [],
      at: session.now(),
      cause: { id: 'x', source: 'y' },
    },
    { source: REVIEW },
  ],
  (_, pick) =>
    pick % 5 === 4
      ? ['review.dropped', { for: at(['session/eng-42', 'session/other'], pick >> 3), number: 7 }]
      : ['review.wanted', { for: 'session/eng-42', number: 7, head: at(HEADS, pick) }],
  (session) => [
    'pull.merge.failed',
    { key: 'k', code: 'NO', reason: 'red' },
    { wish: { head: session.context().pull?.head ?? H1 } },
  ],
  (session) => [
    'pull.merge.done',
    { key: 'k', result: { merged: true } },
    { wish: { head: session.context().pull?.head ?? H1 } },
  ],
  (_, pick) => [
    'review.post.done',
    { key: 'k', result: { how: 'review', posted: { as: 's', id: 'p1' } } },
    { wish: { head: at(HEADS, pick) } },
  ],
  plain('mail.refused', (pick) => ({
    id: 'x',
    to: at([...AGENTS, REVIEW, 'dispatcher/main'], pick),
    type: at(['run.offered', 'run.begun', 'run.cancelled', 'review.wanted', 'open', 'work.wanted'], pick >> 2),
    outcome: 'refused',
    code: 'final',
    reason: null,
  })),
  plain('say', (pick) => ({ text: `do ${pick}` })),
  plain('answer', (pick) => ({ text: 'a', ...(pick % 2 === 0 ? { question: `q${pick % 3}` } : {}) })),
  plain('fyi', () => ({ text: 'fyi' })),
  plain('correct.reassign', (pick) => ({ to: at([...AGENTS, 'lane/core', 'role/implementer'], pick) })),
  plain('correct.unassign'),
  plain('correct.adopt', (pick) => ({ agent: at(AGENTS, pick) })),
  plain('correct.reviewer.replace', (pick) => ({ to: at(['agent/tom', 'person/maria', 'role/reviewer'], pick) })),
  plain('correct.review.waive', (pick) => (pick % 2 === 0 ? { head: at(HEADS, pick) } : {})),
  plain('correct.check.ignore', (pick) => ({ name: 'Tests', ...(pick % 2 === 0 ? { head: at(HEADS, pick) } : {}) })),
  plain('correct.check.rerun'),
  (session, pick) => ['correct.obligation.drop', { id: at(session.context().obligations, pick)?.id ?? 'none' }],
  plain('correct.budget.set', (pick) => ({
    kind: at(['checks', 'restarts', 'tokens', 'implement'], pick),
    limit: pick % 4,
  })),
  plain('correct.pull.attach', (pick) => ({ number: pick % 2 === 0 ? 7 : 8 })),
  plain('correct.retry'),
  plain('correct.stop'),
  plain('correct.pause'),
  plain('correct.resume'),
  plain('correct.resume'),
  plain('correct.takeover'),
  plain('correct.handback'),
  plain('correct.handback'),
  plain('correct.withdraw'),
  plain('correct.delegate'),
  plain('correct.delegate'),
  plain('correct.edit', (pick) => ({
    priority: pick % 5,
    gates: { checks: at([['Tests'], 'none', 'required'], pick) },
  })),
  (_, pick) =>
    pick % 50 === 0 ? ['correct.close', { outcome: at(['done', 'failed', 'cancelled'], pick), pull: 'close' }] : null,
];

type Step = { timer: boolean; move: number; pick: number };
const steps = fc.array(fc.record({ timer: fc.boolean().map((b) => b), move: fc.nat(10_000), pick: fc.nat(5_000) }), {
  minLength: 5,
  maxLength: 80,
});

function check(session: Play): void {
  const context = session.context();
  assert.ok((PHASES as readonly string[]).includes(session.phase()), `phase ${session.phase()}`);
  if (session.final()) {
    assert.deepEqual(session.waitingOn(), []);
    assert.deepEqual(session.timers(), []);
    return;
  }
  const regions = session.regions();
  assert.deepEqual(
    {
      authority: regions['authority'],
      hold: regions['hold'],
      start: regions['start'],
      pull: regions['pull'],
      review: regions['review'],
      checks: regions['checks'],
      queue: regions['queue'],
      human: regions['human'],
    },
    {
      authority: authorityOf(context),
      hold: holdOf(context),
      start: startOf(context),
      pull: pullOf(context),
      review: reviewOf(context),
      checks: checksOf(context),
      queue: queueOf(context),
      human: humanOf(context),
    },
    'every region stands where the facts say',
  );
  const waits = session.waitingOn();
  assert.ok(waits.length > 0, `waits for nothing in ${JSON.stringify(session.value())}`);
  for (const { gate, since, detail, moves } of waits) {
    assert.ok(moves.length > 0, `${gate}: ${detail} names no event that would end it`);
    assert.ok(since !== '' && since <= session.now(), `${gate}: since ${since}`);
  }
  assert.ok(
    waits.some(({ until, on }) => until !== null || on !== null) ||
      waits.some(({ on, gate }) => on === null && gate === 'agent'),
    `nobody moves ${JSON.stringify(waits)}`,
  );
  // Law 11: what holds a session holds its work.
  if (holdOf(context) !== 'free' || authorityOf(context) === 'withdrawn') {
    assert.ok(
      ['unassigned', 'stopping', 'verifying', 'idle', 'escalated', 'backingOff'].includes(regions['work']!),
      regions['work'],
    );
    assert.equal(context.want, null, 'nothing is wanted while held');
  }
  // Work and facts agree.
  const { work } = regions;
  assert.equal(work === 'offered', context.offer !== null, `offer in ${work}`);
  if (work === 'running' || work === 'preparing') assert.ok(context.run !== null && context.run.ended === null);
  if (work === 'verifying') assert.ok(context.run?.ended != null);
  if (work === 'idle') assert.equal(context.obligations.length, 0);
  if (work === 'escalated') assert.ok(context.obligations.every(({ parked }) => parked !== null));
  if (context.want !== null) assert.equal(work, 'unassigned');
  assert.equal(new Set(context.obligations.map(({ id }) => id)).size, context.obligations.length, 'ids are unique');
}

function walk(open: (session: Play) => void): (list: Step[]) => void {
  return (list) => {
    const session = play();
    open(session);
    check(session);
    let epoch = session.context().epoch;
    let offers = 0;
    const trail: string[] = [];
    const walked = (what: string): void => {
      trail.push(what);
      remember(session);
      try {
        check(session);
      } catch (cause) {
        throw new Error(`after ${trail.join(', ')}: ${(cause as Error).message}`, { cause });
      }
    };
    for (const { timer, move, pick } of list) {
      if (session.final()) break;
      let said = 'a timer';
      if (timer && move % 6 === 0 && session.timers().length > 0) session.fire();
      else {
        const made = (move % 2 === 0 ? next : at(MOVES, move >> 1))(session, pick);
        if (made === null) continue;
        said = `${made[0]}(${pick})`;
        const before = session.live();
        const result = session.offer(...made);
        if (result.outcome === 'refused' || result.outcome === 'superseded') assert.equal(session.live(), before);
      }
      walked(said);
      assert.ok(session.context().epoch >= epoch, 'an epoch never goes back');
      epoch = session.context().epoch;
      offers += session.told('run.offered').length;
    }
    assert.ok(epoch >= offers, 'every offer has its own epoch');
  };
}

/** Which states the walks below came through, by region. */
const reached = new Map<string, Set<string>>();

function remember(session: Play): void {
  if (session.final()) return;
  for (const [region, state] of Object.entries(session.regions())) {
    if (!reached.has(region)) reached.set(region, new Set());
    reached.get(region)!.add(state);
  }
}

/** Each walk is one life; by hand: `WALKS=2000`. Fewer and a state of some region is not come through. */
const WALKS = Number(process.env['WALKS'] ?? 200);
const runs = (numRuns: number) => ({ numRuns, seed: 42, includeErrorInReport: true });

test('a session that came from an issue is never lost', () => {
  fc.assert(
    fc.property(
      steps,
      walk((session) => session.send('issue.observed', issue())),
    ),
    runs(WALKS),
  );
});

test('a session opened by hand for a report is never lost', () => {
  fc.assert(
    fc.property(
      steps,
      walk((session) => session.send('open', work({ deliver: 'report', kind: 'docs' }))),
    ),
    runs(WALKS / 2),
  );
});

test('a session of a mission, reviewed by people and merged by the queue, is never lost', () => {
  const open = (session: Play): void =>
    void session.send('open', work({ mission: 'mission/m1', item: 'a', reviewers: 'people', merge: 'queue' }));
  fc.assert(fc.property(steps, walk(open)), runs(WALKS / 2));
});

test('a review session is never lost', () => {
  const open = (session: Play): void =>
    void session.send(
      'open',
      work({
        kind: 'review',
        deliver: 'report',
        source: { kind: 'review' },
        for: 'session/x',
        target: { number: 7, head: H1 },
      }),
    );
  fc.assert(fc.property(steps, walk(open)), runs(WALKS / 2));
});

test('the walks come through every state of every region', () => {
  const { open } = sessionMachine.config.states as unknown as {
    open: { states: Record<string, { states: Record<string, unknown> }> };
  };
  for (const [region, { states }] of Object.entries(open.states)) {
    // Merged is left within the step that enters it.
    const resting = Object.keys(states).filter((state) => state !== 'merged');
    const missed = resting.filter((state) => reached.get(region)?.has(state) !== true);
    assert.deepEqual(missed, [], `states of ${region} that no walk reached`);
  }
});
