/**
 * `kill -9` of a real runtime at the writes of a purge, an offboarding and a hire, with real processes of agents, and a
 * start after each: the same end state, nothing left running, nothing started again, everything readable.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import type { HistoryEntry } from '../../src/actor/past.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { endAll, processesOf } from '../../src/demo/processes.ts';
import { PACKAGE_ROOT, programArgs } from '../../src/package.ts';
import { temporary } from '../cli/parts.ts';
import { skipEveryWrite, skipLong } from '../support/long.ts';

type Data = Record<string, unknown>;
interface Word {
  id: string;
  subject: string;
  type: string;
  data: Data;
}
interface Shown {
  phase: string;
  claims: string[];
  outbox: unknown[];
  context: { mail: { text: string; state: string; answer: string | null }[] };
}
/** How a runtime is to die: at the n-th write from the first in which all these texts stand. */
interface Death {
  atWrite: number;
  side: 'before' | 'after';
  from: readonly string[];
}

const PRELOADED = pathToFileURL(path.join(PACKAGE_ROOT, 'dist/test/crash/die-at-write.js')).href;
const HANDLER = programArgs('src/drivers/scripted/main').at(-1)!;
/** Longer than any step takes on a busy machine. */
const WAIT_MS_MAX = 60_000;
const word = (name: string, type: string, data: Data = {}): Word => ({
  id: `${name}/${type}`,
  subject: `agent/${name}`,
  type,
  data,
});
const CHAT = { role: 'reviewer', driver: 'scripted', mode: 'chat' };

const CONFIG = `webhooks: { listen: 127.0.0.1:0 }
operator: { listen: 127.0.0.1:0 }
agents:
  - { name: next, role: reviewer, driver: scripted, mode: chat }
drivers: { scripted: { script: ./agent.yaml } }
timers: { stopSeconds: 1, killSeconds: 1, idleSeconds: 600, quietSeconds: 0, consumerSeconds: 0 }
log: error
`;
const SCRIPT = `runs:
  - { when: { mode: chat, mail: hang }, steps: [ { reply: { text: half an, part: true } }, { hang: true } ] }
  - { when: { mode: chat }, steps: [ { reply: hello } ] }
`;

async function open(t: TestContext) {
  const cwd = await temporary(t);
  t.after(() => endAll(processesOf(cwd)));
  await writeFile(path.join(cwd, 'chartroom.yaml'), CONFIG);
  await writeFile(path.join(cwd, 'agent.yaml'), SCRIPT);
  const env = { XDG_CONFIG_HOME: cwd, NO_COLOR: '1', PATH: process.env['PATH'] };

  async function up(death: Death | null = null) {
    const dying = death === null ? [] : ['--import', PRELOADED];
    const fate =
      death === null ? {} : { DIE_AT: String(death.atWrite), DIE_SIDE: death.side, DIE_FROM: death.from.join('\n') };
    const child = execa(process.execPath, [...dying, ...programArgs('src/cli/main'), 'up', '--json'], {
      cwd,
      reject: false,
      extendEnv: false,
      env: { ...env, ...fate },
    });
    const ended = child.then(({ signal }) => signal ?? null);
    const said = child.then(({ stderr }) => stderr);
    const [line] = (await Promise.race([
      once(child.stdout, 'data'),
      child.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ])) as [Buffer];
    const { operator } = JSON.parse(line.toString()) as { operator: string };
    const post = async <Answer>(question: string, body: Data): Promise<Answer> => {
      const response = await fetch(`${operator}/api/${question}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return (await response.json()) as Answer;
    };
    const show = (name: string): Promise<Shown> => post('show', { actor: `agent/${name}` });
    return {
      child,
      ended,
      /** All it wrote to its standard error, once it has ended. */
      said,
      show,
      /** Answers with the receipt; null: the runtime died of it. */
      send: (letter: Word): Promise<Receipt | null> =>
        post<Receipt>('send', { specversion: '1.0', source: 'cli/alice', ...letter }).catch(() => null),
      history: async (name: string): Promise<HistoryEntry[]> =>
        (await post<{ entries: HistoryEntry[] }>('history', { actor: `agent/${name}`, limit: 5_000 })).entries,
      /** Asked again until it is so. */
      async until(name: string, isSo: (shown: Shown) => boolean): Promise<Shown> {
        for (const end = Date.now() + WAIT_MS_MAX; ;) {
          const shown = await show(name);
          if (isSo(shown)) return shown;
          if (Date.now() > end) throw new Error(`${name}: ${JSON.stringify(shown)}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
    };
  }
  const isHandler = ({ command }: { command: string }): boolean =>
    command.includes(HANDLER) && !command.startsWith('/bin/sh');
  const cli = (...argv: string[]) =>
    execa(process.execPath, [...programArgs('src/cli/main'), ...argv], { cwd, reject: false, extendEnv: false, env });
  const handlers = () => processesOf(cwd).filter(isHandler);
  /** The agents' processes among them: each has a home that is named like its agent. */
  const handlersOf = (names: readonly string[]) => {
    const theirs = new Set(names.flatMap((name) => processesOf(`/homes/${name}`).map(({ pid }) => pid)));
    return handlers().filter(({ pid }) => theirs.has(pid));
  };
  return { up, cli, handlers, handlersOf, end: () => endAll(processesOf(cwd)) };
}
type Place = Awaited<ReturnType<typeof open>>;
type Runtime = Awaited<ReturnType<Awaited<ReturnType<typeof open>>['up']>>;

/** A way to go, from three chats of its own: one in mid-answer, one awake, one dormant. */
interface Way {
  words: (of: Names) => Word[];
  /** Where each of them is to come to. */
  goal: Record<string, string>;
  /** Processes of theirs that live on. */
  living: number;
  /** The writes at which it is killed, by what is written there. */
  writes: Record<string, (of: Names) => string[]>;
}
type Names = (chat: string) => string;

const taken = (chat: string, type: string) => (of: Names) => [of(chat) + '/' + type];
const told = (chat: string, type: string) => (of: Names) => [`agent/${of(chat)}`, `"${type}"`];

const WAYS: Record<string, Way> = {
  purge: {
    words: (of) => ['busy', 'idle', 'dormant'].map((chat) => word(of(chat), 'correct.archive')),
    goal: { busy: 'archived', idle: 'archived', dormant: 'archived' },
    living: 0,
    writes: {
      'its first archive is taken': taken('busy', 'correct.archive'),
      'its last archive is taken': taken('dormant', 'correct.archive'),
      'the end of its process is known': told('busy', 'driver.exited'),
    },
  },
  offboarding: {
    words: (of) => [word(of('busy'), 'correct.offboard')],
    goal: { busy: 'offboarded' },
    living: 1,
    writes: {
      'it is taken': taken('busy', 'correct.offboard'),
      'its credential is revoked': told('busy', 'credential.revoke.done'),
      'the end of its process is known': told('busy', 'driver.exited'),
    },
  },
  'a hire': {
    words: (of) => [word(of('zoe'), 'hire', CHAT), word(of('zoe'), 'say', { text: 'hello' })],
    goal: { zoe: 'awake' },
    living: 3,
    writes: {
      'it is taken': taken('zoe', 'hire'),
      'its process is there': told('zoe', 'driver.started'),
      'its first turn is over': told('zoe', 'driver.turned'),
    },
  },
};

interface Trial {
  name: string;
  way: Way;
  death: Death | null;
  of: Names;
}
let trials = 0;
function trialOf(wayName: string, at?: { name: string; side: Death['side']; write?: number }): Trial {
  const way = WAYS[wayName]!;
  const number = ++trials;
  const of: Names = (chat) => `${number}-${chat}`;
  const from = at === undefined ? undefined : (way.writes[at.name] ?? Object.values(way.writes)[0]!);
  const death = from === undefined ? null : { atWrite: at!.write ?? 1, side: at!.side, from: from(of) };
  return { name: `${wayName}: ${at === undefined ? 'undisturbed' : `${at.side} ${at.name}`}`, way, death, of };
}

async function setUp({ of }: Trial, runtime: Runtime): Promise<void> {
  const [busy, idle] = [of('busy'), of('idle')];
  for (const chat of ['busy', 'idle', 'dormant']) await runtime.send(word(of(chat), 'hire', CHAT));
  await runtime.send(word(busy, 'correct.subscribe', { repo: `acme/${busy}` }));
  await runtime.send(word(busy, 'say', { text: 'hang' }));
  await runtime.send(word(idle, 'say', { text: 'hello' }));
  await runtime.until(idle, ({ phase, context }) => phase === 'awake' && context.mail[0]?.state === 'answered');
  const half = async (): Promise<boolean> => (await runtime.history(busy)).some(({ type }) => type === 'driver.said');
  while (!(await half())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Sent once; whether the runtime died of it. */
async function disturb({ way, of }: Trial, runtime: Runtime): Promise<boolean> {
  for (const letter of way.words(of)) if ((await runtime.send(letter)) === null) break;
  // It dies of the last writes a moment after the last receipt.
  const settled = reached(runtime, way, of).then(() => 'settled' as const);
  const end = await Promise.race([runtime.ended, settled.catch(() => runtime.ended)]);
  if (end === 'settled') return false;
  assert.equal(end, 'SIGKILL');
  return true;
}

async function reached(runtime: Runtime, { goal }: Way, of: Names): Promise<void> {
  for (const [chat, phase] of Object.entries(goal))
    await runtime.until(of(chat), (shown) => shown.phase === phase && shown.outbox.length === 0);
}

/** Sent once more, where it died of it: what is true in the end, however it was disturbed. */
async function outcomeOf({ way, death, of }: Trial, runtime: Runtime, { handlersOf }: Place): Promise<unknown> {
  for (const letter of death === null ? [] : way.words(of)) {
    const receipt = await runtime.send(letter);
    assert.ok(['taken', 'recorded', 'duplicate'].includes(receipt?.outcome ?? ''), JSON.stringify(receipt));
  }
  await reached(runtime, way, of);
  const print = await Promise.all(Object.keys(way.goal).map((chat) => footprint(chat, of, runtime)));
  const alive = handlersOf(['busy', 'idle', 'dormant', 'zoe'].map(of)).map(({ command }) => command);
  assert.equal(alive.length, way.living, alive.join('\n'));
  if (way.goal['busy'] === 'offboarded') {
    const next = await runtime.send({
      ...word('next', 'correct.subscribe', { repo: `acme/${of('busy')}` }),
      id: of('next'),
    });
    assert.equal(next?.outcome, 'taken', 'what it held is free');
  }
  if (way.goal['busy'] === 'archived') {
    await runtime.send(word(of('busy'), 'correct.restore'));
    await runtime.send({ ...word(of('busy'), 'say', { text: 'hello' }), id: `${of('busy')}/after it was restored` });
    await runtime.until(of('busy'), ({ context }) => context.mail.at(-1)?.answer === 'hello');
    const runs = (await runtime.history(of('busy'))).filter(({ type }) => type === 'driver.started');
    assert.deepEqual(
      runs.map(({ envelope }) => envelope.id),
      ['chat-1/started', 'chat-2/started'],
      'names go on',
    );
  }
  // Nothing more of theirs, so that the next trial counts its own writes.
  for (const chat of ['busy', 'idle', ...(way.goal['zoe'] === undefined ? [] : ['zoe'])])
    await runtime.send(word(of(chat), 'correct.stop'));
  for (const chat of ['busy', 'idle'])
    await runtime.until(
      of(chat),
      ({ phase, outbox }) => /^(stopped|archived|offboarded)$/.test(phase) && outbox.length === 0,
    );
  return print;
}

async function footprint(chat: string, of: Names, runtime: Runtime): Promise<unknown> {
  const { phase, claims, context } = await runtime.show(of(chat));
  const entries = await runtime.history(of(chat));
  const count = (type: string): number =>
    entries.filter((entry) => entry.type === type && entry.outcome === 'taken').length;
  return {
    chat,
    phase,
    claims,
    mail: context.mail.map(({ text, state, answer }) => [text, state, answer]),
    starts: count('driver.started'),
    said: entries.filter(({ type }) => type === 'driver.said').length,
    archived: count('correct.archive'),
    isWhole: entries.every(({ seq }, index) => seq === index + 1),
  };
}

/**
 * One after the other in one place: the start after a death is also the life that the next one ends, and while what died
 * is looked at, the next is set up. `next` makes the trial that follows, from whether the last one died.
 */
async function play(t: TestContext, next: (died: boolean) => Trial | null): Promise<number> {
  const place = await open(t);
  try {
    return await playIn(place, next);
  } finally {
    // Before their directory is removed, in which they write.
    place.end();
  }
}

async function playIn(place: Place, next: (died: boolean) => Trial | null): Promise<number> {
  const undisturbed = new Map<Way, unknown>();
  let deaths = 0;
  let ended: Trial | null = null;
  let trial = next(true);
  while (trial !== null || ended !== null) {
    const runtime = await place.up(trial?.death ?? null);
    const before: Trial | null = ended;
    const seen = async (died: Trial): Promise<void> =>
      assert.deepEqual(await outcomeOf(died, runtime, place), undisturbed.get(died.way), died.name);
    await Promise.all([before === null ? null : seen(before), trial === null ? null : setUp(trial, runtime)]);
    ended = null;
    if (trial === null) break;
    const died = await disturb(trial, runtime);
    if (died) {
      deaths += 1;
      ended = trial;
    } else {
      // One that was to die, and had no such write to die at, may yet die of what it is asked.
      if (trial.death === null) undisturbed.set(trial.way, await outcomeOf(trial, runtime, place));
      runtime.child.kill('SIGKILL');
      await runtime.ended;
    }
    trial = next(died);
  }
  return deaths;
}

const SIDES = ['before', 'after'] as const;

test(
  'killed before or after any named write of a purge, an offboarding or a hire, it comes to the same end',
  { skip: skipLong },
  async (t) => {
    const named = Object.entries(WAYS).flatMap(([name, { writes }]) => [
      () => trialOf(name),
      ...Object.keys(writes).flatMap((write) => SIDES.map((side) => () => trialOf(name, { name: write, side }))),
    ]);
    const trialsNow = named.map((make) => make());
    const alive: string[] = [];
    let last: Trial | null = null;
    const deaths = await play(t, (died) => {
      if (!died && last?.death != null) alive.push(last.name);
      last = trialsNow.shift() ?? null;
      return last;
    });
    assert.deepEqual(alive, [], 'there is such a write');
    t.diagnostic(`${deaths} deaths`);
  },
);

for (const name of Object.keys(WAYS)) {
  test(
    `killed before or after every write of ${name}, it comes to the same end`,
    { skip: skipEveryWrite },
    async (t) => {
      const sides = [...SIDES];
      let write = 0;
      let isFirst = true;
      const deaths = await play(t, (died) => {
        if (isFirst) {
          isFirst = false;
          return trialOf(name);
        }
        if (!died && write > 0) {
          sides.shift();
          write = 0;
        }
        write += 1;
        const side = sides[0];
        return side === undefined ? null : trialOf(name, { name: `write ${write}`, side, write });
      });
      t.diagnostic(`${deaths} deaths`);
      assert.ok(deaths >= 4);
    },
  );
}

test(
  'a runtime that is stopped politely names the processes it leaves; stop ends them while none runs',
  { skip: skipLong },
  async (t) => {
    const { up, cli, handlers } = await open(t);
    const first = await up();
    await first.send(word('idle', 'hire', CHAT));
    await first.send(word('idle', 'say', { text: 'hello' }));
    await first.until('idle', ({ phase, context }) => phase === 'awake' && context.mail[0]?.state === 'answered');
    first.child.kill('SIGTERM');
    assert.match(
      await first.said,
      /left to be taken up by the next start: agent\/idle chat-1 \(process \d+\); to end them now: chartroom stop AGENT/,
    );
    assert.equal(handlers().length, 1);
    const stopped = await cli('stop', 'idle');
    assert.equal(stopped.exitCode, 0, stopped.stderr);
    assert.deepEqual(handlers(), []);
    const next = await up();
    assert.equal((await next.show('idle')).phase, 'stopped');
    assert.equal((await next.history('idle')).filter(({ type }) => type === 'driver.started').length, 1);
    assert.deepEqual(handlers(), []);
    next.child.kill('SIGTERM');
    assert.doesNotMatch(await next.said, /left to be taken up/);
  },
);
