/** Missions: graphs of sessions, moved by typed corrections, and never waiting on what cannot come. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { Receipt } from '../../src/actor/receipt.ts';
import { skipLong } from '../support/long.ts';
import { openPlace } from './place.ts';
import type { Data } from './place.ts';
import { WORKING, isIdle, open } from './work.ts';

const ITEM = 'mission/led#only';

const place = await openPlace({
  script: {
    runs: [
      { when: { title: 'wrong lane', agent: 'theo' }, steps: [{ handBack: { reason: 'not testing work' } }] },
      { when: { title: 'held up', epoch: 1 }, steps: [{ hang: true }] },
      {
        when: { agent: 'boss', mail: 'slow' },
        steps: [{ act: { action: 'fyi', actor: 'mission/slow', data: { text: 'I think about it.' } } }, { hang: true }],
      },
      {
        when: { agent: 'boss', mail: 'gate agent' },
        steps: [
          { act: { action: 'correct.close', actor: ITEM, data: { outcome: 'done' }, allowFailure: true } },
          { act: { action: 'correct.reassign', actor: ITEM, data: { to: 'agent/nobody' }, allowFailure: true } },
          { act: { action: 'correct.stop', actor: 'mission/led', allowFailure: true } },
          { act: { action: 'correct.reassign', actor: ITEM, data: { to: 'agent/bea' }, dryRun: true } },
          { act: { action: 'correct.reassign', actor: ITEM, data: { to: 'agent/bea', reason: 'she can' } } },
          { reply: 'Given to bea.' },
        ],
      },
      { when: { title: 'report' }, steps: [{ report: 'All is well.' }, { summary: 'Reported.' }] },
      { when: { for: 'verdict' }, steps: [{ review: { verdict: 'approve', body: 'Good.', comments: [] } }] },
      ...WORKING,
    ],
  },
  hello: { merge: 'self', gates: { checks: 'none', review: 'required' } },
  agents: [
    { name: 'bea', role: 'implementer', driver: 'scripted', lanes: ['backend'] },
    { name: 'theo', role: 'tester', driver: 'scripted', lanes: ['quality'] },
    { name: 'boss', role: 'conductor', driver: 'scripted', mode: 'chat' },
    { name: 'audra', role: 'reviewer', driver: 'scripted', github: { token: '${SUSAN_GITHUB_TOKEN}' } },
  ],
  timers: { reconcileMaxSeconds: 2 },
});
place.world.github.protect('acme/hello', 'main', null);
after(() => place.close());

const item = (key: string, more: Data = {}): Data => ({
  key,
  title: `Do ${key}`,
  body: `What ${key} asks for.`,
  kind: 'implement',
  dependsOn: [],
  repo: 'acme/hello',
  base: 'main',
  deliver: 'pull_request',
  gates: { checks: 'none', review: 'none' },
  merge: 'people',
  ...more,
});
const begin = (name: string, items: Data[], more: Data = {}): Promise<Receipt> =>
  place.send(`mission/${name}`, 'open', { objective: `Bring ${name} to its end`, items, ...more });
/** What the mission shows of one of its items, as JSON. */
async function shownOf(mission: string, key: string): Promise<string> {
  const { context } = await place.show(`mission/${mission}`);
  const items = context['items'] as { spec: { key: string } }[];
  return JSON.stringify(items.find(({ spec }) => spec.key === key));
}

describe('a mission', () => {
  test('T1: a ready item is given to one agent, once, with what it asks for', async () => {
    assert.equal((await begin('t1', [item('hello'), item('later', { dependsOn: ['hello'] })])).outcome, 'taken');
    const session = 'session/t1-hello';
    await place.until(session, 'its pull request', (it) => open(it)['pull'] === 'open' && isIdle(it));

    const runs = await place.runs(session);
    assert.deepEqual(
      runs.map(({ agent }) => agent),
      ['agent/bea'],
      'T2: implementing is no tester’s work',
    );
    assert.ok(runs[0]!.prompt.includes('What hello asks for.'));
    const offers = (await place.history('agent/bea')).filter(
      ({ type, data }) => type === 'run.offered' && data['session'] === session,
    );
    assert.equal(offers.length, 1);
    const later = await place.show('session/t1-later');
    assert.equal(open(later)['start'], 'held');
    assert.equal(later.waitingOn[0]?.gate, 'dependency');
    assert.equal((await place.show('mission/t1#hello')).address, session);
    assert.equal((await place.send('mission/t1', 'correct.stop', { force: true })).outcome, 'taken');
    await place.until('mission/t1', 'its end', (it) => it.phase === 'cancelled');
  });

  test('T4: a review goes to a reviewer, whatever the item says of its lane', { skip: skipLong }, async () => {
    const opened = await place.send('session/t4', 'open', {
      title: 'A backend matter',
      body: '',
      source: { kind: 'manual' },
      repo: 'acme/hello',
      base: 'main',
      kind: 'implement',
      deliver: 'pull_request',
      lane: 'backend',
      gates: { checks: 'none', review: 'required' },
      merge: 'people',
    });
    assert.equal(opened.outcome, 'taken', JSON.stringify(opened));
    const shown = await place.until('session/t4', 'its approval', (it) => open(it)['review'] === 'approved');
    const { number } = shown.context['pull'] as { number: number };
    const verdicts = await place.runs(`session/review-default-acme-hello-${number}`);
    assert.deepEqual(
      verdicts.map(({ agent }) => agent),
      ['agent/audra'],
    );
  });

  test('a mission of reports completes in the order of its dependencies', async () => {
    const report = { deliver: 'report', title: 'A report' };
    await begin('reports', [item('last', { ...report, dependsOn: ['first'] }), item('first', report)]);
    await place.until('mission/reports', 'its end', (it) => it.phase === 'completed');
    const [first, last] = [await place.show('session/reports-first'), await place.show('session/reports-last')];
    assert.equal(first.phase, 'done');
    assert.equal(last.phase, 'done');
    const { entries } = await place.ask<{ entries: { actor: string; type: string }[] }>('history', {
      actor: 'mission/reports',
      items: true,
      limit: 5_000,
    });
    const ended = entries.filter(({ type }) => type === 'run.ended').map(({ actor }) => actor);
    assert.deepEqual(ended, ['session/reports-first', 'session/reports-last']);
  });

  test('a circle, an unknown dependency and a key twice are refused, and nothing comes to be', async () => {
    const wrong: [Data[], RegExp][] = [
      [[item('a', { dependsOn: ['b'] }), item('b', { dependsOn: ['a'] })], /a.*b.*a|b.*a.*b/],
      [[item('a', { dependsOn: ['zed'] })], /zed/],
      [[item('a'), item('a')], /\ba\b/],
    ];
    for (const [items, names] of wrong) {
      const receipt = await begin('wrong', items);
      assert.equal(receipt.outcome, 'refused', JSON.stringify(receipt));
      assert.equal(receipt.code, 'guard');
      assert.match(receipt.reason ?? '', names);
    }
    assert.equal((await place.http('show', { actor: 'mission/wrong' })).status, 404);
    assert.equal((await place.http('show', { actor: 'session/wrong-a' })).status, 404);
  });

  test('T20, T25: a correction to what is not there, or to nobody, fails itself alone', async () => {
    await begin('t20', [item('only', { title: 'held up' })]);
    await place.until('session/t20-only', 'a run', (it) => open(it)['work'] === 'running');
    const was = await place.show('session/t20-only');
    const bad = [
      await place.http('send', letter('mission/t20#none', 'correct.reassign', { to: 'agent/bea' })),
      await place.http('send', letter('mission/none#only', 'correct.reassign', { to: 'agent/bea' })),
      await place.http('send', letter('mission/t20#only', 'correct.reassign', { to: 'agent/nobody' })),
      await place.http('send', letter('mission/t20#only', 'correct.obligation.drop', { id: 'none' })),
      await place.http('send', letter('mission/t20', 'correct.item.remove', { item: 'none', dependants: 'free' })),
    ];
    for (const [index, { status, body }] of bad.entries()) {
      const refused = status === 404 || ['refused', 'unknown'].includes(String(body['outcome']));
      assert.ok(refused, `${index}: ${status} ${JSON.stringify(body)}`);
      assert.match(String(body['reason'] ?? body['error']), /none|nobody|with that id/);
    }
    assert.deepEqual(await place.show('session/t20-only'), was);
    await place.send('mission/t20', 'correct.stop', { force: true });
    await place.until('mission/t20', 'its end', (it) => it.phase === 'cancelled');
    await place.until('agent/bea', 'rest', (it) => it.phase === 'asleep');
  });

  test('L: paused, it dispatches nothing; resumed, it goes on', { skip: skipLong }, async () => {
    await begin('paused', [
      item('first', { deliver: 'report', title: 'A report' }),
      item('next', { deliver: 'report', title: 'A report', dependsOn: ['first'] }),
    ]);
    assert.equal((await place.send('mission/paused', 'correct.pause')).outcome, 'taken');
    await place.until('session/paused-next', 'its hold', (it) => open(it)['start'] === 'held');
    const told = await place.send('mission/paused', 'fyi', { text: 'There is no hurry.' });
    assert.equal(told.outcome, 'recorded', 'J: a word that corrects nothing is kept');
    assert.equal((await place.send('mission/paused', 'correct.resume')).outcome, 'taken');
    await place.until('mission/paused', 'its end', (it) => it.phase === 'completed');
    const [run] = await place.runs('session/paused-next');
    assert.ok(run!.prompt.includes('There is no hurry.'), `J: it reaches the work: ${run!.prompt}`);
  });

  test('the wrong lane: handed back, moved by one correction, owner shown at once, ended with its pull request', async () => {
    assert.equal((await place.send('agent/bea', 'correct.pause')).outcome, 'taken');
    await begin('story', [item('lane', { title: 'wrong lane', pin: 'agent/theo', merge: 'self' })]);
    const session = 'session/story-lane';
    const back = await place.until(
      session,
      'it is handed back',
      (it) => it.owner === null && JSON.stringify(it.waitingOn).includes('theo'),
    );
    assert.equal(open(back)['work'], 'unassigned');
    assert.equal(open(back)['review'], 'notWanted', 'no review is asked for before there is a pull request');
    assert.deepEqual(
      (await place.runs(session)).map(({ agent }) => agent),
      ['agent/theo'],
    );

    const preview = await place.cli('correct', 'mission/story#lane', 'reassign', '--to', 'agent/bea', '--dry-run');
    assert.equal(preview.exit, 0, preview.out + preview.err);
    const moved = await place.send('mission/story#lane', 'correct.reassign', {
      to: 'agent/bea',
      reason: 'the tester was the wrong lane',
    });
    assert.equal(moved.outcome, 'taken');
    assert.equal(moved.actor, session);
    assert.equal((await place.show(session)).owner, 'agent/bea', 'shown at once, though it cannot begin yet');
    assert.equal((await place.send('agent/bea', 'fyi', { text: 'open the PR' })).outcome, 'recorded');
    await place.eventually('the owner in the mission', async () =>
      (await shownOf('story', 'lane')).includes('"owner":"agent/bea"') ? true : undefined,
    );
    assert.equal((await place.send('agent/bea', 'correct.resume')).outcome, 'taken');

    await place.until('mission/story', 'its end', (it) => it.phase === 'completed');
    assert.equal((await place.show(session)).phase, 'done');
    assert.deepEqual(
      (await place.runs(session)).map(({ agent }) => agent),
      ['agent/theo', 'agent/bea'],
    );
    const { context } = await place.show('agent/theo');
    assert.equal(context['run'] ?? null, null, 'the one who handed back has nothing of it left');
  });

  test(
    'F: after a correction in mid-run the earlier owner’s late word changes nothing',
    { skip: skipLong },
    async () => {
      await place.cli('hire', 'ben', '--role', 'implementer', '--driver', 'scripted');
      await begin('moved', [item('only', { title: 'held up', pin: 'agent/ben' })]);
      const session = 'session/moved-only';
      const running = await place.until(
        session,
        'a run',
        (it) => open(it)['work'] === 'running' && it.owner === 'agent/ben',
      );
      const moved = await place.send(session, 'correct.reassign', { to: 'agent/bea' }, { expectepoch: running.epoch });
      assert.equal(moved.outcome, 'taken');
      assert.ok(moved.epoch! > running.epoch!);
      const stale = await place.send(session, 'correct.reassign', { to: 'agent/ben' }, { expectepoch: running.epoch });
      assert.equal(stale.outcome, 'superseded');

      const shown = await place.until(session, 'its pull request', (it) => open(it)['pull'] === 'open' && isIdle(it));
      assert.equal(shown.owner, 'agent/bea');
      await place.until('agent/ben', 'rest', (it) => it.phase === 'asleep');
      assert.deepEqual(
        (await place.runs(session)).map(({ agent }) => agent),
        ['agent/ben', 'agent/bea'],
      );
      await place.send('mission/moved', 'correct.stop', { force: true });
    },
  );

  test(
    'a conductor agent moves what nobody can, by its corrections alone: a wrong one fails itself, people’s are denied',
    { skip: skipLong },
    async () => {
      const onTheMoon = item('only', { deliver: 'report', title: 'A report', lane: 'moon' });
      await begin('led', [onTheMoon], { conductor: 'agent/boss' });
      await place.until('mission/led', 'its end', (it) => it.phase === 'completed');
      const runs = await place.runs('session/led-only');
      assert.deepEqual(
        runs.map(({ agent }) => agent),
        ['agent/bea'],
      );
      const answered = await place.eventually('the answer', async () =>
        (await place.history('mission/led')).find(({ type }) => type === 'query.answered'),
      );
      assert.deepEqual([answered.data['text'], answered.data['late']], ['Given to bea.', false]);
      const moved = (await place.history('session/led-only')).filter(({ type }) => type === 'correct.reassign');
      assert.deepEqual(
        moved.map(({ envelope, data }) => [envelope.source, data['to'], data['reason']]),
        [['agent/boss', 'agent/bea', 'she can']],
        'what was wrong, and what was only looked at, is no step',
      );
      const { actions } = await place.ask<{ actions: Data[] }>('audit', { agent: 'agent/boss' });
      assert.deepEqual(
        actions.map(({ action, actor, allowed, outcome }) => [action, actor, allowed, outcome]),
        [
          ['correct.close', ITEM, false, `the role conductor may not correct.close ${ITEM}`],
          ['correct.reassign', ITEM, true, 'refused'],
          ['correct.stop', 'mission/led', false, 'the role conductor may not correct.stop mission/led'],
          ['correct.reassign', ITEM, true, 'taken'],
          ['correct.reassign', ITEM, true, 'taken'],
        ],
      );
    },
  );

  test(
    'a conductor agent that does not answer holds nothing: its question ends, and a person moves the work',
    { skip: skipLong },
    async () => {
      const onTheMoon = item('only', { deliver: 'report', title: 'A report, slow', lane: 'moon' });
      await begin('slow', [onTheMoon], { conductor: 'agent/boss', policy: { help: { base: 1, max: 3_600 } } });
      const answered = await place.eventually('the end of its question', async () =>
        (await place.history('mission/slow')).find(({ type }) => type === 'query.answered'),
      );
      assert.deepEqual([answered.data['text'], answered.data['late']], [null, true]);
      assert.equal((await place.send('session/slow-only', 'correct.reassign', { to: 'agent/bea' })).outcome, 'taken');
      await place.until('mission/slow', 'its end', (it) => it.phase === 'completed');
      assert.equal((await place.send('agent/boss', 'correct.stop')).outcome, 'taken');
      await place.until('agent/boss', 'its end', (it) => it.phase === 'stopped');
    },
  );

  test('a file starts one from the command line', async () => {
    const file = path.join(place.world.data, '..', 'mission.json');
    await writeFile(
      file,
      JSON.stringify({
        kind: 'mission',
        id: 'filed',
        objective: 'From a file',
        items: [{ key: 'one', title: 'A report', kind: 'docs', repo: 'acme/hello', deliver: 'report' }],
      }),
    );
    const { exit, out, err } = await place.cli('mission', 'start', '--file', file);
    assert.equal(exit, 0, out + err);
    await place.until('mission/filed', 'its end', (it) => it.phase === 'completed');
  });
});

const letter = (subject: string, type: string, data: Data): Data => ({
  specversion: '1.0',
  id: `${subject} ${type} ${JSON.stringify(data)}`,
  source: 'cli/maintainer',
  type,
  subject,
  data,
});
