/** `mission/m#key` is the session of that item, at every door: whoever writes to it is answered by the session. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import type { Foretold } from '../../src/actor/foretelling.ts';
import type { HistoryEntry } from '../../src/actor/past.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { DOORS, bytesOf, openDoors } from '../support/doors.ts';
import type { Door } from '../support/doors.ts';
import { envelope } from './place.ts';
import type { Data } from './place.ts';

const doors = await openDoors();
after(() => doors.stop());

const item = (key: string, more: Data = {}): Data => ({
  key,
  title: `Do ${key}`,
  body: '',
  kind: 'implement',
  dependsOn: [],
  repo: 'acme/hello',
  deliver: 'pull_request',
  ...more,
});
/** Who the letter is for, and, of mail, the mailbox it is put into. */
const put = async (door: Door, letter: Data, mailbox = String(letter['subject'])): Promise<Receipt> => {
  const said = await doors.put(door, bytesOf(letter), mailbox);
  assert.ok('outcome' in said, JSON.stringify(said));
  return said;
};
const send = (subject: string, type: string, data: Data = {}): Promise<Receipt> =>
  put('ask.send', envelope(subject, type, data));

let missions = 0;
let mission = '';
beforeEach(async () => {
  mission = `mission/m${++missions}`;
  const opened = await send(mission, 'open', { objective: 'Ship it', items: [item('a'), item('b')] });
  assert.equal(opened.outcome, 'taken', JSON.stringify(opened));
});
const session = (key: string): string => `session/${mission.slice('mission/'.length)}-${key}`;

describe('the address of an item', () => {
  for (const door of DOORS)
    test(`by ${door}: a correction is the session’s, with its receipt, once`, async () => {
      const letter = envelope(`${mission}#a`, 'correct.pause', { reason: 'not today' });
      const receipt = await put(door, letter);
      assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
      assert.equal(receipt.actor, session('a'));
      assert.equal(receipt.after?.phase, 'paused');
      const again = await put(door, letter);
      assert.deepEqual(again, { ...receipt, duplicate: true });
      const direct = await put(door, { ...letter, subject: session('a') });
      assert.deepEqual(direct, again, 'the same id at the session’s own address is the same letter');
    });

  test('mail for it may lie in the mission’s mailbox, in one of its own name, or in the session’s', async () => {
    for (const mailbox of [mission, `${mission}#a`, session('a')]) {
      const receipt = await put('mail', envelope(`${mission}#a`, 'fyi', { text: mailbox }), mailbox);
      assert.equal(receipt.outcome, 'recorded', JSON.stringify(receipt));
      assert.equal(receipt.actor, session('a'));
    }
    const astray = await put('mail', envelope(`${mission}#a`, 'fyi', { text: 'astray' }), session('b'));
    assert.equal(astray.outcome, 'refused');
    assert.equal(astray.code, 'schema');
    assert.match(astray.reason ?? '', new RegExp(`subject: is ${mission}#a`));
  });

  test('mail that was put in with the mission itself finds the item that the letter before it made', async () => {
    const other = `${mission}-late`;
    const letters: Data[] = [
      envelope(other, 'open', { objective: 'Ship it', items: [item('a')] }),
      envelope(`${other}#a`, 'correct.edit', { title: 'Do it well' }),
      envelope(other, 'correct.item.add', { item: item('b') }),
      envelope(`${other}#b`, 'correct.pause'),
      envelope(`${other}#a`, 'correct.pause'),
    ];
    const receipts = await Promise.all(letters.map((letter) => put('mail', letter, other)));
    assert.deepEqual(
      receipts.map(({ outcome }) => outcome),
      ['taken', 'taken', 'taken', 'taken', 'taken'],
      JSON.stringify(receipts),
    );
    assert.ok(receipts[1]!.seq! < receipts[4]!.seq!, 'in the order they were put in');
  });

  test('the epoch it is expected at is the session’s', async () => {
    const { epoch } = (await doors.preview(bytesOf(envelope(`${mission}#a`, 'correct.pause')))) as Receipt;
    for (const door of DOORS) {
      const stale = { ...envelope(`${mission}#a`, 'correct.retry'), expectepoch: epoch! + 1 };
      assert.equal((await put(door, stale)).outcome, 'superseded', door);
    }
  });

  test('a preview is the session’s, and does nothing', async () => {
    const before = await doors.actors();
    const told = (await doors.preview(bytesOf(envelope(`${mission}#a`, 'correct.pause')))) as Receipt;
    assert.equal(told.actor, session('a'));
    assert.equal(told.after?.phase, 'paused');
    assert.deepEqual(await doors.actors(), before);
  });

  for (const door of DOORS)
    test(`by ${door}: of an item that is not there, the receipt says so, and nothing comes to be`, async () => {
      const before = await doors.actors();
      const letter = envelope(`${mission}#none`, 'correct.reassign', { to: 'role/implementer' });
      const receipt = await put(door, letter);
      assert.equal(receipt.outcome, 'unknown', JSON.stringify(receipt));
      assert.match(receipt.reason ?? '', /“none” in mission/);
      assert.deepEqual(await put(door, letter), { ...receipt, duplicate: true });
      const nowhere = await put(door, envelope('mission/nowhere#a', 'fyi', { text: 'x' }));
      assert.equal(nowhere.outcome, 'unknown');
      assert.match(nowhere.reason ?? '', /no mission\/nowhere/);
      assert.deepEqual(await doors.actors(), before);
      const dead = (await doors.deadLetters()).map(({ receipt: { id } }) => id);
      assert.ok(dead.includes(String(letter['id'])), 'it is kept with its receipt');
    });

  test('after a restart of the item it is the newer session’s', async () => {
    assert.equal((await send(`${mission}#a`, 'correct.close', { outcome: 'failed' })).outcome, 'taken');
    assert.equal((await send(mission, 'correct.item.restart', { item: 'a' })).outcome, 'taken');
    const receipt = await send(`${mission}#a`, 'correct.pause');
    assert.equal(receipt.actor, `${session('a')}-2`);
  });

  test('a removed item is no address any more; what its session did is still read under it', async () => {
    assert.equal((await send(mission, 'correct.item.remove', { item: 'a', dependants: 'free' })).outcome, 'taken');
    assert.equal((await send(`${mission}#a`, 'correct.pause')).outcome, 'unknown');
    const { status, said } = await doors.ask('show', bytesOf({ actor: `${mission}#a` }));
    assert.equal(status, 200);
    assert.equal((said as { address: string }).address, session('a'));
  });
});

test('what a correction would do is told beforehand: whom it tells what, and which timers it sets, and nothing is done', async () => {
  const before = await doors.actors();
  const { status, said } = await doors.ask('foretell', bytesOf(envelope(`${mission}#a`, 'correct.pause')));
  assert.equal(status, 200);
  const { receipt, tells, timers } = said as Foretold;
  assert.deepEqual(
    receipt.effects,
    tells.map(({ type }) => `tell:${type}`),
  );
  const told = tells.map(({ to, type }) => [to, type]);
  assert.deepEqual(told.at(-1), [mission, 'session.changed'], 'who keeps a picture of it is told');
  assert.deepEqual(await doors.actors(), before);
  const real = await send(`${mission}#a`, 'correct.pause');
  assert.deepEqual({ ...receipt, id: '', at: '' }, { ...real, id: '', at: '' }, 'as it then was');
  assert.ok(Array.isArray(timers.set) && Array.isArray(timers.cleared));
});

test('the ledger of a mission is what was done and what was not taken, at it and its items, linked ones too', async () => {
  const source = { kind: 'linear', ref: `ENG-${missions}00` };
  const { key: _key, dependsOn: _on, ...brief } = item('x', { source });
  await send(`session/eng-${missions}00`, 'open', brief);
  await send(mission, 'correct.item.add', { item: item('linked', { source }) });
  const why = (reason: string): Data => ({ reason });
  await send(`${mission}#a`, 'correct.pause', why('one'));
  await send(`${mission}#a`, 'correct.obligation.drop', { id: 'none', ...why('two') });
  await send(`${mission}#none`, 'correct.pause', why('three'));
  await send(`${mission}#linked`, 'correct.pause', why('four'));
  await put('ask.send', { ...envelope(`${mission}#b`, 'correct.stop', why('five')), expectepoch: 99 });
  const by = 'cli/maintainer';
  const { said } = await doors.ask('history', bytesOf({ actor: mission, items: true, limit: 1_000 }));
  const ledger = (said as { entries: HistoryEntry[] }).entries
    .filter(({ data, envelope: letter }) => letter.source === by && typeof data['reason'] === 'string')
    .map(({ actor, outcome, envelope: { source: author }, data }) => [data['reason'], actor, outcome, author]);
  // All at the same instant of this clock: only what is there is compared.
  assert.deepEqual(
    new Map(ledger.map(([reason, ...rest]) => [reason, rest])),
    new Map([
      ['one', [session('a'), 'taken', by]],
      ['two', [session('a'), 'refused', by]],
      ['three', [mission, 'unknown', by]],
      ['four', [`session/eng-${missions}00`, 'taken', by]],
      ['five', [session('b'), 'superseded', by]],
    ]),
  );
});
