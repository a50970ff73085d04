/** What every bus must do. `busContract('memory', open)` runs it against one implementation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusError } from '../../src/bus/bus.ts';
import type { Answer, Bus, BusClient, Letter, StreamName } from '../../src/bus/bus.ts';
import type { StreamLimits } from '../../src/bus/streams.ts';

export interface BusWorld {
  connect(): Promise<Bus>;
  client(): Promise<BusClient>;
  /** The server is gone at once, as by kill -9. */
  stop(): Promise<void>;
  /** It is back on the same store. */
  start(): Promise<void>;
  /** The stream is made anew, empty. */
  replace(stream: StreamName): Promise<void>;
  /** Ends everything it made, buses and clients included. */
  dispose(): Promise<void>;
}

export type Limits = Partial<Record<StreamName, StreamLimits>>;

const WAIT_MS = 20_000;
const text = (letter: Letter): string => Buffer.from(letter.body).toString('utf8');
const isCode = (code: BusError['code']) => (error: unknown) => error instanceof BusError && error.code === code;

/** Reads until so many letters came. */
async function readAll(bus: Bus, stream: 'mail' | 'hook', count: number, after = 0, max = 500): Promise<Letter[]> {
  const letters: Letter[] = [];
  let position = after;
  while (letters.length < count) {
    const some = await bus.read(stream, position, { max, waitMs: WAIT_MS });
    assert.ok(some.length <= max, `asked for at most ${max}`);
    letters.push(...some);
    position = letters.at(-1)?.seq ?? position;
  }
  return letters;
}

/** Resolves when the bus says so. */
function statusOf(bus: Bus, wanted: 'connected' | 'disconnected'): Promise<void> {
  return new Promise((resolve) => bus.onStatus((status) => status === wanted && resolve()));
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

export function busContract(name: string, open: (limits?: Limits) => Promise<BusWorld>): void {
  const check = (what: string, use: (world: BusWorld) => Promise<void>, limits?: Limits): void => {
    test(`${name}: ${what}`, async () => {
      const world = await open(limits);
      try {
        await use(world);
      } finally {
        await world.dispose();
      }
    });
  };

  check('letters come in order, with subject, body and place', async (world) => {
    const bus = await world.connect();
    const first = await bus.publish('mail', 'session.eng-42', '{"ünï":1}');
    const second = await bus.publish('mail', 'agent.ada', Buffer.from([0, 255, 1]), { receiptTo: '_INBOX.a.b' });
    assert.deepEqual([first.duplicate, second.duplicate], [false, false]);
    const letters = await readAll(bus, 'mail', 2);
    assert.deepEqual(
      letters.map((letter) => [letter.seq, letter.subject, letter.receiptTo]),
      [
        [first.seq, 'session.eng-42', undefined],
        [second.seq, 'agent.ada', '_INBOX.a.b'],
      ],
    );
    assert.equal(text(letters[0]!), '{"ünï":1}');
    assert.deepEqual([...letters[1]!.body], [0, 255, 1]);
  });

  check(
    'reading begins behind the position, wherever it is, and a read asks for no more than it wants',
    async (world) => {
      const bus = await world.connect();
      for (const number of numbers(1, 30)) await bus.publish('mail', 'a.b', number);
      assert.deepEqual((await readAll(bus, 'mail', 30, 0, 7)).map(text), numbers(1, 30));
      assert.deepEqual((await readAll(bus, 'mail', 3, 27)).map(text), numbers(28, 30));
      assert.deepEqual((await readAll(bus, 'mail', 30, 0)).map(text), numbers(1, 30));
    },
  );

  check('the last message of a stream is told, and of an empty one that there is none', async (world) => {
    const bus = await world.connect();
    assert.equal(await bus.last('fact'), null);
    await bus.publish('fact', 'session.x.say', '1');
    const { seq } = await bus.publish('fact', 'session.eng-42.run_ended', '{"ünï":2}');
    const last = (await bus.last('fact'))!;
    assert.deepEqual([last.seq, last.subject, text(last)], [seq, 'session.eng-42.run_ended', '{"ünï":2}']);
  });

  check('a letter has the stamp that the stream tells of its place, and where none is there is none', async (world) => {
    const bus = await world.connect();
    for (const number of numbers(1, 3)) await bus.publish('mail', 'a.b', number);
    const letters = await readAll(bus, 'mail', 3);
    for (const { seq, stamp } of letters) assert.equal(await bus.stampOf('mail', seq), stamp);
    assert.equal(await bus.stampOf('mail', 4), null);
    assert.equal(await bus.stampOf('hook', 1), null);
    await bus.publish('fact', 'session.x.say', '1');
    assert.equal(await bus.stampOf('fact', 1), (await bus.last('fact'))!.stamp);
  });

  check('two readers of one stream do not take from each other', async (world) => {
    const bus = await world.connect();
    for (const number of numbers(1, 20)) await bus.publish('hook', 'github.push.-', number);
    const [all, some] = await Promise.all([readAll(bus, 'hook', 20, 0, 3), readAll(bus, 'hook', 10, 10, 4)]);
    assert.deepEqual(all.map(text), numbers(1, 20));
    assert.deepEqual(some.map(text), numbers(11, 20));
  });

  check('a read without waiting tells what is there now', async (world) => {
    const bus = await world.connect();
    assert.deepEqual(await bus.read('mail', 0, { max: 10, waitMs: 0 }), []);
    await bus.publish('mail', 'a.b', '1');
    const letters = await bus.read('mail', 0, { max: 10, waitMs: 0 });
    assert.deepEqual(letters.map(text), ['1']);
    assert.deepEqual(await bus.read('mail', letters[0]!.seq, { max: 10, waitMs: 0 }), []);
    await bus.publish('mail', 'a.b', '2');
    assert.deepEqual((await bus.read('mail', letters[0]!.seq, { max: 10, waitMs: 0 })).map(text), ['2']);
  });

  check('a waiting read gets the letter that comes, and one whose signal fires gets nothing', async (world) => {
    const bus = await world.connect();
    const coming = bus.read('mail', 0, { max: 10, waitMs: WAIT_MS });
    await bus.publish('mail', 'a.b', 'now');
    assert.deepEqual((await coming).map(text), ['now']);
    const abort = new AbortController();
    const waiting = bus.read('hook', 0, { max: 10, waitMs: WAIT_MS, signal: abort.signal });
    abort.abort();
    assert.deepEqual(await waiting, []);
  });

  check('nothing is lost or read twice over the death and return of the server', async (world) => {
    const bus = await world.connect();
    await bus.publishAll('mail', messagesOf(numbers(1, 600)));
    const before = await readAll(bus, 'mail', 100, 0, 100);
    const gone = statusOf(bus, 'disconnected');
    await world.stop();
    await gone;
    const waiting = bus.read('mail', before.at(-1)!.seq, { max: 1_000, waitMs: WAIT_MS });
    await world.start();
    const rest = await waiting;
    const more = await readAll(bus, 'mail', 500 - rest.length, rest.at(-1)?.seq ?? before.at(-1)!.seq);
    await statusOf(bus, 'connected');
    await bus.publish('mail', 'a.b', '601');
    const last = await readAll(bus, 'mail', 1, 600);
    assert.deepEqual([...before, ...rest, ...more, ...last].map(text), numbers(1, 601));
  });

  check('a read that waits over the death of the server gets what comes afterwards', async (world) => {
    const bus = await world.connect();
    const waiting = readAll(bus, 'mail', 1);
    const gone = statusOf(bus, 'disconnected');
    await world.stop();
    await gone;
    await world.start();
    await statusOf(bus, 'connected');
    await bus.publish('mail', 'a.b', 'after');
    assert.deepEqual((await waiting).map(text), ['after']);
  });

  check(
    'while the server is away, storing and asking fail at once; questions are served again when it is back',
    async (world) => {
      const bus = await world.connect();
      const client = await world.client();
      await bus.serve({ health: async () => ({ body: '"ok"' }) });
      assert.equal(await client.ask('health', {}), 'ok');
      const gone = statusOf(bus, 'disconnected');
      await world.stop();
      await gone;
      await assert.rejects(bus.publish('mail', 'a.b', '1'), isCode('BUS_UNREACHABLE'));
      await assert.rejects(bus.publishAll('fact', messagesOf(['1'])), isCode('BUS_UNREACHABLE'));
      await assert.rejects(bus.identify('mail'), isCode('BUS_UNREACHABLE'));
      bus.reply('_INBOX.nobody', '{}');
      bus.broadcast('run.ada', '{}');
      await world.start();
      await statusOf(bus, 'connected');
      await eventually(async () => (await client.ask('health', {})) === 'ok');
      const { seq } = await bus.publish('mail', 'a.b', '2');
      assert.deepEqual(
        (await readAll(bus, 'mail', 1)).map((letter) => [letter.seq, text(letter)]),
        [[seq, '2']],
      );
    },
  );

  check(
    'a full letterbox refuses, drops nothing, and the facts drop their oldest',
    async (world) => {
      const bus = await world.connect();
      for (const number of numbers(1, 3)) await bus.publish('mail', 'a.b', number);
      await assert.rejects(bus.publish('mail', 'a.b', '4'), isCode('BUS_FULL'));
      assert.deepEqual((await readAll(bus, 'mail', 3)).map(text), numbers(1, 3));
      await bus.publishAll('fact', messagesOf(numbers(1, 5)));
      const { firstSeq, lastSeq } = await bus.identify('fact');
      assert.deepEqual([firstSeq, lastSeq], [3, 5]);
    },
    { mail: { messagesMax: 3 }, fact: { messagesMax: 3 } },
  );

  check('a message id is stored once, per stream', async (world) => {
    const bus = await world.connect();
    const first = await bus.publish('hook', 'github.push.-', 'one', { msgId: 'github:1' });
    const again = await bus.publish('hook', 'github.push.-', 'one', { msgId: 'github:1' });
    const other = await bus.publish('hook', 'github.push.-', 'two', { msgId: 'github:2' });
    assert.deepEqual(again, { seq: first.seq, duplicate: true });
    assert.equal(other.duplicate, false);
    assert.equal((await bus.publish('fact', 'a.b.c', 'x', { msgId: 'github:1' })).duplicate, false);
    assert.deepEqual((await readAll(bus, 'hook', 2)).map(text), ['one', 'two']);
  });

  check('many are stored in their order, and a repeat of them changes nothing', async (world) => {
    const bus = await world.connect();
    const messages = messagesOf(numbers(1, 1_200));
    await bus.publishAll('fact', messages);
    await bus.publishAll('fact', messages);
    const client = await world.client();
    const abort = new AbortController();
    const bodies: string[] = [];
    for await (const { body, seq } of client.follow({ fromSeq: 1 }, abort.signal)) {
      bodies.push(body);
      assert.equal(seq, bodies.length);
      if (bodies.length === 1_200) break;
    }
    assert.deepEqual(bodies, numbers(1, 1_200));
    assert.equal((await bus.identify('fact')).lastSeq, 1_200);
  });

  check('a receipt goes to the inbox of whoever mailed', async (world) => {
    const bus = await world.connect();
    const client = await world.client();
    const { seq, receipt } = await client.mail('session/eng-42', { id: 'e1' });
    const [letter] = await readAll(bus, 'mail', 1);
    assert.equal(letter!.seq, seq);
    assert.equal(letter!.subject, 'session.eng-42');
    assert.match(letter!.receiptTo!, /^_INBOX\./);
    bus.reply(letter!.receiptTo!, JSON.stringify({ id: 'e1', outcome: 'taken' }));
    assert.deepEqual(await receipt, { id: 'e1', outcome: 'taken' });
  });

  check('a receipt cannot be sent to a subject of the sender’s choice', async (world) => {
    const bus = await world.connect();
    for (const receiptTo of ['chartroom.mail.session.x', '_INBOX.', '_INBOX.>', '_INBOX.a b', '$JS.API.X']) {
      await assert.rejects(bus.publish('mail', 'a.b', '1', { receiptTo }), isCode('BUS_REFUSED'), receiptTo);
    }
    const heard: string[] = [];
    bus.listen('>', (subject) => heard.push(subject));
    bus.reply('chartroom.live.planted', '{}');
    bus.broadcast('last', '{}');
    await eventually(async () => heard.includes('last'));
    assert.deepEqual(heard, ['last']);
  });

  check('names that would break out of the subject are refused', async (world) => {
    const bus = await world.connect();
    for (const subject of ['', 'a..b', 'a b', 'a.*', '>', 'a\r\nPUB x 0']) {
      await assert.rejects(bus.publish('mail', subject, '1'), isCode('BUS_REFUSED'), subject);
    }
    assert.equal((await bus.identify('mail')).lastSeq, 0);
  });

  check('questions are answered, errors keep their code, and a question nobody serves says so', async (world) => {
    const bus = await world.connect();
    const client = await world.client();
    const served = await bus.serve({
      show: async (body) => ({ body: JSON.stringify({ asked: JSON.parse(Buffer.from(body).toString()) }) }),
      why: async (): Promise<Answer> => ({ error: 404, message: 'no actor session/x\nnear: session/y' }),
      broken: () => Promise.reject(new Error('secret detail')),
    });
    assert.deepEqual(await client.ask('show', { actor: 'session/x' }), { asked: { actor: 'session/x' } });
    await assert.rejects(
      client.ask('why', {}),
      (error) =>
        isCode('BUS_REFUSED')(error) &&
        (error as BusError).status === 404 &&
        /no actor session\/x/.test((error as Error).message),
    );
    await assert.rejects(
      client.ask('broken', {}),
      (error) => (error as BusError).status === 503 && !/secret/.test((error as Error).message),
    );
    await assert.rejects(client.ask('unheard', {}), isCode('BUS_NO_RESPONDER'));
    await served.stop();
    await assert.rejects(client.ask('show', {}), isCode('BUS_NO_RESPONDER'));
  });

  check('an answer that does not come in time is a time-out', async (world) => {
    const bus = await world.connect();
    const client = await world.client();
    let answer: (given: Answer) => void = () => {};
    await bus.serve({ slow: () => new Promise<Answer>((resolve) => (answer = resolve)) });
    await assert.rejects(client.ask('slow', {}, { timeoutMs: 20 }), isCode('BUS_TIMEOUT'));
    answer({ body: '1' });
  });

  check('live messages reach those who listen for them', async (world) => {
    const bus = await world.connect();
    const other = await world.connect();
    const heard: string[] = [];
    const listening = other.listen('run.*', (subject, body) =>
      heard.push(`${subject} ${Buffer.from(body).toString()}`),
    );
    // The server knows of the listener when it has answered something behind it.
    await other.identify('mail');
    bus.broadcast('run.ada', '1');
    bus.broadcast('other.ada', '2');
    bus.broadcast('run.bob', '3');
    await eventually(async () => heard.length >= 2);
    listening.stop();
    assert.deepEqual(heard, ['run.ada 1', 'run.bob 3']);
  });

  check('facts are followed from now on, by actor, over the death of the server', async (world) => {
    const bus = await world.connect();
    const client = await world.client();
    await bus.publishAll('fact', [{ subject: 'session.a.say', body: 'old', msgId: 'a/1' }]);
    const abort = new AbortController();
    const bodies: string[] = [];
    const from = (await bus.identify('fact')).lastSeq + 1;
    const following = (async () => {
      for await (const { body } of client.follow({ actor: 'session/a', fromSeq: from }, abort.signal))
        bodies.push(body);
    })();
    await bus.publishAll('fact', [
      { subject: 'session.a.say', body: 'one', msgId: 'a/2' },
      { subject: 'session.ab.say', body: 'not ours', msgId: 'ab/1' },
    ]);
    await eventually(async () => bodies.length === 1);
    const gone = statusOf(bus, 'disconnected');
    await world.stop();
    await gone;
    await world.start();
    await statusOf(bus, 'connected');
    await bus.publishAll('fact', [{ subject: 'session.a.say', body: 'two', msgId: 'a/3' }]);
    await eventually(async () => bodies.length === 2);
    abort.abort();
    await following;
    assert.deepEqual(bodies, ['one', 'two']);
  });

  check(
    'a stream made anew has another identity, and reading on as if nothing had happened is refused',
    async (world) => {
      const bus = await world.connect();
      const before = await bus.identify('mail');
      assert.deepEqual([before.firstSeq, before.lastSeq], [0, 0]);
      for (const number of numbers(1, 5)) await bus.publish('mail', 'a.b', number);
      await readAll(bus, 'mail', 5);
      assert.deepEqual(await bus.identify('mail'), { created: before.created, firstSeq: 1, lastSeq: 5 });
      await world.replace('mail');
      await assert.rejects(async () => {
        for (;;) await bus.read('mail', 5, { max: 10, waitMs: WAIT_MS });
      }, isCode('BUS_REPLACED'));
      const after = await bus.identify('mail');
      assert.notEqual(after.created, before.created);
      assert.equal(after.lastSeq, 0);
      await bus.publish('mail', 'a.b', 'new');
      assert.deepEqual((await readAll(bus, 'mail', 1)).map(text), ['new']);
    },
  );

  check('a position behind the end of the stream is not believed', async (world) => {
    const bus = await world.connect();
    await bus.publish('mail', 'a.b', '1');
    await assert.rejects(bus.read('mail', 9, { max: 10, waitMs: 0 }), isCode('BUS_REPLACED'));
  });

  check('a row is written only over the revision its writer knows', async (world) => {
    const bus = await world.connect();
    assert.equal(await bus.getRow('runtime'), null);
    const first = await bus.putRow('runtime', 'a', 0);
    assert.ok(first !== null);
    assert.equal(await bus.putRow('runtime', 'b', 0), null);
    const second = await bus.putRow('runtime', 'c', first);
    assert.equal(await bus.putRow('runtime', 'd', first), null);
    assert.deepEqual(await bus.getRow('runtime'), { value: 'c', revision: second });
  });

  check('the status is told at the call and at every change', async (world) => {
    const bus = await world.connect();
    const told: string[] = [];
    bus.onStatus((status) => told.push(status));
    assert.deepEqual(told, ['connected']);
    const gone = statusOf(bus, 'disconnected');
    await world.stop();
    await gone;
    await world.start();
    await statusOf(bus, 'connected');
    assert.deepEqual(told, ['connected', 'disconnected', 'connected']);
  });

  check('a closed bus answers nothing more, and who waits is told', async (world) => {
    const bus = await world.connect();
    const waiting = assert.rejects(bus.read('mail', 0, { max: 1, waitMs: WAIT_MS }), isCode('BUS_CLOSED'));
    await bus.close();
    await waiting;
    await assert.rejects(bus.publish('mail', 'a.b', '1'), isCode('BUS_CLOSED'));
    await assert.rejects(bus.read('mail', 0, { max: 1, waitMs: 0 }), isCode('BUS_CLOSED'));
    bus.reply('_INBOX.x', '{}');
    bus.broadcast('x', '{}');
  });
}

const messagesOf = (bodies: string[]): { subject: string; body: string; msgId: string }[] =>
  bodies.map((body) => ({ subject: 'session.a.said', body, msgId: `session/a/${body}` }));

/** Until it holds; an error of the bus counts as not yet. The runner's own time limit ends a wait for ever. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const now = await holds().catch((error: unknown) => {
      if (error instanceof BusError) return false;
      throw error;
    });
    if (now) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
