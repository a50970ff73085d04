/** What people do at GitHub: issues handed over there, pull requests of their own, closed, reopened, drafted, reviewed. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { skipLong } from '../support/long.ts';
import { openPlace } from './place.ts';
import type { Run } from './place.ts';
import { WORKING, at, check, delegate, isIdle, looked, open, pullOf, review } from './work.ts';

const place = await openPlace({
  script: {
    runs: [
      { when: { title: 'never begins', for: 'implement' }, steps: [{ hang: true }] },
      { when: { title: 'elsewhere', for: 'implement' }, steps: [{ summary: 'It is there.' }] },
      ...WORKING,
    ],
  },
  hello: {
    merge: 'people',
    reviewers: 'people',
    github: { label: 'agent', assignee: 'chartroom[bot]', mention: 'chartroom' },
  },
  agents: ['ada', 'bob', 'cleo', 'dan'].map((name) => ({ name, role: 'implementer', driver: 'scripted' })),
  timers: { reconcileMaxSeconds: 2, checkSeconds: 3 },
});
after(() => place.close());
const { github, linear } = place.world;
const kinds = (runs: Run[]): string[] => runs.map((run) => run.for);
const { rest } = place.as('maintainer');
const hello = at('acme/hello');

/** A person pushes a branch of their own and opens a pull request from it. */
async function personsPull(branch: string, more: { body?: string; draft?: boolean } = {}): Promise<{ number: number }> {
  const files = { mine: branch };
  await github.pushFiles({ repo: 'acme/hello', branch, files, message: 'mine', login: 'maintainer' });
  const { data } = await rest.pulls.create({ ...hello, title: 'Mine', head: branch, base: 'main', ...more });
  return data;
}

describe('at GitHub', { concurrency: 3 }, () => {
  test('an issue that gets the label is worked on; a comment on it reaches the work', async () => {
    const { data: issue } = await rest.issues.create({ ...hello, title: 'By label', body: 'Do it.' });
    await github.delivered();
    const session = `session/acme-hello-${issue.number}`;
    assert.equal((await place.http('show', { actor: session })).status, 404, 'not handed over yet');
    await rest.issues.addLabels({ ...hello, issue_number: issue.number, labels: ['agent'] });
    await place.until(session, 'its pull request', (it) => open(it)['pull'] === 'open' && isIdle(it));
    await rest.issues.createComment({ ...hello, issue_number: issue.number, body: 'And in blue.' });
    await place.until(session, 'an answer', (it) => it.epoch === 2 && isIdle(it));
    const runs = await place.runs(session);
    assert.deepEqual(kinds(runs), ['implement', 'answer']);
    assert.ok(runs[1]!.prompt.includes('And in blue.'));
  });

  test(
    'an issue that mentions us is worked on; closed by a person meanwhile, it is let go',
    { skip: skipLong },
    async () => {
      const { data: issue } = await rest.issues.create({ ...hello, title: 'never begins', body: '@chartroom please' });
      const session = `session/acme-hello-${issue.number}`;
      await place.until(session, 'a run', (it) => open(it)['work'] === 'running');
      await rest.issues.update({ ...hello, issue_number: issue.number, state: 'closed' });
      const shown = await place.until(session, 'withdrawn', (it) => it.phase === 'awaiting_input' && it.owner === null);
      assert.equal(open(shown)['authority'], 'withdrawn');
    },
  );

  test(
    'C17: closed by a person, the work is owed again with what they said; reopened in the meantime it is not',
    { skip: skipLong },
    async () => {
      const pull = await pullOf(place, 'C17');
      await rest.issues.createComment({ ...hello, issue_number: pull.number, body: 'Wrong approach, use a map.' });
      await place.until(pull.session, 'the answer', (it) => it.epoch === 2 && isIdle(it));
      await rest.pulls.update({ ...hello, pull_number: pull.number, state: 'closed' });
      await place.until(pull.session, 'another run', (it) => it.epoch === 3);
      const runs = await place.eventually('its prompt', async () => {
        const all = await place.runs(pull.session);
        return all.length === 3 ? all : undefined;
      });
      assert.deepEqual(kinds(runs), ['implement', 'answer', 'implement']);
      assert.ok(runs[2]!.prompt.includes('maintainer'), runs[2]!.prompt);
    },
  );

  test('C15: dismissed, a review asks for nothing any more', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'C15');
    await place.send(pull.session, 'correct.pause');
    await review(place, pull, 'REQUEST_CHANGES', 'Not yet.');
    await place.until(pull.session, 'the review', (it) => open(it)['review'] === 'changesRequested');
    const { data: reviews } = await rest.pulls.listReviews({ ...hello, pull_number: pull.number });
    await rest.pulls.dismissReview({
      ...hello,
      pull_number: pull.number,
      review_id: reviews[0]!.id,
      message: 'Never mind.',
    });
    await place.until(pull.session, 'nothing owed', (it) => open(it)['review'] === 'wanted');
    await place.send(pull.session, 'correct.resume');
    await place.until(pull.session, 'another reader', (it) => open(it)['review'] === 'requested');
    await looked(place, pull);
    assert.deepEqual(kinds(await place.runs(pull.session)), ['implement']);
  });

  test(
    'a review without a verdict is a comment: answered, and no change is requested',
    { skip: skipLong },
    async () => {
      const pull = await pullOf(place, 'comment review');
      await review(place, pull, 'COMMENT', 'What about tests?');
      await place.until(pull.session, 'the answer', (it) => it.epoch === 2 && isIdle(it));
      assert.deepEqual(kinds(await place.runs(pull.session)), ['implement', 'answer']);
    },
  );

  test('merged by a person without any approval, the session is done', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'merged early');
    await check(place, pull, 'Tests', 'success');
    await rest.pulls.merge({ ...hello, pull_number: pull.number });
    await place.until(pull.session, 'its end', (it) => it.phase === 'done');
  });

  test(
    'a branch that a person pushed and a pull request from it are taken over by attaching it',
    { skip: skipLong },
    async () => {
      const mine = await personsPull('mine');
      const { session } = delegate(place, 'never begins: attach');
      await place.until(session, 'a run', (it) => open(it)['work'] === 'running');
      await place.send(session, 'correct.pause');
      const receipt = await place.send(session, 'correct.pull.attach', { number: mine.number });
      assert.equal(receipt.outcome, 'taken');
      const shown = await place.until(session, 'the pull request', (it) => open(it)['pull'] === 'open');
      assert.equal((shown.context['pull'] as { number: number }).number, mine.number);
      await place.send(session, 'correct.close', { outcome: 'cancelled' });
    },
  );

  test(
    'a pull request of a person that says whose issue it resolves is taken over without a word to us',
    { skip: skipLong },
    async () => {
      const { session, issue } = delegate(place, 'never begins: said');
      await place.until(session, 'a run', (it) => open(it)['work'] === 'running');
      await place.send(session, 'correct.pause');
      const mine = await personsPull('said', { body: `Fixes ${issue}.` });
      const shown = await place.until(session, 'the pull request', (it) => open(it)['pull'] === 'open');
      assert.equal((shown.context['pull'] as { number: number }).number, mine.number);
      await place.send(session, 'correct.close', { outcome: 'cancelled' });
    },
  );

  test(
    'a number that is no pull request is let go of, and said where the work is shown',
    { skip: skipLong },
    async () => {
      const pull = await pullOf(place, 'attach nothing');
      const receipt = await place.send(pull.session, 'correct.pull.attach', { number: 9_999 });
      assert.equal(receipt.outcome, 'taken');
      await place.until(pull.session, 'word of it', (it) => JSON.stringify(it.waitingOn).includes('#9999'));
      const shown = await place.until(pull.session, 'the pull request it had', (it) => open(it)['pull'] === 'open');
      assert.equal((shown.context['pull'] as { number: number }).number, pull.number);
    },
  );

  test('as a draft it is neither reviewed nor merged; ready, it is', { skip: skipLong }, async () => {
    const { session, issue } = delegate(place, 'never begins: draft');
    await place.until(session, 'a run', (it) => open(it)['work'] === 'running');
    await place.send(session, 'correct.pause');
    const branch = (await place.show(session)).context['branch'] as string;
    const mine = await personsPull(branch, { draft: true });
    await place.until(session, 'the draft', (it) => open(it)['pull'] === 'draft');
    assert.ok(issue.length > 0 && mine.number > 0);
  });

  test('C28: the stop of an agent session ends the run, and the agent session hears of it', async () => {
    const { session, issue } = delegate(place, 'never begins: stop');
    await place.until(session, 'a run', (it) => open(it)['work'] === 'running');
    const agentSession = linear.sessionOf(issue)!;
    linear.stop(agentSession);
    const shown = await place.until(
      session,
      'stopped',
      (it) => it.phase === 'awaiting_input' && it.outbox.length === 0,
    );
    assert.equal(shown.owner, null);
    const types = linear.activitiesOf(agentSession).map(({ content }) => (content as { type: string }).type);
    assert.ok(types.includes('elicitation'), types.join());
  });

  test('the plan at Linear follows the pull request', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'plan');
    await review(place, pull, 'APPROVE', 'Good.');
    await check(place, pull, 'Tests', 'success');
    await place.until(
      pull.session,
      'its turn',
      (it) => it.phase === 'awaiting_queue' && open(it)['checks'] === 'green' && it.outbox.length === 0,
    );
    const plan = linear.sessionOf(pull.issue)?.plan as { content: string; status: string }[];
    assert.deepEqual(
      plan.map(({ status }) => status),
      ['completed', 'completed', 'completed', 'inProgress'],
    );
  });
});
