/**
 * `kill -9` of a real runtime at every write of a purge, an offboarding and a hire, with real processes of agents, and a
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
import { skipLong } from '../support/long.ts';

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
/** How a runtime is to die; null: it lives. */
type Death = { atWrite: number; side: 'before' | 'after'; from: string } | null;

const PRELOADED = pathToFileURL(path.join(PACKAGE_ROOT, 'dist/test/crash/die-at-write.js')).href;
const HANDLER = programArgs('src/drivers/scripted/main').at(-1)!;
/** Longer than any step takes on a busy machine. */
const WAIT_MS_MAX = 60_000;
const CHATS = ['busy', 'idle', 'dormant'];
const word = (name: string, type: string, data: Data = {}): Word => ({
  id: `${name}/${type}`,
  subject: `agent/${name}`,
  type,
  data,
});

const CONFIG = `webhooks: { listen: 127.0.0.1:0 }
operator: { listen: 127.0.0.1:0 }
agents:
${[...CHATS, 'next'].map((name) => `  - { name: ${name}, role: reviewer, driver: scripted, mode: chat }`).join('\n')}
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

  async function up(death: Death = null) {
    const dying = death === null ? [] : ['--import', PRELOADED];
    const fate = death === null ? {} : { DIE_AT: String(death.atWrite), DIE_SIDE: death.side, DIE_FROM: death.from };
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
  return { up, cli, handlers: () => processesOf(cwd).filter(isHandler), end: () => endAll(processesOf(cwd)) };
}
type Runtime = Awaited<ReturnType<Awaited<ReturnType<typeof open>>['up']>>;

interface Way {
  from: string;
  words: Word[];
  /** Where it is to come to. */
  goal: Record<string, string>;
  /** What is true in the end, however it was disturbed. */
  footprint: (runtime: Runtime) => Promise<unknown>;
  /** Processes of agents that live on. */
  living: number;
}

const ofChats = (names: readonly string[]) => async (runtime: Runtime) =>
  Promise.all(
    names.map(async (name) => {
      const { phase, claims, context } = await runtime.show(name);
      const entries = await runtime.history(name);
      const count = (type: string): number =>
        entries.filter((entry) => entry.type === type && entry.outcome === 'taken').length;
      return {
        name,
        phase,
        claims,
        mail: context.mail.map(({ text, state, answer }) => [text, state, answer]),
        starts: count('driver.started'),
        said: entries.filter(({ type }) => type === 'driver.said').length,
        archived: count('correct.archive'),
        isWhole: entries.every(({ seq }, index) => seq === index + 1),
      };
    }),
  );

const WAYS: Record<string, Way> = {
  purge: {
    from: 'correct.archive',
    words: CHATS.map((name) => word(name, 'correct.archive')),
    goal: { busy: 'archived', idle: 'archived', dormant: 'archived' },
    footprint: ofChats(CHATS),
    living: 0,
  },
  offboarding: {
    from: 'correct.offboard',
    words: [word('busy', 'correct.offboard')],
    goal: { busy: 'offboarded' },
    footprint: ofChats(['busy']),
    living: 1,
  },
  'a hire': {
    from: 'agent/zoe',
    words: [
      word('zoe', 'hire', { role: 'reviewer', driver: 'scripted', mode: 'chat' }),
      word('zoe', 'say', { text: 'hello' }),
    ],
    goal: { zoe: 'awake' },
    footprint: ofChats(['zoe']),
    living: 3,
  },
};

/** From three chats (one in mid-answer, one awake, one dormant) through this way. @returns null: it did not die */
async function trial(t: TestContext, way: Way, death: Death): Promise<unknown> {
  const { up, handlers, end: endEverything } = await open(t);
  try {
    return await play();
  } finally {
    endEverything();
  }

  async function play(): Promise<unknown> {
    const first = await up(death);
    await first.send(word('busy', 'correct.subscribe', { repo: 'acme/api' }));
    await first.send(word('busy', 'say', { text: 'hang' }));
    await first.send(word('idle', 'say', { text: 'hello' }));
    await first.until('idle', ({ phase, context }) => phase === 'awake' && context.mail[0]?.state === 'answered');
    const half = async (): Promise<boolean> => (await first.history('busy')).some(({ type }) => type === 'driver.said');
    while (!(await half())) await new Promise((resolve) => setTimeout(resolve, 50));

    let runtime = first;
    for (const letter of way.words) if ((await first.send(letter)) === null) break;
    if (death !== null) {
      const settled = async (): Promise<'settled'> => {
        await reached(first, way);
        return 'settled';
      };
      // It dies of the last writes a moment after the last receipt.
      const end = await Promise.race([first.ended, settled().catch(() => first.ended)]);
      if (end === 'settled') return null;
      assert.equal(end, 'SIGKILL');
      runtime = await up();
      for (const letter of way.words) {
        const receipt = await runtime.send(letter);
        assert.ok(receipt?.outcome === 'taken' || receipt?.outcome === 'recorded', JSON.stringify(receipt));
      }
    }
    await reached(runtime, way);
    const print = await way.footprint(runtime);
    assert.equal(
      handlers().length,
      way.living,
      handlers()
        .map(({ command }) => command)
        .join('\n'),
    );
    if (way.goal['busy'] === 'offboarded') {
      const next = await runtime.send(word('next', 'correct.subscribe', { repo: 'acme/api' }));
      assert.equal(next?.outcome, 'taken', 'what it held is free');
    }
    if (way.goal['busy'] === 'archived') {
      await runtime.send(word('busy', 'correct.restore'));
      await runtime.send({ ...word('busy', 'say', { text: 'hello' }), id: 'after it was restored' });
      await runtime.until('busy', ({ context }) => context.mail.at(-1)?.answer === 'hello');
      const runs = (await runtime.history('busy')).filter(({ type }) => type === 'driver.started');
      assert.deepEqual(
        runs.map(({ envelope }) => envelope.id),
        ['chat-1/started', 'chat-2/started'],
        'names go on',
      );
    }
    return print;
  }
}

async function reached(runtime: Runtime, { goal }: Way): Promise<void> {
  for (const [name, phase] of Object.entries(goal))
    await runtime.until(name, (shown) => shown.phase === phase && shown.outbox.length === 0);
}

for (const [name, way] of Object.entries(WAYS)) {
  for (const side of ['before', 'after'] as const) {
    test(`killed ${side} any write of ${name}, it comes to the same end`, { skip: skipLong }, async (t) => {
      const undisturbed = await trial(t, way, null);
      let deaths = 0;
      for (;;) {
        const print = await trial(t, way, { atWrite: deaths + 1, side, from: way.from });
        if (print === null) break;
        deaths += 1;
        assert.deepEqual(print, undisturbed, `${side} write ${deaths}`);
      }
      t.diagnostic(`${deaths} deaths`);
      assert.ok(deaths >= 2);
    });
  }
}

test(
  'a runtime that is stopped politely names the processes it leaves; stop ends them while none runs',
  { skip: skipLong },
  async (t) => {
    const { up, cli, handlers } = await open(t);
    const first = await up();
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
