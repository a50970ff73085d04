import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { LinearClient, LinearErrorType, RatelimitedLinearError } from '@linear/sdk';
import { LinearWebhookClient } from '@linear/sdk/webhooks';
import { createFakeClock } from '../../src/clock.ts';
import { createLinearStandIn } from '../../src/demo/linear/linear.ts';
import { startReceiver } from '../support/linear.ts';

const SECRET = 'lin_wh_secret';

/** A webhook's body, read where a test knows what must be there. */
type Any = Record<string, Record<string, Record<string, string>>>;

/** A workspace with a team, and an app that is told of everything. */
async function given(t: TestContext, startMs?: number) {
  const clock = createFakeClock(startMs);
  const receiver = await startReceiver();
  const linear = await createLinearStandIn({
    clock,
    appToken: 'app-token',
    webhook: { url: receiver.url, secret: SECRET },
  });
  t.after(async () => {
    await linear.close();
    await receiver.close();
  });
  linear.addTeam('ENG', 'Engineering');
  const client = new LinearClient({ accessToken: 'app-token', apiUrl: linear.url });
  const events = async (): Promise<string[]> => {
    await linear.webhooks.settled();
    return receiver.received.map(({ headers, body }) => `${String(headers['linear-event'])} ${String(body['action'])}`);
  };
  return { clock, receiver, linear, client, events };
}

test('delegating an issue sends the change and opens an agent session', async (t) => {
  const { linear, receiver, events } = await given(t);
  const issue = linear.createIssue({ title: 'Add hello', description: 'Please.' });
  const session = linear.delegate(issue);
  assert.deepEqual(await events(), ['Issue create', 'Issue update', 'Comment create', 'AgentSessionEvent created']);
  const update = receiver.received[1]?.body as { updatedFrom: object; data: object; actor: object };
  assert.deepEqual({ ...update.updatedFrom, updatedAt: '' }, { delegateId: null, updatedAt: '' });
  assert.equal((update.data as { delegateId: string }).delegateId, linear.app.id);
  const created = receiver.received[3]?.body as Any;
  assert.equal(created['agentSession']?.['id'], session?.id);
  assert.equal(created['agentSession']?.['issue']?.['identifier'], 'ENG-1');
  assert.match(receiver.received[3]?.body['promptContext'] as string, /<title>Add hello<\/title>/);
});

test('a webhook is signed so that Linear’s own client takes it, and only with the right secret', async (t) => {
  const { linear, receiver, events } = await given(t, Date.now());
  linear.createIssue({ title: 'Sign me' });
  await events();
  const { raw, headers } = receiver.received[0]!;
  const signature = String(headers['linear-signature']);
  assert.equal(new LinearWebhookClient(SECRET).verify(raw, signature), true);
  assert.throws(() => new LinearWebhookClient('another').verify(raw, signature), /Invalid webhook signature/);
});

test('a delivery that fails is tried again after a minute, an hour and six hours under the same id', async (t) => {
  const { linear, receiver, clock, events } = await given(t);
  receiver.answer(503);
  linear.createIssue({ title: 'Nobody listens' });
  await events();
  for (const ms of [59_999, 1, 3_600_000, 21_600_000, 86_400_000]) {
    clock.advance(ms);
    await events();
  }
  assert.equal(receiver.received.length, 4);
  assert.equal(new Set(receiver.received.map(({ headers }) => headers['linear-delivery'])).size, 1);
  const sent = receiver.received.map(({ body }) => Number(body['webhookTimestamp']));
  assert.deepEqual(
    sent.map((at) => at - sent[0]!),
    [0, 60_000, 3_660_000, 25_260_000],
  );
  assert.equal(linear.deliveries[0]?.state, 'failed');
});

test('what happens while webhooks are lost is never sent, what is held comes later', async (t) => {
  const { linear, events } = await given(t);
  linear.webhooks.mode('lose');
  const issue = linear.createIssue({ title: 'Unheard' });
  linear.webhooks.mode('hold');
  linear.comment(linear.admin, issue, 'Later');
  assert.deepEqual(await events(), []);
  linear.webhooks.mode('deliver');
  assert.deepEqual(await events(), ['Comment create']);
});

test('a person’s reply prompts the agent session, and stop is a prompt with a signal', async (t) => {
  const { linear, receiver, events } = await given(t);
  const session = linear.delegate(linear.createIssue({ title: 'Talk' }))!;
  await events();
  receiver.received.length = 0;
  const activity = linear.prompt(session, 'And the tests?');
  linear.stop(session);
  assert.deepEqual(await events(), ['Comment create', 'AgentSessionEvent prompted', 'AgentSessionEvent prompted']);
  const [comment, prompted, stopped] = receiver.received.map(({ body }) => body as Any);
  assert.deepEqual(prompted?.['agentActivity']?.['content'], { type: 'prompt', body: 'And the tests?' });
  assert.equal(prompted?.['agentActivity']?.['id'], activity.id);
  assert.equal(prompted?.['agentActivity']?.['sourceCommentId'], comment?.['data']?.['id']);
  assert.equal(stopped?.['agentActivity']?.['signal'], 'stop');
});

test('naming the app in a comment calls it to that thread', async (t) => {
  const { linear, receiver, events } = await given(t);
  const issue = linear.createIssue({ title: 'Mention' });
  linear.comment(linear.admin, issue, '@chartroom have a look');
  assert.deepEqual(await events(), ['Issue create', 'Comment create', 'AgentSessionEvent created']);
  assert.match(String(receiver.received[2]?.body['promptContext']), /@chartroom have a look/);
});

test('the SDK’s models read viewer, issue, states and agent session', async (t) => {
  const { linear, client } = await given(t);
  const issue = linear.createIssue({ title: 'Read me', priority: 2 });
  const { id } = linear.delegate(issue)!;
  assert.equal((await client.viewer).app, true);
  const read = await client.issue('ENG-1');
  assert.deepEqual([read.identifier, read.title, read.priorityLabel], ['ENG-1', 'Read me', 'High']);
  const states = await client.workflowStates({ filter: { type: { eq: 'started' } } });
  assert.deepEqual(states.nodes.map((state) => state.name).toSorted(), ['In Progress', 'In Review']);
  assert.equal((await client.agentSession(id)).status, 'pending');
  assert.deepEqual((await read.inverseRelations()).nodes, []);
});

test('the last activity decides the status of the agent session', async (t) => {
  const { linear, client } = await given(t);
  const session = linear.delegate(linear.createIssue({ title: 'Work' }))!;
  const seen = [];
  for (const type of ['thought', 'elicitation', 'error', 'response']) {
    await client.createAgentActivity({ agentSessionId: session.id, content: { type, body: type } });
    seen.push(linear.statusOf(session));
  }
  assert.deepEqual(seen, ['active', 'awaitingInput', 'error', 'complete']);
  const spoken = linear.commentsOf('ENG-1').filter((comment) => comment.parentId !== null);
  assert.deepEqual(
    spoken.map((comment) => comment.body),
    ['elicitation', 'error', 'response'],
  );
});

test('a session whose app is silent for ten seconds is stale, and recovers', async (t) => {
  const { linear, client, clock } = await given(t);
  const session = linear.delegate(linear.createIssue({ title: 'Hurry' }))!;
  clock.advance(9_999);
  assert.equal(linear.statusOf(session), 'pending');
  clock.advance(1);
  assert.equal(linear.statusOf(session), 'stale');
  await client.createAgentActivity({ agentSessionId: session.id, content: { type: 'thought', body: 'Here.' } });
  assert.equal(linear.statusOf(session), 'active');
  clock.advance(30 * 60_000);
  assert.equal(linear.statusOf(session), 'stale');
});

test('an ephemeral activity is gone after the next one', async (t) => {
  const { linear, client } = await given(t);
  const session = linear.delegate(linear.createIssue({ title: 'Brief' }))!;
  const say = (body: string, ephemeral: boolean) =>
    client.createAgentActivity({ agentSessionId: session.id, content: { type: 'thought', body }, ephemeral });
  await say('looking', true);
  await say('found', false);
  assert.deepEqual(
    linear.activitiesOf(session).map(({ content }) => content.body),
    ['found'],
  );
});

test('a second create with the same id is refused as a conflict', async (t) => {
  const { linear, client } = await given(t);
  linear.createIssue({ title: 'Once' });
  const id = 'f1a9c1d2-1111-4222-8333-444455556666';
  await client.createComment({ id, issueId: 'ENG-1', body: 'one' });
  await assert.rejects(
    client.createComment({ id, issueId: 'ENG-1', body: 'two' }),
    (error: Error & { type?: string }) => {
      assert.equal(error.type, LinearErrorType.InvalidInput);
      assert.match(error.message, /Entity Comment with id f1a9c1d2-.* already exists/);
      return true;
    },
  );
  assert.deepEqual(
    linear.commentsOf('ENG-1').map((comment) => comment.body),
    ['one'],
  );
});

test('bad input, an unknown issue and a foreign session are refused in Linear’s words', async (t) => {
  const { linear, client } = await given(t);
  const stranger = new LinearClient({ accessToken: 'other', apiUrl: linear.url });
  linear.addUser('other', { app: true, token: 'other' });
  const session = linear.delegate(linear.createIssue({ title: 'Mine' }))!;
  const content = { type: 'thought', body: 'hi' };
  await assert.rejects(client.issue('ENG-99'), /Could not find referenced Issue/);
  await assert.rejects(client.createComment({ id: 'no-uuid', issueId: 'ENG-1', body: 'x' }), /id must be a UUID/);
  await assert.rejects(
    client.createAgentActivity({ agentSessionId: session.id, content: { type: 'song' } }),
    /content.type/,
  );
  await assert.rejects(stranger.createAgentActivity({ agentSessionId: session.id, content }), /Only the app that owns/);
  await assert.rejects(client.client.rawRequest('{ nonsense }'), /Cannot query field "nonsense"/);
});

test('a refused change changes nothing', async (t) => {
  const { linear, client } = await given(t);
  const issue = linear.createIssue({ title: 'Whole' });
  await assert.rejects(client.updateIssue(issue.id, { title: 'Half', priority: 9 }), /priority must be from 0 to 4/);
  await assert.rejects(client.createIssue({ teamId: issue.teamId, title: 'None', priority: 9 }));
  assert.deepEqual(
    linear.issues().map(({ identifier, title }) => [identifier, title]),
    [['ENG-1', 'Whole']],
  );
  assert.equal(linear.createIssue({ title: 'Next' }).identifier, 'ENG-2');
});

test('without a known token nothing is answered, over the limit neither, and faults are as asked', async (t) => {
  const { linear, client, clock } = await given(t);
  const nobody = new LinearClient({ accessToken: 'unknown', apiUrl: linear.url });
  await assert.rejects(async () => await nobody.viewer, { type: LinearErrorType.AuthenticationError, status: 401 });
  linear.faults.limitUntil(clock.now() + 5_000);
  await assert.rejects(
    async () => await client.viewer,
    (error: RatelimitedLinearError) => {
      assert.ok(error instanceof RatelimitedLinearError);
      assert.deepEqual([error.status, error.requestsRemaining, error.requestsResetAt], [400, 0, clock.now() + 5_000]);
      return true;
    },
  );
  clock.advance(5_000);
  linear.faults.fail(503);
  await assert.rejects(async () => await client.viewer, { status: 503 });
  assert.equal((await client.viewer).id, linear.app.id);
});

test('an answer can be lost after the work was done', async (t) => {
  const { linear, client } = await given(t);
  linear.createIssue({ title: 'Unheard' });
  linear.faults.loseAnswers();
  await assert.rejects(client.createComment({ issueId: 'ENG-1', body: 'did you hear?' }));
  assert.equal(linear.commentsOf('ENG-1').length, 1);
});

test('lists come newest first, in pages, by filter', async (t) => {
  const { linear, client, clock } = await given(t);
  for (const title of ['one', 'two', 'three']) {
    linear.delegate(linear.createIssue({ title }));
    clock.advance(1_000);
  }
  linear.createIssue({ title: 'nobody’s' });
  const list = async (variables: Record<string, unknown>) => {
    const { data } = await client.client.rawRequest<
      { issues: { nodes: { title: string }[]; pageInfo: Record<string, unknown> } },
      typeof variables
    >(
      `query ($filter: IssueFilter, $first: Int, $after: String) {
        issues(filter: $filter, first: $first, after: $after) { nodes { title } pageInfo { hasNextPage endCursor } }
      }`,
      variables,
    );
    return { titles: data!.issues.nodes.map((node) => node.title), page: data!.issues.pageInfo };
  };
  const filter = { delegate: { id: { eq: linear.app.id } } };
  const first = await list({ filter, first: 2 });
  assert.deepEqual(first.titles, ['three', 'two']);
  assert.equal(first.page['hasNextPage'], true);
  assert.deepEqual((await list({ filter, first: 2, after: first.page['endCursor'] })).titles, ['one']);
  const recent = { ...filter, updatedAt: { gt: new Date(clock.now() - 1_500).toISOString() } };
  assert.deepEqual((await list({ filter: recent })).titles, ['three']);
});
