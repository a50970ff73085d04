import assert from 'node:assert/strict';
import test from 'node:test';
import { SESSION_EVENTS } from '../../machines/events/session.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import { parseEnvelope } from '../../src/actor/envelope.ts';
import type { Hook } from '../../src/bridge/hook.ts';
import type { IndexedActor } from '../../src/bridge/opening.ts';
import { openedConcern } from '../../src/bridge/github.ts';
import { createRouter } from '../../src/bridge/router.ts';
import type { HandedOver, Hydrated, RouterConfig, RouterOptions } from '../../src/bridge/router.ts';
import { RejectedInput, TransientError } from '../../src/errors.ts';
import { githubHook, linearHook, quiet } from './parts.ts';

const APP = '9d2c6c9e-6a0f-4b0c-8c51-2f1d3a7e5b11';
const SESSION = 'a5e9e8a4-1d2b-4a3e-8a70-1b5c8a3f0d01';

const config: RouterConfig = {
  repos: [
    { name: 'acme/web', linear: { teams: ['WEB', 'eng'] }, user: 'dev' },
    {
      name: 'acme/api',
      base: 'main',
      linear: { teams: ['ENG'] },
      user: 'dev',
      gates: { checks: ['Tests'] },
      merge: 'self',
    },
  ],
  self: { github: async () => [{ login: 'chartroom', id: '1' }], linear: async () => [{ id: APP }] },
  bots: ['renovate[bot]'],
  isDelegated: {
    linear: ({ delegate }) => delegate === APP,
    github: ({ assignees }) => assignees?.includes('chartroom') ?? false,
  },
  isOwnText: (text) => text.includes('<!-- mark -->'),
};

const facts = (change: Partial<Hydrated['facts']> = {}): Hydrated['facts'] => ({
  ref: 'ENG-42',
  url: 'https://linear.app/acme/issue/ENG-42/say-hello',
  title: 'Say hello',
  body: 'A greeting is missing.',
  delegated: true,
  state: { name: 'Todo', type: 'unstarted' },
  priority: 2,
  blockers: [{ ref: 'ENG-41', done: false }],
  removed: false,
  updatedAt: '2026-11-21T09:59:31.000Z',
  ...change,
});

interface World {
  /** Actors that exist: address → references, final, last step. */
  actors?: Partial<IndexedActor>[];
  hydrated?: Hydrated | null | Error | Promise<Hydrated>;
  send?: (envelope: Envelope) => Promise<unknown>;
  config?: Partial<RouterConfig>;
  bodies?: RouterOptions['bodies'];
}

/** A router over a recorded index. What it sends exists afterwards, as it does in a runtime. */
function routerOver(world: World) {
  const actors: IndexedActor[] = (world.actors ?? []).map((actor) => ({
    address: 'session/eng-42',
    final: false,
    updatedAt: '2026-11-21T09:00:00.000Z',
    refs: [],
    tags: {},
    ...actor,
  }));
  const sent: Envelope[] = [];
  const asked: string[] = [];
  const counted: [string, string][] = [];
  const pokes: string[] = [];
  const hydrate = async (ref: string) => {
    asked.push(ref);
    if (world.hydrated instanceof Error) throw world.hydrated;
    return world.hydrated === undefined ? { facts: facts() } : world.hydrated;
  };
  const router = createRouter({
    index: {
      find: async (ref) =>
        actors
          .filter(({ refs }) => refs.some((held) => held.toLowerCase() === ref.toLowerCase()))
          .map(({ address }) => address),
      look: async (address) => actors.find((actor) => actor.address === address) ?? null,
    },
    node: {
      async send(envelope) {
        await world.send?.(envelope);
        sent.push(parseEnvelope(envelope));
        if (envelope.type !== 'issue.observed' || actors.some(({ address }) => address === envelope.subject)) return;
        actors.push({
          address: envelope.subject,
          final: false,
          updatedAt: '2026-11-21T10:00:00.000Z',
          refs: [`issue:${String(envelope.data['ref'])}`],
          tags: {},
        });
      },
      poke: (actor, watch) => {
        pokes.push(`${actor} ${watch}`);
      },
    },
    hydrate: { linear: hydrate, github: hydrate },
    config: { ...config, ...world.config },
    ...(world.bodies === undefined ? {} : { bodies: world.bodies }),
    log: quiet,
    metrics: { hook: (subject, what) => counted.push([subject, what]) },
  });
  const take = (hook: Hook) => router.take({ body: Buffer.from(JSON.stringify(hook)) });
  return { router, take, sent, asked, counted, pokes, actors };
}

const eng42 = {
  address: 'session/eng-42',
  refs: ['issue:ENG-42', 'pull:acme/api#7', 'branch:acme/api/chartroom/eng-42'],
};
const review = { address: 'session/review-dev-acme-api-7', refs: ['pull:acme/api#7'], tags: { kind: 'review' } };

function checkData(envelope: Envelope | undefined): void {
  const spec = SESSION_EVENTS[envelope?.type as keyof typeof SESSION_EVENTS];
  assert.ok(spec !== undefined, `${envelope?.type} is no event of a session`);
  spec.data.parse(envelope?.data);
}

test('a hook about a pull request pokes its session, its review session and who subscribes', async () => {
  const susan = { address: 'agent/susan', refs: ['subscription:Acme/API'] };
  const { take, pokes, sent, counted } = routerOver({ actors: [eng42, review, susan] });
  const pull = { number: 7, head: { ref: 'chartroom/eng-42', sha: '1a2b3c4', repo: { full_name: 'acme/api' } } };
  const routed = await take(
    githubHook('pull_request', { action: 'synchronize', repository: { full_name: 'ACME/api' }, pull_request: pull }),
  );
  assert.deepEqual(pokes, ['session/eng-42 pull', 'session/review-dev-acme-api-7 pull', 'agent/susan repository']);
  assert.deepEqual(sent, []);
  assert.equal(routed.poked.length, 3);
  assert.deepEqual(counted, [['github.pull_request.synchronize', 'routed']]);
});

test('a hook that concerns nobody is counted, and nothing else', async () => {
  const { take, pokes, sent, counted, asked } = routerOver({ actors: [{ ...eng42, final: true }] });
  await take(githubHook('star', { action: 'created', repository: { full_name: 'acme/api' } }));
  const pull = { number: 7, head: { ref: 'x', sha: '1a2b3c4' } };
  await take(
    githubHook('pull_request', { action: 'closed', repository: { full_name: 'acme/api' }, pull_request: pull }),
  );
  await take(linearHook('issue-created'));
  assert.deepEqual([pokes, sent, asked], [[], [], []]);
  assert.deepEqual(counted, [
    ['github.star.created', 'nobody'],
    ['github.pull_request.closed', 'nobody'],
    ['linear.issue.create', 'nobody'],
  ]);
});

test('bytes that are no hook are counted as unreadable and do not hold back others', async () => {
  const { router, counted } = routerOver({});
  await router.take({ body: Buffer.from('{"source":"gitlab"}') });
  await router.take({ body: Buffer.from('…') });
  assert.deepEqual(counted, [
    ['-', 'unreadable'],
    ['-', 'unreadable'],
  ]);
});

const commentBody = (user: Record<string, unknown>, body = 'Tighten the naming.') => ({
  action: 'created',
  repository: { full_name: 'acme/api' },
  issue: { number: 7, pull_request: {} },
  comment: { id: 91, body, html_url: 'https://x/7#91', user },
});

for (const [login, type, kind] of [
  ['ann', 'User', 'person'],
  ['stale[bot]', 'Bot', 'bot'],
  ['renovate[bot]', 'Bot', 'person'],
  ['Chartroom', 'User', 'self'],
] as const) {
  test(`a comment by ${login} reaches the session, not the review of it, as ${kind}`, async () => {
    const { take, sent } = routerOver({ actors: [eng42, review] });
    await take(githubHook('issue_comment', commentBody({ login, type })));
    assert.equal(sent.length, 1);
    const [envelope] = sent;
    assert.equal(envelope?.id, 'github:comment:91');
    assert.equal(envelope.subject, 'session/eng-42');
    assert.deepEqual(envelope.data, {
      comment: '91',
      on: 'pull',
      author: { login, kind },
      text: 'Tighten the naming.',
      url: 'https://x/7#91',
    });
    checkData(envelope);
  });
}

test('our own account is known by its id, under whatever login', async () => {
  for (const [user, kind] of [
    [{ login: 'chartroom-two', id: 1, type: 'User' }, 'self'],
    [{ login: 'chartroom', id: 2, type: 'User' }, 'person'],
  ] as const) {
    const { take, sent } = routerOver({ actors: [eng42] });
    await take(githubHook('issue_comment', commentBody(user)));
    assert.deepEqual(sent[0]?.data['author'], { login: user.login, kind });
  }
});

test('where people are named, a comment by anybody else is told as one that moves nothing', async () => {
  for (const [login, kind] of [
    ['ann', 'person'],
    ['eve', 'bot'],
    ['Chartroom', 'self'],
  ] as const) {
    const { take, sent } = routerOver({ actors: [eng42], config: { people: ['Ann'] } });
    await take(githubHook('issue_comment', commentBody({ login, type: 'User' })));
    assert.deepEqual(sent[0]?.data['author'], { login, kind });
  }
});

test('while nobody says who we are, a comment is left to the watch, which reads it when it can tell', async () => {
  const self = { ...config.self, github: async () => undefined };
  const { take, sent, pokes } = routerOver({ actors: [eng42], config: { self } });
  await take(githubHook('issue_comment', commentBody({ login: 'chartroom', id: 1, type: 'User' })));
  assert.deepEqual(sent, []);
  assert.deepEqual(pokes, ['session/eng-42 pull']);
});

test('an issue of which nobody can say that it is ours is not opened by its hook alone', async () => {
  const isDelegated = { ...config.isDelegated, linear: () => undefined };
  const away = new TransientError('LINEAR_UNREACHABLE', 'away');
  const { take, sent, asked } = routerOver({ hydrated: away, config: { isDelegated } });
  await take(linearHook('issue-delegated'));
  assert.deepEqual(asked, ['ENG-42']);
  assert.deepEqual(sent, []);
});

test('a text that one of our acts wrote is no news, whoever’s account it used', async () => {
  const { take, sent } = routerOver({ actors: [eng42] });
  await take(githubHook('issue_comment', commentBody({ login: 'ann' }, 'Merged.\n<!-- mark -->')));
  assert.deepEqual(sent, []);
});

test('an issue handed to us opens its session, with what the tracker and the configuration say', async () => {
  const { take, sent, asked } = routerOver({});
  await take(linearHook('issue-delegated'));
  assert.deepEqual(asked, ['ENG-42']);
  assert.equal(sent.length, 1);
  const [envelope] = sent;
  assert.equal(envelope?.subject, 'session/eng-42');
  assert.equal(envelope.type, 'issue.observed');
  assert.equal(envelope.id, 'linear:delivery-issue-delegated:0');
  assert.equal(envelope.causationid, 'linear:delivery-issue-delegated');
  assert.deepEqual(envelope.data, {
    ...facts(),
    open: {
      repo: 'acme/web',
      kind: 'implement',
      deliver: 'pull_request',
      user: 'dev',
      gates: { checks: 'required', review: 'required' },
      merge: 'people',
      reviewers: 'agents',
      priority: 2,
    },
  });
  checkData(envelope);
});

test('of two repositories with the team, a label chooses', async () => {
  for (const label of ['api', 'repo: ACME/api']) {
    const { take, sent } = routerOver({ hydrated: { facts: facts(), labels: ['urgent', label] } });
    await take(linearHook('issue-delegated'));
    checkData(sent[0]);
    assert.deepEqual(sent[0]?.data['open'], {
      repo: 'acme/api',
      base: 'main',
      kind: 'implement',
      deliver: 'pull_request',
      user: 'dev',
      gates: { checks: ['Tests'], review: 'required' },
      merge: 'self',
      reviewers: 'agents',
      priority: 2,
    });
  }
});

test('an issue of a team that no repository names opens nothing', async () => {
  const { take, sent } = routerOver({ config: { repos: [{ name: 'acme/api', linear: { teams: ['OPS'] } }] } });
  await take(linearHook('issue-delegated'));
  assert.deepEqual(sent, []);
});

test('delegation, agent session and prompt in any order and twice lead to one session', async () => {
  const hooks = [
    linearHook('issue-delegated'),
    linearHook('agent-session-created'),
    linearHook('agent-session-prompted'),
    linearHook('comment-created'),
  ];
  for (const order of permutations([0, 1, 2, 3])) {
    const { router, sent, actors } = routerOver({});
    // All at once: a stream hands its letters out faster than a tracker answers.
    const inOrder = [...order, ...order].map((place) => hooks[place]!);
    await Promise.all(inOrder.map((hook) => router.take({ body: Buffer.from(JSON.stringify(hook)) })));
    assert.deepEqual(
      actors.map(({ address }) => address),
      ['session/eng-42'],
      `order ${order.join()}`,
    );
    const comments = sent.filter(({ type }) => type === 'comment.observed').map(({ id }) => id);
    assert.deepEqual([...new Set(comments)], ['linear:comment:c-100']);
    const told = sent.find(({ data }) => data['agentSession'] !== undefined);
    assert.equal(told?.data['agentSession'], SESSION);
  }
});

test('a hook taken twice sends the same ids: the second is a duplicate', async () => {
  const { take, sent } = routerOver({});
  for (const name of ['agent-session-created', 'comment-created', 'agent-session-stop']) {
    await take(linearHook(name));
    await take(linearHook(name));
  }
  const ids = sent.map(({ id, subject }) => `${subject} ${id}`);
  assert.equal(ids.length, 6);
  assert.equal(new Set(ids).size, 3);
});

test('an agent session without delegation is work too; the hook’s session id is told', async () => {
  const { take, sent } = routerOver({ hydrated: { facts: facts({ delegated: false }) } });
  await take(linearHook('agent-session-created'));
  assert.equal(sent[0]?.subject, 'session/eng-42');
  assert.deepEqual([sent[0].data['delegated'], sent[0].data['agentSession']], [false, SESSION]);
  checkData(sent[0]);
});

test('facts that a watch tells too are told under the tracker’s id for them, others under the hook’s', async () => {
  const known = { id: 'linear:issue:eng-42@1', facts: facts({ agentSession: SESSION }) };
  const { take, sent } = routerOver({ hydrated: known });
  await take(linearHook('issue-delegated'));
  await take(linearHook('agent-session-created'));
  const newer = routerOver({ hydrated: { ...known, facts: facts() } });
  await newer.take(linearHook('agent-session-created'));
  assert.deepEqual(
    [...sent, ...newer.sent].map(({ id }) => id),
    ['linear:issue:eng-42@1', 'linear:issue:eng-42@1', 'linear:delivery-agent-session-created:0'],
  );
});

test('a session that lives hears of its agent session, and is only poked for the rest', async () => {
  const { take, sent, pokes, asked } = routerOver({ actors: [eng42] });
  await take(linearHook('issue-delegated'));
  assert.deepEqual([pokes, sent, asked], [['session/eng-42 issue'], [], []]);
  await take(linearHook('agent-session-created'));
  assert.deepEqual(
    sent.map(({ subject, data }) => [subject, data['agentSession'], data['open']]),
    [['session/eng-42', SESSION, undefined]],
  );
});

test('a moved issue is found under its earlier name', async () => {
  const { take, pokes } = routerOver({ actors: [{ address: 'session/ops-7', refs: ['issue:OPS-7'] }] });
  await take(linearHook('issue-delegated'));
  assert.deepEqual(pokes, ['session/ops-7 issue']);
});

test('a blocker’s hook lets those look that wait for it', async () => {
  const waiting = { address: 'session/eng-50', refs: ['issue:ENG-50', 'blocker:ENG-42'] };
  const { take, pokes } = routerOver({ actors: [waiting] });
  await take(
    linearHook('issue-completed', {
      data: { ...(linearHook('issue-completed').body as { data: object }).data, delegateId: null },
    }),
  );
  assert.deepEqual(pokes, ['session/eng-50 issue']);
});

test('a removed issue is told to its session without asking the tracker, which no longer has it', async () => {
  const { take, sent, asked } = routerOver({ actors: [eng42] });
  await take(linearHook('issue-removed'));
  assert.deepEqual(asked, []);
  assert.equal(sent[0]?.data['removed'], true);
  checkData(sent[0]);
  const nobody = routerOver({});
  await nobody.take(linearHook('issue-removed'));
  assert.deepEqual(nobody.sent, []);
});

test('with the tracker down the hook is enough to begin; blockers stay unknown', async () => {
  const { take, sent } = routerOver({ hydrated: new TransientError('LINEAR_RATE_LIMITED', 'later') });
  await take(linearHook('issue-delegated'));
  assert.deepEqual(
    [sent[0]?.subject, sent[0]?.data['delegated'], sent[0]?.data['blockers']],
    ['session/eng-42', true, undefined],
  );
  checkData(sent[0]);
  const created = routerOver({ hydrated: new TransientError('LINEAR_RATE_LIMITED', 'later') });
  await created.take(linearHook('agent-session-created'));
  assert.equal(created.sent[0]?.data['updatedAt'], '1970-01-01T00:00:00.000Z', 'anything read later is newer');
  checkData(created.sent[0]);
});

test('what the tracker does not confirm opens nothing', async () => {
  for (const hydrated of [
    null,
    { facts: facts({ delegated: false }) },
    { facts: facts({ removed: true }) },
    { facts: facts({ state: { name: 'Done', type: 'completed' } }) },
  ]) {
    const { take, sent } = routerOver({ hydrated });
    await take(linearHook('issue-delegated'));
    assert.deepEqual(sent, []);
  }
});

test('a slug that another source holds gets a fingerprint', async () => {
  const { take, sent } = routerOver({ actors: [{ address: 'session/eng-42', refs: ['issue:eng/42#1'] }] });
  await take(linearHook('issue-delegated'));
  assert.match(sent[0]?.subject ?? '', /^session\/eng-42-[0-9a-f]{6}$/);
});

test('an issue handed over again after its session ended opens the next one', async () => {
  const ended = { ...eng42, final: true, updatedAt: '2026-11-21T09:00:00.000Z' };
  const second = routerOver({ actors: [ended] });
  await second.take(linearHook('issue-delegated'));
  assert.equal(second.sent[0]?.subject, 'session/eng-42-2');

  const third = routerOver({ actors: [ended, { ...ended, address: 'session/eng-42-2' }] });
  await third.take(linearHook('agent-session-created'));
  assert.equal(third.sent[0]?.subject, 'session/eng-42-3');

  const linked = routerOver({ actors: [ended, { ...ended, address: 'session/eng-42-2', final: false }] });
  await linked.take(linearHook('issue-delegated'));
  assert.deepEqual(linked.pokes, ['session/eng-42-2 issue']);
});

test('the end of a session is no new delegation: neither our own move to done nor a hook read again', async () => {
  const ended = { ...eng42, final: true, updatedAt: '2026-11-21T10:30:00.000Z' };
  const { take, sent, asked } = routerOver({ actors: [ended] });
  await take(linearHook('issue-delegated'));
  await take(linearHook('agent-session-created'));
  await take(linearHook('issue-completed', { createdAt: '2026-11-21T10:30:01.000Z' }));
  assert.deepEqual([sent, asked], [[], []]);
});

test('what a person says to us after the end goes to the finished session, talk beside it does not', async () => {
  const ended = { ...eng42, final: true, updatedAt: '2026-11-21T10:30:00.000Z' };
  const { take, sent } = routerOver({ actors: [ended] });
  await take(linearHook('comment-created-by-app'));
  assert.deepEqual(sent, []);
  await take(linearHook('agent-session-prompted'));
  assert.deepEqual(
    sent.map(({ subject, type }) => [subject, type]),
    [['session/eng-42', 'comment.observed']],
  );
});

test('stop is a correction, keyed by its activity and named by who pressed it', async () => {
  const { take, sent } = routerOver({ actors: [eng42, { ...eng42, address: 'session/eng-42-0', final: true }] });
  await take(linearHook('agent-session-stop'));
  assert.equal(sent.length, 1);
  const [envelope] = sent;
  assert.deepEqual(
    [envelope?.id, envelope?.source, envelope?.type, envelope?.subject],
    ['linear:stop:b7d1f6c2-8f0e-4c51-b1b8-0f8b5a2d0c01', 'linear/Ann Archer', 'correct.stop', 'session/eng-42'],
  );
  checkData(envelope);
});

test('a GitHub issue assigned to us opens the session of its repository', async () => {
  const hydrated = { facts: facts({ ref: 'acme/api#12' }) };
  const { take, sent } = routerOver({ hydrated });
  const issue = {
    number: 12,
    html_url: 'https://github.com/acme/api/issues/12',
    title: 'Say hello',
    updated_at: '2026-11-21T09:59:30Z',
    assignees: [{ login: 'chartroom' }],
  };
  const body = { action: 'assigned', repository: { full_name: 'acme/api' }, issue };
  await take(githubHook('issues', body));
  assert.equal(sent[0]?.subject, 'session/acme-api-12');
  assert.equal((sent[0].data as { open: { repo: string } }).open.repo, 'acme/api');
  checkData(sent[0]);
});

test('a hook is taken only when all it caused is durable', async () => {
  let store = (): void => {};
  const durable = new Promise<void>((resolve) => {
    store = resolve;
  });
  let reached = (): void => {};
  const sending = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const { take } = routerOver({
    actors: [eng42],
    send: () => {
      reached();
      return durable;
    },
  });
  let taken = false;
  const taking = take(linearHook('comment-created')).then(() => {
    taken = true;
  });
  await sending;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(taken, false);
  store();
  await taking;
  assert.equal(taken, true);
});

test('a broken store fails the hook; an envelope nobody could take does not', async () => {
  const broken = routerOver({ actors: [eng42], send: () => Promise.reject(new Error('poisoned')) });
  await assert.rejects(broken.take(linearHook('comment-created')), /poisoned/);
  const tooLarge = new RejectedInput('ENVELOPE_SIZE', 'too large');
  const refusing = routerOver({ actors: [eng42], send: () => Promise.reject(tooLarge) });
  assert.deepEqual((await refusing.take(linearHook('comment-created'))).sent, []);
});

test('a slow tracker holds back hooks about its issue, in order, and no others', async () => {
  let answer: (hydrated: Hydrated) => void = () => {};
  const answered = new Promise<Hydrated>((resolve) => {
    answer = resolve;
  });
  const slow = createRouter({
    index: { find: async () => [], look: async () => null },
    node: { send: async () => {}, poke: () => {} },
    hydrate: { linear: () => answered, github: () => answered },
    config,
    log: quiet,
  });
  const letterOf = (hook: Hook) => ({ body: Buffer.from(JSON.stringify(hook)) });
  const order: string[] = [];
  const first = slow.take(letterOf(linearHook('issue-delegated'))).then(() => order.push('delegated'));
  const second = slow.take(letterOf(linearHook('comment-created'))).then(() => order.push('comment'));
  await slow.take(letterOf(githubHook('star', {}))).then(() => order.push('star'));
  assert.deepEqual(order, ['star']);
  answer({ facts: facts() });
  await Promise.all([first, second]);
  assert.deepEqual(order, ['star', 'delegated', 'comment']);
});

test('a body kept apart is read from where it lies', async () => {
  const { body, ...head } = linearHook('comment-created');
  const { take, sent } = routerOver({
    actors: [eng42],
    bodies: { get: async (ref) => Buffer.from(ref === 'bodies/1' ? JSON.stringify(body) : '') },
  });
  await take({ ...head, bodyRef: 'bodies/1' });
  assert.equal(sent[0]?.id, 'linear:comment:c-100');
});

test('at the start, what was handed over meanwhile is opened; known issues are left alone', async () => {
  const ended = { address: 'session/eng-43', refs: ['issue:ENG-43'], final: true };
  const { router, sent } = routerOver({ actors: [eng42, ended] });
  const listed = ['ENG-42', 'ENG-43', 'ENG-44'].map((ref) => handedOver({ ref }));
  await router.recover(listed);
  assert.deepEqual(
    sent.map(({ subject, type }) => [subject, type]),
    [['session/eng-44', 'issue.observed']],
  );
  checkData(sent[0]);
  await router.recover(listed);
  assert.equal(sent.length, 1);
});

test('an issue handed over again after its session ended is opened anew, though no hook told of it', async () => {
  const ended = {
    address: 'session/eng-42',
    refs: ['issue:ENG-42'],
    final: true,
    updatedAt: '2026-11-21T11:00:00.000Z',
  };
  const { router, sent } = routerOver({ actors: [ended] });
  await router.recover([{ ...handedOver(), at: '2026-11-21T10:59:59.000Z' }]);
  assert.deepEqual(sent, []);
  await router.recover([{ ...handedOver(), at: '2026-11-21T11:00:01.000Z' }]);
  assert.deepEqual(
    sent.map(({ subject }) => subject),
    ['session/eng-42-2'],
  );
});

test('an issue that is handed over just as the start lists it is opened once', async () => {
  let answer: (issue: Hydrated) => void = () => {};
  const { router, take, sent } = routerOver({ hydrated: new Promise((resolve) => (answer = resolve)) });
  const taken = take(linearHook('issue-delegated'));
  const recovered = router.recover([handedOver()]);
  await new Promise(setImmediate);
  answer({ facts: facts() });
  await Promise.all([taken, recovered]);
  assert.deepEqual(
    sent.map(({ subject, type }) => [subject, type]),
    [['session/eng-42', 'issue.observed']],
  );
});

const handedOver = (more: Partial<Hydrated['facts']> = {}): HandedOver => ({
  source: 'linear',
  ref: more.ref ?? 'ENG-42',
  read: async () => ({ facts: facts(more) }),
});

function permutations(places: number[]): number[][] {
  if (places.length < 2) return [places];
  return places.flatMap((place) =>
    permutations(places.filter((other) => other !== place)).map((rest) => [place, ...rest]),
  );
}

const ended = { ...eng42, final: true };
const openedHook = (action: string, repo = 'acme/api') =>
  githubHook('pull_request', {
    action,
    repository: { full_name: 'acme/api' },
    pull_request: {
      number: 9,
      html_url: 'https://github.com/acme/api/pull/9',
      user: { login: 'chartroom[bot]' },
      head: { ref: 'chartroom/eng-42', sha: 'a'.repeat(40), repo: { full_name: repo } },
    },
  });

test('a pull request opened on a branch whose work is over is told to its session, under one name', async () => {
  const { take, router, sent } = routerOver({ actors: [ended] });
  await take(openedHook('opened'));
  assert.deepEqual(
    sent.map(({ subject, type, id, data }) => [subject, type, id, data['number']]),
    [['session/eng-42', 'pull.late', 'github:late:acme/api#9', 9]],
  );
  checkData(sent[0]);
  await router.closeLate([
    openedConcern('acme/api', 'chartroom/eng-42', {
      number: 9,
      url: 'u',
      author: 'chartroom[bot]',
      openedAt: '2026-11-21T10:00:00Z',
    }),
  ]);
  assert.equal(sent[1]?.id, sent[0]?.id);
});

test('one of a fork, one that is opened again, and one of a branch that is worked on are not told as late', async () => {
  for (const hook of [openedHook('opened', 'stranger/api'), openedHook('reopened')]) {
    const { take, sent } = routerOver({ actors: [ended] });
    await take(hook);
    assert.deepEqual(sent, []);
  }
  const { take, sent, pokes } = routerOver({ actors: [ended, { ...eng42, address: 'session/eng-42-2' }] });
  await take(openedHook('opened'));
  assert.deepEqual(sent, []);
  assert.ok(pokes.includes('session/eng-42-2 pull'));
});

const byAPerson = (more: { body?: string; ref?: string; login?: string; type?: string; repo?: string } = {}) =>
  githubHook('pull_request', {
    action: 'opened',
    repository: { full_name: 'acme/api' },
    pull_request: {
      number: 11,
      title: 'Say hello',
      body: more.body ?? 'Fixes ENG-42',
      user: { login: more.login ?? 'ann', type: more.type ?? 'User' },
      head: {
        ref: more.ref ?? 'ann/hello',
        sha: 'a'.repeat(40),
        repo: { full_name: more.repo ?? 'acme/api' },
      },
    },
  });
const working = { address: 'session/eng-42', refs: ['issue:ENG-42', 'branch:acme/api/chartroom/eng-42'] };

test('a pull request of a person that says whose issue it resolves is attached to the session of that issue', async () => {
  for (const hook of [byAPerson(), byAPerson({ body: '', ref: 'ann/eng-42-say-hello' })]) {
    const { take, sent } = routerOver({ actors: [working] });
    await take(hook);
    assert.deepEqual(
      sent.map(({ subject, type, source, id, data }) => [subject, type, source, id, data]),
      [['session/eng-42', 'correct.pull.attach', 'github/ann', 'github:linked:acme/api#11', { number: 11 }]],
    );
    checkData(sent[0]);
  }
});

for (const [what, hook, actors, changed] of [
  ['of a fork', byAPerson({ repo: 'stranger/api' }), [working], {}],
  ['of a bot', byAPerson({ login: 'dependabot[bot]', type: 'Bot' }), [working], {}],
  ['of somebody whose word does not count', byAPerson(), [working], { people: ['bob'] }],
  ['for a session that has one', byAPerson(), [{ ...working, refs: [...working.refs, 'pull:acme/api#7'] }], {}],
  ['for work that is over', byAPerson(), [{ ...working, final: true }], {}],
  ['for work in another repository', byAPerson(), [{ ...working, refs: ['issue:ENG-42', 'branch:acme/web/x'] }], {}],
  ['of another session’s branch', byAPerson({ ref: 'chartroom/eng-42' }), [working], {}],
  ['that only mentions the issue', byAPerson({ body: 'See ENG-42' }), [working], {}],
] as const) {
  test(`a pull request ${what} is attached to nothing`, async () => {
    const { take, sent } = routerOver({ actors: [...actors], config: changed });
    await take(hook);
    assert.deepEqual(sent, []);
  });
}

test('a push lets those look whose pull request goes into that branch', async () => {
  const { take, pokes } = routerOver({
    actors: [{ ...eng42, refs: [...eng42.refs, 'base:acme/api/main'] }],
  });
  await take(
    githubHook('push', { ref: 'refs/heads/main', after: 'b'.repeat(40), repository: { full_name: 'acme/api' } }),
  );
  assert.deepEqual(pokes, ['session/eng-42 pull']);
});

test('a comment that mentions us lets the watch of its session look, one that does not is only told', async () => {
  const comment = (body: string) =>
    githubHook(
      'issue_comment',
      {
        action: 'created',
        repository: { full_name: 'acme/api' },
        issue: { number: 4, html_url: 'u', title: 'Greet', state: 'open', updated_at: '2026-11-21T10:00:00Z' },
        comment: { id: body.length, html_url: 'u', body, user: { login: 'ann', type: 'User' } },
      },
      body,
    );
  const { take, pokes, sent } = routerOver({
    actors: [{ address: 'session/acme-api-4', refs: ['issue:acme/api#4'] }],
    config: {
      isDelegated: { linear: () => false, github: ({ text }) => text?.includes('@chartroom') ?? false },
    },
  });
  await take(comment('Nice.'));
  assert.deepEqual(pokes, []);
  await take(comment('@chartroom again, please'));
  assert.deepEqual(pokes, ['session/acme-api-4 issue']);
  assert.deepEqual(
    sent.map(({ type }) => type),
    ['comment.observed', 'comment.observed'],
  );
});
