/** Agents as employees and chats as whoever writes to them sees them, on the machines alone: given, event, expected. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Receipt } from '../../src/actor/receipt.ts';
import { createFakeClock } from '../../src/clock.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import type { Data, Shown } from './place.ts';
import { openStage, reportOf } from './stage.ts';
import type { Stage, StageOptions } from './stage.ts';
import { open } from './work.ts';

let stage: Stage;
beforeEach(async () => void (stage = await openStage()));
afterEach(() => stage.stop());

const CHAT = { mode: 'chat' };
const REPO = 'acme/hello';
interface Letter {
  text: string;
  state: string;
  answer: string | null;
  why: string | null;
}

async function taken(sending: Promise<Receipt>): Promise<Receipt> {
  const receipt = await sending;
  assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
  return receipt;
}
const refused = async (sending: Promise<Receipt>, code: string): Promise<string> => {
  const receipt = await sending;
  assert.deepEqual([receipt.outcome, receipt.code], ['refused', code], JSON.stringify(receipt));
  return receipt.reason ?? '';
};
/** A piece of work that is done when its report is there. */
const work = (id: string, more: Data = {}): Promise<Receipt> =>
  taken(stage.send(`session/${id}`, 'open', reportOf(`Do ${id}`, more)));
const phase = async (actor: string): Promise<string> => (await stage.show(actor)).phase;
const letters = ({ context }: Shown): string[] =>
  (context['mail'] as Letter[]).map(({ text, state, answer }) => `${text}: ${state} ${answer}`);
const mail = async (agent: string): Promise<string[]> => letters(await stage.show(agent));
const say = (agent: string, text: string, more: Data = {}): Promise<Receipt> =>
  taken(stage.send(agent, 'say', { text }, more));
const starts = async (agent: string): Promise<number> =>
  (await stage.history(agent)).filter(({ type }) => type === 'driver.started').length;
const subscribe = (agent: string, repo = REPO): Promise<Receipt> => stage.send(agent, 'correct.subscribe', { repo });
const pulls = (agent: string, number: number, head: string): Promise<Receipt> =>
  stage.send(agent, 'pulls.observed', {
    repo: REPO,
    pulls: [{ number, head, author: 'somebody', draft: false, state: 'open' }],
  });
const verdict = (head: string): Data => ({ verdict: { head, verdict: 'comment', body: 'Seen.', comments: [] } });

/** A pull request that a run of ours opened; nobody is asked to review it. */
async function pullRequest(): Promise<{ number: number; head: string }> {
  await stage.hire('author', 'implementer', { user: 'author' });
  await work('s', { kind: 'implement', deliver: 'pull_request', user: 'author', merge: 'people' });
  const pull = await stage.pull('session/s');
  await stage.finish('agent/author', { summary: 'Opened it.' });
  return pull;
}

describe('who watches a repository', () => {
  test('A8: two users watch one repository; each reviews once, and the one that stays is not touched by the other’s end', async () => {
    const { number, head } = await pullRequest();
    for (const [name, user] of [
      ['ann', 'u1'],
      ['cleo', 'u2'],
    ] as const) {
      await stage.hire(name, 'reviewer', { user });
      await taken(subscribe(`agent/${name}`));
      await pulls(`agent/${name}`, number, head);
      assert.equal(stage.running(`agent/${name}`)?.session, `session/review-${user}-acme-hello-${number}`);
      await stage.finish(`agent/${name}`, verdict(head));
    }
    const before = await stage.show('agent/cleo');
    await taken(stage.send('agent/ann', 'correct.offboard'));
    assert.equal(await phase('agent/ann'), 'offboarded');
    assert.deepEqual(await stage.show('agent/cleo'), before, 'not one byte');
    assert.deepEqual(before.claims, [`subscription:u2:${REPO}`]);

    const { head: next } = await stage.pull('session/s', { head: '9999999ccccccc' });
    await pulls('agent/cleo', number, next);
    await stage.finish('agent/cleo', verdict(next));
    const reviews = await Promise.all(
      ['ann', 'cleo'].map(async (agent) => (await stage.ask<{ reviews: Data[] }>('audit', { agent })).reviews),
    );
    assert.deepEqual(
      reviews.map((of) => of.map((review) => [review['number'], review['head']])),
      [
        [[number, head]],
        [
          [number, head],
          [number, next],
        ],
      ],
    );
  });

  test('A9: offboarded in mid-review, its late verdict changes nothing; the next reviewer gives the one verdict there is', async () => {
    const { number, head } = await pullRequest();
    await stage.hire('ann', 'reviewer');
    await taken(subscribe('agent/ann'));
    await pulls('agent/ann', number, head);
    const review = stage.running('agent/ann')!.session;
    const { epoch } = await stage.show(review);
    await taken(stage.send('agent/ann', 'correct.offboard', { reason: 'left us' }));
    assert.equal(await phase('agent/ann'), 'offboarded');
    assert.equal((await stage.show(review)).owner, null);
    const late = await stage.send(
      review,
      'run.ended',
      { outcome: 'completed', ...verdict(head) },
      { source: 'agent/ann', expectepoch: epoch },
    );
    assert.notEqual(
      late.outcome,
      'taken',
      'nobody speaks for an agent from outside, least of all for one that is gone',
    );
    const fenced = await stage.send(
      review,
      'run.ended',
      { outcome: 'completed', ...verdict(head) },
      { expectepoch: epoch },
    );
    assert.equal(fenced.outcome, 'superseded');
    const { letters: dead } = await stage.ask<{ letters: { receipt: Receipt }[] }>('dead', { actor: review });
    assert.ok(
      dead.some(({ receipt }) => receipt.id === fenced.id),
      'recorded as late',
    );

    await stage.hire('berta', 'reviewer');
    assert.equal(stage.running('agent/berta')?.session, review);
    await stage.finish('agent/berta', verdict(head));
    const audits = await Promise.all(
      ['ann', 'berta'].map(async (agent) => (await stage.ask<{ reviews: Data[] }>('audit', { agent })).reviews.length),
    );
    assert.deepEqual(audits, [0, 1]);
  });

  test('a stopped holder lets go and remembers; what somebody else took meanwhile is listed, and is its own again when free', async () => {
    await stage.hire('ann', 'reviewer');
    await stage.hire('berta', 'reviewer');
    await taken(subscribe('agent/ann'));
    await taken(subscribe('agent/ann', 'acme/other'));
    await taken(stage.send('agent/ann', 'correct.stop'));
    await taken(subscribe('agent/berta'));
    await taken(stage.send('agent/ann', 'correct.resume'));
    const back = await stage.show('agent/ann');
    assert.deepEqual(back.claims, ['subscription:default:acme/other']);
    assert.deepEqual(
      (back.context['subscriptions'] as Data[]).map(({ repo, takenBy }) => [repo, takenBy]),
      [
        [REPO, 'agent/berta'],
        ['acme/other', null],
      ],
    );
    await taken(stage.send('agent/berta', 'correct.unsubscribe', { repo: ` ${REPO.toUpperCase()} ` }));
    await taken(subscribe('agent/ann'));
    assert.equal((await stage.show('agent/ann')).claims.length, 2);
  });

  test('a chat that reviews lets go when it is archived and claims again when it is restored; a crashed one keeps it', async () => {
    await stage.hire('eve', 'reviewer', CHAT);
    await taken(subscribe('agent/eve'));
    await stage.hire('berta', 'reviewer');
    assert.match(await refused(subscribe('agent/berta'), 'claim'), /agent\/eve/);
    await say('agent/eve', 'hello');
    for (let times = 0; times < 3; times++) await stage.crash('agent/eve');
    assert.equal(await phase('agent/eve'), 'coolingDown');
    assert.ok((await stage.show('agent/eve')).waitingOn.some(({ detail }) => detail === `${REPO} is unwatched`));
    assert.match(await refused(subscribe('agent/berta'), 'claim'), /agent\/eve/);
    await taken(stage.send('agent/eve', 'correct.archive'));
    await taken(subscribe('agent/berta'));
    await taken(stage.send('agent/eve', 'correct.restore'));
    assert.deepEqual((await stage.show('agent/eve')).claims, []);
    await refused(subscribe('agent/eve'), 'claim');
  });

  test('nobody subscribes who does not review, is leaving or has left, and an unsubscribe of nothing is recorded', async () => {
    await stage.hire('ivan', 'implementer');
    assert.match(await refused(subscribe('agent/ivan'), 'guard'), /does not review/);
    await stage.hire('ann', 'reviewer');
    assert.equal((await stage.send('agent/ann', 'correct.unsubscribe', { repo: REPO })).outcome, 'recorded');
    for (const name of ['no repository', `${REPO}.git`, ` ${REPO}.GIT `, `https://github.com/${REPO}`])
      await refused(subscribe('agent/ann', name), 'schema');
    await taken(stage.send('agent/ann', 'correct.offboard'));
    await refused(subscribe('agent/ann'), 'final');
  });
});

describe('who is given work', () => {
  test('a role is known by its aliases; a chat is offered none; what rules each out is said', async () => {
    await stage.hire('eve', 'implementer', CHAT);
    await stage.hire('rita', 'audit');
    assert.deepEqual((await stage.show('agent/rita')).context['role'], 'reviewer');
    await work('s', { kind: 'implement' });
    assert.equal((await stage.show('session/s')).owner, null);
    const why = JSON.stringify(await stage.ask('why', { actor: 'dispatcher/main' }));
    assert.match(why, /agent\/eve/);
    await stage.hire('ivan', 'implement');
    assert.equal(stage.running('agent/ivan')?.session, 'session/s');
    assert.deepEqual(
      await stage.history('agent/eve').then((all) => all.filter(({ type }) => type === 'run.offered')),
      [],
    );
  });

  test('paused it is offered nothing and finishes what it has; drained it stops after that; resumed it goes on', async () => {
    await stage.hire('ada', 'implementer');
    await work('s1');
    await taken(stage.send('agent/ada', 'correct.pause', { reason: 'lunch' }));
    await work('s2');
    assert.equal(stage.running('agent/ada')?.session, 'session/s1');
    await stage.finish('agent/ada', { report: 'done' });
    assert.equal(await phase('session/s1'), 'done');
    assert.equal((await stage.show('session/s2')).owner, null);
    assert.ok(
      (await stage.show('agent/ada')).waitingOn.some(({ detail }) => /paused by cli\/maintainer: lunch/.test(detail)),
    );
    await taken(stage.send('agent/ada', 'correct.resume'));
    assert.equal(stage.running('agent/ada')?.session, 'session/s2');
    await taken(stage.send('agent/ada', 'correct.drain'));
    await work('s3');
    await stage.finish('agent/ada', { report: 'done' });
    assert.deepEqual((await stage.show('agent/ada')).value, { life: 'stopped', door: 'closed' });
    assert.equal((await stage.show('session/s3')).owner, null);
    await stage.wait(3_600);
    assert.equal(await phase('agent/ada'), 'stopped');
    await taken(stage.send('agent/ada', 'correct.restart'));
    assert.equal(stage.running('agent/ada')?.session, 'session/s3');
  });

  test('three crashes in a row rest it until the oldest is forgotten; its work goes to another meanwhile', async () => {
    await stage.hire('ada', 'implementer');
    await work('s');
    for (let times = 0; times < 3; times++) {
      await stage.crash('agent/ada');
      await stage.wait(120);
    }
    const shown = await stage.show('agent/ada');
    assert.equal(shown.phase, 'coolingDown');
    assert.match(shown.waitingOn[0]?.detail ?? '', /3 crashes in 600 s/);
    await stage.hire('berta', 'implementer');
    assert.equal(stage.running('agent/berta')?.session, 'session/s');
    await stage.wait(600);
    assert.equal(await phase('agent/ada'), 'asleep');
    await stage.finish('agent/berta', { report: 'done' });
    assert.equal(await phase('session/s'), 'done');
  });

  test('restarted in mid-run the run is interrupted, which is no attempt; the epoch has moved on', async () => {
    await stage.hire('ada', 'implementer');
    await work('s');
    const { epoch } = await stage.show('session/s');
    await taken(stage.send('agent/ada', 'correct.restart'));
    await stage.wait(120);
    const again = stage.running('agent/ada');
    assert.equal(again?.session, 'session/s');
    assert.equal(again.attempt, 1);
    assert.ok(again.epoch > epoch!);
    await stage.finish('agent/ada', { report: 'done' });
    assert.equal(await phase('session/s'), 'done');
  });

  test('runs of an hour are limited, also by a limit that is set while it works', async () => {
    await stage.hire('ada', 'implementer');
    await work('s1');
    await taken(stage.send('agent/ada', 'correct.limits.set', { runsPerHour: 1 }));
    await work('s2');
    await stage.finish('agent/ada', { report: 'done' });
    const shown = await stage.show('agent/ada');
    assert.equal(shown.phase, 'coolingDown');
    assert.match(shown.waitingOn[0]?.detail ?? '', /1 runs in an hour/);
    await stage.wait(3_500);
    assert.equal(stage.running('agent/ada'), null);
    await stage.wait(120);
    assert.equal(stage.running('agent/ada')?.session, 'session/s2');
  });

  test('silence is asked about, interrupted, then the run is lost, and the work goes on elsewhere; all of it is seen', async () => {
    await stage.hire('ada', 'implementer');
    await work('s');
    await stage.send('agent/ada', 'driver.silent', { sinceMs: 600_000 });
    assert.match(stage.steered.join(), /Nothing was heard of you for 600 s/);
    assert.match((await stage.show('agent/ada')).waitingOn[0]?.detail ?? '', /it was asked what it does/);
    await stage.send('agent/ada', 'driver.heard');
    assert.equal((await stage.show('agent/ada')).waitingOn[0]?.gate, 'agent');
    await stage.wait(600);
    assert.equal(stage.running('agent/ada')?.session, 'session/s', 'heard again, it goes on');
    stage.steerable = false;
    await stage.send('agent/ada', 'driver.silent', { sinceMs: 600_000 });
    assert.match((await stage.show('agent/ada')).waitingOn[0]?.detail ?? '', /its turn was interrupted/);
    await stage.wait(10);
    const losses = (await stage.history('session/s')).filter(({ type }) => type === 'agent.gone');
    assert.deepEqual(
      losses.map(({ data }) => data['class']),
      ['silent'],
    );
    assert.equal(stage.running('agent/ada'), null);
  });

  test('the fleet is paused, stopped and brought back by one command each, which holds for whoever is hired later', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('eve', 'reviewer', CHAT);
    await taken(stage.send('dispatcher/main', 'correct.pause'));
    await stage.hire('berta', 'implementer');
    await work('s');
    assert.equal((await stage.show('session/s')).owner, null);
    await taken(stage.send('dispatcher/main', 'correct.resume'));
    assert.notEqual((await stage.show('session/s')).owner, null);
    await taken(stage.send('dispatcher/main', 'correct.stop'));
    await stage.hire('carl', 'implementer');
    for (const name of ['ada', 'berta', 'carl', 'eve']) assert.equal(await phase(`agent/${name}`), 'stopped', name);
    await stage.wait(3_600);
    assert.equal((await stage.show('session/s')).owner, null);
    await taken(stage.send('dispatcher/main', 'correct.resume'));
    for (const name of ['carl', 'eve']) assert.equal(await phase(`agent/${name}`), 'asleep', name);
    assert.notEqual((await stage.show('session/s')).owner, null);
  });

  test('a fleet that is stopped and brought back is as it was: who was paused, stopped, put away or has left stays so', async () => {
    for (const name of ['free', 'paused', 'stopped', 'left']) await stage.hire(name, 'implementer');
    await stage.hire('away', 'reviewer', CHAT);
    await taken(stage.send('agent/paused', 'correct.pause', { reason: 'lunch' }));
    await taken(stage.send('agent/stopped', 'correct.stop'));
    await taken(stage.send('agent/away', 'correct.archive'));
    await taken(stage.send('dispatcher/main', 'correct.stop', { reason: 'fire' }));
    await taken(stage.send('agent/left', 'correct.offboard'));
    await taken(stage.send('agent/free', 'correct.resume'));
    await work('s');
    assert.equal(await phase('agent/free'), 'stopped', 'the fleet is stopped, whoever resumes one');
    await taken(stage.send('dispatcher/main', 'correct.resume'));
    assert.equal(stage.running('agent/free')?.session, 'session/s');
    const { value, waitingOn } = await stage.show('agent/paused');
    assert.deepEqual(value, { life: 'asleep', door: 'paused' });
    assert.match(waitingOn[0]?.detail ?? '', /paused by dispatcher\/main: as it was before the fleet was stopped/);
    assert.equal(await phase('agent/stopped'), 'stopped');
    assert.equal(await phase('agent/left'), 'offboarded');
    assert.equal(await phase('agent/away'), 'archived');
  });
});

describe('what is said to a chat', () => {
  beforeEach(() => stage.hire('eve', 'reviewer', CHAT));

  test('urgent letters are read first, within one in order of sending; each answered once', async () => {
    await say('agent/eve', 'one');
    assert.deepEqual(stage.reading('agent/eve'), ['one']);
    stage.steerable = false;
    await say('agent/eve', 'two');
    await say('agent/eve', 'now!', { priority: 'urgent' });
    await say('agent/eve', 'three');
    await stage.reply('agent/eve', 'first');
    assert.deepEqual(stage.reading('agent/eve'), ['now!', 'two', 'three']);
    await stage.reply('agent/eve', 'second');
    assert.deepEqual(await mail('agent/eve'), [
      'one: answered first',
      'two: answered second',
      'now!: answered second',
      'three: answered second',
    ]);
    assert.equal(await starts('agent/eve'), 1);
  });

  test('stop, archive and offboard in mid-turn: the answer is absent, never half; what was not read waits or is returned', async () => {
    const cut = async (verb: string): Promise<string[]> => {
      await stage.hire(verb, 'reviewer', CHAT);
      await say(`agent/${verb}`, 'hello');
      await stage.send(`agent/${verb}`, 'driver.said', { text: 'half an', final: false });
      await say(`agent/${verb}`, 'later');
      await taken(stage.send(`agent/${verb}`, `correct.${verb}`));
      return mail(`agent/${verb}`);
    };
    assert.deepEqual(await cut('stop'), ['hello: failed null', 'later: queued null']);
    assert.deepEqual(await cut('archive'), ['hello: failed null', 'later: queued null']);
    assert.deepEqual(await cut('offboard'), ['hello: failed null', 'later: failed null']);
    assert.deepEqual(await Promise.all(['stop', 'archive', 'offboard'].map((name) => phase(`agent/${name}`))), [
      'stopped',
      'archived',
      'offboarded',
    ]);
    await taken(stage.send('agent/archive', 'correct.restore'));
    assert.deepEqual(stage.reading('agent/archive'), ['later']);
  });

  test('restored, it goes on under the next name: nothing of before is overwritten, and what was said is there', async () => {
    await say('agent/eve', 'hello');
    await stage.reply('agent/eve', 'hi');
    await taken(stage.send('agent/eve', 'correct.archive'));
    const away = await stage.history('agent/eve');
    assert.match(await refused(stage.send('agent/eve', 'say', { text: 'x' }), 'guard'), /restore it first/);
    await stage.wait(86_400);
    assert.equal((await stage.history('agent/eve')).length, away.length, 'nothing happens to it');
    await taken(stage.send('agent/eve', 'correct.restore'));
    assert.equal(await phase('agent/eve'), 'asleep');
    await say('agent/eve', 'again');
    await stage.reply('agent/eve', 'here');
    assert.deepEqual(await mail('agent/eve'), ['hello: answered hi', 'again: answered here']);
    const now = await stage.history('agent/eve');
    assert.deepEqual(now.slice(0, away.length), away);
    assert.deepEqual(
      now.map(({ seq }) => seq),
      now.map((_, index) => index + 1),
    );
    const names = now.filter(({ type }) => type === 'driver.started').map(({ envelope }) => envelope.id);
    assert.equal(new Set(names).size, 2);
  });

  test('archive unless active: not with somebody there, not a minute after a letter, not by itself, and says which', async () => {
    const unless = (more: Data = {}): Promise<Receipt> =>
      stage.send('agent/eve', 'correct.archive', { unlessActive: true }, more);
    await say('agent/eve', 'hello');
    assert.match(await refused(unless(), 'guard'), /mail is waiting/);
    await stage.reply('agent/eve', 'hi');
    assert.match(await refused(unless(), 'guard'), /written to a moment ago/);
    await stage.wait(61);
    await stage.send('agent/eve', 'consumer.attached', { consumer: 't1', kind: 'terminal' });
    assert.match(await refused(unless(), 'guard'), /somebody is attached/);
    await stage.send('agent/eve', 'consumer.left', { consumer: 't1', kind: 'terminal' });
    assert.match(await refused(unless(), 'guard'), /a moment ago/);
    await stage.wait(61);
    const would = await stage.preview('agent/eve', 'correct.archive', { unlessActive: true });
    assert.equal(would.outcome, 'taken');
    await taken(unless());
    assert.equal(await phase('agent/eve'), 'archived');
    assert.equal((await unless()).outcome, 'recorded');
  });

  test('twenty crashes without one good turn stop it with the reason; archived, stopped or offboarded it stays so in back-off', async () => {
    await say('agent/eve', 'hello');
    for (let times = 0; times < 20; times++) {
      if ((await phase('agent/eve')) === 'coolingDown') await stage.wait(600);
      await stage.crash('agent/eve');
    }
    const shown = await stage.show('agent/eve');
    assert.equal(shown.phase, 'stopped');
    assert.match(shown.waitingOn[0]?.detail ?? '', /20 crashes without one good run/);
    const begun = await starts('agent/eve');
    await stage.wait(7_200);
    assert.equal(await starts('agent/eve'), begun);
    for (const [verb, end] of [
      ['stop', 'stopped'],
      ['archive', 'archived'],
      ['offboard', 'offboarded'],
    ] as const) {
      await stage.hire(end, 'reviewer', CHAT);
      await say(`agent/${end}`, 'hello');
      for (let times = 0; times < 3; times++) await stage.crash(`agent/${end}`);
      assert.equal(await phase(`agent/${end}`), 'coolingDown');
      await taken(stage.send(`agent/${end}`, `correct.${verb}`));
      await stage.wait(7_200);
      assert.equal(await phase(`agent/${end}`), end);
      assert.equal(await starts(`agent/${end}`), 3);
    }
  });

  test('what it asks is a person’s to answer, shown first among what waits, and answered once', async () => {
    await say('agent/eve', 'do it');
    const asked = { question: 'q1', kind: 'approval', text: 'May I?', choices: ['yes', 'no'] };
    await stage.send('agent/eve', 'driver.asked', asked);
    const { items } = await stage.ask<{ items: Shown[] }>('list', { kind: 'agent' });
    assert.equal(items[0]?.address, 'agent/eve');
    assert.deepEqual([items[0].waitingOn[0]?.gate, items[0].waitingOn[0]?.on], ['human', 'person/maintainer']);
    await taken(stage.send('agent/eve', 'answer', { choice: 'yes' }));
    await refused(stage.send('agent/eve', 'answer', { choice: 'no' }), 'guard');
    await stage.reply('agent/eve', 'done');
    assert.deepEqual(await mail('agent/eve'), ['do it: answered done']);
  });

  test('a dormant chat is not woken by a note, by time or by its limits, and is by a letter or by somebody who comes', async () => {
    await stage.send('agent/eve', 'fyi', { text: 'by the way' });
    await taken(stage.send('agent/eve', 'correct.limits.set', { tokens: 5 }));
    await taken(stage.send('agent/eve', 'correct.memory.set', { key: 'k', value: 'v' }));
    await stage.wait(86_400);
    assert.equal(await starts('agent/eve'), 0);
    await stage.send('agent/eve', 'consumer.attached', { consumer: 't1', kind: 'page' });
    assert.equal(await phase('agent/eve'), 'awake');
    await stage.wait(3_600);
    assert.equal(await phase('agent/eve'), 'awake', 'while somebody is there');
    await stage.send('agent/eve', 'consumer.left', { consumer: 't1', kind: 'page' });
    await stage.wait(960);
    assert.equal(await phase('agent/eve'), 'asleep');
    assert.equal(await starts('agent/eve'), 1);
  });
});

describe('an employment', () => {
  test('hired once under a name, and never again under one that is offboarded; what it held, knew and did is told', async () => {
    await stage.hire('ann', 'reviewer');
    const again = { role: 'reviewer', driver: 'scripted', mode: 'worker' };
    await refused(stage.send('agent/ann', 'hire', again), 'exists');
    await taken(stage.send('agent/ann', 'correct.memory.set', { key: 'style', value: 'tabs' }));
    await taken(stage.send('agent/ann', 'correct.offboard'));
    await refused(stage.send('agent/ann', 'hire', again), 'exists');
    for (const [type, data] of [
      ['say', { text: 'x' }],
      ['correct.resume', {}],
      ['correct.restore', {}],
      ['correct.lane.set', { lanes: [] }],
    ] as const)
      await refused(stage.send('agent/ann', type, data), 'final');
    for (const [type, data] of [
      ['fyi', { text: 'goodbye' }],
      ['correct.offboard', {}],
      ['correct.stop', {}],
    ] as const)
      assert.equal((await stage.send('agent/ann', type, data)).outcome, 'recorded', type);
    const shown = await stage.show('agent/ann');
    assert.deepEqual([shown.phase, shown.waitingOn, shown.claims], ['offboarded', [], []]);
    const audit = await stage.ask<{ memory: unknown; corrections: { type: string }[] }>('audit', { agent: 'ann' });
    assert.deepEqual(audit.memory, { style: 'tabs' });
    assert.equal(audit.corrections.filter(({ type }) => type === 'correct.offboard').length, 1);
  });

  test('a letter that was sent twice is one, and gets its first receipt again; an agent has no epoch to expect', async () => {
    await stage.hire('eve', 'reviewer', CHAT);
    const first = await stage.send('agent/eve', 'say', { text: 'hello' }, { id: 'letter-1' });
    const second = await stage.send('agent/eve', 'say', { text: 'hello' }, { id: 'letter-1', door: 'mail' });
    assert.deepEqual({ ...second, duplicate: false }, { ...first });
    assert.equal(second.duplicate, true);
    assert.equal((await mail('agent/eve')).length, 1);
    await refused(stage.send('agent/eve', 'say', { text: 'x' }, { expectepoch: 1 }), 'schema');
    await refused(stage.send('agent/eve', 'say', { text: 'x' }, { source: 'agent/ada' }), 'policy');
  });

  test('memory has bounds that refuse and change nothing; what it knows is in the next run’s prompt, also told by people', async () => {
    await stage.hire('ada', 'implementer');
    assert.match(
      await refused(stage.send('agent/ada', 'correct.memory.set', { key: 'k', value: 'x'.repeat(150_000) }), 'limit'),
      /delete something first/,
    );
    assert.equal((await stage.send('agent/ada', 'correct.memory.delete', { key: 'k' })).outcome, 'recorded');
    await taken(stage.send('agent/ada', 'correct.memory.set', { key: 'style', value: 'tabs' }));
    assert.equal(
      (await stage.send('agent/ada', 'correct.memory.set', { key: 'style', value: 'tabs' })).outcome,
      'recorded',
    );
    assert.deepEqual((await stage.show('agent/ada')).context['memory'], { style: 'tabs' });
  });

  test('offboarded with work in hand: the work waits at once for another and is never given to it again', async () => {
    await stage.hire('ada', 'implementer');
    await work('s');
    await taken(stage.send('agent/ada', 'correct.offboard', { reason: 'left us' }));
    assert.equal(await phase('agent/ada'), 'offboarded');
    const shown = await stage.show('session/s');
    assert.equal(shown.owner, null);
    assert.equal(open(shown)['work'], 'unassigned');
    await refused(stage.send('session/s', 'correct.reassign', { to: 'agent/ada' }), 'target');
    await stage.hire('berta', 'implementer');
    await stage.wait(120);
    assert.equal(stage.running('agent/berta')?.session, 'session/s');
    await stage.finish('agent/berta', { report: 'done' });
    assert.equal(await phase('session/s'), 'done');
  });
});

describe('what comes at the wrong moment', () => {
  /** A process goes when the test lets it go, not when it is told to. */
  const slowly = { acts: { 'process.end': () => ({}) } };
  const played = async (options: StageOptions, play: () => Promise<void>): Promise<void> => {
    await stage.stop();
    stage = await openStage(options);
    await play();
  };

  test('a letter that comes while a chat is being closed for idleness is read by its next process', () =>
    played(slowly, async () => {
      await stage.hire('eve', 'reviewer', CHAT);
      await say('agent/eve', 'one');
      await stage.reply('agent/eve', 'hi');
      await stage.wait(901);
      assert.equal(await phase('agent/eve'), 'stopping');
      await say('agent/eve', 'two');
      assert.equal(await starts('agent/eve'), 1, 'not beside the one that is not gone');
      await stage.end('agent/eve');
      assert.deepEqual(stage.reading('agent/eve'), ['two']);
      await stage.reply('agent/eve', 'here');
      assert.deepEqual(await mail('agent/eve'), ['one: answered hi', 'two: answered here']);
    }));

  test('stopped, then offboarded before its process is gone: it lets go once it is, and nothing else comes between', () =>
    played(slowly, async () => {
      await stage.hire('ann', 'reviewer', CHAT);
      await stage.hire('berta', 'reviewer');
      await taken(subscribe('agent/ann'));
      await say('agent/ann', 'hello');
      await taken(stage.send('agent/ann', 'correct.stop'));
      await refused(subscribe('agent/berta'), 'claim');
      await taken(stage.send('agent/ann', 'correct.offboard'));
      for (const verb of ['resume', 'restart', 'archive', 'pause'])
        assert.equal(await refused(stage.send('agent/ann', `correct.${verb}`), 'guard'), 'it is being offboarded');
      await refused(stage.send('agent/ann', 'say', { text: 'still there?' }), 'guard');
      await refused(subscribe('agent/ann', 'acme/other'), 'guard');
      await refused(subscribe('agent/berta'), 'claim');
      await stage.end('agent/ann');
      assert.equal(await phase('agent/ann'), 'offboarded');
      assert.deepEqual(await mail('agent/ann'), ['hello: failed null']);
      await taken(subscribe('agent/berta'));
    }));

  test('what is sent at once is decided one after the other: one hire, one watcher, nothing held by who leaves', async () => {
    for (const name of ['ann', 'berta', 'carl']) await stage.hire(name, 'reviewer');
    const hire = (mode: string): Promise<Receipt> =>
      stage.send('agent/zoe', 'hire', { role: 'reviewer', driver: 'scripted', mode });
    const receipts = await Promise.all([
      subscribe('agent/ann'),
      subscribe('agent/berta'),
      stage.send('agent/carl', 'correct.offboard'),
      subscribe('agent/carl', 'acme/other'),
      hire('chat'),
      hire('worker'),
    ]);
    assert.deepEqual(
      receipts.map(({ outcome, code }) => code ?? outcome),
      ['taken', 'claim', 'taken', 'guard', 'taken', 'exists'],
    );
    const claims = await Promise.all(
      ['ann', 'berta', 'carl'].map(async (name) => (await stage.show(`agent/${name}`)).claims),
    );
    assert.deepEqual(claims, [[`subscription:default:${REPO}`], [], []]);
  });

  test('pull requests that come while the reviewer is busy wait for it, oldest first; of what was pushed twice the newest head counts', () =>
    played({ acts: { 'review.post': () => ({ how: 'review', posted: { as: 'ann', id: 'r1' } }) } }, async () => {
      await stage.hire('ann', 'reviewer');
      await taken(subscribe('agent/ann'));
      const heads = ['1', '2', '3', '4'].map((digit) => digit.repeat(40)) as [string, string, string, string];
      await pulls('agent/ann', 7, heads[0]);
      await pulls('agent/ann', 8, heads[1]);
      await pulls('agent/ann', 9, heads[2]);
      await pulls('agent/ann', 9, heads[3]);
      const judged: string[] = [];
      for (let run = stage.running('agent/ann'); run !== null; run = stage.running('agent/ann')) {
        judged.push(run.head!);
        await stage.finish('agent/ann', verdict(run.head!));
      }
      assert.deepEqual(judged, [heads[0], heads[1], heads[3]]);
      await pulls('agent/ann', 8, heads[1]);
      assert.equal(stage.running('agent/ann'), null, 'judged once');
    }));
});

describe('after a restart', () => {
  test('A18, V9: everybody is as it was before, and nothing was started that was not there', async () => {
    const clock = createFakeClock();
    const store = await openMemoryStore();
    const before = await openStage({ clock, store });
    const states: Record<string, [mode: string, ...types: string[]]> = {
      fresh: ['worker'],
      stopped: ['chat', 'say', 'correct.stop'],
      archived: ['chat', 'correct.archive'],
      offboarded: ['chat', 'correct.offboard'],
      paused: ['worker', 'correct.pause'],
      drained: ['worker', 'correct.drain'],
      dormant: ['chat'],
    };
    for (const [name, [mode, ...types]] of Object.entries(states)) {
      await before.hire(name, 'reviewer', { mode });
      for (const type of types) await taken(before.send(`agent/${name}`, type, type === 'say' ? { text: 'x' } : {}));
    }
    const shown = (of: Stage) => Promise.all(Object.keys(states).map((name) => of.show(`agent/${name}`)));
    const seen = await shown(before);
    await before.stop();
    const after = await openStage({ clock, store });
    try {
      await after.wait(3_600);
      assert.deepEqual(
        (await shown(after)).map(({ value, seq, waitingOn }) => [value, seq, waitingOn]),
        seen.map(({ value, seq, waitingOn }) => [value, seq, waitingOn]),
      );
      await taken(after.send('agent/dormant', 'say', { text: 'hello' }));
      assert.deepEqual(after.reading('agent/dormant'), ['hello']);
    } finally {
      await after.stop();
    }
  });

  test('A19: whose process cannot be ended stays offboarding and lets go of nothing; a repeat or the next minute finishes it', async () => {
    const clock = createFakeClock();
    const store = await openMemoryStore();
    let tries = 0;
    const acts = {
      // It was told to end, and does not.
      'process.end': () => {
        tries += 1;
        return {};
      },
    };
    const before = await openStage({ clock, store, acts });
    await before.hire('ann', 'reviewer', CHAT);
    await before.hire('berta', 'reviewer');
    await taken(before.send('agent/ann', 'correct.subscribe', { repo: REPO }));
    await taken(before.send('agent/ann', 'say', { text: 'hello' }));
    await taken(before.send('agent/ann', 'correct.offboard'));
    const { phase: at, waitingOn } = await before.show('agent/ann');
    assert.deepEqual([at, waitingOn[0]?.gate], ['offboarding', 'stopping']);
    assert.match(waitingOn[0]?.detail ?? '', /its process is being ended/);
    const triedOnce = tries;
    await before.wait(180);
    assert.ok(tries > triedOnce, 'it is tried again');
    await refused(before.send('agent/berta', 'correct.subscribe', { repo: REPO }), 'claim');
    assert.notEqual(
      (await before.send('agent/ann', 'correct.offboard')).outcome,
      'refused',
      'A6: repeating it is no mistake',
    );
    await before.stop();

    const after = await openStage({ clock, store });
    try {
      assert.equal((await after.show('agent/ann')).phase, 'offboarding');
      await refused(after.send('agent/berta', 'correct.subscribe', { repo: REPO }), 'claim');
      await after.wait(120);
      assert.equal((await after.show('agent/ann')).phase, 'offboarded', 'the process is gone at last');
      await taken(after.send('agent/berta', 'correct.subscribe', { repo: REPO }));
      const { corrections } = await after.ask<{ corrections: { type: string }[] }>('audit', { agent: 'ann' });
      assert.equal(corrections.filter(({ type }) => type === 'correct.offboard').length, 1, 'one record');
    } finally {
      await after.stop();
    }
  });
});
