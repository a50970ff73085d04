/** What is not as it must be: every door says which part and why, and nobody is changed by it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, createInbox, headers } from 'nats';
import type { NatsConnection } from 'nats';
import type { Receipt } from '../../src/actor/receipt.ts';
import { envelope, openPlace } from './place.ts';
import type { Data } from './place.ts';
import { WORKING } from './work.ts';

const place = await openPlace({ script: { runs: WORKING }, agents: [] });
let nats: NatsConnection;
const SESSION = 'session/held';
const OPENED = {
  title: 'Never begun',
  body: '',
  source: { kind: 'manual' },
  repo: 'acme/hello',
  base: 'main',
  kind: 'implement',
  deliver: 'pull_request',
};

before(async () => {
  nats = await operatorNats();
  assert.equal((await place.send(SESSION, 'open', OPENED)).outcome, 'taken');
  // Nobody is hired: it is told so and asks for help, and then nothing more happens to it.
  await place.eventually('the help that is asked for', async () =>
    (await place.history(SESSION)).some(({ type }) => type === 'help.ask.done') ? true : undefined,
  );
  await place.until(SESSION, 'its rest', ({ mailbox, outbox }) => mailbox === 0 && outbox.length === 0);
});
after(async () => {
  await nats.close();
  await place.close();
});

/** As `nats.conf` has it: the operator's user and inbox. */
async function operatorNats(): Promise<NatsConnection> {
  const file = path.join(place.world.data, 'nats', 'passwords.json');
  const { operator } = JSON.parse(await readFile(file, 'utf8')) as { operator: string };
  return connect({ servers: place.chartroom.nats, user: 'operator', pass: operator, inboxPrefix: '_INBOX.operator' });
}

/** Puts bytes into an actor's mail and waits for the receipt. */
async function mail(subject: string, body: string): Promise<Receipt> {
  const inbox = createInbox('_INBOX.operator');
  const answer = nats.subscribe(inbox, { max: 1, timeout: 15_000 });
  const head = headers();
  head.set('Receipt-To', inbox);
  await nats.jetstream().publish(`chartroom.mail.${subject}`, body, { headers: head });
  for await (const message of answer) return message.json<Receipt>();
  throw new Error('no receipt');
}

async function ask(question: string, body: string): Promise<{ code: string | undefined; error: string; text: string }> {
  const answer = await nats.request(`chartroom.ask.${question}`, body, { timeout: 15_000 });
  const code = answer.headers?.get('Nats-Service-Error-Code');
  return {
    code: code === '' ? undefined : code,
    error: answer.headers?.get('Nats-Service-Error') ?? '',
    text: answer.string(),
  };
}

const fyi = (more: Data = {}): Data => ({ ...envelope(SESSION, 'fyi', { text: 'hello' }), ...more });
/** The actor's own answers: `code` and what the reason must name. */
const REFUSED: [string, Data, { outcome: string; code?: string; names: RegExp }][] = [
  ['an unknown event', fyi({ type: 'no.such' }), { outcome: 'unknown', names: /no\.such/ }],
  [
    'an unknown field',
    fyi({ data: { text: 'x', colour: 'blue' } }),
    { outcome: 'refused', code: 'schema', names: /colour/ },
  ],
  ['a missing field', fyi({ data: {} }), { outcome: 'refused', code: 'schema', names: /text/ }],
  ['a field of a wrong type', fyi({ data: { text: 7 } }), { outcome: 'refused', code: 'schema', names: /text/ }],
  [
    'another epoch',
    fyi({ type: 'correct.pause', data: {}, expectepoch: 7 }),
    { outcome: 'superseded', names: /epoch/ },
  ],
  [
    'an expired one',
    fyi({ expiresat: '2020-01-01T00:00:00.000Z' }),
    { outcome: 'refused', code: 'expired', names: /2020|expire/ },
  ],
  ['a source that is an agent', fyi({ source: 'agent/ada' }), { outcome: 'refused', code: 'policy', names: /agent/ }],
  [
    'an open of what exists',
    fyi({ type: 'open', data: OPENED }),
    { outcome: 'refused', code: 'exists', names: /held/ },
  ],
  [
    'a report without its epoch',
    fyi({ type: 'run.started', data: { driver: 'scripted' } }),
    { outcome: 'refused', code: 'schema', names: /epoch/ },
  ],
  [
    'a target that is not there',
    fyi({ type: 'correct.reassign', data: { to: 'agent/nobody' } }),
    { outcome: 'refused', code: 'target', names: /nobody/ },
  ],
  [
    'an answer to no question',
    fyi({ type: 'answer', data: { text: 'yes' } }),
    { outcome: 'refused', code: 'guard', names: /question/ },
  ],
];

describe('an envelope with a mistake', () => {
  for (const [name, wrong, { outcome, code, names }] of REFUSED)
    test(`${name}: the same receipt over HTTP, ask.send and mail; a dead letter; the actor as it was`, async () => {
      const was = await place.show(SESSION);
      const bodies = [1, 2, 3].map(() => ({ ...wrong, id: randomUUID() }));
      const receipts = [
        await place.ask<Receipt>('send', bodies[0]),
        JSON.parse((await ask('send', JSON.stringify(bodies[1]))).text) as Receipt,
        await mail('session.held', JSON.stringify(bodies[2])),
      ];
      for (const [index, receipt] of receipts.entries()) {
        assert.equal(receipt.outcome, outcome, JSON.stringify(receipt));
        if (code !== undefined) assert.equal(receipt.code, code);
        assert.match(receipt.reason ?? '', names);
        assert.equal(receipt.id, bodies[index]!.id);
        assert.equal(receipt.seq, null);
        assert.equal(receipt.duplicate, false);
      }
      assert.deepEqual(await place.show(SESSION), was);
      const { letters } = await place.ask<{ letters: { receipt: Receipt }[] }>('dead', { actor: SESSION, limit: 3 });
      assert.deepEqual(letters.map(({ receipt }) => receipt.id).sort(), bodies.map(({ id }) => id).sort());

      const again = await place.ask<Receipt>('send', bodies[0]);
      assert.deepEqual({ ...again, duplicate: false }, receipts[0], 'the same id gives the first receipt');
      assert.equal(again.duplicate, true);
      const known = await place.ask<{ receipt: Receipt }>('receipt', { actor: SESSION, id: bodies[0]!.id });
      assert.equal(known.receipt.outcome, outcome);
    });

  test('an actor that is not there: unknown, and none comes to be', async () => {
    const lost = envelope('session/nobody', 'fyi', { text: 'x' });
    assert.equal((await place.send('session/nobody', 'fyi', { text: 'x' })).outcome, 'unknown');
    const receipt = await mail('session.nobody', JSON.stringify(lost));
    assert.equal(receipt.outcome, 'unknown');
    assert.equal((await place.http('show', { actor: 'session/nobody' })).status, 404);
    const { letters } = await place.ask<{ letters: unknown[] }>('dead', { actor: 'session/nobody' });
    assert.equal(letters.length, 2);
  });

  test('a kind that is not there: unknown', async () => {
    assert.equal((await place.send('wizard/merlin', 'fyi', { text: 'x' })).outcome, 'unknown');
    assert.equal(
      (await mail('wizard.merlin', JSON.stringify(envelope('wizard/merlin', 'fyi', { text: 'x' })))).outcome,
      'unknown',
    );
  });

  test('expectepoch at others than sessions is a mistake of its form', async () => {
    const receipt = await place.send('dispatcher/main', 'correct.pause', {}, { expectepoch: 1 });
    assert.equal(receipt.outcome, 'refused');
    assert.equal(receipt.code, 'schema');
    assert.match(receipt.reason ?? '', /expectepoch/);
  });
});

/** Not an envelope at all: which part, and why. */
const MALFORMED: [string, string, RegExp][] = [
  ['no JSON', '{"specversion":', /JSON/],
  ['no object', '[1]', /object/],
  ['no id', JSON.stringify(fyi({ id: undefined })), /\bid\b/],
  ['an empty id', JSON.stringify(fyi({ id: '' })), /\bid\b/],
  ['no type', JSON.stringify(fyi({ type: undefined })), /type/],
  ['no source', JSON.stringify(fyi({ source: undefined })), /source/],
  ['another specversion', JSON.stringify(fyi({ specversion: '0.3' })), /specversion/],
  ['a time that is none', JSON.stringify(fyi({ time: 'yesterday' })), /time/],
  ['an unknown attribute', JSON.stringify(fyi({ colour: 'blue' })), /colour/],
  ['an epoch that is none', JSON.stringify(fyi({ expectepoch: 'two' })), /expectepoch/],
  ['no subject', JSON.stringify(fyi({ subject: undefined })), /subject/],
];

describe('what is no envelope', () => {
  for (const [name, body, names] of MALFORMED)
    test(`${name}: 400 over HTTP and NATS, a refused receipt by mail, each naming it`, async () => {
      const was = await place.show(SESSION);
      const http = await place.http('send', body);
      assert.equal(http.status, 400, JSON.stringify(http.body));
      assert.match(String(http.body['error']), names);
      const asked = await ask('send', body);
      assert.equal(asked.code, '400', asked.text);
      assert.match(asked.error, names);
      const receipt = await mail('session.held', body);
      assert.equal(receipt.outcome, 'refused', JSON.stringify(receipt));
      assert.equal(receipt.code, 'schema');
      assert.match(receipt.reason ?? '', names);
      assert.deepEqual(await place.show(SESSION), was);
    });

  test('a subject that disagrees with where it was sent is refused', async () => {
    const receipt = await mail('session.held', JSON.stringify(envelope('session/other', 'fyi', { text: 'x' })));
    assert.equal(receipt.outcome, 'refused', JSON.stringify(receipt));
    assert.match(receipt.reason ?? '', /subject/);
  });

  test('more than 1 MiB is refused, with the limit', async () => {
    const large = JSON.stringify(fyi({ data: { text: 'x'.repeat(1_100_000) } }));
    const http = await place.http('send', large);
    assert.ok([400, 413].includes(http.status), JSON.stringify(http.body));
    assert.match(String(http.body['error']), /large|limit|bytes/);
    const asked = await ask('send', large);
    assert.equal(asked.code, '400', asked.text.slice(0, 200));
    const receipt = await mail('session.held', large);
    assert.equal(receipt.outcome, 'refused');
    assert.match(receipt.reason ?? '', /large|limit|bytes/);
  });

  test('an id that an address may not have makes no actor', async () => {
    for (const id of ['Held', '-held', 'h/eld', 'x'.repeat(129), '../held', '']) {
      const address = `session/${id}`;
      const { status, body } = await place.http('send', envelope(address, 'open', OPENED));
      assert.equal(status, 200, `${address}: ${JSON.stringify(body)}`);
      assert.equal(body['outcome'], 'refused', `${address}: ${JSON.stringify(body)}`);
      assert.equal(body['code'], 'schema');
      assert.match(String(body['reason']), /subject: .* not an address/, address);
      assert.notEqual((await place.http('show', { actor: address })).status, 200);
    }
    const { items } = await place.ask<{ items: { address: string }[] }>('list', { kind: 'session' });
    assert.deepEqual(
      items.map(({ address }) => address),
      [SESSION],
    );
  });
});

describe('an envelope that is right', () => {
  test('sent twice, at any door, it counts once and gets the same receipt', async () => {
    const body = JSON.stringify(fyi());
    const first = await mail('session.held', body);
    assert.equal(first.outcome, 'recorded');
    const seq = (await place.show(SESSION)).seq;
    const again = [await mail('session.held', body), JSON.parse((await ask('send', body)).text) as Receipt];
    for (const receipt of again) {
      assert.equal(receipt.duplicate, true);
      assert.deepEqual({ ...receipt, duplicate: false }, first);
    }
    assert.equal((await place.show(SESSION)).seq, seq);
  });

  test('a preview tells the receipt and does nothing', async () => {
    const was = await place.show(SESSION);
    const body = { ...envelope(SESSION, 'correct.pause') };
    const preview = await place.ask<Receipt>('preview', body);
    assert.equal(preview.outcome, 'taken');
    assert.equal(preview.after?.phase, 'paused');
    assert.deepEqual(await place.show(SESSION), was);
  });

  test('a fact is on its subject, a CloudEvent with what it did', async () => {
    const heard: { subject: string; fact: { specversion: string; id: string; data: Data } }[] = [];
    const subscription = nats.subscribe('chartroom.fact.session.held.>', {
      callback: (_error, message) => heard.push({ subject: message.subject, fact: message.json() }),
    });
    await nats.flush();
    const receipt = await place.send(SESSION, 'fyi', { text: 'a fact' });
    const { subject, fact } = await place.eventually('the fact', () =>
      heard.find((one) => one.fact.id === `${SESSION}/${receipt.seq}`),
    );
    subscription.unsubscribe();
    assert.equal(subject, 'chartroom.fact.session.held.fyi');
    assert.equal(fact.specversion, '1.0');
    assert.equal(fact.data['actor'], SESSION);
    assert.equal(fact.data['outcome'], 'recorded');
  });
});

describe('a question with a mistake', () => {
  const WRONG: [string, unknown, number, RegExp][] = [
    ['show', { actor: 'session/none' }, 404, /session\/none/],
    ['show', {}, 400, /actor/],
    ['show', { actor: SESSION, colour: 'blue' }, 400, /colour/],
    ['history', { actor: SESSION, limit: 0 }, 400, /limit/],
    ['list', { limit: 'many' }, 400, /limit/],
    ['at', { actor: SESSION }, 400, /seq|time/],
    ['at', { actor: SESSION, seq: 9_999 }, 404, /9999/],
    ['at', { actor: SESSION, time: 'yesterday' }, 400, /time|yesterday/],
    ['chart', { kind: 'wizard' }, 404, /wizard/],
    ['why', { actor: 'agent/none' }, 404, /agent\/none/],
    ['receipt', { actor: SESSION }, 400, /id/],
    ['mail', { actor: 'session/none' }, 404, /session\/none/],
  ];
  for (const [question, input, status, names] of WRONG)
    test(`${question} ${JSON.stringify(input)}: ${status}, over HTTP and NATS`, async () => {
      const http = await place.http(question, input);
      assert.equal(http.status, status, JSON.stringify(http.body));
      assert.match(String(http.body['error']), names);
      const asked = await ask(question, JSON.stringify(input));
      assert.equal(asked.code, String(status), asked.text);
      assert.match(asked.error, names);
    });

  test('a question that is none: 404', async () => {
    assert.equal((await place.http('whence', {})).status, 404);
  });

  test('a question that is no JSON: 400', async () => {
    assert.equal((await place.http('show', '{')).status, 400);
    assert.equal((await ask('show', '{')).code, '400');
  });
});

describe('the command line', () => {
  test('has an exit code for every outcome, and says why on stderr', async () => {
    const commands: [string[], number, RegExp][] = [
      [['fyi', SESSION, 'hello'], 0, /recorded/],
      [['answer', SESSION, 'yes'], 4, /question/],
      [['correct', SESSION, 'pause', '--expect-epoch', '7'], 5, /epoch/],
      [['show', 'session/none'], 6, /session\/none/],
      [['correct', SESSION, 'no.such'], 6, /no\.such/],
      [['frobnicate'], 2, /frobnicate/],
    ];
    const ran = await Promise.all(commands.map(([argv]) => place.cli(...argv)));
    for (const [index, [argv, exit, names]] of commands.entries()) {
      const { exit: code, out, err } = ran[index]!;
      assert.equal(code, exit, `${argv.join(' ')}: ${out}${err}`);
      assert.match(out + err, names);
    }
  });
});
