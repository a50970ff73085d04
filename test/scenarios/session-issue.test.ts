/** How work begins and is taken back: delegation, blockers, agent sessions and words, in any order. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { HookWhole } from '../../src/visualizer/page/src/answers.ts';
import { skipLong } from '../support/long.ts';
import { openPlace } from './place.ts';
import type { Run, Shown } from './place.ts';
import { WORKING, delegate, isIdle, open, pullOf, review } from './work.ts';

/** Where people outside would reach the listener of the webhooks. */
const STATUS_URL = 'https://chartroom.example.com/hooks';
const place = await openPlace({
  script: {
    runs: [
      { when: { title: 'hangs', epoch: 1 }, steps: [{ print: 'at work' }, { hang: true }] },
      { when: { title: 'asks', for: 'implement', attempt: 1, epoch: 1 }, steps: [{ ask: 'Which colour?' }] },
      ...WORKING,
    ],
  },
  hello: { reviewers: 'people' },
  repos: { queued: { linear: { teams: ['QUE'] }, merge: 'queue', reviewers: 'people' } },
  agents: ['ada', 'bob', 'cleo', 'dan'].map((name) => ({ name, role: 'implementer', driver: 'scripted' })),
  timers: { reconcileMaxSeconds: 2, holdSeconds: 1 },
  // One secret of the world is too short for it, two in a row are not.
  config: { status: { url: STATUS_URL, secret: '${GITHUB_WEBHOOK_SECRET}${LINEAR_WEBHOOK_SECRET}' } },
});
after(() => place.close());
const { linear } = place.world;
const kinds = (runs: Run[]): string[] => runs.map((run) => run.for);
const sessionOf = (identifier: string): string => `session/${identifier.toLowerCase()}`;
const hasPull = (it: Shown): boolean => open(it)['pull'] === 'open' && isIdle(it);
const isThere = async (actor: string): Promise<boolean> => (await place.http('show', { actor })).status === 200;

describe('an issue', { concurrency: 3 }, () => {
  test('C20: not delegated, it is not tracked', async () => {
    const issue = linear.createIssue({ team: 'ENG', title: 'C20', state: 'Todo' });
    linear.editIssue(issue, { title: 'C20, edited' });
    await linear.webhooks.settled();
    assert.equal(await isThere(sessionOf(issue.identifier)), false);
  });

  test('C21: blocked, it waits for its blocker; the blocker done, it runs once', async () => {
    const blocker = linear.createIssue({ team: 'ENG', title: 'C21 blocker', state: 'In Progress' });
    const issue = linear.createIssue({ team: 'ENG', title: 'C21', state: 'Todo' });
    linear.block(blocker, issue);
    linear.delegate(issue);
    const session = sessionOf(issue.identifier);

    const shown = await place.until(session, 'its blocker', (it) =>
      JSON.stringify(it.waitingOn).includes(blocker.identifier),
    );
    assert.equal(open(shown)['start'], 'held');
    assert.equal(shown.waitingOn[0]?.gate, 'dependency');
    assert.deepEqual(await place.runs(session), []);

    linear.setState(blocker, 'Done');
    await place.until(session, 'its pull request', hasPull);
    assert.deepEqual(kinds(await place.runs(session)), ['implement']);
  });

  test('C22: what blocks it survives an outage of Linear', { skip: skipLong }, async () => {
    const blocker = linear.createIssue({ team: 'ENG', title: 'C22 blocker', state: 'In Progress' });
    const issue = linear.createIssue({ team: 'ENG', title: 'C22', state: 'Todo' });
    linear.block(blocker, issue);
    linear.delegate(issue);
    const session = sessionOf(issue.identifier);
    await place.until(session, 'its blocker', (it) => JSON.stringify(it.waitingOn).includes(blocker.identifier));

    linear.delegate(issue, { to: null });
    await place.until(session, 'withdrawn', (it) => open(it)['authority'] === 'withdrawn');
    linear.delegate(issue);
    const shown = await place.until(session, 'delegated again', (it) => open(it)['authority'] === 'delegated');
    assert.equal(open(shown)['start'], 'held');
    assert.deepEqual(await place.runs(session), []);
  });

  test(
    'C24: taken back in mid-run, the run ends and nothing starts until it is handed over again',
    { skip: skipLong },
    async () => {
      const { issue, session } = delegate(place, 'C24 hangs');
      await place.until(session, 'a run', (it) => open(it)['work'] === 'running');
      linear.delegate(issue, { to: null });

      const shown = await place.until(
        session,
        'taken back',
        (it) => open(it)['work'] === 'unassigned' && it.owner === null,
      );
      assert.equal(shown.phase, 'awaiting_input');
      assert.equal(open(shown)['authority'], 'withdrawn');
      assert.ok(
        shown.waitingOn.some(({ gate }) => gate === 'withdrawn'),
        JSON.stringify(shown.waitingOn),
      );
      const [run] = await place.runs(session);
      await place.until(run!.agent, 'no run', (it) => it.phase === 'asleep');

      linear.delegate(issue);
      await place.until(session, 'its pull request', hasPull);
      assert.deepEqual(kinds(await place.runs(session)), ['implement', 'implement']);
    },
  );

  test('C24: taken back while it waits in the queue, it stays there', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'C24 queued', { team: 'QUE', repo: 'acme/queued' });
    await review(place, pull, 'APPROVE', 'Good.');
    await place.until(pull.session, 'its turn', (it) => open(it)['queue'] === 'waiting');
    linear.delegate(pull.issue, { to: null });
    await place.eventually('the word of it', async () =>
      (await place.history(pull.session)).find(
        ({ type, data }) => type === 'issue.observed' && data['delegated'] === false,
      ),
    );
    const shown = await place.show(pull.session);
    assert.equal(shown.phase, 'awaiting_queue');
    assert.equal(open(shown)['queue'], 'waiting');
    await place.as('maintainer').rest.pulls.merge({ owner: 'acme', repo: 'queued', pull_number: pull.number });
    await place.until(pull.session, 'its end', (it) => it.phase === 'done');
  });

  test(
    'C27: a question ends its run after a while; the answer wakes a run that knows both',
    { skip: skipLong },
    async () => {
      const { issue, session } = delegate(place, 'C27 asks');
      const asked = await place.until(
        session,
        'a question',
        (it) => it.phase === 'awaiting_input' && open(it)['human'] === 'asked',
      );
      assert.ok(
        asked.waitingOn.some(({ gate, detail }) => gate === 'human' && detail.includes('Which colour?')),
        JSON.stringify(asked.waitingOn),
      );
      const agentSession = linear.sessionOf(issue)!;
      const said = linear.activitiesOf(agentSession).map((one) => JSON.stringify(one));
      assert.ok(
        said.some((one) => one.includes('Which colour?')),
        'Linear shows the question',
      );

      linear.prompt(agentSession, 'Blue, please.');
      await place.until(session, 'its pull request', hasPull);
      const runs = await place.runs(session);
      assert.equal(runs.length, 2);
      for (const told of ['Which colour?', 'Blue, please.'])
        assert.ok(runs[1]!.prompt.includes(told), `the prompt tells ${told}: ${runs[1]!.prompt}`);
    },
  );

  test('C29, C30: an agent session before the delegation: one session of ours, one plan, then one run', async () => {
    const issue = linear.createIssue({ team: 'ENG', title: 'C29', state: 'Backlog' });
    const agentSession = await beginAgentSession(issue.id);
    const session = sessionOf(issue.identifier);
    const shown = await place.until(session, 'a plan', (it) => it.phase === 'awaiting_input' && it.outbox.length === 0);
    assert.equal(open(shown)['authority'], 'withdrawn');
    assert.deepEqual(await place.runs(session), []);
    const planned = linear.sessionOf(issue)?.plan as unknown[] | null;
    assert.equal(planned?.length, 4);
    assert.equal(
      linear.activitiesOf(agentSession).some((one) => JSON.stringify(one).includes('Delegate')),
      false,
    );

    linear.delegate(issue);
    await place.until(session, 'its pull request', hasPull);
    assert.deepEqual(kinds(await place.runs(session)), ['implement']);
    const { items } = await place.ask<{ items: { address: string }[] }>('list', { kind: 'session', text: 'C29' });
    assert.deepEqual(
      items.map(({ address }) => address),
      [session],
    );
  });

  test('whoever follows the status link at Linear, or one from the command line, reads how it stands; a bent one leads nowhere', async () => {
    const issue = linear.createIssue({ team: 'ENG', title: 'Shown to others', state: 'Backlog' });
    await beginAgentSession(issue.id);
    const session = sessionOf(issue.identifier);
    const { url: shown } = await place.eventually('the link at Linear', () =>
      linear.sessionOf(issue)?.externalLinks.find(({ label }) => label === 'Status'),
    );
    const { exit, out: printed } = await place.cli('link', session);
    assert.equal(exit, 0);
    for (const link of [shown, printed]) {
      const answer = await follow(link);
      assert.equal(answer.status, 200, link);
      assert.match(answer.text, /<h1>Shown to others<\/h1>[^]*awaiting input[^]*<li>withdrawn: /);
    }
    const bent = [shown.replace(session, 'session/other'), shown.replace('until=1', 'until=2'), shown.slice(0, -1)];
    for (const link of bent) assert.equal((await follow(link)).status, 404, link);
  });

  test('a comment at the issue while it works reaches the run or the next one, once', { skip: skipLong }, async () => {
    const pull = await pullOf(place, 'a word later');
    linear.prompt(linear.sessionOf(pull.issue)!, 'Please add a note on colours.');
    await place.until(pull.session, 'the answer', (it) => it.epoch === 2 && isIdle(it));
    const runs = await place.runs(pull.session);
    assert.deepEqual(kinds(runs), ['implement', 'answer']);
    assert.ok(runs[1]!.prompt.includes('Please add a note on colours.'));
    // What the delivery led to is shown with it.
    const isIts = ({ caused }: HookWhole): boolean =>
      caused?.sent.some(({ to, type }) => to === pull.session && type === 'comment.observed') === true;
    const { seq } = await place.eventually('the decision about its delivery', async () =>
      (await place.ask<{ hooks: HookWhole[] }>('hooks')).hooks.find(isIts),
    );
    const { led } = await place.ask<HookWhole>('hook', { seq });
    assert.ok(led.some((step) => step.actor === pull.session && step.type === 'comment.observed' && step.seq > 0));
  });

  test('a hook that comes twice, or late, changes nothing', async () => {
    const { session, issue } = delegate(place, 'twice');
    await place.until(session, 'its pull request', hasPull);
    const before = await place.show(session);
    for (const { id } of [...linear.deliveries].filter((one) => JSON.stringify(one).includes(issue)))
      linear.webhooks.redeliver(id);
    await linear.webhooks.settled();
    await place.send(session, 'fyi', { text: 'looked' });
    const { value, epoch, phase } = await place.show(session);
    assert.deepEqual({ value, epoch, phase }, { value: before.value, epoch: before.epoch, phase: before.phase });
    assert.deepEqual(kinds(await place.runs(session)), ['implement']);
  });
});

/** As a browser would, had the proxy before the listener its public name. */
async function follow(link: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(link.trim().replace(STATUS_URL, place.chartroom.webhooks));
  return { status: answer.status, text: await answer.text() };
}

/** What a mention does: an agent session, and no delegation. */
async function beginAgentSession(issueId: string): Promise<string> {
  const response = await fetch(linear.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${place.world.env['LINEAR_TOKEN']}` },
    body: JSON.stringify({
      query:
        'mutation ($input: AgentSessionCreateOnIssue!) { agentSessionCreateOnIssue(input: $input) { agentSession { id } } }',
      variables: { input: { issueId } },
    }),
  });
  const { data } = (await response.json()) as { data: { agentSessionCreateOnIssue: { agentSession: { id: string } } } };
  return data.agentSessionCreateOnIssue.agentSession.id;
}
