/**
 * One table per region: state × the events of its alphabet. A cell is the state after the event, or `refused` or
 * `superseded`. A new event of the catalogue is a compile error here until somebody has decided every cell.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SessionEvent } from '../../machines/events/index.ts';
import { SESSION_EVENTS } from '../../machines/events/session.ts';
import { LABELS } from '../../machines/session/labels.ts';
import {
  H1,
  H2,
  REVIEW,
  USAGE,
  end,
  engage,
  green,
  issue,
  pending,
  pictured,
  prepared,
  pull,
  red,
  run,
  verdict,
  verified,
  work,
} from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

type Type = SessionEvent['type'];
type Sample = (session: Play) => ReturnType<Play['offer']>;

/** One typical event of each type, as it would come in this state. */
const report =
  (type: Type, data: Record<string, unknown>): Sample =>
  (session) =>
    session.offer(type, data, { epoch: session.context().epoch, source: 'agent/ada' });
const plain =
  (type: Type, data: Record<string, unknown> = {}): Sample =>
  (session) =>
    session.offer(type, data);
const EVIDENCE = { headBefore: H1, headAfter: H2, dirty: [], unpushed: 0, protected: [] };
const ofRun = (session: Play): number => session.context().run?.epoch ?? session.context().epoch;

const WORK_SAMPLES = {
  'work.matched': (session) =>
    session.offer('work.matched', { agent: 'agent/ada', want: session.context().want?.number ?? 1 }),
  'work.unmatched': (session) =>
    session.offer('work.unmatched', {
      want: session.context().want?.number ?? 1,
      role: 'implementer',
      ruledOut: [],
      slot: false,
    }),
  'offer.accepted': report('offer.accepted', {}),
  'offer.declined': report('offer.declined', { reason: 'busy' }),
  'worktree.prepared': (session) =>
    session.offer('worktree.prepared', { path: '/w', branch: 'b', head: H1 }, { wish: { epoch: ofRun(session) } }),
  'worktree.failed': (session) =>
    session.offer('worktree.failed', { code: 'GIT', reason: 'no' }, { wish: { epoch: ofRun(session) } }),
  'run.started': report('run.started', { driver: 'scripted' }),
  'run.asked': report('run.asked', { question: 'q1', text: 'Which?' }),
  'run.ended': report('run.ended', { outcome: 'completed' }),
  'run.released': (session) =>
    session.offer('run.released', { epoch: session.context().unreleased[0]?.epoch ?? 0, usage: USAGE }),
  'run.verified': (session) => session.offer('run.verified', { run: ofRun(session), ok: true, evidence: EVIDENCE }),
  'run.verify.failed': (session) =>
    session.offer('run.verify.failed', { key: 'k', code: 'GIT', reason: 'no' }, { wish: { run: ofRun(session) } }),
  'agent.gone': report('agent.gone', { class: 'crash', reason: 'died' }),
  'steer.settled': report('steer.settled', { say: 'answer-1', taken: true }),
  'pin.lost': plain('pin.lost', { agent: 'agent/ada', lane: null, reason: 'gone' }),
  'mail.refused': plain('mail.refused', {
    id: 'x',
    to: 'agent/ada',
    type: 'run.offered',
    outcome: 'refused',
    code: 'final',
    reason: null,
  }),
  say: plain('say', { text: 'please' }),
  'comment.observed': plain('comment.observed', {
    comment: 'c1',
    on: 'pull',
    author: { login: 'maria', kind: 'person' },
    text: 'please',
    url: 'u',
  }),
  'correct.reassign': plain('correct.reassign', { to: 'agent/ben' }),
  'correct.unassign': plain('correct.unassign'),
  'correct.adopt': (session) =>
    session.offer('correct.adopt', { agent: 'agent/ben' }, { epoch: session.context().epoch }),
  'correct.retry': plain('correct.retry'),
  'correct.stop': plain('correct.stop'),
  'correct.pause': plain('correct.pause'),
  'correct.withdraw': plain('correct.withdraw'),
  'correct.close': plain('correct.close', { outcome: 'cancelled' }),
  'correct.budget.set': plain('correct.budget.set', { kind: 'restarts', limit: 9 }),
} satisfies Partial<Record<Type, Sample>>;

type WorkState =
  | 'unassigned'
  | 'offered'
  | 'preparing'
  | 'running'
  | 'stopping'
  | 'verifying'
  | 'backingOff'
  | 'idle'
  | 'escalated';
type Cell<State> = State | 'refused' | 'superseded' | 'over';

const opened = (): Play => {
  const session = play();
  session.send('open', work());
  return session;
};
const running = (): Play => {
  const session = opened();
  run(session);
  return session;
};

const WORK_STATES: Record<WorkState, () => Play> = {
  unassigned: opened,
  offered: () => {
    const session = opened();
    session.send('work.matched', { agent: 'agent/ada', want: 1 });
    return session;
  },
  preparing: () => {
    const session = opened();
    engage(session);
    return session;
  },
  running,
  stopping: () => {
    const session = running();
    session.send('correct.unassign', {});
    return session;
  },
  verifying: () => {
    const session = running();
    session.send('run.ended', { outcome: 'completed' }, { epoch: 1 });
    return session;
  },
  backingOff: () => {
    const session = running();
    session.send('agent.gone', { class: 'crash', reason: 'died' }, { epoch: 1 });
    return session;
  },
  idle: () => {
    const session = running();
    end(session);
    verified(session, { pull: 7 });
    session.send('pull.observed', pull());
    return session;
  },
  escalated: () => {
    const session = opened();
    session.send('correct.stop', {});
    return session;
  },
};

const LATE = {
  'offer.accepted': 'superseded',
  'offer.declined': 'superseded',
  'run.started': 'superseded',
  'run.asked': 'superseded',
  'run.ended': 'superseded',
  'agent.gone': 'superseded',
} as const;
const UNMATCHED = { 'work.matched': 'superseded', 'work.unmatched': 'superseded' } as const;

/** What leaves a state where it is, whatever it is. */
const stays = <State extends WorkState>(state: State) =>
  ({
    'worktree.prepared': state,
    'worktree.failed': state,
    'run.released': state,
    'run.verified': state,
    'run.verify.failed': state,
    'steer.settled': state,
    'pin.lost': state,
    'mail.refused': state,
    say: state,
    'comment.observed': state,
    'correct.retry': state,
    'correct.budget.set': state,
    'correct.close': 'over',
  }) as const;

const WORK: Record<WorkState, Record<keyof typeof WORK_SAMPLES, Cell<WorkState>>> = {
  unassigned: {
    ...stays('unassigned'),
    ...LATE,
    'work.matched': 'offered',
    'work.unmatched': 'unassigned',
    'correct.reassign': 'unassigned',
    'correct.unassign': 'unassigned',
    'correct.adopt': 'unassigned',
    'correct.stop': 'escalated',
    'correct.pause': 'unassigned',
    'correct.withdraw': 'unassigned',
  },
  offered: {
    ...stays('offered'),
    ...LATE,
    ...UNMATCHED,
    'offer.accepted': 'preparing',
    'offer.declined': 'unassigned',
    'agent.gone': 'unassigned',
    'mail.refused': 'unassigned',
    'correct.reassign': 'unassigned',
    'correct.unassign': 'unassigned',
    'correct.adopt': 'unassigned',
    'correct.stop': 'escalated',
    'correct.pause': 'unassigned',
    'correct.withdraw': 'unassigned',
  },
  preparing: {
    ...stays('preparing'),
    ...LATE,
    ...UNMATCHED,
    'worktree.prepared': 'running',
    'worktree.failed': 'stopping',
    'agent.gone': 'backingOff',
    'correct.reassign': 'stopping',
    'correct.unassign': 'stopping',
    'correct.adopt': 'stopping',
    'correct.stop': 'stopping',
    'correct.pause': 'stopping',
    'correct.withdraw': 'stopping',
  },
  running: {
    ...stays('running'),
    ...LATE,
    ...UNMATCHED,
    'run.started': 'running',
    'run.asked': 'running',
    'run.ended': 'verifying',
    'agent.gone': 'backingOff',
    'correct.reassign': 'stopping',
    'correct.unassign': 'stopping',
    'correct.adopt': 'stopping',
    'correct.stop': 'stopping',
    'correct.pause': 'stopping',
    'correct.withdraw': 'stopping',
  },
  stopping: {
    ...stays('stopping'),
    ...LATE,
    ...UNMATCHED,
    'run.released': 'unassigned',
    'correct.reassign': 'stopping',
    'correct.unassign': 'stopping',
    'correct.adopt': 'stopping',
    'correct.stop': 'stopping',
    'correct.pause': 'stopping',
    'correct.withdraw': 'stopping',
  },
  verifying: {
    ...stays('verifying'),
    ...LATE,
    ...UNMATCHED,
    'run.verified': 'idle',
    'run.verify.failed': 'backingOff',
    'correct.reassign': 'verifying',
    'correct.unassign': 'verifying',
    'correct.adopt': 'verifying',
    'correct.stop': 'verifying',
    'correct.pause': 'verifying',
    'correct.withdraw': 'verifying',
  },
  backingOff: {
    ...stays('backingOff'),
    ...LATE,
    ...UNMATCHED,
    'correct.reassign': 'unassigned',
    'correct.unassign': 'backingOff',
    'correct.adopt': 'unassigned',
    'correct.retry': 'unassigned',
    'correct.stop': 'escalated',
    'correct.pause': 'backingOff',
    'correct.withdraw': 'backingOff',
  },
  idle: {
    ...stays('idle'),
    ...LATE,
    ...UNMATCHED,
    say: 'unassigned',
    'comment.observed': 'unassigned',
    'correct.retry': 'refused',
    'correct.reassign': 'idle',
    'correct.unassign': 'idle',
    'correct.adopt': 'idle',
    'correct.stop': 'idle',
    'correct.pause': 'idle',
    'correct.withdraw': 'idle',
  },
  escalated: {
    ...stays('escalated'),
    ...LATE,
    ...UNMATCHED,
    say: 'unassigned',
    'comment.observed': 'unassigned',
    'correct.retry': 'unassigned',
    'correct.reassign': 'unassigned',
    'correct.unassign': 'escalated',
    'correct.adopt': 'unassigned',
    'correct.stop': 'escalated',
    'correct.pause': 'escalated',
    'correct.withdraw': 'escalated',
  },
};

function runTable<State extends string, Event extends string>(
  region: string,
  table: Record<State, Record<Event, string>>,
  states: Record<State, () => Play>,
  samples: Record<Event, Sample>,
): void {
  test(`region ${region}: every state × every event of its alphabet`, () => {
    for (const state of Object.keys(states) as State[]) {
      assert.equal(states[state]().regions()[region], state, `the fixture of ${state}`);
      for (const event of Object.keys(samples) as Event[]) {
        const session = states[state]();
        const before = session.live();
        const { outcome } = samples[event](session);
        const found =
          outcome === 'refused' || outcome === 'superseded'
            ? outcome
            : session.final()
              ? 'over'
              : session.regions()[region];
        assert.equal(found, table[state][event], `${state} × ${event}`);
        if (outcome === 'refused' || outcome === 'superseded') {
          assert.equal(session.live(), before, `${state} × ${event} was ${outcome} and changed something`);
        }
      }
    }
  });
}

runTable('work', WORK, WORK_STATES, WORK_SAMPLES);

const withPull = (over: Parameters<typeof pull>[0] = {}): Play => {
  const session = WORK_STATES.idle();
  session.send('pull.observed', pull(over));
  return session;
};
const seen =
  (over: Parameters<typeof pull>[0]): Sample =>
  (session) =>
    session.offer('pull.observed', pull({ head: session.context().pull?.head ?? H1, ...over }));

const REVIEW_STATES = {
  notWanted: opened,
  wanted: () => withPull(),
  requested: () => {
    const session = withPull();
    pictured(session, 'agent/susan');
    return session;
  },
  changesRequested: () => {
    const session = withPull();
    verdict(session, H1, 'request_changes');
    return session;
  },
  approved: () => {
    const session = withPull();
    verdict(session, H1, 'approve');
    return session;
  },
};
const from = (session: Play, type: Type, data: Record<string, unknown>): ReturnType<Play['offer']> =>
  session.offer(type, data, { source: REVIEW });
const given =
  (head: string, word: string): Sample =>
  (session) =>
    from(session, 'verdict.given', { reviewer: 'agent/susan', head, verdict: word, body: '', comments: [] });
const picture =
  (owner: string | null): Sample =>
  (session) =>
    from(session, 'session.changed', {
      value: {},
      phase: 'delegated',
      owner,
      epoch: 1,
      unread: 0,
      waitingOn: [],
      at: session.now(),
      cause: { id: 'x', source: 'y' },
    });
const REVIEW_SAMPLES = {
  'verdict approve': given(H1, 'approve'),
  'verdict request_changes': given(H1, 'request_changes'),
  'verdict comment': given(H1, 'comment'),
  'verdict for another head': given(H2, 'approve'),
  'reviewer found': picture('agent/susan'),
  'reviewer gone': picture(null),
  'head moved by us': seen({ head: H2 }),
  'head moved by another': seen({ head: H2, headBy: 'other' }),
  'pull draft': seen({ draft: true }),
  'correct.review.waive': plain('correct.review.waive'),
  'correct.reviewer.replace': plain('correct.reviewer.replace', { to: 'person/maria' }),
} satisfies Record<string, Sample>;

runTable<keyof typeof REVIEW_STATES, keyof typeof REVIEW_SAMPLES>(
  'review',
  {
    notWanted: {
      'verdict approve': 'notWanted',
      'verdict request_changes': 'notWanted',
      'verdict comment': 'notWanted',
      'verdict for another head': 'notWanted',
      'reviewer found': 'notWanted',
      'reviewer gone': 'notWanted',
      'head moved by us': 'wanted',
      'head moved by another': 'wanted',
      'pull draft': 'notWanted',
      'correct.review.waive': 'notWanted',
      'correct.reviewer.replace': 'refused',
    },
    wanted: {
      'verdict approve': 'approved',
      'verdict request_changes': 'changesRequested',
      'verdict comment': 'requested',
      'verdict for another head': 'wanted',
      'reviewer found': 'requested',
      'reviewer gone': 'wanted',
      'head moved by us': 'wanted',
      'head moved by another': 'wanted',
      'pull draft': 'notWanted',
      'correct.review.waive': 'notWanted',
      'correct.reviewer.replace': 'requested',
    },
    requested: {
      'verdict approve': 'approved',
      'verdict request_changes': 'changesRequested',
      'verdict comment': 'requested',
      'verdict for another head': 'requested',
      'reviewer found': 'requested',
      'reviewer gone': 'wanted',
      'head moved by us': 'requested',
      'head moved by another': 'requested',
      'pull draft': 'notWanted',
      'correct.review.waive': 'notWanted',
      'correct.reviewer.replace': 'requested',
    },
    changesRequested: {
      'verdict approve': 'approved',
      'verdict request_changes': 'changesRequested',
      'verdict comment': 'changesRequested',
      'verdict for another head': 'changesRequested',
      'reviewer found': 'changesRequested',
      'reviewer gone': 'changesRequested',
      'head moved by us': 'changesRequested',
      'head moved by another': 'changesRequested',
      'pull draft': 'notWanted',
      'correct.review.waive': 'notWanted',
      'correct.reviewer.replace': 'changesRequested',
    },
    approved: {
      'verdict approve': 'approved',
      'verdict request_changes': 'changesRequested',
      'verdict comment': 'approved',
      'verdict for another head': 'approved',
      'reviewer found': 'approved',
      'reviewer gone': 'approved',
      'head moved by us': 'approved',
      'head moved by another': 'wanted',
      'pull draft': 'notWanted',
      'correct.review.waive': 'notWanted',
      'correct.reviewer.replace': 'refused',
    },
  },
  REVIEW_STATES,
  REVIEW_SAMPLES,
);

const CHECKS_STATES = {
  unknown: opened,
  pending: () => withPull(),
  green: () => withPull({ gate: green }),
  red: () => withPull({ gate: red() }),
};
const CHECKS_SAMPLES = {
  'gate pending': seen({ gate: pending }),
  'gate green': seen({ gate: green }),
  'gate red': seen({ gate: red() }),
  'gate red without a name': seen({ gate: { state: 'red', checks: [], failures: [] } }),
  'new head, unknown': seen({ head: H2, gate: { state: 'unknown', checks: [], failures: [] } }),
  'correct.check.ignore': plain('correct.check.ignore', { name: 'Tests' }),
  'correct.check.rerun': plain('correct.check.rerun'),
} satisfies Record<string, Sample>;

const afterGate = {
  'gate pending': 'pending',
  'gate green': 'green',
  'gate red': 'red',
  'gate red without a name': 'pending',
  'new head, unknown': 'unknown',
} as const;
runTable<keyof typeof CHECKS_STATES, keyof typeof CHECKS_SAMPLES>(
  'checks',
  {
    unknown: { ...afterGate, 'correct.check.ignore': 'unknown', 'correct.check.rerun': 'refused' },
    pending: { ...afterGate, 'correct.check.ignore': 'green', 'correct.check.rerun': 'pending' },
    green: { ...afterGate, 'correct.check.ignore': 'green', 'correct.check.rerun': 'green' },
    red: { ...afterGate, 'correct.check.ignore': 'green', 'correct.check.rerun': 'red' },
  },
  CHECKS_STATES,
  CHECKS_SAMPLES,
);

const PULL_STATES = {
  none: opened,
  draft: () => withPull({ draft: true }),
  open: () => withPull(),
  closed: () => withPull({ state: 'closed', closedBy: { login: 'maria', kind: 'person' } }),
};
const PULL_SAMPLES = {
  'seen draft': seen({ draft: true }),
  'seen open': seen({}),
  'seen closed': seen({ state: 'closed', closedBy: { login: 'maria', kind: 'person' } }),
  'seen merged': seen({ state: 'closed', merged: true }),
  'correct.pull.attach': plain('correct.pull.attach', { number: 9 }),
} satisfies Record<string, Sample>;
const afterSight = {
  'seen draft': 'draft',
  'seen open': 'open',
  'seen closed': 'closed',
  'seen merged': 'over',
} as const;
runTable<keyof typeof PULL_STATES, keyof typeof PULL_SAMPLES>(
  'pull',
  {
    none: { ...afterSight, 'correct.pull.attach': 'none' },
    draft: { ...afterSight, 'correct.pull.attach': 'draft' },
    open: { ...afterSight, 'correct.pull.attach': 'open' },
    closed: { ...afterSight, 'correct.pull.attach': 'closed' },
  },
  PULL_STATES,
  PULL_SAMPLES,
);

const QUEUE_STATES = {
  out: () => withPull(),
  waiting: () => withPull({ queue: { state: 'waiting' } }),
  merging: () => withPull({ queue: { state: 'merging' } }),
  evicted: () => withPull({ queue: { state: 'evicted' } }),
};
const QUEUE_SAMPLES = {
  'queue out': seen({ queue: { state: 'out' } }),
  'queue waiting': seen({ queue: { state: 'waiting' } }),
  'queue merging': seen({ queue: { state: 'merging' } }),
  'queue evicted': seen({ queue: { state: 'evicted' } }),
  'evicted an earlier head': seen({ head: H2, queue: { state: 'evicted', incident: { head: H1 } } }),
  'approved and green': (session) => {
    session.offer('correct.review.waive', {});
    return session.offer('pull.observed', pull({ head: H1, gate: green }));
  },
  'pull.merge.failed': plain('pull.merge.failed', { key: 'k', code: 'X', reason: 'no' }),
} satisfies Record<string, Sample>;
const afterQueue = {
  'queue out': 'out',
  'queue waiting': 'waiting',
  'queue merging': 'merging',
  'queue evicted': 'evicted',
  'evicted an earlier head': 'out',
  'approved and green': 'merging',
} as const;
runTable<keyof typeof QUEUE_STATES, keyof typeof QUEUE_SAMPLES>(
  'queue',
  {
    out: { ...afterQueue, 'pull.merge.failed': 'out' },
    waiting: { ...afterQueue, 'pull.merge.failed': 'waiting' },
    merging: { ...afterQueue, 'pull.merge.failed': 'merging' },
    evicted: { ...afterQueue, 'pull.merge.failed': 'evicted' },
  },
  QUEUE_STATES,
  QUEUE_SAMPLES,
);

const fromIssue = (over: Parameters<typeof issue>[0] = {}): Play => {
  const session = play();
  session.send('issue.observed', issue(over));
  return session;
};
const issued =
  (over: Parameters<typeof issue>[0]): Sample =>
  (session) =>
    session.offer('issue.observed', issue(over));
const ISSUE_SAMPLES = {
  'issue delegated': issued({}),
  'issue un-delegated': issued({ delegated: false }),
  'issue completed by hand': issued({ state: { name: 'Done', type: 'completed' } }),
  'issue removed': issued({ removed: true }),
  'correct.withdraw': plain('correct.withdraw'),
  'correct.delegate': plain('correct.delegate'),
} satisfies Record<string, Sample>;
runTable<'delegated' | 'withdrawn', keyof typeof ISSUE_SAMPLES>(
  'authority',
  {
    delegated: {
      'issue delegated': 'delegated',
      'issue un-delegated': 'withdrawn',
      'issue completed by hand': 'withdrawn',
      'issue removed': 'over',
      'correct.withdraw': 'withdrawn',
      'correct.delegate': 'delegated',
    },
    withdrawn: {
      'issue delegated': 'delegated',
      'issue un-delegated': 'withdrawn',
      'issue completed by hand': 'withdrawn',
      'issue removed': 'over',
      'correct.withdraw': 'withdrawn',
      'correct.delegate': 'delegated',
    },
  },
  { delegated: () => fromIssue(), withdrawn: () => fromIssue({ delegated: false }) },
  ISSUE_SAMPLES,
);

const START_SAMPLES = {
  'blockers done': issued({ blockers: [{ ref: 'ENG-1', done: true }] }),
  'blocker open': issued({ blockers: [{ ref: 'ENG-1', done: false }] }),
  'start.held': plain('start.held', { by: ['slot'] }),
  'start.freed': plain('start.freed'),
} satisfies Record<string, Sample>;
const unknownBlockers = (): Play => {
  const { blockers: _, ...told } = issue();
  const session = play();
  session.send('issue.observed', told);
  return session;
};
runTable<'held' | 'free', keyof typeof START_SAMPLES>(
  'start',
  {
    held: { 'blockers done': 'free', 'blocker open': 'held', 'start.held': 'held', 'start.freed': 'held' },
    free: { 'blockers done': 'free', 'blocker open': 'held', 'start.held': 'held', 'start.freed': 'free' },
  },
  { held: unknownBlockers, free: () => fromIssue() },
  START_SAMPLES,
);

const HOLD_SAMPLES = {
  'correct.pause': plain('correct.pause'),
  'correct.resume': plain('correct.resume'),
  'correct.takeover': plain('correct.takeover'),
  'by another person': (session) => session.offer('correct.takeover', {}, { source: 'cli/bob' }),
  'by an agent': (session) => session.offer('correct.takeover', {}, { source: 'agent/ada' }),
  'correct.handback': plain('correct.handback'),
} satisfies Record<string, Sample>;
const taken = (given: () => Play) => (): Play => {
  const session = given();
  session.send('correct.takeover', {});
  return session;
};
runTable<'free' | 'paused' | 'taken', keyof typeof HOLD_SAMPLES>(
  'hold',
  {
    free: {
      'correct.pause': 'paused',
      'correct.resume': 'free',
      'correct.takeover': 'taken',
      'by another person': 'taken',
      'by an agent': 'refused',
      'correct.handback': 'free',
    },
    paused: {
      'correct.pause': 'paused',
      'correct.resume': 'free',
      'correct.takeover': 'taken',
      'by another person': 'taken',
      'by an agent': 'refused',
      'correct.handback': 'paused',
    },
    taken: {
      'correct.pause': 'taken',
      'correct.resume': 'taken',
      'correct.takeover': 'taken',
      'by another person': 'refused',
      'by an agent': 'refused',
      'correct.handback': 'free',
    },
  },
  {
    free: opened,
    paused: () => {
      const session = opened();
      session.send('correct.pause', {});
      return session;
    },
    taken: taken(opened),
  },
  HOLD_SAMPLES,
);

const HUMAN_SAMPLES = {
  'run.asked': report('run.asked', { question: 'q2', text: 'And?' }),
  answer: plain('answer', { text: 'a' }),
  say: plain('say', { text: 'a' }),
  'run ended asked': report('run.ended', { outcome: 'asked' }),
  'run ended completed': report('run.ended', { outcome: 'completed' }),
} satisfies Record<string, Sample>;
const askedOnce = (): Play => {
  const session = running();
  session.send('run.asked', { question: 'q1', text: 'Which?' }, { epoch: 1 });
  return session;
};
runTable<'none' | 'asked', keyof typeof HUMAN_SAMPLES>(
  'human',
  {
    none: {
      'run.asked': 'asked',
      answer: 'refused',
      say: 'none',
      'run ended asked': 'none',
      'run ended completed': 'none',
    },
    asked: {
      'run.asked': 'asked',
      answer: 'none',
      say: 'none',
      'run ended asked': 'asked',
      'run ended completed': 'none',
    },
  },
  { none: running, asked: askedOnce },
  HUMAN_SAMPLES,
);

/** Events that no region alone decides: each is tested by name in the files beside this one. */
const ELSEWHERE: Record<
  Exclude<Type, keyof typeof WORK_SAMPLES | keyof typeof HOLD_SAMPLES | 'answer' | 'start.held' | 'start.freed'>,
  string
> = {
  open: 'session-story',
  'issue.observed': 'authority, start',
  'pull.observed': 'pull, review, checks, queue',
  'pull.missed': 'session-github',
  'pull.late': 'late-pulls',
  'verdict.given': 'review',
  'session.changed': 'review',
  'review.wanted': 'session-review',
  'review.dropped': 'session-review',
  'item.linked': 'mission-story',
  'item.unlinked': 'mission-story',
  fyi: 'session-people',
  'note.read': 'session-people',
  'correct.reviewer.replace': 'review',
  'correct.review.waive': 'review',
  'correct.check.ignore': 'checks',
  'correct.check.rerun': 'checks',
  'correct.obligation.drop': 'session-corrections',
  'correct.pull.attach': 'pull',
  'correct.delegate': 'authority',
  'correct.edit': 'session-corrections',
  'pull.merge.done': 'session-story',
  'pull.merge.failed': 'queue',
  'review.post.done': 'session-review',
  'review.post.failed': 'session-review',
  'pull.close.done': 'recorded',
  'pull.close.failed': 'recorded',
  'pull.say.done': 'recorded',
  'pull.say.failed': 'recorded',
  'review.request.done': 'recorded',
  'review.request.failed': 'session-github',
  'check.rerun.done': 'recorded',
  'check.rerun.failed': 'session-github',
  'linear.say.done': 'recorded',
  'linear.say.failed': 'recorded',
  'linear.plan.done': 'recorded',
  'linear.plan.failed': 'recorded',
  'linear.link.done': 'recorded',
  'linear.link.failed': 'recorded',
  'linear.move.done': 'recorded',
  'linear.move.failed': 'recorded',
  'worktree.remove.done': 'recorded',
  'worktree.remove.failed': 'recorded',
  'help.ask.done': 'recorded',
  'help.ask.failed': 'recorded',
};

test('answers of acts that change nothing are recorded', () => {
  for (const [type, where] of Object.entries(ELSEWHERE)) {
    if (where !== 'recorded') continue;
    const session = opened();
    const data = type.endsWith('.done') ? { key: 'k' } : { key: 'k', code: 'X', reason: 'no' };
    assert.equal(session.offer(type as Type, data).outcome, 'recorded', type);
  }
});

test('no label has the name of an event that can be sent', () => {
  assert.deepEqual(
    LABELS.filter((label) => label in SESSION_EVENTS),
    [],
  );
});

test('a worktree that is ready after a pause begins nothing', () => {
  const session = WORK_STATES.preparing();
  session.send('correct.pause', {});
  prepared(session);
  assert.equal(session.told('run.begun').length, 0);
});
