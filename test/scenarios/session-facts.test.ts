/** What a session makes of what is seen at GitHub and Linear, fact by fact, on the machines alone. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Data } from './place.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { open } from './work.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  await stage.hire('ada', 'implementer');
});
afterEach(() => stage.stop());

const S = 'session/s';
const ADA = 'agent/ada';
const BRIEF = {
  title: 'Greet people',
  body: 'By name.',
  source: { kind: 'manual' },
  repo: 'acme/hello',
  base: 'main',
  kind: 'implement',
  deliver: 'pull_request',
  gates: { checks: ['Tests'], review: 'required' },
  merge: 'people',
  reviewers: 'people',
  queueCheck: 'merge-steward/queue',
};
const review = (id: string, verdict: string, head: string, more: Data = {}): Data => ({
  id,
  author: 'maintainer',
  verdict,
  head,
  body: 'Please.',
  comments: [],
  at: '2026-01-01T00:00:00.000Z',
  ...more,
});
const comment = (id: string, kind: string, text: string): [string, Data, Data] => [
  'comment.observed',
  { comment: id, on: 'pull', author: { login: 'someone', kind }, text, url: 'https://github.example/c' },
  { id: `github:comment:${id}` },
];

async function begin(more: Data = {}): Promise<void> {
  const receipt = await stage.send(S, 'open', { ...BRIEF, ...more });
  assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
}
/** Its pull request is there, and nothing is owed. */
async function withPull(more: Data = {}): Promise<string> {
  await begin(more);
  const { head } = await stage.pull(S);
  await stage.finish(ADA);
  assert.equal(open(await stage.show(S))['work'], 'idle');
  return head;
}
const runs = async (): Promise<string[]> =>
  (await stage.history(ADA))
    .filter(({ type, data }) => type === 'run.begun' && data['session'] === S)
    .map(({ data }) => String(data['for']));
const region = async (name: string): Promise<unknown> => open(await stage.show(S))[name];
const evicted = (head: string): Data => ({
  queue: { state: 'evicted', incident: { check: 'merge-steward/queue', head, title: 'Queue eviction' } },
});

describe('an eviction', () => {
  test('C2: in mid-run waits for the end of the run, and is repaired then', async () => {
    const head = await withPull();
    await stage.send(S, 'say', { text: 'And in blue.' });
    assert.deepEqual(await runs(), ['implement', 'answer']);
    await stage.pull(S, { facts: evicted(head) });
    assert.deepEqual(await runs(), ['implement', 'answer'], 'one run at a time');
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'answer', 'queue']);
    assert.equal((await stage.show(S)).phase, 'repairing_queue');
  });

  test('C1: told twice wakes one repair, which is told the incident', async () => {
    const head = await withPull();
    await stage.pull(S, { facts: evicted(head) });
    await stage.pull(S, { facts: { ...evicted(head), title: 'Another title' } });
    assert.deepEqual(await runs(), ['implement', 'queue']);
    assert.match(JSON.stringify(stage.running(ADA)!.prompt), /Queue eviction/);
  });

  test('of a head that is no longer the pull request’s lapses', async () => {
    const head = await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, { facts: evicted(head) });
    await stage.pull(S, { head: '7777777ccccccc', by: 'other', facts: {} });
    await stage.send(S, 'correct.resume');
    assert.deepEqual(await runs(), ['implement']);
  });

  test('C11: with a red gate on the same head is repaired first, the checks after it where they are still red', async () => {
    const head = await withPull();
    await stage.pull(S, { gate: 'red', facts: evicted(head) });
    assert.deepEqual(await runs(), ['implement', 'queue']);
    await stage.pull(S, { head: '7777777ccccccc', by: 'us', gate: 'red', facts: {} });
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'queue', 'checks']);
  });

  test('C3: of a finished session wakes nothing and is refused as final', async () => {
    const head = await withPull();
    await stage.pull(S, { merged: true });
    assert.equal((await stage.show(S)).phase, 'done');
    const receipt = await stage.send(S, 'pull.observed', {
      number: 1,
      url: 'https://github.example/acme/hello/pull/1',
      state: 'open',
      draft: false,
      merged: false,
      title: 'x',
      author: 'bot',
      branch: 'x',
      head,
      headBy: 'us',
      base: 'main',
      conflict: false,
      reviews: [],
      gate: { state: 'red', checks: [], failures: [] },
      ...evicted(head),
      updatedAt: '2027-01-01T00:00:00.000Z',
    });
    assert.deepEqual([receipt.outcome, receipt.code], ['refused', 'final']);
    assert.deepEqual(await runs(), ['implement']);
  });
});

describe('a red gate', () => {
  test('C9: that no snapshot explains yet is waited for; explained, it is repaired', async () => {
    await withPull();
    await stage.pull(S, {
      facts: {
        gate: { state: 'pending', checks: [{ name: 'Tests', conclusion: 'failure', url: null }], failures: [] },
      },
    });
    assert.deepEqual(await runs(), ['implement']);
    assert.equal(await region('checks'), 'pending');
    await stage.pull(S, { gate: 'red', facts: {} });
    assert.deepEqual(await runs(), ['implement', 'checks']);
  });

  test('C6: seen again on the same head after its repair failed wakes no second one; on a new head it does', async () => {
    await withPull();
    await stage.pull(S, { gate: 'red' });
    await stage.finish(ADA);
    assert.equal(await region('work'), 'escalated', 'the head did not move: parked');
    await stage.pull(S, { gate: 'red', facts: { title: 'touched' } });
    assert.deepEqual(await runs(), ['implement', 'checks']);
    await stage.pull(S, { head: '7777777ccccccc', by: 'other', gate: 'red' });
    assert.deepEqual(await runs(), ['implement', 'checks', 'checks']);
  });

  test('C10: that turns green before anybody began is nobody’s work', async () => {
    await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, { gate: 'red' });
    await stage.pull(S, { gate: 'green' });
    await stage.send(S, 'correct.resume');
    assert.deepEqual(await runs(), ['implement']);
    assert.equal(await region('checks'), 'green');
  });

  test('is repaired before requested changes, and these after it, though the head moved meanwhile', async () => {
    const head = await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, { gate: 'red', facts: { reviews: [review('901', 'request_changes', head)] } });
    await stage.send(S, 'correct.resume');
    assert.deepEqual(await runs(), ['implement', 'checks']);
    await stage.pull(S, { head: '7777777ccccccc', by: 'us', gate: 'pending' });
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'checks', 'review']);
  });

  test('spends its budget of three heads of ours and then waits for a person, who lifts it', async () => {
    await withPull();
    for (const head of ['1', '2', '3', '4']) {
      await stage.pull(S, { gate: 'red' });
      if (stage.running(ADA) === null) break;
      await stage.pull(S, { head: `${head.repeat(7)}ccccccc`, by: 'us', gate: 'pending' });
      await stage.finish(ADA);
    }
    await stage.pull(S, { gate: 'red' });
    assert.deepEqual(await runs(), ['implement', 'checks', 'checks', 'checks']);
    assert.equal((await stage.show(S)).phase, 'escalated');
    await stage.send(S, 'correct.budget.set', { kind: 'checks', limit: 4 });
    assert.equal((await runs()).length, 5);
  });
});

describe('a review', () => {
  test('C14: of a pull request that is not ours is no fact about this session', async () => {
    const head = await withPull();
    const receipt = await stage.send(S, 'pull.observed', {
      number: 77,
      url: 'https://github.example/acme/hello/pull/77',
      state: 'open',
      draft: false,
      merged: false,
      title: 'Theirs',
      author: 'human-dev',
      branch: 'theirs',
      head: '9999999',
      headBy: 'other',
      base: 'main',
      conflict: false,
      reviews: [review('901', 'request_changes', '9999999')],
      gate: { state: 'unknown', checks: [], failures: [] },
      queue: { state: 'out' },
      updatedAt: '2027-01-01T00:00:00.000Z',
    });
    assert.equal(receipt.outcome, 'recorded');
    const { context } = await stage.show(S);
    assert.equal((context['pull'] as { head: string }).head, head);
    assert.deepEqual(await runs(), ['implement']);
  });

  test('of an earlier head that was never ours to see moves nothing', async () => {
    await withPull();
    await stage.pull(S, { facts: { reviews: [review('901', 'request_changes', '5555555')] } });
    assert.deepEqual(await runs(), ['implement']);
    assert.notEqual(await region('review'), 'changesRequested');
  });

  test('that asks for changes and is taken back by an approval of the same reviewer asks for nothing', async () => {
    const head = await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, { facts: { reviews: [review('901', 'request_changes', head)] } });
    await stage.pull(S, {
      facts: { reviews: [review('901', 'request_changes', head), review('902', 'approve', head)] },
    });
    await stage.send(S, 'correct.resume');
    assert.deepEqual(await runs(), ['implement']);
    assert.equal(await region('review'), 'approved');
  });

  test('C36: whose fix leaves a conflict with the base wakes upkeep, though the budget of reviews is spent', async () => {
    const head = await withPull({ budgets: { review: 1 } });
    await stage.pull(S, { facts: { reviews: [review('901', 'request_changes', head)] } });
    await stage.pull(S, { head: '7777777ccccccc', by: 'us', conflict: true });
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'review', 'upkeep']);
    assert.match(JSON.stringify(stage.running(ADA)!.prompt), /preemptive_conflict|conflict/);
  });

  test('two people ask for changes: both are answered by one run or two, and neither is lost', async () => {
    const head = await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, {
      facts: {
        reviews: [
          review('901', 'request_changes', head, { body: 'Name it.' }),
          review('902', 'request_changes', head, { author: 'second', body: 'Test it.' }),
        ],
      },
    });
    await stage.send(S, 'correct.resume');
    const told: string[] = [];
    for (let run = 0; run < 3 && stage.running(ADA) !== null; run++) {
      told.push(JSON.stringify(stage.running(ADA)!.prompt));
      await stage.pull(S, { head: `${run}${run}${run}7777ccccccc`, by: 'us' });
      await stage.finish(ADA);
    }
    assert.match(told.join(), /Name it/);
    assert.match(told.join(), /Test it/);
    assert.equal(await region('work'), 'idle');
  });
});

describe('a comment', () => {
  test('C19: of ours, or of a bot, is recorded and wakes nothing; a person’s wakes one run, once', async () => {
    await withPull();
    for (const kind of ['self', 'bot']) {
      const receipt = await stage.send(S, ...comment(kind, kind, 'Nice.'));
      assert.equal(receipt.outcome, 'recorded', kind);
    }
    const first = await stage.send(S, ...comment('7', 'person', 'Please tighten the naming here.'));
    const again = await stage.send(S, ...comment('7', 'person', 'Please tighten the naming here.'));
    assert.deepEqual([first.outcome, again.outcome, again.duplicate], ['taken', 'taken', true]);
    assert.deepEqual(await runs(), ['implement', 'answer']);
  });

  test('X7: the same words under another id are another comment', async () => {
    await withPull();
    await stage.send(S, ...comment('7', 'person', 'Again, please.'));
    await stage.finish(ADA);
    await stage.send(S, ...comment('8', 'person', 'Again, please.'));
    assert.deepEqual(await runs(), ['implement', 'answer', 'answer']);
  });

  test('while a run works is told to it; not taken there, it wakes the next', async () => {
    await begin();
    stage.steerable = false;
    await stage.send(S, ...comment('7', 'person', 'In blue.'));
    await stage.pull(S);
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'answer']);
    assert.match(JSON.stringify(stage.running(ADA)!.prompt), /In blue/);
  });
});

describe('a pull request', () => {
  test('C42: approved and in conflict wakes one repair of the queue for a head', async () => {
    const head = await withPull();
    const reviews = [review('901', 'approve', head)];
    await stage.pull(S, { facts: { reviews } });
    await stage.pull(S, { facts: { reviews, conflict: null } });
    assert.deepEqual(await runs(), ['implement'], 'not known yet');
    await stage.pull(S, { facts: { reviews, conflict: true } });
    assert.deepEqual(await runs(), ['implement', 'queue']);
    await stage.pull(S, { facts: { reviews, conflict: true, title: 'touched' } });
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'queue'], 'the head did not move: parked, not tried again');
  });

  test('merged by a person in mid-run ends the session and the run', async () => {
    await withPull();
    await stage.send(S, 'say', { text: 'One more thing.' });
    assert.notEqual(stage.running(ADA), null);
    await stage.pull(S, { merged: true });
    assert.equal((await stage.show(S)).phase, 'done');
    assert.equal(stage.running(ADA), null);
  });

  test('as a draft is neither reviewed nor merged, and its red checks are repaired; ready, it is reviewed', async () => {
    await begin({ merge: 'self', gates: { checks: ['Tests'], review: 'required' } });
    await stage.pull(S, { facts: { draft: true } });
    await stage.finish(ADA);
    assert.equal(await region('pull'), 'draft');
    assert.notEqual(await region('review'), 'requested');
    await stage.pull(S, { facts: { draft: false } });
    assert.equal(await region('pull'), 'open');
    assert.equal(await region('review'), 'requested');
  });

  test('closed by a person re-opens the work once; a second time it asks', async () => {
    await withPull();
    const closedBy = { login: 'maintainer', kind: 'person' };
    await stage.pull(S, { state: 'closed', facts: { closedBy, closingComment: 'Wrong approach.' } });
    assert.deepEqual(await runs(), ['implement', 'implement']);
    assert.match(JSON.stringify(stage.running(ADA)!.prompt), /Wrong approach/);
    await stage.pull(S, { state: 'open', facts: {} });
    await stage.finish(ADA);
    await stage.pull(S, { state: 'closed', facts: { closedBy, closingComment: 'Still wrong.' } });
    assert.deepEqual(await runs(), ['implement', 'implement']);
    assert.ok((await stage.show(S)).waitingOn.some(({ gate, on }) => gate === 'human' && on === 'person/operator'));
  });

  test('older than the last is recorded and not applied', async () => {
    const head = await withPull();
    await stage.pull(S, { head: '7777777ccccccc', by: 'other' });
    await stage.pull(S, {
      facts: { head, updatedAt: '2026-01-01T00:00:00.500Z', gate: { state: 'red', checks: [], failures: [] } },
    });
    const { context } = await stage.show(S);
    assert.equal((context['pull'] as { head: string }).head, '7777777ccccccc');
    assert.deepEqual(await runs(), ['implement']);
  });
});

describe('the work', () => {
  test('C33, C38: of an agent that died is nobody’s attempt: tried again after a while, five times, then parked', async () => {
    await begin();
    for (let crash = 0; crash < 6; crash++) {
      await stage.crash(ADA);
      await stage.wait(1_200);
    }
    const shown = await stage.show(S);
    assert.ok(
      shown.waitingOn.some(({ gate, on }) => gate === 'human' && on === 'person/operator'),
      JSON.stringify(shown.waitingOn),
    );
    const { obligations } = shown.context as { obligations: { attempts: number }[] };
    assert.deepEqual(
      obligations.map(({ attempts }) => attempts),
      [0],
    );
  });

  test('C25: of an issue that was removed ends as cancelled, in mid-run too', async () => {
    const facts = {
      ref: 'MAF-40',
      url: 'https://linear.example/MAF-40',
      title: 'Greet',
      body: '',
      delegated: true,
      state: { name: 'Todo', type: 'unstarted' },
      blockers: [],
      removed: false,
      updatedAt: '2026-01-01T00:00:00.000Z',
    };
    const settings = { repo: 'acme/hello', base: 'main', kind: 'implement', deliver: 'pull_request', user: 'default' };
    const policy = { gates: { checks: 'none', review: 'none' }, merge: 'people', reviewers: 'people' };
    await stage.send('session/maf-40', 'issue.observed', { ...facts, open: { ...settings, ...policy } });
    assert.equal(stage.running(ADA)?.session, 'session/maf-40');
    await stage.send('session/maf-40', 'issue.observed', {
      ...facts,
      removed: true,
      updatedAt: '2026-01-01T00:00:01.000Z',
    });
    assert.equal((await stage.show('session/maf-40')).phase, 'cancelled');
    assert.equal(stage.running(ADA), null);
  });

  test('C31: opened twice is one piece of work; the second is told so', async () => {
    await begin();
    const receipt = await stage.send(S, 'open', BRIEF);
    assert.deepEqual([receipt.outcome, receipt.code], ['refused', 'exists']);
    assert.deepEqual(await runs(), ['implement']);
  });
});
