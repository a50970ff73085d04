/**
 * Law 12: the same fact gives the same future, whether a hook told of it or a look found it. For every observation
 * there is, one Chartroom gets the hooks and never looks by itself, another gets none: what they know, wish and do
 * afterwards is the same.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Data } from './place.ts';
import { skipLong } from '../support/long.ts';
import { REPO, openTwins, pictureOf } from './twins.ts';
import type { Half, Login, Twins } from './twins.ts';

let twins: Twins;
before(async () => {
  twins = await openTwins();
});
after(() => twins.close());

/** The work of one test, the same in both worlds. */
interface Work {
  session: string;
  agent: string;
  branch: string;
  number: number;
  /** What its pull request changes. */
  file: string;
}

let count = 0;
const both = async (act: (half: Half) => Promise<unknown>): Promise<void> => {
  for (const half of twins.halves) await act(half);
};

async function hire(): Promise<{ agent: string; n: number }> {
  const n = ++count;
  await both(({ stage }) => stage.hire(`ada-${n}`, 'implementer'));
  return { agent: `agent/ada-${n}`, n };
}

/** A session that is at work on its first run. */
async function begun(more: Data = {}): Promise<Omit<Work, 'number' | 'file'>> {
  const { agent, n } = await hire();
  const session = `session/s${n}`;
  const brief = {
    title: `Work ${n}`,
    body: 'As asked.',
    source: { kind: 'manual' },
    repo: REPO,
    base: 'main',
    kind: 'implement',
    deliver: 'pull_request',
    pin: agent,
    gates: { checks: ['Tests'], review: 'required' },
    merge: 'people',
    reviewers: 'people',
    queueCheck: 'merge-steward/queue',
    ...more,
  };
  await both(({ stage }) => stage.send(session, 'open', brief));
  const { context } = await twins.told.stage.show(session);
  return { session, agent, branch: String(context['branch']) };
}

async function openPull(branch: string, as: Login = 'chartroom'): Promise<number> {
  const { number } = await twins.as(as, 'POST', '/pulls', { title: 'Work', head: branch, base: 'main' });
  return Number(number);
}

/** Its pull request is open, seen by both, and nothing is owed. */
async function withPull(more: Data = {}): Promise<Work> {
  const work = await begun(more);
  const file = `work-${count}.txt`;
  await twins.push(work.branch, 'chartroom', { [file]: 'new\n' });
  const number = await openPull(work.branch);
  await both(({ stage }) => stage.finish(work.agent));
  await twins.arrive(work.session);
  await same(work.session, 'before anything happened');
  return { ...work, number, file };
}

async function same(session: string, when: string): Promise<unknown> {
  const [told, lost] = [await pictureOf(twins.told, session), await pictureOf(twins.lost, session)];
  assert.deepEqual(lost, told, when);
  return told;
}

/** Whatever is being worked on ends, in both: well where checks failed; else a repair that moved nothing is parked. */
async function goOn({ session, agent, branch }: Pick<Work, 'session' | 'agent' | 'branch'>): Promise<unknown> {
  let is: unknown = null;
  for (let run = 0; run < 3; run++) {
    const [told, lost] = twins.halves.map(({ stage }) => stage.running(agent)?.for ?? null);
    assert.equal(lost, told, 'the same run begins');
    if (told === null) return is;
    if (told === 'checks') await twins.push(branch, 'chartroom');
    await both(({ stage }) => stage.finish(agent));
    await twins.arrive(session);
    is = await same(session, `after the run for ${told}`);
  }
  return is;
}

const check = ({ branch }: Work, name: string, conclusion: string | null, more: Data = {}) =>
  twins.as('ci[bot]', 'POST', '/check-runs', {
    name,
    head_sha: twins.github.head(REPO, branch)!,
    ...(conclusion === null ? { status: 'in_progress' } : { status: 'completed', conclusion }),
    ...more,
  });
const review = ({ number }: Work, event: string, more: Data = {}, by: Login = 'ann') =>
  twins.as(by, 'POST', `/pulls/${number}/reviews`, { event, body: 'Words.', ...more });
const comment = ({ number }: Work, by: Login, body: string) =>
  twins.as(by, 'POST', `/issues/${number}/comments`, { body });
const state = ({ number }: Work, to: 'open' | 'closed', by: Login = 'ann') =>
  twins.as(by, 'PATCH', `/pulls/${number}`, { state: to });

/** What happens, one after the other, to one piece of work. */
type Story = Record<string, (work: Work) => Promise<unknown>>;

/** Whose news is nobody’s. */
const INERT = /of a bot|commented/;

const PULL: Record<string, Story> = {
  'its reviews': {
    review_commented: (work) => review(work, 'COMMENT'),
    'review_changes_requested, with places': (work) =>
      review(work, 'REQUEST_CHANGES', { comments: [{ path: work.file, line: 1, side: 'RIGHT', body: 'Why?' }] }),
    'review_changes_requested by another': (work) => review(work, 'REQUEST_CHANGES', {}, 'susan'),
    'a review that is dismissed': ({ number }) => dismissLast(number),
    review_approved: (work) => review(work, 'APPROVE'),
    'an approval that is dismissed': ({ number }) => dismissLast(number),
  },
  'its checks': {
    'pr_synchronize by somebody else': ({ branch }) => twins.push(branch, 'ann'),
    check_pending: (work) => check(work, 'Tests', null),
    check_passed: (work) => check(work, 'Tests', 'success'),
    'check_failed, with what really failed': async (work) => {
      await check(work, 'Checks', 'failure', {
        output: {
          title: 'Lint failed',
          summary: '1 error',
          annotations: [{ path: 'a.txt', start_line: 1, end_line: 1, annotation_level: 'failure', message: 'no' }],
        },
      });
      await check(work, 'Tests', 'failure');
    },
    'check_failed by a commit status': async ({ branch }) => {
      const status = { state: 'failure', context: 'Tests', description: 'no' };
      await twins.as('ann', 'POST', `/statuses/${twins.github.head(REPO, branch)!}`, status);
    },
    'check_failed by the queue: evicted': async (work) => {
      await check(work, 'Tests', 'success');
      await check(work, 'merge-steward/queue', 'failure', {
        output: { title: 'Evicted', summary: 'Conflict.', text: JSON.stringify({ incidentId: 'i-1' }) },
      });
    },
  },
  'its heads and its looks': {
    'pr_synchronize by a run of ours': ({ branch }) => twins.push(branch, 'chartroom'),
    'pr_synchronize by somebody else': ({ branch }) => twins.push(branch, 'ann'),
    'another title': ({ number }) => twins.as('ann', 'PATCH', `/pulls/${number}`, { title: 'Better' }),
    'made a draft': ({ number }) => twins.github.setDraft(REPO, number, true, 'ann'),
    'made ready again': ({ number }) => twins.github.setDraft(REPO, number, false, 'ann'),
    'a base that moved into conflict with it': ({ file }) => twins.push('main', 'ann', { [file]: 'theirs\n' }),
  },
  'what is said on it': {
    'a comment of a person': (work) => comment(work, 'ann', 'Please tighten the naming.'),
    'a comment of a bot': (work) => comment(work, 'other[bot]', 'Coverage went up.'),
    'a comment on a line': ({ number, branch, file }) =>
      twins.as('ann', 'POST', `/pulls/${number}/comments`, {
        body: 'This line.',
        path: file,
        line: 1,
        commit_id: twins.github.head(REPO, branch)!,
      }),
  },
  'its end, undone and done': {
    'a comment of the person who is about to close it': (work) => comment(work, 'ann', 'Wrong approach.'),
    'pr_closed by a person': (work) => state(work, 'closed'),
    pr_reopened: (work) => state(work, 'open'),
    pr_merged: ({ number }) => twins.as('ann', 'PUT', `/pulls/${number}/merge`, { merge_method: 'squash' }),
  },
  'its end by our own account, though nobody took the work back': {
    'pr_closed by ourselves': (work) => state(work, 'closed', 'chartroom'),
    'the next one of the branch': async ({ branch }) => void (await openPull(branch)),
  },
  'its branch': {
    'that is deleted': ({ branch }) => twins.as('ann', 'DELETE', `/git/refs/heads/${branch}`),
  },
};

async function dismissLast(number: number): Promise<void> {
  const reviews = (await twins.as('ann', 'GET', `/pulls/${number}/reviews`)) as unknown as { id: number }[];
  await twins.as('acme', 'PUT', `/pulls/${number}/reviews/${reviews.at(-1)!.id}/dismissals`, { message: 'no' });
}

/** Told in the shorter form of another. */
const LONG = /heads|said|our own account|branch/;

describe('of a pull request', () => {
  for (const [name, story] of Object.entries(PULL)) {
    const skip = LONG.test(name) && skipLong;
    test(`${name}: ${Object.keys(story).join(' · ')}`, { skip }, async () => {
      const work = await withPull();
      await tell(work, story);
      await both(({ stage }) => stage.send(work.session, 'correct.close', { outcome: 'cancelled' }));
    });
  }

  test('pr_opened in mid-run, and after it the end of the run', { skip: skipLong }, async () => {
    const work = await begun();
    await twins.push(work.branch, 'chartroom');
    await openPull(work.branch);
    await twins.arrive(work.session);
    await same(work.session, 'opened in mid-run');
    await goOn(work);
  });

  test('pr_opened by a person while the work is withdrawn: wished closed', { skip: skipLong }, async () => {
    const work = await begun();
    await both(({ stage }) => stage.send(work.session, 'correct.withdraw'));
    await twins.push(work.branch, 'chartroom');
    await openPull(work.branch, 'ann');
    await twins.arrive(work.session);
    assert.match(JSON.stringify(await same(work.session, 'opened while withdrawn')), /pull\.close/);
  });

  test('pr_opened after the session was closed: wished closed, and opened again by a person it stays', async () => {
    const work = await begun();
    await twins.push(work.branch, 'chartroom');
    await both(({ stage }) => stage.send(work.session, 'correct.close', { outcome: 'cancelled' }));
    const number = await openPull(work.branch);
    await twins.arrive(work.session);
    await twins.lost.sweep();
    assert.match(JSON.stringify(await same(work.session, 'opened too late')), /pull\.close/);
    await twins.as('ann', 'PATCH', `/pulls/${number}`, { state: 'closed' });
    await twins.as('ann', 'PATCH', `/pulls/${number}`, { state: 'open' });
    await twins.arrive(work.session);
    await twins.lost.sweep();
    for (const { stage } of twins.halves) {
      const wished = (await stage.history(work.session)).flatMap(({ effects }) => effects);
      assert.equal(wished.filter(({ name }) => name === 'pull.close').length, 1);
    }
  });
});

/** After each thing that happens both know the same, and go on in the same way. */
async function tell(work: Work, story: Story): Promise<void> {
  let was = await same(work.session, 'at the beginning');
  for (const [name, happens] of Object.entries(story)) {
    await happens(work);
    await twins.arrive(work.session);
    const is = await same(work.session, name);
    if (!INERT.test(name)) assert.notDeepEqual(is, was, `${name} means something`);
    was = (await goOn(work)) ?? is;
  }
}

/** A session that is opened by what its tracker says; found by a sweep where no hook told of it. */
async function opened(session: string): Promise<string> {
  await twins.arrive(session, { first: true });
  await same(session, 'handed over');
  return session;
}

async function follow(session: string, story: Record<string, () => unknown>): Promise<void> {
  let was = await same(session, 'at the beginning');
  for (const [name, happens] of Object.entries(story)) {
    await happens();
    await twins.arrive(session);
    const is = await same(session, name);
    assert.notDeepEqual(is, was, `${name} means something`);
    was = is;
  }
  await both(({ stage }) => stage.send(session, 'correct.close', { outcome: 'cancelled' }));
}

describe('of an issue at GitHub', () => {
  const file = async (title: string): Promise<number> =>
    Number((await twins.as('ann', 'POST', '/issues', { title, body: 'Please.' }))['number']);

  test(
    'handed over by a label · edited · said · taken back · given again · closed · reopened',
    { skip: skipLong },
    async () => {
      const number = await file('By label');
      await twins.as('acme', 'POST', `/issues/${number}/labels`, { labels: ['chartroom'] });
      const session = await opened(`session/acme-api-${number}`);
      const issue = (method: string, rest: string, body?: unknown) => () =>
        twins.as('acme', method, `/issues/${number}${rest}`, body);
      await follow(session, {
        'another title': issue('PATCH', '', { title: 'Better' }),
        'a comment': issue('POST', '/comments', { body: 'In blue.' }),
        'taken back': issue('DELETE', '/labels/chartroom'),
        'given again': issue('POST', '/labels', { labels: ['chartroom'] }),
        closed: issue('PATCH', '', { state: 'closed', state_reason: 'completed' }),
        reopened: issue('PATCH', '', { state: 'open' }),
      });
    },
  );

  test('handed over by a mention in a comment, and by one in its text', async () => {
    const number = await file('By comment');
    await twins.as('ann', 'POST', `/issues/${number}/comments`, { body: 'Nice to have.' });
    await twins.as('other[bot]', 'POST', `/issues/${number}/comments`, { body: '@chartroom?' });
    await twins.arrive('dispatcher/main', { first: true });
    for (const half of twins.halves) assert.equal(exists(half, `session/acme-api-${number}`), false);
    await twins.as('ann', 'POST', `/issues/${number}/comments`, { body: '@chartroom please do it.' });
    const session = await opened(`session/acme-api-${number}`);
    await both(({ stage }) => stage.send(session, 'correct.close', { outcome: 'cancelled' }));
    await twins.as('ann', 'POST', `/issues/${number}/comments`, { body: '@chartroom once more.' });
    await opened(`session/acme-api-${number}-2`);
    await both(({ stage }) => stage.send(`${session}-2`, 'correct.close', { outcome: 'cancelled' }));
  });

  test('held back by another, which is done then', { skip: skipLong }, async () => {
    const [blocker, number] = [await file('First'), await file('Second')];
    const { id } = await twins.as('ann', 'GET', `/issues/${blocker}`);
    await twins.as('acme', 'POST', `/issues/${number}/dependencies/blocked_by`, { issue_id: id });
    await twins.as('acme', 'POST', `/issues/${number}/labels`, { labels: ['chartroom'] });
    const session = await opened(`session/acme-api-${number}`);
    await follow(session, {
      'the blocker is done': () => twins.as('acme', 'PATCH', `/issues/${blocker}`, { state: 'closed' }),
    });
  });
});

describe('of an issue at Linear', () => {
  test(
    'delegated · edited · blocked · freed · said · prompted · stopped · taken back · given again · done by a person',
    { skip: skipLong },
    async () => {
      const { linear } = twins;
      const issue = linear.createIssue({ team: 'ENG', title: 'Greet', state: 'Todo' });
      const other = linear.createIssue({ team: 'ENG', title: 'Before', state: 'Todo' });
      linear.delegate(issue);
      const session = await opened(`session/${issue.identifier.toLowerCase()}`);
      await follow(session, {
        'another text': () => linear.editIssue(issue, { title: 'Greet people', description: 'By name.' }),
        'another priority': () => linear.editIssue(issue, { priority: 1 }),
        blocked: () => linear.block(other, issue),
        'the blocker is done': () => linear.setState(other, 'Done'),
        'a comment': () => linear.comment(linear.admin, issue, 'In blue.'),
        'a prompt': () => linear.prompt(linear.sessionOf(issue)!, 'And in green.'),
        'a stop': () => linear.stop(linear.sessionOf(issue)!),
        'taken back': () => linear.delegate(issue, { to: null }),
        'given again': () => linear.delegate(issue),
        'done by a person': () => linear.setState(issue, 'Done'),
      });
    },
  );

  test('removed', async () => {
    const issue = twins.linear.createIssue({ team: 'ENG', title: 'Gone soon', state: 'Todo' });
    twins.linear.delegate(issue);
    const session = await opened(`session/${issue.identifier.toLowerCase()}`);
    await follow(session, { removed: () => twins.linear.remove(issue) });
  });

  test('mentioned, and not delegated: an agent session that nobody answered', async () => {
    const issue = twins.linear.createIssue({ team: 'ENG', title: 'Only mentioned', state: 'Backlog' });
    await twins.mention(issue.id);
    const session = await opened(`session/${issue.identifier.toLowerCase()}`);
    assert.equal(await phaseOf(session), 'awaiting_input');
    await follow(session, { delegated: () => twins.linear.delegate(issue) });
  });
});

describe('of a fork', () => {
  test('a pull request whose branch bears our name is not ours; attached, it is let go of, and said', async () => {
    const work = await begun();
    await twins.github.fork(REPO, 'ann');
    const files = { 'theirs.txt': 'theirs\n' };
    await twins.github.pushFiles({ repo: 'ann/api', branch: work.branch, files, message: 'Theirs', login: 'ann' });
    const { number } = await twins.as('ann', 'POST', '/pulls', {
      title: 'Theirs',
      head: `ann:${work.branch}`,
      base: 'main',
    });
    await twins.arrive(work.session);
    for (const { stage } of twins.halves) assert.equal((await stage.show(work.session)).context['pull'], null);
    await both(({ stage }) => stage.send(work.session, 'correct.pull.attach', { number }));
    await twins.arrive(work.session);
    const is = (await same(work.session, 'attached')) as { context: { number: null; pull: null } };
    assert.deepEqual([is.context.number, is.context.pull], [null, null]);
    assert.match(JSON.stringify(is), /it comes from ann\/api, not from acme\/api/);
    await twins.github.pushFiles({
      repo: 'ann/api',
      branch: work.branch,
      files: { more: 'x\n' },
      message: 'More',
      login: 'ann',
    });
    await twins.as('acme', 'PUT', `/pulls/${String(number)}/merge`, { merge_method: 'squash' });
    await twins.arrive(work.session);
    const after = (await same(work.session, 'merged there')) as { phase: string };
    assert.notEqual(after.phase, 'done', 'its merge ends nothing here');
    await both(({ stage }) => stage.send(work.session, 'correct.close', { outcome: 'cancelled' }));
  });
});

describe('of a repository that has another name now', () => {
  for (const [how, name] of [
    ['renamed', 'acme/web'],
    ['given to another owner', 'susan/web'],
  ] as const) {
    test(`${how}: what happens there is told and seen as before`, { skip: skipLong }, async () => {
      const work = await withPull({ gates: { checks: 'none', review: 'required' } });
      twins.github.rename(REPO, name);
      // Its addresses are other ones: seen by both, and a quarter of an hour later asked for by the new name.
      await both(async ({ stage, rest, pass }) => {
        await pass(1_000);
        stage.parts.watches.poke(work.session, 'pull');
        await rest();
      });
      await tell(work, {
        review_approved: (it) => review(it, 'APPROVE'),
        'pr_closed by a person': (it) => state(it, 'closed'),
        'the next one of the branch, found by its name': async ({ branch }) => void (await openPull(branch)),
        'a comment of a person': async ({ session }) => {
          const { context } = await twins.told.stage.show(session);
          const { number } = context['pull'] as { number: number };
          await comment({ ...work, number }, 'ann', 'And now this.');
        },
      });
      await both(({ stage }) => stage.send(work.session, 'correct.close', { outcome: 'cancelled' }));
      twins.github.rename(name, REPO);
    });
  }
});

const phaseOf = async (session: string): Promise<string> => (await twins.lost.stage.show(session)).phase;

const exists = ({ stage }: Half, session: string): boolean => stage.parts.node.actors.row(session) !== null;
