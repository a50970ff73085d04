import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { NoDeprecatedCustomRule, buildSchema, parse, specifiedRules, validate } from 'graphql';
import { z } from 'zod';
import { issueObserved } from '../../machines/events/session.ts';
import { statusLink } from '../../src/bridge/status-link.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createLinearStandIn } from '../../src/demo/linear/linear.ts';
import { SCHEMA } from '../../src/demo/linear/schema.ts';
import type { Doing } from '../../src/effects/effect.ts';
import { createLinearActs } from '../../src/effects/linear/acts.ts';
import * as documents from '../../src/effects/linear/documents.ts';
import { createLinear } from '../../src/effects/linear/linear.ts';
import { TerminalError, TransientError } from '../../src/errors.ts';
import { SKIP_UNPUBLISHED, publishedSchema } from '../support/linear.ts';

async function given(t: TestContext) {
  const clock = createFakeClock();
  const stand = await createLinearStandIn({ clock, appToken: 'app-token' });
  t.after(() => stand.close());
  stand.addTeam('ENG', 'Engineering');
  const linear = createLinear({ apiUrl: stand.url, token: 'app-token', clock });
  let seq = 0;
  /** The next effect's identity; the same again with `doing(key)`. */
  const doing = (key = `session/eng-1/${++seq}/0`): Doing => ({
    key,
    actor: 'session/eng-1',
    attempt: 1,
    signal: new AbortController().signal,
    wishedAt: new Date(clock.now()).toISOString(),
  });
  return { clock, stand, linear, acts: createLinearActs(linear), doing };
}

const operations = Object.values(documents).filter((value) => 'document' in value);

test('every document is valid at the stand-in', () => {
  const schema = buildSchema(SCHEMA);
  for (const { name, document } of operations) assert.deepEqual(validate(schema, parse(document)), [], name);
  assert.equal(operations.length, 15);
});

test(
  'every document is valid against the published schema, and asks for nothing that Linear means to take away',
  { skip: SKIP_UNPUBLISHED },
  () => {
    const schema = publishedSchema();
    const rules = [...specifiedRules, NoDeprecatedCustomRule];
    for (const { name, document } of operations) assert.deepEqual(validate(schema, parse(document), rules), [], name);
  },
);

test('an issue is observed with its facts, blockers and agent session', async (t) => {
  const { stand, linear } = await given(t);
  const issue = stand.createIssue({ title: 'Add hello', description: 'Please.', priority: 2, state: 'Todo' });
  const blocker = stand.createIssue({ title: 'First this' });
  stand.block(blocker, issue);
  stand.block(issue, stand.createIssue({ title: 'Later that' }));
  const session = stand.delegate(issue);
  const seen = await linear.observeIssue('ENG-1');
  assert.deepEqual(seen?.facts, {
    ref: 'ENG-1',
    url: issue.url,
    title: 'Add hello',
    body: 'Please.',
    delegated: true,
    state: { name: 'Todo', type: 'unstarted' },
    priority: 2,
    blockers: [{ ref: 'ENG-2', done: false }],
    agentSession: session?.id,
    removed: false,
    updatedAt: issue.updatedAt,
  });
  assert.equal(seen.team.key, 'ENG');
  issueObserved.parse(seen.facts);
});

test('the same facts have the same name, a blocker that is done another', async (t) => {
  const { stand, linear, clock } = await given(t);
  const [issue, blocker] = [stand.createIssue({ title: 'Waits' }), stand.createIssue({ title: 'First' })];
  stand.block(blocker, issue);
  const before = await linear.observeIssue('ENG-1');
  assert.equal((await linear.observeIssue('ENG-1'))?.id, before?.id);
  clock.advance(1_000);
  stand.setState(blocker, 'Done');
  const after = await linear.observeIssue('ENG-1');
  assert.deepEqual(after?.facts.blockers, [{ ref: 'ENG-2', done: true }]);
  assert.equal(after?.facts.updatedAt, before?.facts.updatedAt);
  assert.notEqual(after?.id, before?.id);
});

test('a blocker done, open again and done again is another fact, not the first one repeated', async (t) => {
  const { stand, linear, clock } = await given(t);
  const [issue, blocker] = [stand.createIssue({ title: 'Waits' }), stand.createIssue({ title: 'First' })];
  stand.block(blocker, issue);
  stand.setState(blocker, 'Done');
  const first = await linear.observeIssue('ENG-1');
  clock.advance(1_000);
  stand.setState(blocker, 'Todo');
  stand.setState(blocker, 'Done');
  const again = await linear.observeIssue('ENG-1');
  assert.deepEqual(again?.facts, first?.facts);
  assert.notEqual(again?.id, first?.id);
});

test('another app’s delegation and agent session are not ours', async (t) => {
  const { stand, linear } = await given(t);
  const other = stand.addUser('otherbot', { app: true });
  stand.delegate(stand.createIssue({ title: 'Theirs' }), { to: other });
  const facts = (await linear.observeIssue('ENG-1'))?.facts;
  assert.equal(facts?.delegated, false);
  assert.equal(facts?.agentSession, undefined);
});

test('an issue in the trash is removed, one that does not exist is undefined', async (t) => {
  const { stand, linear } = await given(t);
  stand.remove(stand.createIssue({ title: 'Gone' }));
  assert.equal((await linear.observeIssue('ENG-1'))?.facts.removed, true);
  assert.equal(await linear.observeIssue('ENG-9'), undefined);
});

test('texts beyond what an event takes are cut', async (t) => {
  const { stand, linear } = await given(t);
  stand.createIssue({ title: 't'.repeat(1_500), description: 'd'.repeat(300_000) });
  const seen = await linear.observeIssue('ENG-1');
  assert.equal(issueObserved.safeParse(seen?.facts).success, true);
});

test('the list for a start has every open delegated issue, over several pages', async (t) => {
  const { stand, linear } = await given(t);
  for (let count = 1; count <= 130; count++) stand.delegate(stand.createIssue({ title: `issue ${count}` }));
  stand.setState('ENG-7', 'Done');
  stand.createIssue({ title: 'nobody’s' });
  const found = await linear.listDelegated();
  assert.equal(found.length, 129);
  assert.ok(!found.some(({ ref }) => ref === 'ENG-7' || ref === 'ENG-131'));
  assert.equal(found[0]?.team.key, 'ENG');
});

test('an agent session that nobody answered is found; one that was, one of another app and an old one are not', async (t) => {
  const { linear, stand, clock } = await given(t);
  const begin = async (title: string): Promise<string> => {
    const { id, identifier } = stand.createIssue({ title });
    await linear.ask(
      {
        name: 'begin',
        document:
          'mutation ($input: AgentSessionCreateOnIssue!) { agentSessionCreateOnIssue(input: $input) { success } }',
        answer: z.unknown(),
      },
      { input: { issueId: id } },
    );
    return identifier;
  };
  await begin('long ago');
  clock.advance(4 * 86_400_000);
  stand.delegate(stand.createIssue({ title: 'another’s' }), { to: stand.addUser('Other', { app: true }) });
  const answered = await begin('answered');
  const activity = { agentSessionId: stand.sessionOf(answered)!.id, content: { type: 'thought', body: 'Hello.' } };
  await linear.ask(documents.ADD_ACTIVITY, { input: activity });
  const unheard = await begin('unheard');
  clock.advance(60_000);
  assert.deepEqual(
    (await linear.listUnheard()).map(({ ref }) => ref),
    [unheard],
  );
});

test('an activity is said once, also when the answer to the first try was lost', async (t) => {
  const { stand, acts, doing } = await given(t);
  const session = stand.delegate(stand.createIssue({ title: 'Say' }))!;
  const params = { ref: 'ENG-1', agentSession: session.id, activity: { type: 'response', body: 'Done.' } } as const;
  const same = doing();
  stand.faults.loseAnswers();
  await assert.rejects(acts['linear.say'].perform(params, same), {
    name: 'TransientError',
    code: 'LINEAR_UNREACHABLE',
  });
  await acts['linear.say'].perform(params, { ...same, attempt: 2 });
  assert.deepEqual(
    stand.activitiesOf(session).map(({ content }) => content),
    [{ type: 'response', body: 'Done.' }],
  );
  await acts['linear.say'].perform(params, doing());
  assert.equal(stand.activitiesOf(session).length, 2);
});

test('the same key of another life says its own word', async (t) => {
  const { stand, acts, doing, clock } = await given(t);
  stand.createIssue({ title: 'Again' });
  const params = { ref: 'ENG-1', activity: { type: 'response', body: 'first life' } } as const;
  await acts['linear.say'].perform(params, doing('session/eng-1/1/0'));
  clock.advance(60_000);
  await acts['linear.say'].perform(params, doing('session/eng-1/1/0'));
  assert.equal(stand.commentsOf('ENG-1').length, 2);
});

test('an action has action and parameter, a thought may vanish, a question may not', async (t) => {
  const { stand, acts, doing } = await given(t);
  const session = stand.delegate(stand.createIssue({ title: 'Kinds' }))!;
  const say = (activity: Parameters<(typeof acts)['linear.say']['perform']>[0]['activity']) =>
    acts['linear.say'].perform({ ref: 'ENG-1', agentSession: session.id, activity }, doing());
  await say({ type: 'thought', body: 'Received.', ephemeral: true });
  await say({ type: 'action', body: 'ok', action: 'Ran', parameter: 'npm test' });
  await say({ type: 'elicitation', body: 'Which one?', ephemeral: true });
  assert.deepEqual(
    stand.activitiesOf(session).map(({ content, ephemeral }) => [content.type, content.action, ephemeral]),
    [
      ['action', 'Ran', false],
      ['elicitation', undefined, false],
    ],
  );
});

test('without an agent session a word is a comment, and what would vanish is not said', async (t) => {
  const { stand, acts, doing } = await given(t);
  stand.createIssue({ title: 'No session' });
  await acts['linear.say'].perform(
    { ref: 'ENG-1', activity: { type: 'thought', body: 'hm', ephemeral: true } },
    doing(),
  );
  await acts['linear.say'].perform({ ref: 'ENG-1', activity: { type: 'response', body: 'Merged.' } }, doing());
  assert.deepEqual(
    stand.commentsOf('ENG-1').map(({ body, userId }) => [body, userId]),
    [['Merged.', stand.app.id]],
  );
});

test('words to one agent session arrive in the order in which they were wished, and hold up nobody else', async (t) => {
  const { stand, acts, doing } = await given(t);
  const session = stand.delegate(stand.createIssue({ title: 'Order' }))!;
  stand.createIssue({ title: 'Elsewhere' });
  const say = (body: string) => {
    const activity = { type: 'thought', body } as const;
    return acts['linear.say'].perform({ ref: 'ENG-1', agentSession: session.id, activity }, doing());
  };
  const release = stand.faults.hold();
  const said = ['one', 'two', 'three'].map(say);
  await acts['linear.say'].perform({ ref: 'ENG-2', activity: { type: 'response', body: 'elsewhere' } }, doing());
  assert.equal(stand.requests.length, 2);
  release();
  await Promise.all(said);
  assert.deepEqual(
    stand.activitiesOf(session).map(({ content }) => content.body),
    ['one', 'two', 'three'],
  );
});

test('a plan replaces the one before', async (t) => {
  const { stand, acts, doing } = await given(t);
  const session = stand.delegate(stand.createIssue({ title: 'Plan' }))!;
  const steps = (status: 'pending' | 'completed') => [{ content: 'Implement', status }];
  await acts['linear.plan'].perform({ agentSession: session.id, steps: steps('pending') }, doing());
  await acts['linear.plan'].perform({ agentSession: session.id, steps: steps('completed') }, doing());
  assert.deepEqual(stand.sessionOf('ENG-1')?.plan, steps('completed'));
});

test('a plan that had to be tried again does not paint over a younger one', async (t) => {
  const { stand, acts, doing } = await given(t);
  const session = stand.delegate(stand.createIssue({ title: 'Plan' }))!;
  const plan = (content: string, key: string) =>
    acts['linear.plan'].perform({ agentSession: session.id, steps: [{ content, status: 'pending' }] }, doing(key));
  await plan('young', 'session/eng-1/12/0');
  await plan('old', 'session/eng-1/9/3');
  assert.deepEqual(stand.sessionOf('ENG-1')?.plan, [{ content: 'young', status: 'pending' }]);
});

test('a word to an agent session that is gone becomes a comment', async (t) => {
  const { stand, acts, doing } = await given(t);
  stand.createIssue({ title: 'Thread deleted' });
  const agentSession = 'f1a9c1d2-1111-4222-8333-444455556666';
  const activity = { type: 'elicitation', body: 'Which one?' } as const;
  await acts['linear.say'].perform({ ref: 'ENG-1', agentSession, activity }, doing());
  assert.deepEqual(
    stand.commentsOf('ENG-1').map(({ body }) => body),
    ['Which one?'],
  );
});

test('while Linear asks to wait nothing is sent', async (t) => {
  const { stand, linear, clock } = await given(t);
  stand.faults.limitUntil(clock.now() + 10_000);
  await assert.rejects(linear.self(), { code: 'LINEAR_RATE_LIMITED' });
  clock.advance(4_000);
  await assert.rejects(linear.self(), { code: 'LINEAR_RATE_LIMITED', retryAfterMs: 6_000 });
  assert.equal(stand.requests.length, 1);
  clock.advance(6_000);
  assert.equal(await linear.self(), stand.app.id);
});

test('a link is shown once on the agent session, or once as an attachment', async (t) => {
  const { stand, acts, doing } = await given(t);
  const session = stand.delegate(stand.createIssue({ title: 'Link' }))!;
  const link = { ref: 'ENG-1', url: 'https://github.com/acme/api/pull/1', label: 'Pull request #1' };
  for (const params of [{ ...link, agentSession: session.id }, link]) {
    await acts['linear.link'].perform(params, doing());
    await acts['linear.link'].perform(params, doing());
  }
  assert.deepEqual(stand.sessionOf('ENG-1')?.externalLinks, [{ label: link.label, url: link.url }]);
  assert.deepEqual(
    stand.attachmentsOf('ENG-1').map(({ title, url }) => [title, url]),
    [[link.label, link.url]],
  );
});

test('a link to the status page stands beside the others, renewed with the plan, one at a time', async (t) => {
  const { stand, linear, doing, clock } = await given(t);
  const site = { url: 'https://chartroom.example.com', secret: 'status-secret-of-at-least-32-characters' };
  const acts = createLinearActs(linear, (actor, nowMs) => statusLink(site, actor, nowMs));
  const session = stand.delegate(stand.createIssue({ title: 'Link' }))!;
  const pull = { ref: 'ENG-1', url: 'https://github.com/acme/api/pull/1', label: 'Pull request #1' };
  const links = () => stand.sessionOf('ENG-1')?.externalLinks;
  const statusAt = (ms: number) => ({ label: 'Status', url: statusLink(site, 'session/eng-1', ms).url });

  const startMs = clock.now();
  const plan = { agentSession: session.id, steps: [{ content: 'Implement', status: 'pending' as const }] };
  const [first, told] = [doing(), doing()];
  await acts['linear.plan'].perform(plan, first);
  assert.deepEqual(links(), [statusAt(startMs)]);
  assert.deepEqual(stand.sessionOf('ENG-1')?.plan, plan.steps);
  await acts['linear.link'].perform({ ...pull, agentSession: session.id }, told);
  assert.deepEqual(links(), [statusAt(startMs), { label: pull.label, url: pull.url }]);

  clock.advance(60_000);
  await acts['linear.plan'].perform(plan, doing());
  const renewed = [{ label: pull.label, url: pull.url }, statusAt(clock.now())];
  assert.deepEqual(links(), renewed);
  await acts['linear.link'].perform({ ...pull, agentSession: session.id }, told);
  assert.deepEqual(links(), renewed, 'a try that comes late leaves the younger one');

  await acts['linear.link'].perform(pull, told);
  await acts['linear.link'].perform(pull, told);
  assert.deepEqual(
    stand.attachmentsOf('ENG-1').map(({ title, url }) => ({ label: title, url })),
    [{ label: pull.label, url: pull.url }, statusAt(startMs)],
  );
});

test('an issue is moved forward: started, in review, completed', async (t) => {
  const { stand, acts, doing } = await given(t);
  stand.createIssue({ title: 'Forward' });
  const seen = [];
  for (const to of ['started', 'review', 'completed'] as const) {
    seen.push(await acts['linear.move'].perform({ ref: 'ENG-1', to }, doing()));
  }
  assert.deepEqual(seen, [
    { moved: true, state: 'In Progress' },
    { moved: true, state: 'In Review' },
    { moved: true, state: 'Done' },
  ]);
  assert.equal(stand.stateOf('ENG-1').name, 'Done');
});

for (const state of ['In Review', 'Done', 'Canceled', 'Duplicate']) {
  test(`an issue that is ${state} is not moved to started`, async (t) => {
    const { stand, acts, doing } = await given(t);
    stand.createIssue({ title: 'There already', state });
    const answer = await acts['linear.move'].perform({ ref: 'ENG-1', to: 'started' }, doing());
    assert.deepEqual(answer, { moved: false, state });
    assert.equal(stand.stateOf('ENG-1').name, state);
  });
}

test('what a person took back stays back, until it is delegated again', async (t) => {
  const { stand, acts, doing, clock } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Not yet' }));
  const move = (to: 'started' | 'review') => {
    clock.advance(1_000);
    return acts['linear.move'].perform({ ref: 'ENG-1', to }, doing());
  };
  await move('started');
  stand.setState('ENG-1', 'Todo');
  assert.deepEqual(await move('review'), { moved: false, state: 'Todo' });
  stand.delegate('ENG-1', { to: null });
  stand.delegate('ENG-1');
  assert.deepEqual(await move('started'), { moved: true, state: 'In Progress' });
});

test('a person who moved it ahead does not stop us from going further', async (t) => {
  const { stand, acts, doing, clock } = await given(t);
  stand.createIssue({ title: 'Ahead' });
  await acts['linear.move'].perform({ ref: 'ENG-1', to: 'started' }, doing());
  clock.advance(1_000);
  stand.setState('ENG-1', 'In Review');
  assert.deepEqual(await acts['linear.move'].perform({ ref: 'ENG-1', to: 'completed' }, doing()), {
    moved: true,
    state: 'Done',
  });
});

test('a move whose answer was lost is known as ours by the next try', async (t) => {
  const { stand, acts, doing } = await given(t);
  stand.createIssue({ title: 'Lost' });
  const same = doing();
  await acts['linear.move'].perform({ ref: 'ENG-1', to: 'started' }, same);
  assert.deepEqual(await acts['linear.move'].perform({ ref: 'ENG-1', to: 'started' }, same), {
    moved: true,
    state: 'In Progress',
  });
});

test('refusals are told apart: again later, or no for good', async (t) => {
  const { stand, linear, acts, doing, clock } = await given(t);
  stand.createIssue({ title: 'Errors' });
  const say = () => acts['linear.say'].perform({ ref: 'ENG-1', activity: { type: 'response', body: 'hi' } }, doing());
  stand.faults.fail(503);
  await assert.rejects(say(), (error) => error instanceof TransientError && error.code === 'LINEAR_UNAVAILABLE');
  stand.faults.answer('<html>bad gateway</html>', { contentType: 'text/html' });
  await assert.rejects(say(), (error) => error instanceof TransientError && error.code === 'LINEAR_UNAVAILABLE');
  stand.faults.answer('{"data":{"commentCreate":{"success":"perhaps"}}}');
  await assert.rejects(say(), (error) => error instanceof TerminalError && error.code === 'LINEAR_ANSWER');
  // A field that was deprecated, and is gone: asking again does not bring it back.
  const gone = 'Cannot query field "delegate" on type "Issue".';
  const refused = { errors: [{ message: gone, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] };
  stand.faults.answer(JSON.stringify(refused), { status: 400, contentType: 'application/json' });
  await assert.rejects(
    say(),
    (error) => error instanceof TerminalError && error.code === 'LINEAR_REFUSED' && error.message.includes(gone),
  );
  stand.faults.limitUntil(clock.now() + 90_000);
  await assert.rejects(
    say(),
    (error) => error instanceof TransientError && error.code === 'LINEAR_RATE_LIMITED' && error.retryAfterMs === 90_000,
  );
  clock.advance(90_000);
  await say();
  const stranger = createLinear({ apiUrl: stand.url, token: 'unknown', clock });
  await assert.rejects(
    stranger.self(),
    (error) => error instanceof TerminalError && error.code === 'LINEAR_UNAUTHORIZED',
  );
  const nowhere = createLinear({ apiUrl: 'http://127.0.0.1:9/graphql', token: 'x', clock });
  await assert.rejects(
    nowhere.self(),
    (error) => error instanceof TransientError && error.code === 'LINEAR_UNREACHABLE',
  );
  await assert.rejects(
    linear.ask(documents.ADD_COMMENT, { input: { issueId: 'ENG-404', body: 'x' } }),
    (error) => error instanceof TerminalError && error.code === 'LINEAR_NOT_FOUND',
  );
});

test('an application buys its own tokens, renews them before they end, and buys another where one was revoked', async (t) => {
  const clock = createFakeClock();
  const client = { id: 'client', secret: 'a secret' };
  const stand = await createLinearStandIn({ clock, client });
  t.after(() => stand.close());
  const app = { clientId: client.id, clientSecret: client.secret };
  const linear = createLinear({ apiUrl: stand.url, token: '', app, clock });
  const ask = async () => (await linear.ask(documents.READ_VIEWER, {})).viewer.id;
  const statuses = () => stand.requests.map(({ status }) => status);
  assert.deepEqual(await Promise.all([ask(), ask()]), [stand.app.id, stand.app.id]);
  clock.advance(29 * 86_400_000);
  assert.equal(await ask(), stand.app.id);
  clock.advance(86_400_000 - 1_800_000);
  assert.equal(await ask(), stand.app.id);
  assert.ok(!statuses().includes(401), 'none of them had ended');
  assert.equal(stand.revokeTokens(), 2, 'half an hour before the end of the first it had another');
  assert.equal(await ask(), stand.app.id);
  assert.deepEqual(statuses().slice(-2), [401, 200]);
});

test('an application that is given no token says so, without its secret', async (t) => {
  const clock = createFakeClock();
  const stand = await createLinearStandIn({ clock, client: { id: 'client', secret: 'another' } });
  t.after(() => stand.close());
  const linear = createLinear({
    apiUrl: stand.url,
    token: '',
    app: { clientId: 'client', clientSecret: 'mine' },
    clock,
  });
  await assert.rejects(linear.self(), (error) => {
    assert.ok(error instanceof TerminalError);
    assert.equal(error.code, 'LINEAR_UNAUTHORIZED');
    assert.match(error.message, /the application client no token \(401\): check linear\.app/);
    assert.doesNotMatch(error.message, /mine/);
    return true;
  });
});
