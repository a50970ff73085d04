import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closingOf, kindOf, reviewComments } from '../../src/effects/github/comments.ts';
import { isOfBranch } from '../../src/effects/github/github.ts';
import { bodyWith, placeComments, shownLines } from '../../src/effects/github/diff.ts';
import { isDelegated, mentionsLogin } from '../../src/effects/github/issue.ts';
import { hasMark, markOf, parseIssueRef, withMark, withoutMark } from '../../src/effects/github/names.ts';
import { reviewsOf } from '../../src/effects/github/reviews.ts';
import { createTold } from '../../src/effects/told.ts';

const patch = [
  '@@ -1,3 +1,4 @@',
  ' one',
  '-two',
  '+zwei',
  '+zwei und halb',
  ' three',
  '@@ -20 +21 @@ fn',
  '-x',
  '+y',
].join('\n');

test('a review may comment on the lines a patch shows, on the side on which they are', () => {
  const shown = shownLines([{ filename: 'a.ts', patch }]).get('a.ts');
  assert.deepEqual([...(shown?.RIGHT ?? [])], [1, 2, 3, 4, 21]);
  assert.deepEqual([...(shown?.LEFT ?? [])], [1, 2, 3, 20]);
});

test('a comment on another line, another file or no line goes into the review’s text', () => {
  const shown = shownLines([{ filename: 'a.ts', patch }, { filename: 'big.bin' }]);
  const { inline, rest } = placeComments(
    [
      { path: 'a.ts', line: 2, body: 'in the diff' },
      { path: 'a.ts', line: 20, body: 'only on the left' },
      { path: 'a.ts', line: 20, side: 'LEFT', body: 'there it is' },
      { path: 'big.bin', line: 1, body: 'no patch' },
      { path: 'b.ts', line: 1, body: 'not touched' },
      { path: 'a.ts', body: 'whole file' },
    ],
    shown,
  );
  assert.deepEqual(
    inline.map(({ body }) => body),
    ['in the diff', 'there it is'],
  );
  assert.deepEqual(
    rest.map(({ body }) => body),
    ['only on the left', 'no patch', 'not touched', 'whole file'],
  );
  const text = bodyWith('Please look.', rest);
  assert.match(text, /^Please look\./);
  assert.match(text, /\*\*b\.ts:1\*\*\n\nnot touched/);
  assert.match(text, /\*\*a\.ts\*\*\n\nwhole file/);
  assert.equal(bodyWith('Fine.', []), 'Fine.');
});

test('the mark of an effect is hidden in its text and taken out again', () => {
  const mark = markOf({ key: 'session/eng-42/17/0', wishedAt: '2026-01-01T00:00:00.000Z' });
  const text = withMark('Done.\n', mark);
  assert.ok(text.includes(mark) && hasMark(text));
  assert.equal(withoutMark(text), 'Done.');
  assert.ok(!hasMark('<!-- something else -->'));
});

test('a mention is a whole name', () => {
  assert.ok(mentionsLogin('please, @Chartroom: do it', 'chartroom'));
  assert.ok(mentionsLogin('@chartroom', 'chartroom[bot]'));
  for (const text of ['@chartrooms', 'mail@chartroom', '@chartroom-dev', 'chartroom', 'x/@chartroom']) {
    assert.ok(!mentionsLogin(text, 'chartroom'), text);
  }
});

test('an issue is handed over by label, assignment or mention, as configured', () => {
  const issue = { labels: ['Agent'], assignees: ['bo'] };
  assert.ok(isDelegated(issue, [], { labels: ['agent'] }));
  assert.ok(isDelegated(issue, [], { assignees: ['Bo'] }));
  assert.ok(isDelegated(issue, ['hi', '@bo go'], { mentions: ['bo'] }));
  assert.ok(!isDelegated(issue, ['hi'], { labels: ['x'], assignees: ['y'], mentions: ['bo'] }));
  assert.ok(!isDelegated(issue, ['@bo'], {}));
});

test('a reference to an issue of GitHub is told from one of another tracker', () => {
  assert.deepEqual(parseIssueRef('acme/api#12'), { repo: 'acme/api', number: 12 });
  for (const ref of ['ENG-12', 'acme/api', '#12', 'acme/api#x']) assert.equal(parseIssueRef(ref), undefined, ref);
});

test('a bot counts as a person only when listed; our own accounts are ourselves, whatever they are called now', () => {
  const authors = { self: [{ login: 'Chartroom[bot]' }, { login: 'susan', id: '7' }], bots: ['helpful[bot]'] };
  assert.equal(kindOf({ login: 'ann', type: 'User' }, authors), 'person');
  assert.equal(kindOf({ login: 'helpful[bot]', type: 'Bot' }, authors), 'person');
  assert.equal(kindOf({ login: 'other[bot]', type: 'Bot' }, authors), 'bot');
  assert.equal(kindOf({ login: 'chartroom[bot]', type: 'Bot' }, authors), 'self');
  assert.equal(kindOf({ login: 'susan-two', id: 7, type: 'User' }, authors), 'self', 'under another login');
  assert.equal(kindOf({ login: 'susan', id: 8, type: 'User' }, authors), 'person', 'who took the login since');
});

test('where people are named, nobody else’s word, verdict or mention counts; our own accounts’ and bots’ as before', () => {
  const of = (login: string, type = 'User') => ({ login, type });
  const authors = { self: [{ login: 'susan' }], bots: ['helpful[bot]'], people: ['Ann'] };
  const kinds = [of('ann'), of('eve'), of('susan'), of('helpful[bot]', 'Bot'), of('other[bot]', 'Bot')];
  assert.deepEqual(
    kinds.map((user) => kindOf(user, authors)),
    ['person', 'bot', 'self', 'person', 'bot'],
  );
  const approved = (login: string, type = 'User') => ({
    id: 1,
    user: of(login, type),
    state: 'APPROVED',
    body: '',
    commit_id: 'abc1234',
    html_url: 'https://github.test/r',
    submitted_at: '2026-01-01T00:00:00Z',
  });
  const reviews = [approved('ann'), approved('eve'), approved('susan'), approved('reviewbot[bot]', 'Bot')];
  const heard = (people?: string[]) => reviewsOf(reviews, [], { ...authors, people }).map(({ author }) => author);
  assert.deepEqual(heard(['ann']), ['ann', 'susan', 'reviewbot[bot]']);
  assert.equal(heard().length, 4);
});

test('what a review without a verdict says is a comment; what comes with a verdict belongs to it', () => {
  const review = (id: number, login: string, state: string, body: string) => ({
    id,
    user: { login, type: 'User' },
    state,
    body,
    html_url: `https://github.test/#pullrequestreview-${id}`,
    submitted_at: '2026-01-01T00:00:00Z',
  });
  const line = (id: number, review: number | null) => ({
    id,
    pull_request_review_id: review,
    user: { login: 'ann', type: 'User' },
    body: 'x',
    path: 'a.ts',
    line: null,
    original_line: 7,
    html_url: 'https://github.test/c',
    created_at: '2026-01-01T00:00:00Z',
  });
  const reviews = [
    review(1, 'ann', 'CHANGES_REQUESTED', 'Please change.'),
    review(2, 'ann', 'COMMENTED', ''),
    review(3, 'bo', 'COMMENTED', 'Could you rename this?'),
    review(4, 'chartroom', 'COMMENTED', 'Verdict.\n\n<!-- chartroom:x@y -->'),
  ];
  const lines = [line(10, 1), line(11, 2), line(12, 3), line(13, null), line(14, 4)];
  const said = reviewComments(reviews, lines, { self: [], bots: [] });
  assert.deepEqual(
    said.map(({ comment }) => [comment.comment, comment.author.login, comment.line]),
    [
      ['pullrequestreview-3', 'bo', undefined],
      ['discussion_r11', 'ann', 7],
      ['discussion_r12', 'ann', 7],
      ['discussion_r13', 'ann', 7],
    ],
  );
});

test('facts are told once, under one name after a restart, and anew when they come back after a change', () => {
  const told = createTold('p');
  const tell = (facts: string, stamps: string) => {
    const id = told.idFor(facts, stamps);
    if (id !== undefined) told.keep(facts, id);
    return id;
  };
  const green = tell('green', '1');
  assert.equal(tell('green', '1'), undefined);
  assert.equal(tell('green', '2'), undefined);
  tell('pending', '2');
  const again = tell('green', '1');
  assert.ok(again !== undefined && again !== green);
  assert.equal(createTold('p').idFor('green', '1'), green);
  assert.notEqual(createTold('p').idFor('green', '2'), green, 'the same facts of another time');
});

test('the reason of a closing is what the closer last said around then', () => {
  const said = (login: string, minute: number, body: string) => ({
    id: minute,
    user: { login, type: 'User' },
    body,
    html_url: 'https://github.test/c',
    created_at: new Date(Date.parse('2026-01-01T10:00:00Z') + minute * 60_000).toISOString(),
  });
  const closing = (...comments: ReturnType<typeof said>[]) =>
    closingOf({ login: 'ann', type: 'User' }, '2026-01-01T10:30:00Z', comments, { self: [], bots: [] });
  const closedBy = { login: 'ann', kind: 'person' };
  assert.deepEqual(closing(said('ann', 10, 'long ago'), said('bo', 30, 'not me')), { closedBy });
  assert.deepEqual(closing(said('ann', 25, 'first'), said('Ann', 30, 'because'), said('ann', 40, 'afterwards')), {
    closedBy,
    closingComment: 'because',
  });
});

test('a pull request from a fork is not of our branch, though it has its name', () => {
  const base = { ref: 'main', sha: 'b' };
  const from = (fullName: string | null) =>
    isOfBranch(
      { head: { ref: 'b', sha: 'a', repo: fullName === null ? null : { full_name: fullName } }, base },
      'acme/api',
      'b',
    );
  assert.equal(from('Acme/API'), true);
  assert.equal(from('eve/api'), false);
  assert.equal(from(null), false, 'the fork was deleted');
  const byNumber = (id: number) =>
    isOfBranch(
      { head: { ref: 'b', sha: 'a', repo: { id, full_name: 'acme/web' } }, base: { ...base, repo: { id: 1 } } },
      'acme/api',
      'b',
    );
  assert.equal(byNumber(1), true, 'it was renamed');
  assert.equal(byNumber(2), false);
});
