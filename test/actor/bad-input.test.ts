/** What comes in at the doors and is not as it must be: named precisely, the same at every door, and nobody is touched. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Receipt } from '../../src/actor/receipt.ts';
import { DOORS, HELD, bytesOf, openDoors } from '../support/doors.ts';
import type { Door, Doors, Said } from '../support/doors.ts';

let doors: Doors;
before(async () => {
  doors = await openDoors();
});
after(() => doors.stop());

type Data = Record<string, unknown>;
const fyi = (more: Data = {}): Data => ({
  specversion: '1.0',
  id: randomUUID(),
  source: 'cli/maintainer',
  type: 'fyi',
  subject: HELD,
  data: { text: 'hello' },
  ...more,
});
/** An envelope as text, where JSON.stringify would not write what is meant. */
const raw = (field: string, text: string): string =>
  JSON.stringify(fyi({ [field]: '@' })).replace(`"${field}":"@"`, () => `"${field}":${text}`);
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const isReceipt = (said: Said): said is Receipt => 'outcome' in said;

/** No envelope at all: no actor hears of it. What is said, and by mail that it is refused for its form. */
const NO_ENVELOPE: [string, () => string | Uint8Array, RegExp][] = [
  ['nothing but white space', () => ' \r\n', /not JSON/],
  ['half a text', () => '{"specversion":', /not JSON/],
  ['bytes that are not UTF-8', () => Buffer.from(JSON.stringify(fyi({ id: 'ü' })), 'latin1'), /UTF-8/],
  ['UTF-16', () => Buffer.from(JSON.stringify(fyi()), 'utf16le'), /not JSON|UTF-8/],
  ['an array', () => '[1]', /\(the whole\): .*object.*array/],
  ['a number', () => '1e999', /\(the whole\): .*object/],
  ['a string', () => '"fyi"', /\(the whole\): .*object.*string/],
  ['null', () => 'null', /\(the whole\): .*object.*null/],
  ['100,000 levels', () => raw('data', `{"text":${nested(100_000)}}`), /data\.text.*deeper than 64 levels/],
  ['65 levels', () => raw('data', `{"text":${nested(65)}}`), /data\.text.*deeper than 64 levels/],
  ['a million bytes too many', () => JSON.stringify(fyi({ data: { text: 'x'.repeat(2_000_000) } })), /bytes/],
  ['half of a character', () => raw('id', '"\\ud800"'), /id: .*half of a character/],
  ['half of a character as a key', () => raw('data', '{"\\udfff":1}'), /data.*half of a character/],
  ['another specversion', () => JSON.stringify(fyi({ specversion: '0.3' })), /specversion: .*1\.0/],
  ['no specversion', () => JSON.stringify(fyi({ specversion: undefined })), /specversion/],
  ['no id', () => JSON.stringify(fyi({ id: undefined })), /\bid: .*string/],
  ['an empty id', () => JSON.stringify(fyi({ id: '' })), /\bid: .*1/],
  ['an id of a thousand characters', () => JSON.stringify(fyi({ id: 'i'.repeat(1_000) })), /\bid: .*256/],
  ['an id that is a number', () => JSON.stringify(fyi({ id: 7 })), /\bid: .*string/],
  ['no source', () => JSON.stringify(fyi({ source: undefined })), /source/],
  ['a type of a thousand characters', () => JSON.stringify(fyi({ type: 't'.repeat(1_000) })), /type: .*128/],
  ['no subject', () => JSON.stringify(fyi({ subject: undefined })), /subject/],
  ['a time that is none', () => JSON.stringify(fyi({ time: 'yesterday' })), /time: .*(date|ISO)/],
  ['a day that is none', () => JSON.stringify(fyi({ time: '2026-02-30T10:00:00Z' })), /time/],
  ['an end that is no time', () => JSON.stringify(fyi({ expiresat: 'soon' })), /expiresat/],
  ['an epoch that is a text', () => JSON.stringify(fyi({ expectepoch: '1' })), /expectepoch: .*number/],
  ['an epoch below nought', () => JSON.stringify(fyi({ expectepoch: -1 })), /expectepoch: .*0/],
  ['half an epoch', () => JSON.stringify(fyi({ expectepoch: 1.5 })), /expectepoch: .*int/],
  ['an endless epoch', () => raw('expectepoch', '1e999'), /expectepoch/],
  ['data that is an array', () => JSON.stringify(fyi({ data: [] })), /data: .*object/],
  ['data that is nothing', () => JSON.stringify(fyi({ data: null })), /data: .*object/],
  ['data of another type', () => JSON.stringify(fyi({ datacontenttype: 'text/xml' })), /datacontenttype.*json/],
  ['another priority', () => JSON.stringify(fyi({ priority: 'high' })), /priority: .*urgent/],
  ['an unknown attribute', () => JSON.stringify(fyi({ colour: 'blue' })), /colour/],
  ['the kernel’s own count of hops', () => JSON.stringify(fyi({ hops: 65 })), /hops/],
  ['__proto__ beside the attributes', () => raw('__proto__', '{"id":"x"}'), /__proto__/],
];

/** An envelope that its actor does not take: a receipt with its code at each door, and a dead letter. */
const REFUSED: [string, () => string, { outcome: string; code: string | null; names: RegExp }][] = [
  ['a type of XState', () => JSON.stringify(fyi({ type: 'xstate.init' })), unknown(/xstate\.init.* cannot be sent/)],
  ['a timer of XState', () => JSON.stringify(fyi({ type: 'xstate.after.1.x' })), unknown(/xstate\.after/)],
  ['a type that every object has', () => JSON.stringify(fyi({ type: 'constructor' })), unknown(/constructor/)],
  ['__proto__ as type', () => JSON.stringify(fyi({ type: '__proto__' })), unknown(/__proto__/)],
  ['__proto__ in data', () => raw('data', '{"text":"x","__proto__":{"a":1}}'), schema(/data\.__proto__/)],
  [
    '__proto__ deep in data',
    () => raw('data', '{"text":{"a":[{"__proto__":1}]}}'),
    schema(/data\.text\.a\.0\.__proto__/),
  ],
  ['XState’s marker in data', () => raw('data', '{"text":"x","xstate$$type":1}'), schema(/data\.xstate\$\$type/)],
  [
    'XState’s marker deep in data',
    () => raw('data', '{"a":[{"xstate$$type":1}]}'),
    schema(/data\.a\.0\.xstate\$\$type/),
  ],
  [
    '300 kB of text',
    () => JSON.stringify(fyi({ data: { text: 'x'.repeat(300_000) } })),
    schema(/data\.text: .*200000/),
  ],
  ['64 levels', () => raw('data', `{"text":${nested(62)}}`), schema(/data\.text: .*string/)],
  ['unknown data', () => JSON.stringify(fyi({ data: { text: 'x', colour: 1 } })), schema(/colour/)],
  ['another subject', () => JSON.stringify(fyi({ subject: 'session/no-such' })), unknown(/session\/no-such/)],
  [
    'a subject that is none',
    () => JSON.stringify(fyi({ subject: 'held' })),
    schema(/subject: .*(not an address|sent to)/),
  ],
  [
    'a subject with a separator',
    () => JSON.stringify(fyi({ subject: `${HELD}!x` })),
    schema(/subject: .*not an address/),
  ],
  ['a kind that is none', () => JSON.stringify(fyi({ subject: 'wizard/merlin' })), unknown(/wizard.*session/)],
  [
    'an epoch where there is none',
    () => JSON.stringify(fyi({ subject: 'dispatcher/main', expectepoch: 1 })),
    schema(/expectepoch|no dispatcher/, true),
  ],
  [
    'another epoch',
    () => JSON.stringify(fyi({ expectepoch: 7 })),
    { outcome: 'superseded', code: null, names: /epoch 7/ },
  ],
  [
    'one that expired',
    () => JSON.stringify(fyi({ expiresat: '1999-12-31T23:59:59+02:00' })),
    refused('expired', /1999/),
  ],
  [
    'a source that is an agent',
    () => JSON.stringify(fyi({ source: 'agent/ada' })),
    refused('policy', /agent\/ada.*run door/),
  ],
];

function unknown(names: RegExp) {
  return { outcome: 'unknown', code: null, names };
}
function refused(code: string, names: RegExp) {
  return { outcome: 'refused', code, names };
}
function schema(names: RegExp, orUnknown = false) {
  return orUnknown ? { outcome: 'refused|unknown', code: null, names } : refused('schema', names);
}

/** The same bytes under an id of their own for each door, so that none is a duplicate. */
function under(bytes: string, id: string): Uint8Array {
  return Buffer.from(bytes.replace(/"id":"[^"]*"/, `"id":"${id}"`));
}

async function works(): Promise<void> {
  for (const door of DOORS) {
    const said = await doors.put(door, bytesOf(fyi()));
    assert.ok(isReceipt(said) && said.outcome === 'recorded', `${door}: ${JSON.stringify(said)}`);
  }
}

describe('what is no envelope is named alike at every door, and no actor hears of it', () => {
  for (const [name, make, names] of NO_ENVELOPE)
    test(name, async () => {
      const [was, deadBefore] = [await doors.actors(), (await doors.deadLetters()).length];
      const bytes = bytesOf(make());
      for (const door of DOORS) {
        const said = await doors.put(door, bytes);
        const reason = isReceipt(said) ? said.reason! : said.error;
        assert.match(reason, names, door);
        assert.ok(reason.length < 1_000, `${door}: ${reason.length} characters`);
        assert.equal(isReceipt(said), door === 'mail');
        if (isReceipt(said)) assert.deepEqual([said.outcome, said.code, said.seq], ['refused', 'schema', null]);
      }
      assert.match(((await doors.preview(bytes)) as { error: string }).error, names);
      assert.deepEqual(await doors.actors(), was);
      const dead = await doors.deadLetters();
      assert.equal(dead.length, deadBefore + 1, 'a dead letter where nobody else was told');
      assert.match(dead.at(-1)!.receipt.reason!, names);
      await works();
    });
});

describe('what an actor does not take has the same receipt at every door and is a dead letter', () => {
  for (const [name, make, { outcome, code, names }] of REFUSED)
    test(name, async () => {
      const [was, deadBefore] = [await doors.actors(), (await doors.deadLetters()).length];
      const text = make();
      const { subject } = JSON.parse(text) as { subject: string };
      const receipts: Record<string, Receipt> = {};
      for (const door of DOORS) {
        const id = randomUUID();
        const said = await doors.put(door, under(text, id), subject.includes('/') ? subject : HELD);
        assert.ok(isReceipt(said), `${door}: ${JSON.stringify(said)}`);
        assert.equal(said.id, id);
        assert.match(said.outcome, new RegExp(`^(${outcome})$`), `${door}: ${said.reason}`);
        assert.deepEqual([said.code, said.seq, said.effects], [code, null, []], door);
        assert.match(said.reason!, names, door);
        assert.deepEqual(said.before, said.after);
        receipts[door] = { ...said, id: '' };
        const again = await doors.put(door, under(text, id), subject.includes('/') ? subject : HELD);
        assert.deepEqual(again, { ...said, duplicate: true }, 'asked again, the same is said');
      }
      if (subject.includes('/'))
        for (const door of DOORS) assert.deepEqual(receipts[door], receipts['ask.send'], `${door} is like the others`);
      const preview = await doors.preview(under(text, randomUUID()));
      assert.deepEqual({ ...preview, id: '', at: '' }, { ...receipts['ask.send'], at: '' }, 'a preview says so too');
      assert.deepEqual(await doors.actors(), was);
      assert.equal((await doors.deadLetters()).length, deadBefore + DOORS.length);
      await works();
    });

  test('mail whose subject is not the mailbox it was put into', async () => {
    const was = await doors.actors();
    const said = (await doors.put('mail', bytesOf(fyi({ subject: 'session/other' })))) as Receipt;
    assert.deepEqual([said.actor, said.outcome, said.code], [HELD, 'refused', 'schema']);
    assert.match(said.reason!, /subject: is session\/other, but it was sent to session\/held/);
    assert.deepEqual(await doors.actors(), was);
  });

  test('an id is known to the actor that got it alone, however the two are written', async () => {
    const foreign = (await doors.put('ask.send', bytesOf(fyi({ subject: `${HELD}!x`, id: 'y' })))) as Receipt;
    assert.equal(foreign.outcome, 'refused');
    const own = (await doors.put('ask.send', bytesOf(fyi({ id: 'x!y' })))) as Receipt;
    assert.deepEqual([own.outcome, own.duplicate], ['recorded', false]);
  });

  test('ten thousand mistakes are a receipt of a few lines', async () => {
    const items = Array.from({ length: 9_000 }, () => 1);
    const envelope = fyi({ subject: 'mission/m', type: 'open', data: { objective: 'x', items } });
    for (const door of DOORS) {
      const said = (await doors.put(door, bytesOf({ ...envelope, id: randomUUID() }), 'mission/m')) as Receipt;
      assert.equal(said.code, 'schema');
      assert.match(said.reason!, /data\.items\.0: .*and \d+ more$/);
      assert.ok(said.reason!.length < 4_000, `${said.reason!.length} characters`);
    }
  });
});

describe('what looks odd and is right', () => {
  const ODD: [string, () => string | Uint8Array][] = [
    ['a byte order mark', () => `\ufeff${JSON.stringify(fyi())}`],
    ['Windows’ line ends', () => JSON.stringify(fyi(), null, 2).replaceAll('\n', '\r\n')],
    ['a key given twice: the last one counts', () => raw('type', '"no.such","type":"fyi"')],
    ['an end in the year 9999', () => JSON.stringify(fyi({ expiresat: '9999-12-31T23:59:59-23:59' }))],
    ['an id of 256 characters', () => JSON.stringify(fyi({ id: `${randomUUID()}${'!'.repeat(220)}` }))],
  ];
  for (const [name, make] of ODD)
    test(`${name} is taken at every door, once`, async () => {
      const bytes = bytesOf(make());
      const said: Receipt[] = [];
      for (const door of DOORS) said.push((await doors.put(door, bytes)) as Receipt);
      assert.deepEqual(
        said.map(({ outcome, duplicate }) => [outcome, duplicate]),
        [
          ['recorded', false],
          ['recorded', true],
          ['recorded', true],
        ],
        JSON.stringify(said[0]),
      );
    });
});

describe('a question with a bad parameter is answered 400 or 404, alike over the bus and HTTP', () => {
  const WRONG: [string, Data, number, RegExp][] = [
    ['list', { limit: '1e3' }, 400, /limit: .*number/],
    ['list', { limit: true }, 400, /limit: .*number/],
    ['list', { limit: [5] }, 400, /limit: .*number/],
    ['list', { limit: 1_001 }, 400, /limit: .*1000/],
    ['list', { kind: 7 }, 400, /kind: .*string/],
    ['history', { actor: HELD, items: 'yes' }, 400, /items: .*boolean/],
    ['history', { actor: HELD, from: 0 }, 400, /from: .*1/],
    ['show', { actor: 'x'.repeat(100_000) }, 400, /actor: .*200/],
    ['show', { actor: '__proto__' }, 404, /__proto__/],
    ['show', { actor: '../../etc' }, 404, /etc/],
    ['receipt', { actor: HELD, id: 7 }, 400, /id: .*string/],
    ['chart', { kind: 'constructor' }, 404, /constructor.*session/],
    ['health', { verbose: true }, 400, /verbose/],
  ];
  for (const [question, input, status, names] of WRONG)
    test(`${question} ${JSON.stringify(input).slice(0, 60)}`, async () => {
      const asked = await doors.ask(question, bytesOf(input));
      const posted = await doors.post(`/api/${question}`, bytesOf(input));
      assert.deepEqual(posted, asked);
      assert.equal(asked.status, status, JSON.stringify(asked.said));
      const { error } = asked.said as { error: string };
      assert.match(error, names);
      assert.ok(error.length < 1_000, `${error.length} characters`);
    });

  test('what is no question at all', async () => {
    for (const [input, names] of [
      ['{', /not JSON/],
      ['[]', /object/],
      [nested(100_000), /64 levels/],
      ['{"actor":"\\ud800"}', /half of a character/],
    ] as const) {
      const asked = await doors.ask('show', bytesOf(input));
      assert.deepEqual(await doors.post('/api/show', bytesOf(input)), asked);
      assert.equal(asked.status, 400);
      assert.match((asked.said as { error: string }).error, names);
    }
  });

  test('a query says true and false in words', async () => {
    const [no, yes, maybe] = [
      await doors.get('/api/chart?kind=session&events=false'),
      await doors.get('/api/chart?kind=session&events=true'),
      await doors.get('/api/chart?kind=session&events=1'),
    ];
    assert.ok('nodes' in (no.said as object));
    assert.ok(!('nodes' in (yes.said as object)));
    assert.equal(maybe.status, 400);
  });
});

/** Anything at all: bytes, JSON, and envelopes that are wrong in some way. */
const anyJson = fc.jsonValue({ maxDepth: 3 });
const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '!', '\u0000', '__proto__'));
const attribute = fc.constantFrom(
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'data',
  'expectepoch',
  'expiresat',
  'priority',
  'hops',
);
const wrongEnvelope = fc
  .record({
    fields: fc.array(
      fc.tuple(
        fc.oneof({ weight: 4, arbitrary: attribute }, { weight: 1, arbitrary: anyText }),
        fc.oneof(anyJson, anyText),
      ),
      { maxLength: 3 },
    ),
    dropped: fc.array(attribute, { maxLength: 2 }),
    type: fc.constantFrom(
      'fyi',
      'say',
      'correct.pause',
      'correct.edit',
      'run.ended',
      'open',
      'xstate.init',
      'pull.observed',
    ),
    data: fc.oneof(anyJson, fc.dictionary(anyText, anyJson, { maxKeys: 4 })),
    id: anyText,
  })
  .map(({ fields, dropped, type, data, id }) => {
    const envelope = new Map<string, unknown>(Object.entries(fyi({ type, data, id })));
    for (const [key, value] of fields) envelope.set(key, value);
    for (const key of dropped) envelope.delete(key);
    const parts = [...envelope].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    return Buffer.from(`{${parts.join(',')}}`);
  });
const anything = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 200 }) },
  { weight: 1, arbitrary: anyJson.map((value) => bytesOf(JSON.stringify(value))) },
  { weight: 4, arbitrary: wrongEnvelope },
);

test('whatever is thrown at a door: one outcome, the same at each, and no effect of what was not taken', async () => {
  await fc.assert(
    fc.asyncProperty(anything, fc.shuffledSubarray([...DOORS], { minLength: DOORS.length }), async (bytes, order) => {
      const was = await doors.actors();
      const said: [Door, Said][] = [];
      for (const door of order) said.push([door, await doors.put(door, bytes)]);
      const receipts = said.map(([, one]) => one).filter(isReceipt);
      const isEnvelope = receipts.length === DOORS.length;
      const reasons = new Set(said.map(([, one]) => (isReceipt(one) ? one.reason : one.error)));
      if (isEnvelope) {
        const { subject } = JSON.parse(Buffer.from(bytes).toString()) as { subject: string };
        if (subject === HELD) {
          assert.equal(reasons.size, 1);
          assert.ok(new Set(receipts.map(({ id }) => id)).size === 1, 'all have their id');
          assert.deepEqual(receipts.map(({ duplicate }) => duplicate).slice(1), [true, true]);
        }
      } else {
        assert.deepEqual(
          said.filter(([, one]) => isReceipt(one)).map(([door]) => door),
          ['mail'],
        );
        assert.equal(reasons.size, 1, [...reasons].join(' | '));
      }
      const isTaken = receipts.some(({ outcome }) => outcome === 'taken' || outcome === 'recorded');
      for (const { reason, outcome } of receipts)
        assert.equal(typeof reason, outcome === 'taken' || outcome === 'recorded' ? 'object' : 'string');
      if (!isTaken) assert.deepEqual(await doors.actors(), was);
      assert.deepEqual(doors.surplus(), [], 'no second receipt');
    }),
    { numRuns: Number(process.env['CHARTROOM_TEST_BAD_INPUTS'] ?? 80) },
  );
  await works();
});
