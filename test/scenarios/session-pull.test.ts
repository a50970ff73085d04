/** What a session makes of its pull request: checks, reviews, comments, the queue, and the merge. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { skipLong } from '../support/long.ts';
import { openPlace } from './place.ts';
import type { Run } from './place.ts';
import { WORKING, at, check, isIdle, looked, open, pullOf, review } from './work.ts';

const STALLED = [{ when: { for: 'checks', title: 'does not move' }, steps: [{ summary: 'Nothing to do.' }] }];
const place = await openPlace({
  script: { runs: [...STALLED, ...WORKING] },
  hello: { merge: 'people', reviewers: 'people' },
  repos: {
    queued: {
      linear: { teams: ['QUE'] },
      merge: 'queue',
      queueCheck: 'merge-steward/queue',
      reviewers: 'people',
      gates: { checks: ['Tests'], review: 'required' },
    },
    plain: { linear: { teams: ['PLN'] }, gates: { checks: 'required', review: 'none' } },
  },
  agents: ['ada', 'bob', 'cleo', 'dan'].map((name) => ({ name, role: 'implementer', driver: 'scripted' })),
  timers: { reconcileMaxSeconds: 2 },
});
after(() => place.close());
const kinds = (runs: Run[]): string[] => runs.map((run) => run.for);

describe('a pull request', { concurrency: 3 }, () => {
  test('C12: an approval is noted, the pull request awaits its turn, nothing is run', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'C12');
    await review(place, pull, 'APPROVE', 'Good.');

    const shown = await place.until(pull.session, 'approved', (it) => open(it)['review'] === 'approved');
    assert.equal(shown.phase, 'awaiting_queue');
    await looked(place, pull);
    assert.deepEqual(kinds(await place.runs(pull.session)), ['implement']);
  });

  test('C13: changes requested wake one run that is told every comment with its place', async () => {
    const pull = await pullOf(place, 'C13');
    const { data: files } = await place
      .as('maintainer')
      .rest.pulls.listFiles({ ...at(pull.repo), pull_number: pull.number });
    const path = files[0]!.filename;
    await review(place, pull, 'REQUEST_CHANGES', 'Not yet.', [{ path, line: 1, body: 'Explain this number.' }]);

    await place.until(pull.session, 'the repair', (it) => it.epoch === 2 && isIdle(it));
    const runs = await place.runs(pull.session);
    assert.deepEqual(kinds(runs), ['implement', 'review']);
    for (const told of ['maintainer', 'Not yet.', 'Explain this number.', path, pull.head])
      assert.ok(runs[1]!.prompt.includes(told), `the prompt tells ${told}`);
  });

  test(
    'C16: merged by a person, the session is done and the issue completed, told to Linear once',
    { skip: skipLong },
    async () => {
      const pull = await pullOf(place, 'C16');
      await review(place, pull, 'APPROVE', 'Good.');
      await check(place, pull, 'Tests', 'success');
      await place.until(pull.session, 'its turn', (it) => it.phase === 'awaiting_queue');
      const { rest } = place.as('maintainer');
      await rest.pulls.merge({ ...at(pull.repo), pull_number: pull.number });

      await place.until(pull.session, 'its end', (it) => it.phase === 'done' && it.outbox.length === 0);
      assert.equal(place.world.linear.stateOf(pull.issue).type, 'completed');
      const moves = (await place.history(pull.session))
        .flatMap(({ effects }) => effects)
        .filter(({ name, params }) => name === 'linear.move' && JSON.stringify(params).includes('completed'));
      assert.equal(moves.length, 1);
      await check(place, pull, 'Tests', 'failure');
      assert.equal((await place.show(pull.session)).phase, 'done', 'C3: terminal is final');
      assert.deepEqual(kinds(await place.runs(pull.session)), ['implement']);
    },
  );

  test(
    'C18, C26: a person’s comment wakes one run that is told it; a bot’s wakes nothing',
    { skip: skipLong },
    async () => {
      const pull = await pullOf(place, 'C18');
      const say = (login: string, body: string) =>
        place.as(login).rest.issues.createComment({ ...at(pull.repo), issue_number: pull.number, body });
      await say('ci[bot]', 'Coverage is 71 %.');
      await looked(place, pull);
      assert.deepEqual(kinds(await place.runs(pull.session)), ['implement']);

      await say('maintainer', 'Please tighten the naming here.');
      await place.until(pull.session, 'the answer', (it) => it.epoch === 2 && isIdle(it));
      const runs = await place.runs(pull.session);
      assert.deepEqual(kinds(runs), ['implement', 'answer']);
      assert.ok(runs[1]!.prompt.includes('Please tighten the naming here.'));
      await looked(place, pull);
      assert.equal((await place.runs(pull.session)).length, 2);
    },
  );

  test('C5: a red gate wakes one repair, told the check that failed in truth', async () => {
    const pull = await pullOf(place, 'C5');
    await check(place, pull, 'Checks', 'failure', {
      title: 'lint',
      summary: 'One rule is broken.',
      annotations: [
        { path: 'README.md', start_line: 1, end_line: 1, annotation_level: 'failure', message: 'No final newline.' },
      ],
    });
    await check(place, pull, 'Tests', 'failure', { title: 'Tests', summary: 'Checks did not pass.' });

    await place.until(pull.session, 'the repair', (it) => it.epoch === 2 && isIdle(it));
    const runs = await place.runs(pull.session);
    assert.deepEqual(kinds(runs), ['implement', 'checks']);
    for (const told of ['Checks', 'One rule is broken.', 'No final newline.'])
      assert.ok(runs[1]!.prompt.includes(told), `the prompt tells ${told}: ${runs[1]!.prompt}`);
  });

  test('C4: without named gates a red check wakes a repair though others are pending', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'C4', { team: 'PLN', repo: 'acme/plain' });
    await check(place, pull, 'deploy_stage', null);
    await check(place, pull, 'verify', 'failure');

    await place.until(pull.session, 'the repair', (it) => it.epoch === 2 && isIdle(it));
    assert.deepEqual(kinds(await place.runs(pull.session)), ['implement', 'checks']);
  });

  test('C7, C8, X2: a check that is no gate wakes nothing and makes nothing green', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'C7');
    await check(place, pull, 'Checks', 'failure');
    await check(place, pull, 'Build & UI Tests', 'failure');
    await check(place, pull, 'Docs', 'success');

    const shown = await looked(place, pull);
    assert.notEqual(open(shown)['checks'], 'red');
    assert.notEqual(open(shown)['checks'], 'green');
    assert.deepEqual(kinds(await place.runs(pull.session)), ['implement']);
  });

  test('X1: a gate that runs again on the same head is pending again', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'X1');
    await check(place, pull, 'Tests', 'success');
    await place.until(pull.session, 'green', (it) => open(it)['checks'] === 'green');
    await check(place, pull, 'Tests', null);
    await place.until(pull.session, 'pending', (it) => open(it)['checks'] === 'pending');
  });

  test('C34: a repair that moves nothing is parked with its reason, and said', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'C34 does not move');
    await check(place, pull, 'Tests', 'failure');

    const shown = await place.until(pull.session, 'its parking', (it) => open(it)['work'] === 'escalated');
    assert.ok(
      shown.waitingOn.some(({ gate, on }) => gate === 'human' || on?.startsWith('person/')),
      JSON.stringify(shown.waitingOn),
    );
    assert.deepEqual(kinds(await place.runs(pull.session)), ['implement', 'checks']);
  });

  test('C43: what waits together rides along in one run, in order', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'C43');
    assert.equal((await place.send(pull.session, 'correct.pause')).outcome, 'taken');
    await review(place, pull, 'REQUEST_CHANGES', 'Not yet.');
    await place.until(pull.session, 'the review', (it) => open(it)['review'] === 'changesRequested');
    assert.equal((await place.send(pull.session, 'say', { text: 'A: keep it short.' })).outcome, 'taken');
    assert.equal((await place.send(pull.session, 'say', { text: 'B: and add a test.' })).outcome, 'taken');
    assert.equal((await place.show(pull.session)).phase, 'paused');
    assert.deepEqual(kinds(await place.runs(pull.session)), ['implement']);

    assert.equal((await place.send(pull.session, 'correct.resume')).outcome, 'taken');
    await place.until(pull.session, 'one run', (it) => it.epoch! >= 2 && isIdle(it));
    const runs = await place.runs(pull.session);
    assert.deepEqual(kinds(runs), ['implement', 'review']);
    const { prompt } = runs[1]!;
    const [a, b] = [prompt.indexOf('A: keep it short.'), prompt.indexOf('B: and add a test.')];
    assert.ok(a !== -1 && a < b, prompt);
  });

  test('C1: an eviction wakes one queue repair that is told the incident', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'C1', { team: 'QUE', repo: 'acme/queued' });
    await review(place, pull, 'APPROVE', 'Good.');
    await check(place, pull, 'Tests', 'success');
    await place.until(pull.session, 'the queue', (it) => open(it)['queue'] === 'waiting');
    const incident = {
      incidentId: 'incident-42',
      incidentUrl: 'https://queue.example/incident-42',
      version: 1,
      failureClass: 'integration_conflict',
      baseSha: 'base-123',
      prHeadSha: pull.head,
      queuePosition: 1,
      baseBranch: 'main',
      issueKey: 'USE-1',
      conflictFiles: ['src/conflicted.ts'],
    };
    await check(place, pull, 'merge-steward/queue', 'failure', {
      title: 'Queue eviction: rebase conflict',
      summary: 'The pull request was evicted from the merge queue.',
      text: JSON.stringify(incident),
    });

    await place.until(pull.session, 'the repair', (it) => it.epoch === 2 && isIdle(it));
    const runs = await place.runs(pull.session);
    assert.deepEqual(kinds(runs), ['implement', 'queue']);
    for (const told of ['incident-42', 'src/conflicted.ts', 'Queue eviction: rebase conflict'])
      assert.ok(runs[1]!.prompt.includes(told), `the prompt tells ${told}: ${runs[1]!.prompt}`);
  });
});
