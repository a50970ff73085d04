/** A person takes the work over by hand and hands it back; and which conversation a run goes on with. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { sessionDefinition } from '../../machines/session/index.ts';
import { H1, H2, USAGE, end, engage, prepared, pull, verified, work, work1 } from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

const ALICE = { source: 'cli/alice' };

function running(conversation = 'c1'): Play {
  const session = play();
  session.send('open', work());
  talking(session, conversation);
  return session;
}

/** From want to a run with a conversation. */
function talking(session: Play, conversation: string, { agent = 'agent/ada', head = H1 } = {}): void {
  const epoch = engage(session, agent);
  prepared(session, head);
  session.send('run.started', { driver: 'codex', conversation }, { epoch, source: agent });
}

const released = (session: Play, over: Record<string, unknown> = {}): unknown =>
  session.send('run.released', { epoch: session.context().unreleased[0]!.epoch, usage: USAGE, ...over });

/** The run ends well; its conversation fills so much of its window. */
function filled(session: Play, used: number): void {
  const { epoch } = session.context();
  session.send('run.ended', { outcome: 'completed' }, { epoch });
  session.send('run.released', { epoch, usage: { ...USAGE, context: { used, window: 200_000 } } });
}

const projected = (session: Play) => sessionDefinition.project(session.live()!.view as never);

/** What the next run by this agent is begun with. */
function nextBegun(session: Play, { agent = 'agent/ada', head = H1 } = {}): Record<string, unknown> {
  engage(session, agent);
  prepared(session, head);
  return session.told('run.begun')[0]!.data;
}

test('taken over by hand the run ends without an attempt, and the work is the person’s under a new epoch', () => {
  const session = running();
  const { epoch } = session.context();
  session.send('correct.takeover', { reason: 'I see it' }, ALICE);
  assert.equal(session.told('run.cancelled')[0]?.data['epoch'], epoch);
  assert.deepEqual([projected(session).owner, projected(session).epoch], ['person/alice', epoch + 1]);
  assert.equal(session.phase(), 'paused');
  const wait = session.waitingOn().find(({ on }) => on === 'person/alice');
  assert.deepEqual([wait?.gate, wait?.detail], ['paused', 'person/alice works on it by hand: I see it']);
  released(session);
  assert.equal(session.context().attempts.implement, 0);
  assert.equal(session.told('work.wanted').length, 0, 'no run begins');
});

test('a late word of the run that was taken over changes nothing', () => {
  const session = running();
  const { epoch } = session.context();
  session.send('correct.takeover', {}, ALICE);
  assert.equal(session.offer('run.ended', { outcome: 'completed' }, { epoch }).outcome, 'superseded');
});

test('handed back the next run goes on in the worktree and in the conversation, and is told so', () => {
  const session = running();
  session.send('correct.takeover', {}, ALICE);
  released(session);
  session.send('correct.handback', { note: 'Only the tests are missing.' }, ALICE);
  assert.equal(session.told('work.wanted').length, 1);
  assert.equal(projected(session).owner, null);
  engage(session);
  assert.equal(session.acts('worktree.prepare')[0]?.params['keep'], true);
  prepared(session, H2);
  const { data } = session.told('run.begun')[0]!;
  assert.equal(data['conversation'], 'c1');
  const { changes } = data['prompt'] as { changes: { author: string; text: string }[] };
  assert.equal(changes[0]?.author, 'person/alice');
  assert.match(changes[0].text, /by hand .*Only the tests are missing\./);
});

test('what a person committed by hand counts as moved by the run after it', () => {
  const session = running();
  session.send('correct.takeover', {}, ALICE);
  released(session);
  session.send('correct.handback', {}, ALICE);
  talking(session, 'c1', { head: H2 });
  end(session);
  assert.equal(session.acts('run.verify')[0]?.params['headBefore'], H1);
});

test('handed back, what was parked and counted before counts no more', () => {
  const session = running();
  session.send('correct.stop', {});
  released(session);
  session.send('correct.takeover', {}, ALICE);
  session.send('correct.handback', {}, ALICE);
  assert.equal(session.context().obligations[0]?.parked, null);
  assert.equal(session.told('work.wanted').length, 1);
});

test('a note with work that owes nothing is owed an answer; without one nothing begins', () => {
  const delivered = (): Play => {
    const session = play();
    session.send('open', work());
    work1(session, { headAfter: H2, pull: 7 });
    session.send('pull.observed', pull());
    session.send('correct.takeover', {}, ALICE);
    return session;
  };
  const silent = delivered();
  silent.send('correct.handback', {}, ALICE);
  assert.deepEqual(silent.context().obligations, []);
  const asking = delivered();
  asking.send('correct.handback', { note: 'Push what I left.' }, ALICE);
  assert.deepEqual(
    asking.context().obligations.map(({ kind, voice }) => [kind, voice?.author, voice?.text]),
    [['answer', 'person/alice', 'Push what I left.']],
  );
});

test('paused meanwhile, it is paused when it is handed back', () => {
  const session = running();
  session.send('correct.takeover', {}, ALICE);
  session.send('correct.pause', {});
  assert.equal(session.regions()['hold'], 'taken');
  released(session);
  session.send('correct.handback', {}, ALICE);
  assert.equal(session.regions()['hold'], 'paused');
  assert.equal(session.told('work.wanted').length, 0);
  session.send('correct.resume', {});
  assert.equal(session.told('work.wanted').length, 1);
});

test('given to an agent while a person has it, it is that agent’s when it is handed back', () => {
  const session = running();
  session.send('correct.takeover', {}, ALICE);
  released(session);
  session.send('correct.reassign', { to: 'agent/ben' });
  assert.equal(projected(session).owner, 'person/alice');
  session.send('correct.handback', {}, ALICE);
  assert.equal(projected(session).owner, 'agent/ben');
});

test('handing back what nobody has is recorded, also at a final session', () => {
  const session = running();
  assert.equal(session.offer('correct.handback', {}).outcome, 'recorded');
  session.send('correct.close', { outcome: 'done' });
  assert.equal(session.offer('correct.handback', {}).outcome, 'recorded');
  assert.equal(session.offer('correct.takeover', {}).outcome, 'refused');
});

test('a run that was cut off is gone on with in its own conversation', () => {
  for (const cut of [
    (session: Play) => {
      session.send('run.ended', { outcome: 'interrupted' }, { epoch: session.context().epoch });
      released(session);
    },
    (session: Play) => {
      const { epoch } = session.context();
      session.send('run.released', { epoch, usage: USAGE });
      session.send('agent.gone', { class: 'crash', reason: 'SIGKILL' }, { epoch });
      session.fire('backoff');
    },
  ]) {
    const session = running();
    cut(session);
    assert.equal(nextBegun(session)['conversation'], 'c1');
  }
});

test('a conversation that runs are lost with again and again is not gone on with, but named', () => {
  const session = running();
  for (let n = 0; n < 3; n++) {
    if (n > 0) talking(session, 'c1');
    const { epoch } = session.context();
    session.send('run.released', { epoch, usage: USAGE });
    session.send('agent.gone', { class: 'crash', reason: 'SIGKILL' }, { epoch });
    session.fire('backoff');
  }
  assert.equal(nextBegun(session)['conversation'], undefined);
  assert.equal(session.context().run?.parent, 'c1');
});

test('a conversation that has grown too long is followed by a fresh one that names it', () => {
  const session = running();
  filled(session, 180_000);
  verified(session, { headAfter: H2, pull: 7 });
  session.send('say', { text: 'And in French?' });
  assert.equal(nextBegun(session)['conversation'], undefined);
  const epoch = session.context().run!.epoch;
  session.send('run.started', { driver: 'codex', conversation: 'c2' }, { epoch });
  const { id, parent } = session.context().conversation!;
  assert.deepEqual([id, parent], ['c2', 'c1']);
});

test('a conversation with room in its window goes on', () => {
  const session = running();
  filled(session, 20_000);
  verified(session, { headAfter: H2, pull: 7 });
  session.send('say', { text: 'And in French?' });
  assert.equal(nextBegun(session)['conversation'], 'c1');
});

test('an agent that could not go on with its conversation has begun another in its place', () => {
  const session = running();
  session.send('run.ended', { outcome: 'interrupted' }, { epoch: session.context().epoch });
  released(session);
  talking(session, 'c2');
  assert.equal(session.context().conversation?.parent, 'c1');
});

test('given to another agent, the prompt passes on what the one before said last', () => {
  const session = running();
  session.send('correct.reassign', { to: 'agent/ben' });
  released(session, { summary: 'The parser is done, the printer is not.' });
  const begun = nextBegun(session, { agent: 'agent/ben' });
  assert.equal(begun['conversation'], undefined, 'a conversation is one agent’s');
  const { earlier } = begun['prompt'] as { earlier: Record<string, unknown>[] };
  assert.deepEqual(
    [earlier[0]?.['agent'], earlier[0]?.['summary']],
    ['agent/ada', 'The parser is done, the printer is not.'],
  );
});

test('what an earlier run had not published is named to the next', () => {
  const session = running();
  session.send('correct.pause', {});
  released(session);
  session.send('correct.resume', {});
  const epoch = engage(session);
  const answer = { path: '/w', branch: session.context().branch, head: H1, rescued: 'rescue/eng-42/2' };
  session.send('worktree.prepared', answer, { wish: { epoch } });
  const { changes } = session.told('run.begun')[0]!.data['prompt'] as { changes: { text: string }[] };
  assert.match(changes.at(-1)!.text, /rescue\/eng-42\/2/);
});
