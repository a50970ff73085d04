/** The page without a browser: what it makes of answers and facts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMachine } from 'xstate';
import type { EventSchemas, Fact, HistoryEntry, IndexRow } from '../../src/visualizer/page/src/answers.ts';
import { createFleet } from '../../src/visualizer/page/src/fleet.ts';
import { createFrames } from '../../src/visualizer/page/src/frames.ts';
import { dataOf, fieldsOf } from '../../src/visualizer/page/src/forms.ts';
import { conversationOf } from '../../src/visualizer/page/src/conversation.ts';
import { graphOf } from '../../src/visualizer/page/src/drawing/graph.ts';
import { xstateOf } from '../../src/visualizer/page/src/drawing/xstate.ts';
import { linksOf } from '../../src/visualizer/page/src/links.ts';
import { linesOf } from '../../src/visualizer/page/src/output.ts';
import { graphOfItems } from '../../src/visualizer/page/src/missions.ts';
import type { MissionItem } from '../../src/visualizer/page/src/missions.ts';
import { pointsOf, sampleOf } from '../../src/visualizer/page/src/plots.ts';
import { changesOf, movesOf, tintOf, waysOf } from '../../src/visualizer/page/src/moment.ts';
import { eventName, joined, settled } from '../../src/visualizer/page/src/past.ts';
import {
  actorHref,
  fleetHref,
  machineHref,
  momentHref,
  routeOf,
  runHref,
} from '../../src/visualizer/page/src/route.ts';
import { afterFact, byNeed, counted, createOrder, matches, NO_FILTER } from '../../src/visualizer/page/src/rows.ts';
import { branchUrl, worktreeOf } from '../../src/visualizer/page/src/worktree.ts';
import { untilWord } from '../../src/visualizer/page/src/wait.ts';
import { activePaths, treeOf, waysOut } from '../../src/visualizer/page/src/tree.ts';
import type { Ask } from '../../src/visualizer/page/src/ask.ts';
import { MACHINES } from '../../machines/index.ts';
import { chartOf, eventSchemas } from '../../src/actor/chart.ts';
import type { Definition } from '../../src/actor/state.ts';
import { sentenceOf } from '../../src/actor/why.ts';
import { lampDefinition } from '../support/lamp.ts';
import { letter } from '../support/letter.ts';
import { putUp, startSite } from './site.ts';
import type { Site } from './site.ts';

/** The page's questions that its stores ask, without HTTP between; `shown` are the answers of `show`. */
function askOf({ questions }: Site, shown: Promise<unknown>[] = []): Ask {
  const answered = async (answer: Promise<unknown>): Promise<never> => ({ ok: true, value: await answer }) as never;
  const asked: Pick<Ask, 'list' | 'show' | 'history' | 'chart' | 'at'> = {
    list: (cursor) => answered(questions.list({ limit: 2, ...(cursor === null ? {} : { cursor }) })),
    show(actor) {
      const answer = answered(questions.show({ actor }));
      shown.push(answer);
      return answer;
    },
    history: (actor, range) => answered(questions.history({ actor, ...range })),
    chart: (kind) => answered(questions.chart({ kind })),
    at: (actor, seq) => answered(questions.at({ actor, seq })),
  };
  return asked as Ask;
}

test('events are the same however the stream is cut into pieces', () => {
  const text =
    ': still here\n\nid: 1.0\nevent: fact\ndata: {"a":\ndata: 1}\n\nid: 1.1\r\nevent: fact\r\ndata: 2\r\n\r\nda';
  const whole = createFrames()(text);
  assert.deepEqual(whole, [
    { id: '1.0', event: 'fact', data: '{"a":\n1}' },
    { id: '1.1', event: 'fact', data: '2' },
  ]);
  const byCharacter = createFrames();
  assert.deepEqual(
    text.split('').flatMap((character) => byCharacter(character)),
    whole,
  );
});

test('rows kept up by facts are those that the list would answer now, in its order', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  const shown: Promise<unknown>[] = [];
  const fleet = createFleet({ ask: askOf(site, shown) });
  const rows = (): IndexRow[] => byNeed(fleet.store.getSnapshot().context.rows.values());
  site.publisher.subscribe((fact) => fleet.told([fact]));
  await putUp(site.node, 'desk', 'hall', 'attic');
  await fleet.load();
  site.clock.advance(60_000);
  await site.node.send(letter('lamp/desk', 'press'));
  site.clock.advance(60_000);
  await site.node.send(letter('lamp/attic', 'end'));
  await Promise.all(shown);
  assert.deepEqual(rows(), ((await site.questions.list({})) as { items: IndexRow[] }).items);
});

test('an order that is kept up is the one that is sorted anew, whatever came, moved or went', () => {
  const order = createOrder();
  const row = (address: string, since: string | null): IndexRow =>
    ({ address, waitingOn: since === null ? [] : [{ on: null, since }] }) as unknown as IndexRow;
  const rows = new Map(['d', 'b', 'a', 'c'].map((name) => [name, row(name, null)]));
  const changes: (() => unknown)[] = [
    () => rows.set('c', row('c', '2026-01-02')),
    () => rows.set('a', row('a', '2026-01-01')),
    () => rows.set('c', row('c', '2026-01-02')),
    () => rows.delete('b'),
    () => rows.set('e', row('e', '2026-01-01')).set('a', row('a', null)),
    () => rows.set('f', row('f', null)).delete('c'),
  ];
  assert.deepEqual(order(rows), byNeed(rows.values()));
  for (const change of changes) {
    change();
    assert.deepEqual(order(rows), byNeed(rows.values()));
  }
});

test('actors are found by the gate they wait on and by the state they are in', () => {
  const row = {
    address: 'session/eng-42',
    title: '',
    phase: 'pr_open',
    owner: null,
    refs: [],
    value: { open: { work: 'running', checks: 'red' } },
    waitingOn: [{ gate: 'checks' }, { gate: 'review' }],
  } as unknown as IndexRow;
  assert.ok(matches(row, { ...NO_FILTER, gate: 'review' }) && !matches(row, { ...NO_FILTER, gate: 'human' }));
  assert.ok(
    matches(row, { ...NO_FILTER, text: 'checks.red' }) && !matches(row, { ...NO_FILTER, text: 'checks.green' }),
  );
  const gates = counted([row, row], ({ waitingOn }) => waitingOn.map(({ gate }) => gate));
  assert.deepEqual(gates, [
    ['checks', 2],
    ['review', 2],
  ]);
});

test('what happens while the list is on its way is not lost', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk', 'hall', 'attic');
  const shown: Promise<unknown>[] = [];
  const ask = askOf(site, shown);
  const fleet = createFleet({
    ask: {
      ...ask,
      async list(cursor) {
        const answer = await ask.list(cursor);
        // Behind the answer, before it arrives.
        if (cursor === null) {
          await site.node.send(letter('lamp/attic', 'press'));
          await putUp(site.node, 'cellar');
        }
        return answer;
      },
    },
  });
  site.publisher.subscribe((fact) => fleet.told([fact]));
  await fleet.load();
  await Promise.all(shown);
  const { rows } = fleet.store.getSnapshot().context;
  assert.equal(rows.get('lamp/attic')?.phase, 'on');
  assert.equal(rows.get('lamp/cellar')?.title, 'lamp of cellar');
});

test('a fact older than its row changes nothing', () => {
  const row = { address: 'lamp/desk', phase: 'on', updatedAt: '2026-01-01T00:00:10.000Z' } as IndexRow;
  const fact = { actor: 'lamp/desk', at: '2026-01-01T00:00:09.000Z', after: { value: 'x', phase: 'off' } } as Fact;
  assert.equal(afterFact(row, fact), row);
  assert.equal(afterFact(row, { ...fact, at: row.updatedAt, waitingOn: [] }).phase, 'off');
});

test('every word typed has to be found somewhere in a row', () => {
  const row = {
    address: 'session/eng-42',
    title: 'Say hello',
    phase: 'implementing',
    owner: 'agent/ada',
    refs: ['issue:ENG-42'],
    value: 'open',
  } as unknown as IndexRow;
  const found = (text: string): boolean => matches(row, { ...NO_FILTER, text });
  assert.ok(found('ADA hello') && found('issue:eng') && found('implem'));
  assert.ok(!found('ada goodbye'));
  assert.ok(!matches(row, { ...NO_FILTER, kind: 'agent' }));
});

test('an effect shows how it ended, also when its answer is in a later portion of the journal', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  for (let time = 0; time < 4; time++) await site.node.send(letter('lamp/desk', 'press'));
  const stateOf = (entries: HistoryEntry[], seq: number): string | undefined =>
    entries.find((entry) => entry.seq === seq)?.effects[0]?.state;
  const portion = async (from: number, to: number): Promise<HistoryEntry[]> =>
    ((await site.questions.history({ actor: 'lamp/desk', from, to })) as { entries: HistoryEntry[] }).entries;
  const outbox = () => site.node.outbox.of('lamp/desk');
  const early = await portion(1, 5);
  assert.deepEqual(
    [stateOf(settled(early, outbox()), 3), stateOf(settled(early, outbox()), 5)],
    ['pending', 'pending'],
  );
  await site.node.answer('lamp/desk/3/0', 'pull.say.failed', { code: 'X', reason: 'no' });
  await site.node.answer('lamp/desk/5/0', 'pull.say.done', {});
  const all = joined(early, await portion(5, 7));
  assert.deepEqual(
    all.map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 6, 7],
  );
  assert.deepEqual([stateOf(settled(all, outbox()), 3), stateOf(settled(all, outbox()), 5)], ['failed', 'done']);
});

test('a wait that is a pause goes on at its end, any other gives up', () => {
  const [since, until] = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:05:00.000Z'];
  const waits = (['backoff', 'review'] as const).map((gate) => ({
    gate,
    on: 'agent/susan',
    since,
    until,
    detail: 'once more',
    moves: [],
  }));
  assert.deepEqual(waits.map(untilWord), ['goes on', 'gives up']);
  const told = waits.map((wait) => sentenceOf(wait, Date.parse(since)));
  assert.match(told[0]!, /, goes on in 5 min: once more$/);
  assert.match(told[1]!, /, gives up in 5 min: once more$/);
});

test('a timer is told by its name', () => {
  assert.equal(eventName('xstate.after.offer.lamp.up.light.on'), 'after offer');
  assert.equal(eventName('pull.observed'), 'pull.observed');
});

test('a chart becomes boxes in the order of the machine, lit where the actor is', () => {
  const chart = chartOf(lampDefinition as unknown as Definition);
  const tree = treeOf(chart);
  assert.deepEqual(
    tree.children.map(({ name, node }) => [name, node.type]),
    [
      ['up', 'parallel'],
      ['down', 'final'],
    ],
  );
  assert.deepEqual(
    tree.children[0]!.children.map(({ name, children }) => [
      name,
      children.map((state) => `${state.name}${state.isInitial ? '*' : ''}`),
    ]),
    [
      ['light', ['off*', 'on']],
      ['dimmer', ['ready*']],
    ],
  );
  assert.deepEqual(
    [...activePaths({ up: { light: 'on', dimmer: 'ready' } })],
    ['up', 'up.light', 'up.light.on', 'up.dimmer', 'up.dimmer.ready'],
  );
  assert.deepEqual([...activePaths('down')], ['down']);
  const ways = waysOut(chart, 'up.light.on').map(({ event, after }) => event ?? after);
  assert.deepEqual(ways.slice(0, 2), ['press', 'offer']);
  assert.ok(ways.includes('end') && ways.includes('fyi'), 'what the states around it do leads out of it too');
});

test('every view has an address that leads back to it', () => {
  const at = (href: string) => routeOf(new URL(href, 'http://127.0.0.1'));
  const filter = { text: 'ä b&c', kind: 'session', phase: 'pr_open', gate: 'human' };
  assert.deepEqual(at(fleetHref(filter)), { view: 'fleet', filter });
  assert.deepEqual(at(fleetHref(NO_FILTER)), { view: 'fleet', filter: NO_FILTER });
  const actor = { view: 'actor', address: 'session/eng-42', at: null, run: null };
  assert.deepEqual(at(actorHref('session/eng-42')), actor);
  assert.deepEqual(at(momentHref('session/eng-42', 7)), { ...actor, at: 7 });
  assert.deepEqual(at(runHref('session/eng-42', 'eng-42.1')), { ...actor, run: 'eng-42.1' });
  assert.deepEqual(at('/actor/session/eng-42?at=yesterday'), {
    view: 'nowhere',
    path: '/actor/session/eng-42?at=yesterday',
  });
  assert.deepEqual(at('/actor/session/%E0%A4%A'), { ...actor, address: 'session/%E0%A4%A' });
  assert.deepEqual(at(machineHref('session')), { view: 'machine', kind: 'session', version: null });
  assert.deepEqual(at('/machine/session?version=2'), { view: 'machine', kind: 'session', version: '2' });
  assert.deepEqual(at('/elsewhere'), { view: 'nowhere', path: '/elsewhere' });
});

test('a chat is told as what was said, how each letter stands, and what it did by itself', () => {
  const letter = (id: string, state: string, more: object = {}) => ({
    id,
    at: '2026-01-01T00:00:00.000Z',
    author: 'cli/ann',
    text: `text of ${id}`,
    state,
    answer: null,
    why: null,
    ...more,
  });
  const mail = [
    letter('old', 'answered', { answer: 'long ago' }),
    letter('asked', 'answered', { answer: 'Both.' }),
    letter('lost', 'failed', { why: 'it crashed' }),
    letter('new', 'queued'),
  ];
  const entry = (seq: number, type: string, data: object, more: object = {}) =>
    ({
      seq,
      type,
      at: `2026-01-01T00:00:0${seq}.000Z`,
      data,
      envelope: { id: `e${seq}`, source: 'cli/bob' },
      before: { phase: 'busy' },
      after: { phase: 'busy' },
      ...more,
    }) as unknown as HistoryEntry;
  const entries = [
    entry(1, 'say', { text: 'text of asked' }, { envelope: { id: 'asked', source: 'cli/ann' } }),
    entry(2, 'driver.said', { text: 'Let me look', final: false }),
    entry(3, 'driver.said', { text: 'Both.', final: true }),
    entry(4, 'driver.turned', { outcome: 'failed', reason: 'no model' }),
    entry(5, 'say', { text: 'dropped since' }),
    entry(6, 'consumer.attached', { consumer: 'bob-1' }),
    entry(7, 'driver.exited', {}, { after: { phase: 'asleep' } }),
  ];
  const told = conversationOf({ mail }, entries).map((line) => [
    line.kind === 'said' ? line.by : line.kind,
    line.text,
    line.kind === 'said' ? line.stands : line.kind === 'answer' ? line.isFinal : null,
  ]);
  assert.deepEqual(told, [
    ['ann', 'text of old', null],
    ['answer', 'long ago', true],
    ['ann', 'text of lost', 'not answered: it crashed'],
    ['ann', 'text of new', 'waits to be read'],
    ['ann', 'text of asked', null],
    ['answer', 'Let me look', false],
    ['answer', 'Both.', true],
    ['aside', 'its turn did not end well: no model', null],
    ['bob', 'dropped since', null],
    ['aside', 'bob-1 is here', null],
    ['aside', 'it sleeps; a message wakes it', null],
  ]);
});

test('a run’s log is lines of a time, a kind and a text, which may be several lines long', () => {
  const log =
    'cut off here\n2026-01-01T00:00:00.000Z ready\n2026-01-01T00:00:01.000Z command: npm test\nok 1\n\nok 2\n2026-01-01T00:00:02.000Z asks: Shall I?\n';
  assert.deepEqual(linesOf(log), [
    { at: null, kind: null, text: 'cut off here' },
    { at: '2026-01-01T00:00:00.000Z', kind: null, text: 'ready' },
    { at: '2026-01-01T00:00:01.000Z', kind: 'command', text: 'npm test\nok 1\n\nok 2' },
    { at: '2026-01-01T00:00:02.000Z', kind: 'asks', text: 'Shall I?' },
  ]);
  assert.deepEqual(linesOf(''), []);
});

test('what is saved for XState is the same machine again, of every kind', () => {
  for (const definition of [lampDefinition as unknown as Definition, ...MACHINES]) {
    const chart = chartOf(definition);
    const text = JSON.stringify(xstateOf(chart));
    const logic = createMachine(JSON.parse(text) as Parameters<typeof createMachine>[0]);
    const again = chartOf({ ...definition, logic });
    const edges = ({ edges: of }: typeof chart): string[] =>
      of.map((edge) => JSON.stringify({ ...edge, id: '' })).sort();
    assert.deepEqual(again.nodes, chart.nodes, definition.kind);
    assert.deepEqual(edges(again), edges(chart), definition.kind);
  }
});

test('a branch is found at GitHub by the pull request of it, and nowhere else', () => {
  const pull = { number: 7, url: 'https://github.example/acme/api/pull/7' };
  assert.equal(branchUrl(pull, 'chartroom/eng-42#1'), 'https://github.example/acme/api/tree/chartroom/eng-42%231');
  assert.equal(branchUrl(null, 'chartroom/eng-42'), null);
  assert.equal(branchUrl({ number: 7, url: 'javascript:alert(1)/pull/7' }, 'chartroom/eng-42'), null);
  assert.equal(worktreeOf({ worktree: { path: '', head: '' } }), null, 'one that was never made ready');
  assert.equal(worktreeOf({ run: { begun: { worktree: '/w/eng-42' } } }), '/w/eng-42');
});

test('pull request and issue of an actor are linked, and nothing that is no address of the web', () => {
  const pull = { number: 7, url: 'https://github.example/acme/api/pull/7' };
  const source = { kind: 'linear', url: 'https://linear.example/ENG-42' };
  assert.deepEqual(linksOf({ pull, brief: { source } }), [
    ['pull request #7', pull.url],
    ['issue', source.url],
  ]);
  assert.deepEqual(linksOf({ pull: null, brief: { source: { kind: 'manual', url: 'javascript:alert(1)' } } }), []);
});

test('a state is tinted the more, the more of the time was spent there, and not at all where it never was', () => {
  assert.deepEqual(
    [undefined, 0, 50, 150, 900].map((spentMs) => tintOf(spentMs, 1_000)),
    [0, 1, 1, 2, 3],
  );
});

test('two moments differ in what changed and in nothing else', () => {
  const before = { presses: 1, level: 50, notes: ['a'], deep: { one: 1, two: 2 } };
  const after = { presses: 2, level: 50, notes: ['a', 'b'], deep: { one: 1, three: 3 } };
  assert.deepEqual(changesOf(before, after), {
    changes: [
      { path: 'presses', before: 1, after: 2 },
      { path: 'notes.1', before: undefined, after: 'b' },
      { path: 'deep.three', before: undefined, after: 3 },
      { path: 'deep.two', before: 2, after: undefined },
    ],
    more: 0,
  });
  assert.deepEqual(movesOf({ up: { light: 'off', dimmer: 'ready' } }, 'down'), {
    left: ['up.light.off', 'up.dimmer.ready'],
    entered: ['down'],
  });
});

test('the ways of an actor are counted and its times added up, up to the moment that is looked at', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  for (let time = 0; time < 3; time++) {
    site.clock.advance(10_000);
    await site.node.send(letter('lamp/desk', 'press'));
  }
  const { entries } = (await site.questions.history({ actor: 'lamp/desk' })) as { entries: HistoryEntry[] };
  const { spentMs, taken } = waysOf(entries, site.clock.now() + 5_000);
  assert.deepEqual(
    [...taken],
    [
      ['up.light.off>up.light.on', 2],
      ['up.light.on>up.light.off', 1],
    ],
  );
  assert.deepEqual([spentMs.get('up.light.off'), spentMs.get('up.light.on')], [20_000, 15_000]);
  assert.equal(spentMs.get('up.dimmer.ready'), 35_000);
});

test('every state of every machine is drawn, and every way between states of one region', () => {
  for (const definition of MACHINES) {
    const chart = chartOf(definition);
    const { boxes, lines } = graphOf(chart);
    assert.deepEqual(
      chart.nodes.filter(({ id }) => !boxes.has(id)).map(({ id }) => id),
      [],
    );
    const drawn = new Set([...lines.values()].flatMap(({ edges }) => edges.map(({ id }) => id)));
    const parentOf = (id: string): string => id.slice(0, Math.max(0, id.lastIndexOf('.')));
    const missing = chart.edges.filter(
      ({ id, from, to }) => to.length === 1 && parentOf(from) === parentOf(to[0]!) && !drawn.has(id),
    );
    assert.deepEqual(missing, [], definition.kind);
  }
  const chart = chartOf(lampDefinition as unknown as Definition);
  const folded = graphOf(chart, new Set(['up']));
  assert.deepEqual([...folded.boxes.keys()], ['', 'up', 'down']);
  assert.deepEqual([...folded.lines.keys()], ['up>down']);
});

test('a form is made of an event’s schema, and what is typed becomes its data', () => {
  const session = MACHINES.find(({ kind }) => kind === 'session')!;
  const schemas = eventSchemas(session) as EventSchemas;
  const budget = fieldsOf(schemas['correct.budget.set']!.schema);
  assert.deepEqual(
    budget.map(({ name, isRequired, control }) => [name, isRequired, control.kind]),
    [
      ['kind', true, 'choice'],
      ['limit', true, 'number'],
      ['reason', false, 'long'],
    ],
  );
  assert.deepEqual(dataOf(budget, { kind: 'tokens', limit: '5000', reason: ' enough ' }), {
    data: { kind: 'tokens', limit: 5_000, reason: 'enough' },
    mistakes: {},
  });
  assert.deepEqual(dataOf(budget, { limit: 'many' }).mistakes, { kind: 'is needed', limit: 'must be a number' });
  const edit = fieldsOf(schemas['correct.edit']!.schema);
  assert.deepEqual(dataOf(edit, { gates: '{"review":"none"}', priority: '2' }).data, {
    gates: { review: 'none' },
    priority: 2,
  });
  assert.match(dataOf(edit, { gates: 'none' }).mistakes['gates']!, /must be JSON/);
  // Whatever an agent’s or a mission’s people may send has a form that can be filled in.
  for (const machine of MACHINES)
    for (const { schema } of Object.values(eventSchemas(machine) as EventSchemas))
      assert.equal(fieldsOf(schema).length, Object.keys(schema.properties ?? {}).length);
});

test('items stand behind what they wait for; the critical path is the longest chain that is still open', () => {
  const item = (key: string, dependsOn: string[], state = 'waiting') => ({ key, dependsOn, state }) as MissionItem;
  const items = [
    item('ship', ['test']),
    item('api', [], 'done'),
    item('page', ['api'], 'active'),
    item('copy', []),
    item('test', ['page', 'copy']),
  ];
  const { levels, critical } = graphOfItems(items);
  assert.deepEqual(Object.fromEntries(levels), { api: 0, page: 1, copy: 0, test: 2, ship: 3 });
  assert.deepEqual([...critical].sort(), ['page', 'ship', 'test']);
  const circle = graphOfItems([item('a', ['b']), item('b', ['a'])]);
  assert.equal(circle.levels.size, 2, 'a circle ends');
});

test('a total is plotted as what is added per second, a gauge as it is', () => {
  const text = (steps: number, waiting: number): string =>
    `# HELP x y\nchartroom_steps_total{kind="lamp",type="a b"} ${steps}\nchartroom_steps_total{kind="x"} 1\nchartroom_queued_bytes ${waiting}\n`;
  const samples = [sampleOf(text(10, 5), 0), sampleOf(text(30, 7), 5_000)];
  assert.equal(pointsOf(samples, 'chartroom_steps_total').now, 4);
  assert.equal(pointsOf(samples, 'chartroom_queued_bytes').now, 7);
});
