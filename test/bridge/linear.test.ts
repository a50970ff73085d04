import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import test from 'node:test';
import { concernsOfLinear } from '../../src/bridge/linear.ts';
import { packageFile } from '../../src/package.ts';
import { createBridge, linearBody, linearDelivery, linearHook } from './parts.ts';

const APP = '9d2c6c9e-6a0f-4b0c-8c51-2f1d3a7e5b11';
const ANN = { login: 'Ann Archer', id: '4f0c0d0e-1a9b-4c53-9f0b-7f2d55a4c0aa', bot: false };
const SESSION = 'a5e9e8a4-1d2b-4a3e-8a70-1b5c8a3f0d01';
const names = readdirSync(packageFile('test/support/deliveries/linear')).map((name) => name.replace(/\.json$/, ''));

const blockerPoke = { kind: 'poke', watch: 'issue', refs: ['blocker:ENG-42'], hint: { blocker: 'ENG-42' } };
const issueConcern = {
  kind: 'issue',
  source: 'linear',
  ref: 'ENG-42',
  refs: ['issue:ENG-42', 'issue:OPS-7'],
  delegates: {},
  handedOver: false,
  tell: false,
  at: '2026-11-21T09:59:30.000Z',
  told: {
    url: 'https://linear.app/acme/issue/ENG-42/say-hello',
    title: 'Say hello',
    body: 'A greeting is missing.',
    state: { name: 'Todo', type: 'unstarted' },
    priority: 2,
    removed: false,
    updatedAt: '2026-11-21T09:59:30.000Z',
  },
};
const { told } = issueConcern;
const sessionConcern = {
  kind: 'issue',
  source: 'linear',
  ref: 'ENG-42',
  refs: ['issue:ENG-42'],
  delegates: {},
  handedOver: true,
  agentSession: SESSION,
  tell: true,
  at: '2026-11-21T09:59:30.000Z',
  told: {
    url: 'https://linear.app/acme/issue/ENG-42/say-hello',
    title: 'Say hello',
    body: 'A greeting is missing.',
    state: { name: 'unknown', type: 'unstarted' },
    agentSession: SESSION,
    removed: false,
    updatedAt: '1970-01-01T00:00:00.000Z',
  },
};
const comment = {
  kind: 'comment',
  refs: ['issue:ENG-42'],
  id: 'linear:comment:c-100',
  comment: 'c-100',
  on: 'issue',
  author: ANN,
  text: 'Please greet in French too.',
  url: 'https://linear.app/acme/issue/ENG-42/say-hello#comment-c-100',
  spoken: false,
};
const prompt = { ...comment, url: 'https://linear.app/acme/issue/ENG-42/say-hello#agent-session', spoken: true };
const prompted = { ...sessionConcern, handedOver: false, tell: false };
const ACTIVITY = 'b7d1f6c2-8f0e-4c51-b1b8-0f8b5a2d0c01';

const TABLE: Record<string, unknown[]> = {
  'issue-created': [{ ...issueConcern, handedOver: true }, blockerPoke],
  'issue-created-delegated': [{ ...issueConcern, handedOver: true, delegates: { delegate: APP } }, blockerPoke],
  'issue-delegated': [{ ...issueConcern, handedOver: true, delegates: { delegate: APP } }, blockerPoke],
  'issue-undelegated': [{ ...issueConcern, handedOver: true }, blockerPoke],
  'issue-completed': [
    {
      ...issueConcern,
      told: { ...told, state: { name: 'Done', type: 'completed' } },
      delegates: { delegate: APP },
    },
    blockerPoke,
  ],
  'issue-removed': [
    { ...issueConcern, told: { ...told, removed: true }, delegates: { delegate: APP }, tell: true },
    blockerPoke,
  ],
  'agent-session-created': [sessionConcern],
  'agent-session-prompted': [prompted, prompt],
  'agent-session-prompted-without-comment': [
    prompted,
    { ...prompt, id: `linear:comment:${ACTIVITY}`, comment: ACTIVITY },
  ],
  'agent-session-stop': [{ kind: 'stop', refs: ['issue:ENG-42'], id: `linear:stop:${ACTIVITY}`, by: ANN }],
  'comment-created': [comment],
  'comment-created-by-app': [
    {
      ...comment,
      id: 'linear:comment:c-101',
      comment: 'c-101',
      author: { login: 'Otherbot', id: 'u-bot', bot: true },
      text: 'I found a duplicate.',
      url: comment.url.replace('c-100', 'c-101'),
    },
  ],
  'comment-created-by-us': [
    {
      ...comment,
      id: 'linear:comment:c-102',
      comment: 'c-102',
      author: { login: 'Chartroom', id: APP, bot: true },
      text: 'Started.',
      url: comment.url.replace('c-100', 'c-102'),
    },
  ],
  'comment-updated': [],
  'comment-on-project': [],
  'relation-created': [{ kind: 'poke', watch: 'issue', refs: ['issue:ENG-41', 'issue:ENG-42'], hint: {} }],
  'app-user-notification': [{ kind: 'poke', watch: 'issue', refs: ['issue:ENG-42'], hint: {} }],
  'oauth-app-revoked': [],
};

for (const name of names) {
  test(`${name} concerns just these`, () => {
    assert.deepEqual(concernsOfLinear(linearHook(name)), TABLE[name]);
  });
}

test('every recorded Linear delivery goes through, signed, on its subject', async (t) => {
  const { post, bus } = await createBridge(t);
  for (const name of names) {
    const body = linearBody(name);
    assert.equal((await post(linearDelivery({ body }))).status, 200, name);
    const subject = `linear.${String(body['type']).toLowerCase()}.${String(body['action']).toLowerCase()}`;
    assert.equal(bus.stored.at(-1)?.subject, subject);
  }
});

test('a prompt and its own comment are one fact', () => {
  const [, said] = concernsOfLinear(linearHook('agent-session-prompted'));
  const [written] = concernsOfLinear(linearHook('comment-created'));
  assert.ok(said?.kind === 'comment' && written?.kind === 'comment' && said.id === written.id);
});

test('a payload with a needed field missing concerns nobody', () => {
  for (const name of names) {
    for (const field of ['data', 'agentSession', 'notification']) {
      const body = { ...linearBody(name) };
      if (!(field in body)) continue;
      delete body[field];
      assert.deepEqual(concernsOfLinear({ ...linearHook(name), body }), [], `${name} without ${field}`);
    }
    assert.deepEqual(concernsOfLinear({ ...linearHook(name), body: null }), []);
  }
});
