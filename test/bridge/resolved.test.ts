/** What a pull request says of the issue it resolves, as people write it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolvedIssues } from '../../src/bridge/resolved.ts';

const said = (body: string, more: { branch?: string; title?: string } = {}) =>
  resolvedIssues({ repo: 'acme/api', branch: 'patch-1x', title: 'Greet', body, ...more });

for (const [body, refs] of [
  ['Fixes #12', ['acme/api#12']],
  ['This closes: ENG-42.', ['ENG-42']],
  ['resolves https://linear.app/acme/issue/ENG-42/say-hello', ['ENG-42']],
  ['Resolved https://github.com/acme/web/issues/7', ['acme/web#7']],
  ['fixes acme/web#7, #12 and ENG-42', ['acme/web#7', 'acme/api#12', 'ENG-42']],
  ['closes #12\ncloses #12', ['acme/api#12']],
  ['See #12 and ENG-42', []],
  ['It prefixes #12', []],
  ['fixes the bug of #12', []],
  ['fixes #12abc', []],
] as const) {
  test(`“${body.replace('\n', ' / ')}” resolves ${refs.join(', ') || 'no issue'}`, () => {
    assert.deepEqual(said(body), refs);
  });
}

test('the key of a Linear issue in the branch or the title counts as it does for Linear', () => {
  assert.deepEqual(said('', { branch: 'ann/eng-42-say-hello' }), ['eng-42']);
  assert.deepEqual(said('', { branch: 'eng-42' }), ['eng-42']);
  assert.deepEqual(said('Fixes ENG-42', { branch: 'ann/eng-42-say-hello' }), ['ENG-42']);
  assert.deepEqual(said('', { title: 'Fix ENG-42' }), ['ENG-42']);
  assert.deepEqual(said('', { branch: 'ann/challenge-42nd-street' }), []);
});
