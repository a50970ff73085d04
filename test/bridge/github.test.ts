import assert from 'node:assert/strict';
import test from 'node:test';
import type { Concern } from '../../src/bridge/concern.ts';
import { concernsOfGithub } from '../../src/bridge/github.ts';
import { githubHook } from './parts.ts';

const repository = { full_name: 'acme/api' };
const HEAD = '1a2b3c4d';
const pull = {
  number: 7,
  html_url: 'https://github.com/acme/api/pull/7',
  user: { login: 'chartroom[bot]', type: 'Bot' },
  head: { ref: 'chartroom/eng-42', sha: HEAD, repo: { full_name: 'Acme/API' } },
};
const forkPull = { number: 8, head: { ref: 'main', sha: HEAD, repo: { full_name: 'mallory/api' } } };

const pokePull = (...refs: string[]): Concern => ({ kind: 'poke', watch: 'pull', refs, hint: { head: HEAD } });
const pokeList: Concern = { kind: 'poke', watch: 'repository', refs: ['subscription:acme/api'], hint: { head: HEAD } };
const ours = pokePull('pull:acme/api#7', 'branch:acme/api/chartroom/eng-42');

const TABLE: [what: string, event: string, body: Record<string, unknown>, concerns: Concern[]][] = [
  [
    'a pull request opened: its watch, who subscribes to the repository, whose work on its branch is over, and whose issue it resolves',
    'pull_request',
    { action: 'opened', pull_request: pull },
    [
      ours,
      pokeList,
      {
        kind: 'opened',
        refs: ['branch:acme/api/chartroom/eng-42'],
        id: 'github:late:acme/api#7',
        told: { number: 7, url: 'https://github.com/acme/api/pull/7', author: 'chartroom[bot]' },
      },
      {
        kind: 'linked',
        refs: ['issue:eng-42'],
        id: 'github:linked:acme/api#7',
        repo: 'acme/api',
        branch: ['branch:acme/api/chartroom/eng-42'],
        number: 7,
        author: { login: 'chartroom[bot]', bot: true },
      },
    ],
  ],
  ['pushed to: likewise', 'pull_request', { action: 'synchronize', pull_request: pull }, [ours, pokeList]],
  ['closed: likewise', 'pull_request', { action: 'closed', pull_request: pull }, [ours, pokeList]],
  ['labeled: only its watch', 'pull_request', { action: 'labeled', pull_request: pull }, [ours]],
  [
    'of a fork: known by its number only',
    'pull_request',
    { action: 'opened', pull_request: forkPull },
    [pokePull('pull:acme/api#8'), pokeList],
  ],
  [
    'of a fork that is gone',
    'pull_request',
    { action: 'labeled', pull_request: { ...forkPull, head: { ref: 'main', sha: HEAD, repo: null } } },
    [pokePull('pull:acme/api#8')],
  ],
  ['a review submitted', 'pull_request_review', { action: 'submitted', pull_request: pull }, [ours]],
  ['a comment in the diff', 'pull_request_review_comment', { action: 'created', pull_request: pull }, [ours]],
  ['a thread resolved', 'pull_request_review_thread', { action: 'resolved', pull_request: pull }, [ours]],
  [
    'a check of a pull request',
    'check_run',
    {
      action: 'completed',
      check_run: { head_sha: HEAD, check_suite: { head_branch: 'chartroom/eng-42' }, pull_requests: [{ number: 7 }] },
    },
    [ours],
  ],
  [
    'a check that names no pull request: by its branch',
    'check_run',
    { check_run: { head_sha: HEAD, check_suite: { head_branch: 'work' }, pull_requests: [] } },
    [pokePull('branch:acme/api/work')],
  ],
  [
    'a check of the merge queue: the pull request whose turn it is',
    'check_run',
    { check_run: { head_sha: HEAD, check_suite: { head_branch: 'gh-readonly-queue/main/pr-7-0a1b2c' } } },
    [pokePull('pull:acme/api#7')],
  ],
  ['a check of a fork without anything', 'check_run', { check_run: { head_sha: HEAD, pull_requests: [] } }, []],
  [
    'a suite',
    'check_suite',
    { check_suite: { head_sha: HEAD, head_branch: 'chartroom/eng-42', pull_requests: [{ number: 7 }] } },
    [ours],
  ],
  [
    'a workflow on one of our branches',
    'workflow_run',
    { workflow_run: { head_sha: HEAD, head_branch: 'work', head_repository: repository, pull_requests: [] } },
    [pokePull('branch:acme/api/work')],
  ],
  [
    'a workflow on a fork’s branch of the same name',
    'workflow_run',
    { workflow_run: { head_sha: HEAD, head_branch: 'work', head_repository: { full_name: 'mallory/api' } } },
    [],
  ],
  [
    'a status: all branches that have the commit',
    'status',
    { sha: HEAD, branches: [{ name: 'work' }, { name: 'main' }] },
    [pokePull('branch:acme/api/work', 'branch:acme/api/main')],
  ],
  ['a status of a commit on no branch', 'status', { sha: HEAD, branches: [] }, []],
  [
    'a merge group',
    'merge_group',
    { action: 'destroyed', merge_group: { head_sha: HEAD, head_ref: 'refs/heads/gh-readonly-queue/main/pr-7-0a1b' } },
    [{ kind: 'poke', watch: 'pull', refs: ['pull:acme/api#7'], hint: { queue: HEAD } }],
  ],
  [
    'a push to a branch: its own pull request, and those into it',
    'push',
    { ref: 'refs/heads/work', after: HEAD },
    [pokePull('branch:acme/api/work', 'base:acme/api/work')],
  ],
  ['a tag', 'push', { ref: 'refs/tags/v1', after: HEAD }, []],
  [
    'a comment on a pull request',
    'issue_comment',
    {
      action: 'created',
      issue: { number: 7, pull_request: { url: '…' } },
      comment: {
        id: 91,
        body: 'Tighten the naming.',
        html_url: 'https://x/7#91',
        user: { login: 'ann', type: 'User' },
      },
    },
    [
      {
        kind: 'comment',
        refs: ['pull:acme/api#7'],
        id: 'github:comment:91',
        comment: '91',
        on: 'pull',
        author: { login: 'ann', bot: false },
        text: 'Tighten the naming.',
        url: 'https://x/7#91',
        spoken: false,
      },
    ],
  ],
  [
    'a comment of a bot on an issue',
    'issue_comment',
    {
      action: 'created',
      issue: { number: 12 },
      comment: { id: 92, body: 'Stale.', html_url: 'https://x/12#92', user: { login: 'stale[bot]' } },
    },
    [
      {
        kind: 'comment',
        refs: ['issue:acme/api#12'],
        id: 'github:comment:92',
        comment: '92',
        on: 'issue',
        author: { login: 'stale[bot]', bot: true },
        text: 'Stale.',
        url: 'https://x/12#92',
        spoken: false,
      },
    ],
  ],
  [
    'an edited comment: the same fact as before',
    'issue_comment',
    {
      action: 'edited',
      issue: { number: 12 },
      comment: { id: 92, body: 'Fresh.', html_url: 'https://x', user: { login: 'ann' } },
    },
    [],
  ],
  ['an event nobody here reads', 'star', { action: 'created' }, []],
];

for (const [what, event, body, concerns] of TABLE) {
  test(`${event}: ${what}`, () => {
    assert.deepEqual(concernsOfGithub(githubHook(event, { repository, ...body })), concerns);
  });
}

test('issues: what it says of the issue, and of those that wait for it', () => {
  const issue = {
    number: 12,
    html_url: 'https://github.com/acme/api/issues/12',
    title: 'Say hello',
    body: null,
    state: 'closed',
    state_reason: 'not_planned',
    updated_at: '2026-11-21T09:59:30Z',
    assignees: [{ login: 'chartroom' }],
    labels: [{ name: 'greeting' }],
  };
  const [concern, poke] = concernsOfGithub(githubHook('issues', { action: 'assigned', repository, issue }));
  assert.deepEqual(concern, {
    kind: 'issue',
    source: 'github',
    ref: 'acme/api#12',
    refs: ['issue:acme/api#12'],
    delegates: { assignees: ['chartroom'], labels: ['greeting'], text: '' },
    handedOver: true,
    tell: false,
    at: '2026-11-21T09:59:30Z',
    told: {
      url: 'https://github.com/acme/api/issues/12',
      title: 'Say hello',
      body: '',
      state: { name: 'not_planned', type: 'canceled' },
      removed: false,
      updatedAt: '2026-11-21T09:59:30Z',
    },
  });
  assert.deepEqual(poke, {
    kind: 'poke',
    watch: 'issue',
    refs: ['blocker:acme/api#12'],
    hint: { blocker: 'acme/api#12' },
  });
  const [gone] = concernsOfGithub(githubHook('issues', { action: 'deleted', repository, issue }));
  assert.ok(gone?.kind === 'issue' && gone.told.removed && gone.tell);
});

test('a payload with a needed field missing, or of another kind, concerns nobody', () => {
  for (const [, event, body] of TABLE) {
    assert.deepEqual(concernsOfGithub(githubHook(event, body)), [], `${event} without repository`);
    assert.deepEqual(concernsOfGithub({ ...githubHook(event, {}), body: 'text' }), []);
  }
});
