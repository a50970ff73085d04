/**
 * The deadlock that typed corrections are there to make impossible: an implementation was given to the reviewer, who hands
 * it back; whoever moves it to the worker, in whatever words, the mission shows the worker as its owner at once, waits on
 * nothing stale, and ends with the pull request. Played for every wording, with the reviewer idle, busy, gone, never hired.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { item, itemOf, openStage } from './stage.ts';
import type { Stage } from './stage.ts';

const MISSION = 'mission/town';
const LANE = `${MISSION}#lane`;
const SESSION = 'session/town-lane';
const WHY = 'the reviewer was the wrong lane';

/** How the item comes to the worker. */
const WORDINGS: Record<string, (stage: Stage) => Promise<unknown>> = {
  'a correction to the mission’s item': (stage) =>
    taken(stage.send(LANE, 'correct.reassign', { to: 'agent/backend', reason: WHY })),
  'the same, by mail': (stage) =>
    taken(stage.send(LANE, 'correct.reassign', { to: 'agent/backend', reason: WHY }, { door: 'mail' })),
  'a correction to the session': (stage) =>
    taken(stage.send(SESSION, 'correct.reassign', { to: 'agent/backend', reason: WHY }, { door: 'POST /api/send' })),
  'a correction that fences the epoch': async (stage) => {
    const { epoch } = await stage.show(SESSION);
    await taken(stage.send(LANE, 'correct.reassign', { to: 'agent/backend' }, { expectepoch: epoch }));
  },
  'the worker who says that it is at work': (stage) =>
    taken(stage.send(LANE, 'correct.adopt', { agent: 'agent/backend', reason: 'I have it already' })),
};

/** What the reviewer is doing meanwhile, from before the correction on. */
const REVIEWERS: Record<string, { before?: (stage: Stage) => Promise<void>; after?: (stage: Stage) => Promise<void> }> =
  {
    idle: { before: handedBack },
    busy: {
      before: handedBack,
      async after(stage) {
        await stage.hire('other', 'tester');
        await stage.send('session/else', 'open', {
          ...session('Something else'),
          kind: 'test',
          gates: { checks: 'none', review: 'required' },
        });
        await stage.pull('session/else');
        await stage.finish('agent/other');
        assert.equal(stage.running('agent/susan')?.for, 'verdict', 'the reviewer is at another review');
      },
    },
    gone: {
      before: handedBack,
      after: (stage) => taken(stage.send('agent/susan', 'correct.offboard')),
    },
    'stopped in mid-run': {
      async before(stage) {
        await stage.hire('susan', 'reviewer');
        await taken(stage.send(LANE, 'correct.reassign', { to: 'agent/susan' }));
        await taken(stage.send('agent/susan', 'correct.stop'));
        // So long her return is waited for.
        await stage.wait(70);
      },
    },
    'never hired': {},
  };

const session = (title: string) => {
  const { key: _key, dependsOn: _on, ...brief } = item('x');
  return { ...brief, title, source: { kind: 'manual' } };
};

/** The reviewer was given the implementation by mistake, began it and handed it back. */
async function handedBack(stage: Stage): Promise<void> {
  await stage.hire('susan', 'reviewer');
  await taken(stage.send(LANE, 'correct.reassign', { to: 'agent/susan', reason: 'a mistake' }));
  assert.equal(stage.running('agent/susan')?.session, SESSION);
  assert.equal((await itemOf(stage, MISSION, 'lane')).picture?.owner, 'agent/susan');
  await stage.finish('agent/susan', { handedBack: 'this is not reviewer work' });
}

async function taken(sending: ReturnType<Stage['send']>): Promise<void> {
  const receipt = await sending;
  assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
}

/** The mission's picture and the session itself say the same. */
async function agree(stage: Stage): Promise<void> {
  const { picture } = await itemOf(stage, MISSION, 'lane');
  const { owner, epoch, waitingOn } = await stage.show(SESSION);
  assert.deepEqual([picture?.owner, picture?.epoch], [owner, epoch]);
  assert.deepEqual(picture?.waitingOn, waitingOn);
}

for (const [reviewer, { before, after }] of Object.entries(REVIEWERS))
  describe(`with the reviewer ${reviewer}`, () => {
    for (const [wording, move] of Object.entries(WORDINGS))
      test(`moved by ${wording}, the item is the worker’s at once and ends with its pull request`, async () => {
        const stage = await openStage();
        try {
          await taken(
            stage.send(MISSION, 'open', {
              objective: 'Put it in the right lane',
              conductor: 'person/connie',
              items: [item('lane')],
            }),
          );
          await before?.(stage);
          await after?.(stage);
          const stuck = await stage.show(MISSION);
          assert.deepEqual(
            stuck.waitingOn.map(({ gate, on }) => [gate, on]),
            [['agent', null]],
            'nobody who could do it is hired, and no review is waited for',
          );
          assert.match(stuck.waitingOn[0]!.detail, /implementer/);
          assert.equal(stage.pleas().length >= 1, true, 'help is asked at once');
          await agree(stage);

          await taken(stage.send('dispatcher/main', 'correct.pause'));
          await stage.hire('backend', 'implementer');
          const { epoch } = await stage.show(SESSION);
          await move(stage);
          const moved = await itemOf(stage, MISSION, 'lane');
          assert.equal(moved.picture?.owner, 'agent/backend', 'at once, though nothing is handed out yet');
          assert.ok(moved.picture.epoch >= epoch!);
          await agree(stage);
          const asked = stage.pleas().length;
          await taken(stage.send('dispatcher/main', 'correct.resume'));

          const begun = stage.running('agent/backend');
          assert.equal(begun?.session, SESSION);
          const nudge = await stage.send('agent/backend', 'fyi', { text: 'open the pull request' });
          assert.equal(nudge.outcome, 'recorded');
          const busy = await stage.show(MISSION);
          assert.deepEqual(
            busy.waitingOn.map(({ gate, on }) => [gate, on]),
            [['agent', 'agent/backend']],
            'on nothing stale',
          );
          await agree(stage);
          await stage.wait(240);
          assert.equal(stage.pleas().length, asked, 'nobody is asked about what is being done');

          await stage.pull(SESSION);
          await stage.finish('agent/backend', { summary: 'Opened the pull request.' });
          assert.equal((await itemOf(stage, MISSION, 'lane')).state, 'inReview');
          await agree(stage);
          await stage.pull(SESSION, { merged: true });
          const done = await stage.show(MISSION);
          assert.equal(done.phase, 'completed', JSON.stringify(done.waitingOn));
          const owners = (await stage.history(SESSION)).map(({ owner }) => owner);
          assert.equal(owners.at(-1), 'agent/backend');
          const corrections = (await stage.history(MISSION, { items: true })).filter(({ type }) =>
            type.startsWith('correct.'),
          );
          assert.equal(corrections.at(-1)?.envelope.source, 'cli/maintainer');
        } finally {
          await stage.stop();
        }
      });
  });
