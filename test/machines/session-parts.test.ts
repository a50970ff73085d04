/** The small pure parts of a session: times without a clock, names, watches, the prompt. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { isBefore, msOf } from '../../machines/session/instant.ts';
import { branchName, reviewAddress } from '../../machines/session/names.ts';
import { watchesOf } from '../../src/actor/step.ts';
import { sessionDefinition } from '../../machines/session/index.ts';
import type { Definition } from '../../src/actor/state.ts';
import { H1, end, engage, green, issue, prepared, pull, run, verdict, verified, work } from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

const watches = (session: Play) => watchesOf(sessionDefinition as unknown as Definition, session.live()!);

test('an ISO time is the same number as everywhere else', () => {
  const dates = fc.date({ min: new Date('1970-01-01'), max: new Date('2200-01-01'), noInvalidDate: true });
  fc.assert(fc.property(dates, (date) => assert.equal(msOf(date.toISOString()), date.getTime())));
  assert.equal(msOf('2026-01-05T12:00:00+02:00'), Date.parse('2026-01-05T10:00:00Z'));
  assert.equal(msOf('2024-02-29T00:00:00Z'), Date.parse('2024-02-29T00:00:00Z'));
  assert.ok(Number.isNaN(msOf('soon')));
  assert.equal(isBefore('2026-01-05T12:00:00+02:00', '2026-01-05T10:00:01.000Z'), true);
  assert.equal(isBefore('2026-01-05T12:00:00Z', null), false);
});

test('branches and review sessions have names that fit their address rules', () => {
  assert.equal(branchName('chartroom', 'session/eng-42', 'Add hello, please!'), 'chartroom/eng-42-add-hello-please');
  assert.equal(branchName('bot', 'session/eng-42', '!!!'), 'bot/eng-42');
  assert.equal(reviewAddress('default', 'Acme/API.core', 12), 'session/review-default-acme-api-core-12');
  assert.equal(reviewAddress('default', 'acme/api', 12, 2), 'session/review-default-acme-api-12-2');
  const long = reviewAddress('someone', `${'a'.repeat(100)}/${'b'.repeat(100)}`, 1_234);
  assert.match(long, /^session\/[a-z0-9][a-z0-9_-]{0,127}$/);
  assert.ok(long.endsWith('-1234'));
});

test('the pull request is looked for by branch, then by number, then by branch again', () => {
  const session = play();
  session.send('issue.observed', issue());
  assert.deepEqual(Object.keys(watches(session)).sort(), ['issue', 'pull']);
  assert.equal(watches(session)['pull']?.['number'], undefined);
  const before = watches(session)['pull']?.['look'];
  run(session);
  end(session);
  assert.notEqual(watches(session)['pull']?.['look'], before, 'it looks once at every release');
  verified(session);
  session.send('pull.observed', pull());
  assert.equal(watches(session)['pull']?.['number'], 7);
  assert.equal(watches(session)['pull']?.['awaited'], true);
  session.send('pull.observed', pull({ gate: green }));
  assert.equal(watches(session)['pull']?.['awaited'], false, 'the reviewing agent is not outside');
  assert.equal(watches(session)['pull']?.['next'], undefined);
  session.send('pull.observed', pull({ state: 'closed', closedBy: { login: 'chartroom', kind: 'self' } }));
  assert.equal(watches(session)['pull']?.['next'], true, 'closed by a run of ours: the next of the branch may come');
  session.send('pull.observed', pull({ gate: green }));
  verdict(session, H1, 'request_changes');
  session.send('pull.observed', pull({ state: 'closed', closedBy: { login: 'maria', kind: 'person' } }));
  assert.equal(watches(session)['pull']?.['number'], undefined);
});

test('a session without issue and pull request watches neither', () => {
  const session = play();
  session.send('open', work({ deliver: 'report' }));
  assert.deepEqual(watches(session), {});
});

test('a prompt says why, what, what changed since, and what must be delivered', () => {
  const session = play();
  session.send('issue.observed', issue());
  session.send('issue.observed', issue({ title: 'Add a better hello' }));
  session.send('say', { text: 'in French', author: 'maria' });
  engage(session);
  prepared(session);
  const begun = session.told('run.begun')[0]!.data;
  const prompt = begun['prompt'] as Record<string, unknown>;
  assert.deepEqual(prompt['objective'], {
    title: 'Add a better hello',
    body: 'Please say hello.',
    url: 'https://linear.app/acme/issue/ENG-42',
  });
  assert.match(JSON.stringify(prompt['changes']), /Add a better hello/);
  assert.deepEqual(
    (prompt['texts'] as { author: string; text: string }[]).map(({ author, text }) => [author, text]),
    [['maria', 'in French']],
  );
  assert.match(String(prompt['deliver']), /chartroom\/eng-42-add-hello/);
  assert.equal((begun['limits'] as { runSeconds: number }).runSeconds, 1_800);
});

const refs = (session: Play): string[] => sessionDefinition.project(session.live()!.view as never).refs;

test('a mission’s item is found as `mission/m#key`, also when it is over', () => {
  const session = play({ address: 'session/m1-api-2' });
  session.send('open', work({ source: { kind: 'mission' }, mission: 'mission/m1', item: 'API' }));
  assert.ok(refs(session).includes('item:mission/m1#api'));
  session.send('correct.close', { outcome: 'done' });
  assert.ok(refs(session).includes('item:mission/m1#api'));
});

test('an issue that still blocks is a reference, so that its end is noticed at once', () => {
  const session = play();
  const blockers = [
    { ref: 'ENG-39', done: false },
    { ref: 'ENG-40', done: true },
  ];
  session.send('issue.observed', issue({ blockers }));
  const blocking = (): string[] => refs(session).filter((ref) => ref.startsWith('blocker:'));
  assert.deepEqual(blocking(), ['blocker:ENG-39', 'blocker:eng-39']);
  session.send('issue.observed', issue({ blockers: blockers.map(({ ref }) => ({ ref, done: true })) }));
  assert.deepEqual(blocking(), []);
});
