/** Hiring, watching repositories, stopping and offboarding, as whoever runs agents sees it. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Audit } from '../../src/actor/audit.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { skipLong } from '../support/long.ts';
import { openPlace } from './place.ts';
import type { Shown } from './place.ts';
import { WORKING, at, delegate, isIdle, open } from './work.ts';

const JUDGING = {
  when: { for: 'verdict' },
  steps: [{ review: { verdict: 'comment', body: 'Seen.', comments: [] } }],
};
const place = await openPlace({
  script: {
    runs: [
      { when: { title: 'hangs', epoch: 1 }, steps: [{ print: 'at work' }, { hang: true }] },
      { when: { title: 'crashes', epoch: 1 }, steps: [{ crash: { signal: 'SIGKILL' } }] },
      JUDGING,
      ...WORKING,
    ],
  },
  hello: { reviewers: 'people' },
  repos: {
    watched: {},
    held: {},
    named: {},
    flood: {},
  },
  agents: [{ name: 'ada', role: 'implementer', driver: 'scripted' }],
  timers: { reconcileMaxSeconds: 2 },
});
after(() => place.close());

async function hire(name: string, more: Record<string, string> = {}): Promise<void> {
  const argv = Object.entries({ role: 'reviewer', driver: 'scripted', ...more }).flatMap(([key, value]) => [
    `--${key}`,
    value,
  ]);
  const { exit, out, err } = await place.cli('hire', name, ...argv);
  assert.equal(exit, 0, out + err);
}
const subscribe = (name: string, repo: string): Promise<Receipt> =>
  place.send(`agent/${name}`, 'correct.subscribe', { repo });
const claims = (shown: Shown): string[] => shown.claims.filter((claim) => claim.startsWith('subscription:'));
const offboard = async (name: string): Promise<Receipt> => {
  const receipt = await place.send(`agent/${name}`, 'correct.offboard');
  await place.until(`agent/${name}`, 'its end', (it) => it.phase === 'offboarded');
  return receipt;
};

describe('an agent', { concurrency: 2 }, () => {
  test('A1, A2, A3, A6: offboarded, it lets go of its repository and keeps what it did; the next may have it', async () => {
    await hire('anna');
    assert.equal((await subscribe('anna', 'acme/watched')).outcome, 'taken');
    assert.equal((await place.send('agent/anna', 'correct.memory.set', { key: 'k', value: 'v' })).outcome, 'taken');
    assert.equal(claims(await place.show('agent/anna')).length, 1);
    const audit = (await place.ask<{ rows: unknown[] }>('audit', { agent: 'anna' })).rows;
    const memory = (await place.show('agent/anna')).context['memory'];

    assert.equal((await offboard('anna')).outcome, 'taken');
    const gone = await place.show('agent/anna');
    assert.deepEqual(claims(gone), []);
    assert.deepEqual(gone.context['memory'], memory, 'A3: memory is kept');
    const kept = (await place.ask<{ rows: unknown[] }>('audit', { agent: 'anna' })).rows;
    assert.deepEqual(kept.slice(0, audit.length), audit, 'A3: the audit is kept');

    await hire('berta');
    assert.equal((await subscribe('berta', 'acme/watched')).outcome, 'taken', 'A2');
    assert.equal(claims(await place.show('agent/berta')).length, 1);

    const again = await place.send('agent/anna', 'correct.offboard');
    assert.equal(again.outcome, 'recorded', 'A6');
    assert.equal(claims(await place.show('agent/berta')).length, 1, 'A6: what somebody else has now stays');
    assert.deepEqual((await place.ask<{ rows: unknown[] }>('audit', { agent: 'anna' })).rows, kept, 'A6: one record');
    const back = await place.cli('hire', 'anna', '--role', 'reviewer', '--driver', 'scripted');
    assert.equal(back.exit, 4, 'an offboarded name is not hired again');
    const late = await subscribe('anna', 'acme/held');
    assert.equal(late.outcome, 'refused', 'A11');
  });

  test(
    'A4, A14: one repository, one watcher of a user; the holder is named; another user is free',
    { skip: skipLong },
    async () => {
      await hire('carl');
      await hire('dora');
      await hire('emil', { user: 'other' });
      assert.equal((await subscribe('carl', 'acme/held')).outcome, 'taken');
      for (const repo of ['acme/held', 'Acme/HELD', ' acme/held ']) {
        const refused = await subscribe('dora', repo);
        assert.equal(refused.outcome, 'refused', repo);
        assert.equal(refused.code, 'claim', repo);
        assert.equal(refused.holder, 'agent/carl', repo);
      }
      assert.equal((await subscribe('carl', ' Acme/held')).outcome, 'recorded', 'its own, again');
      assert.equal((await subscribe('emil', 'acme/held')).outcome, 'taken', 'A8: another user');
      assert.deepEqual(claims(await place.show('agent/dora')), []);

      const left = await place.send('agent/carl', 'correct.unsubscribe', { repo: 'acme/held' });
      assert.equal(left.outcome, 'taken');
      assert.equal((await subscribe('dora', 'acme/held')).outcome, 'taken');
    },
  );

  test(
    'A11, V9: stopped, it has no repository and takes none; resumed, it has its own again',
    { skip: skipLong },
    async () => {
      await hire('frida');
      assert.equal((await subscribe('frida', 'acme/named')).outcome, 'taken');
      assert.equal((await place.cli('stop', 'agent/frida')).exit, 0);
      const stopped = await place.show('agent/frida');
      assert.equal(stopped.phase, 'stopped');
      assert.deepEqual(claims(stopped), []);
      const refused = await subscribe('frida', 'acme/flood');
      assert.equal(refused.outcome, 'refused');
      assert.match(refused.reason ?? '', /stop/);

      assert.equal((await place.send('agent/frida', 'correct.resume')).outcome, 'taken');
      const resumed = await place.until('agent/frida', 'asleep', (it) => it.phase === 'asleep');
      assert.deepEqual(claims(resumed), ['subscription:default:acme/named']);
    },
  );

  test(
    'A16: whoever watches next judges no head that is judged, and each new one once',
    { skip: skipLong },
    async () => {
      const { rest } = place.as('maintainer');
      const repo = 'acme/flood';
      const numbers: number[] = [];
      for (const name of ['one', 'two']) {
        await place.world.github.pushFiles({
          repo,
          branch: name,
          files: { [name]: name },
          message: name,
          login: 'maintainer',
        });
        const { data } = await rest.pulls.create({ ...at(repo), title: name, head: name, base: 'main' });
        numbers.push(data.number);
      }
      const judged = (number: number) => (): Promise<number> =>
        rest.pulls.listReviews({ ...at(repo), pull_number: number }).then(({ data }) => data.length);
      await hire('gina');
      assert.equal((await subscribe('gina', repo)).outcome, 'taken');
      for (const number of numbers)
        await place.eventually(`a review of #${number}`, async () =>
          (await judged(number)()) === 1 ? true : undefined,
        );
      await place.until('agent/gina', 'rest', (it) => it.phase === 'asleep');
      await offboard('gina');
      // Any reviewer of the user may have been given one.
      const { items } = await place.ask<{ items: { address: string }[] }>('list', { kind: 'agent' });
      const audits = await Promise.all(items.map(({ address }) => place.ask<Audit>('audit', { agent: address })));
      const reviewed = audits.flatMap(({ reviews }) => reviews.filter((review) => review['repo'] === repo));
      assert.deepEqual(
        reviewed.map((review) => Number(review['number'])).sort((a, b) => a - b),
        numbers,
        'A3: every review is kept',
      );
      for (const { runs } of audits)
        for (const { session, outcome } of runs) if (outcome !== null) assert.match(session ?? '', /^session\//);
      assert.deepEqual(
        audits.find(({ agent }) => agent === 'agent/gina')?.claims.map(({ change }) => change),
        ['taken', 'released'],
      );

      await hire('hanna');
      assert.equal((await subscribe('hanna', repo)).outcome, 'taken');
      await place.world.github.pushFiles({
        repo,
        branch: 'two',
        files: { more: 'more' },
        message: 'more',
        login: 'maintainer',
      });
      await place.eventually('a review of the new head', async () =>
        (await judged(numbers[1]!)()) === 2 ? true : undefined,
      );
      await place.until('agent/hanna', 'rest', (it) => it.phase === 'asleep' && it.outbox.length === 0);
      assert.equal(await judged(numbers[0]!)(), 1);
      assert.equal(await judged(numbers[1]!)(), 2);
    },
  );

  test(
    'V9: stopped in mid-run, its process ends, the work waits for another, and nothing is respawned',
    { skip: skipLong },
    async () => {
      await hire('ivan', { role: 'implementer' });
      await place.send('agent/ada', 'correct.pause');
      const { session } = delegate(place, 'V9 hangs');
      await place.until(session, 'a run', (it) => open(it)['work'] === 'running' && it.owner === 'agent/ivan');
      assert.equal((await place.cli('stop', 'agent/ivan', '--reason', 'enough')).exit, 0);
      const shown = await place.until(
        session,
        'nobody',
        (it) => it.owner === null && open(it)['work'] === 'unassigned',
      );
      assert.ok(
        shown.waitingOn.some(({ gate }) => gate === 'agent'),
        JSON.stringify(shown.waitingOn),
      );
      assert.equal((await place.show('agent/ivan')).phase, 'stopped');

      await place.send('agent/ada', 'correct.resume');
      await place.until(session, 'its pull request', (it) => open(it)['pull'] === 'open' && isIdle(it));
      const runs = await place.runs(session);
      assert.deepEqual(
        runs.map(({ agent }) => agent),
        ['agent/ivan', 'agent/ada'],
      );
      assert.equal((await place.show('agent/ivan')).phase, 'stopped');
      const starts = (await place.history('agent/ivan')).filter(({ type }) => type === 'driver.started');
      assert.equal(starts.length, 1);
    },
  );
});

describe('a worker whose process is killed', () => {
  test('is restarted for the work, which ends with one pull request', async () => {
    const { session } = delegate(place, 'crashes');
    await place.until(session, 'its pull request', (it) => open(it)['pull'] === 'open' && isIdle(it));
    const runs = await place.runs(session);
    assert.equal(runs.length, 2);
    assert.equal(new Set(runs.map(({ epoch }) => epoch)).size, 2, 'one epoch is one run');
  });
});

describe('an agent hired over the bus alone', () => {
  test('by its role and driver, it is offered work of that role', async () => {
    const hired = await place.send('agent/otto', 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' });
    assert.equal(hired.outcome, 'taken', JSON.stringify(hired));
    await place.send('agent/ada', 'correct.pause');
    const { session } = delegate(place, 'for otto');
    await place.until(session, 'its beginning', () => true);
    assert.equal((await place.send(session, 'correct.reassign', { to: 'agent/otto' })).outcome, 'taken');
    await place.until(session, 'its pull request', (it) => open(it)['pull'] === 'open' && isIdle(it));
    assert.deepEqual(
      (await place.runs(session)).map(({ agent }) => agent),
      ['agent/otto'],
    );
    await place.send('agent/ada', 'correct.resume');
  });

  const WORKER = { role: 'implementer', driver: 'scripted', mode: 'worker' };
  test('with a role that is not there, it is refused', async () => {
    const receipt = await place.send('agent/merlin', 'hire', { ...WORKER, role: 'wizard' });
    assert.equal(receipt.outcome, 'refused', JSON.stringify(receipt));
    assert.equal(receipt.code, 'guard');
    assert.match(receipt.reason ?? '', /wizard/);
  });

  test('with a driver that is not there, it is refused', async () => {
    const receipt = await place.send('agent/merlin', 'hire', { ...WORKER, driver: 'wand' });
    assert.equal(receipt.outcome, 'refused', JSON.stringify(receipt));
    assert.equal(receipt.code, 'guard');
    assert.match(receipt.reason ?? '', /there is no driver “wand”; drivers: scripted, command/);
  });
});
