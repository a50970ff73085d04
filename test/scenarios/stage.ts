/**
 * All of Chartroom but the world: the real machines on a real node, with outbox, watches and every door, on a memory bus
 * and a clock turned by hand. Agents' processes and pull requests are moved by the test; everything else is met as
 * programs outside meet it: envelopes, receipts and questions.
 */
import assert from 'node:assert/strict';
import { MACHINES } from '../../machines/index.ts';
import { ACTS } from '../../machines/effects.ts';
import type { RunBegun } from '../../machines/events/agent.ts';
import { servedQuestions } from '../../src/actor/asked.ts';
import { createLetterbox } from '../../src/actor/letterbox.ts';
import { createOutbox } from '../../src/actor/outbox.ts';
import type { Outbox } from '../../src/actor/outbox.ts';
import type { HistoryEntry } from '../../src/actor/past.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Node } from '../../src/actor/node.ts';
import { createWatches } from '../../src/actor/watches.ts';
import type { Watches } from '../../src/actor/watches.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { FakeClock } from '../../src/clock.ts';
import type { ActPerformer, Doing, WatchContext, WatchPerformer } from '../../src/effects/effect.ts';
import { createLog } from '../../src/log.ts';
import type { Store } from '../../src/store/store.ts';
import type { Door } from '../support/doors.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { startSiteOn } from '../visualizer/site.ts';
import { envelope } from './place.ts';
import type { Data, Shown } from './place.ts';

const USAGE = { inputTokens: 10, outputTokens: 2 };
/** A wait is taken in parts: what becomes due may make something else due. */
const WAIT_STEP_MS = 30_000;
const REPO = 'acme/hello';
/** A run for these has to move the head. */
const REPAIRS = new Set(['checks', 'queue', 'review', 'upkeep']);

/** A process of an agent: a worker's run, or a chat. */
interface Process {
  run: string;
  begun: RunBegun | null;
  tell: WatchContext['tell'];
  /** Mail that is in the turn it is in. */
  turn: { id: string; text: string; author: string }[];
  words: number;
}

interface Pull {
  number: number;
  head: string;
  by: 'us' | 'other';
  state: 'open' | 'closed';
  merged: boolean;
  branch: string;
  conflict: boolean;
  reviews: Data[];
  gate: string;
  version: number;
  /** What GitHub shows beside these, or otherwise. */
  facts: Data;
}

export interface Stage {
  /** Sends, by `ask.send` where no door is named, and lets everything settle. */
  send(subject: string, type: string, data?: Data, more?: Data & { door?: Door }): Promise<Receipt>;
  preview(subject: string, type: string, data?: Data, more?: Data): Promise<Receipt & Data>;
  ask<Answer>(question: string, input: Data): Promise<Answer>;
  show(actor: string): Promise<Shown>;
  history(actor: string, more?: Data): Promise<HistoryEntry[]>;
  hire(name: string, role: string, more?: Data): Promise<void>;
  /** The run whose process this agent has now. */
  running(agent: string): RunBegun | null;
  /** The turn of this agent's process ends well, with what it brought, and the process is gone. */
  finish(agent: string, result?: Data): Promise<void>;
  crash(agent: string): Promise<void>;
  /** Its process is ended by us: an interruption. */
  end(agent: string): Promise<void>;
  /** What is before the chat's turn now. */
  reading(agent: string): string[];
  reply(agent: string, text: string): Promise<void>;
  /** The pull request of a session's branch is opened, or changed. */
  pull(
    session: string,
    changes?: Partial<Pick<Pull, 'head' | 'by' | 'state' | 'merged' | 'conflict' | 'gate' | 'facts'>>,
  ): Promise<Pull>;
  wait(seconds: number): Promise<void>;
  /** Texts in which a person was asked for help, in order. */
  pleas(): string[];
  /** What was said to running conversations. */
  steered: string[];
  /** Whether a run takes what is said to it. */
  steerable: boolean;
  settle(): Promise<void>;
  stop(): Promise<void>;
  /** What a router is made of. */
  parts: { node: Node; store: Store; watches: Watches };
}

export interface StageOptions {
  maxRuns?: number;
  maxChats?: number;
  clock?: FakeClock;
  /** Of an earlier stage: this one is the start after it. */
  store?: Store;
  /** In place of those that a test moves by hand. */
  watches?: Record<string, WatchPerformer>;
  acts?: Record<string, (params: Data, doing: Doing) => unknown>;
}

export async function openStage({
  maxRuns = 10,
  maxChats = 16,
  clock = createFakeClock(),
  store,
  watches: others = {},
  acts = {},
}: StageOptions = {}): Promise<Stage> {
  const log = createLog({ level: 'silent' });
  const processes = new Map<string, Process>();
  const pulls = new Map<string, Pull>();
  const looks = new Map<string, { context: WatchContext; branch: string }>();
  const pleas: string[] = [];
  const sent: Promise<unknown>[] = [];
  let heads = 1;

  // ── what can be done to the world

  const headOf = (branch: string): string => pulls.get(branch)?.head ?? '1111111aaaaaaa';
  const nextHead = (): string => `${String(++heads).padStart(7, '0')}bbbbbbb`;
  const performs: Record<string, (params: Data, doing: Doing) => unknown> = {
    'worktree.prepare': ({ branch, head }, { actor }) => ({
      path: `/worktrees/${actor}`,
      branch,
      head: head ?? headOf(String(branch)),
    }),
    'run.verify': ({ run, headBefore, branch, deliver, for: kind }) => ({
      run,
      ok: !REPAIRS.has(String(kind)) || headOf(String(branch)) !== headBefore,
      evidence: {
        headBefore,
        headAfter: headOf(String(branch)),
        ...(pulls.has(String(branch)) && deliver === 'pull_request' ? { pull: pulls.get(String(branch))!.number } : {}),
        dirty: [],
        unpushed: 0,
        protected: [],
      },
    }),
    'review.post': ({ number, head, verdict, body, reviewer }) => {
      const pull = [...pulls.values()].find((one) => one.number === number)!;
      const id = `review-${pull.reviews.length + 1}`;
      const author = String(reviewer).slice('agent/'.length);
      pull.reviews.push({ id, author, verdict, head, body, comments: [], at: now() });
      change(pull);
      return { how: 'review', posted: { as: author, id } };
    },
    'pull.merge': ({ number }) => {
      const pull = [...pulls.values()].find((one) => one.number === number)!;
      change(Object.assign(pull, { merged: true, state: 'closed' }));
      return {};
    },
    'help.ask': ({ text }) => {
      pleas.push(String(text));
      return {};
    },
    'driver.prompt': ({ mail }, { actor }) => {
      processes.get(actor)!.turn = mail as Process['turn'];
      return { turn: 'turn' };
    },
    'driver.steer': ({ text }) => {
      if (stage.steerable) stage.steered.push(String(text));
      return { taken: stage.steerable };
    },
    'process.end': (_, { actor }) => {
      void exit(actor, 'ended');
      return {};
    },
    'linear.move': ({ to }) => ({ moved: true, state: to }),
    ...acts,
  };
  const performer = (act: string): ActPerformer => ({
    kind: 'act',
    repeat: 'key',
    deadlineMs: 60_000,
    lane: 'process',
    perform: async (params, doing) => performs[act]?.(params, doing) ?? {},
  });

  // ── what tells of it

  const now = (): string => new Date(clock.now()).toISOString();
  const still = { update: (_next: Data) => {}, poke: () => {}, stop: async () => {} };
  const watch = (start: (params: Data, context: WatchContext) => Partial<typeof still>): WatchPerformer => ({
    kind: 'watch',
    start: (params, context) => ({ ...still, ...start(params, context) }),
  });
  const hear = (word: Promise<unknown>): void => void sent.push(word.catch(() => {}));

  function change(pull: Pull): void {
    pull.version += 1;
    for (const { context, branch } of looks.values()) if (branch === pull.branch) look(context, pull);
  }

  function look({ tell }: WatchContext, pull: Pull): void {
    const { number, head, by, state, merged, branch, conflict, reviews, gate, version } = pull;
    const seen = {
      number,
      url: `https://github.example/${REPO}/pull/${number}`,
      state,
      draft: false,
      merged,
      title: 'The work',
      author: 'bot',
      branch,
      head,
      headBy: by,
      base: 'main',
      conflict,
      reviews,
      gate: gateOf(gate),
      queue: { state: 'out' },
      // As at GitHub: later with every change.
      updatedAt: new Date(Date.parse('2026-01-01T00:00:00.000Z') + version * 1_000).toISOString(),
      ...pull.facts,
    };
    hear(tell('pull.observed', seen, { id: `pull/${number}/${version}` }));
  }

  let watches!: Watches;
  let outbox!: Outbox;
  const site = await startSiteOn(clock, {
    store: store ?? (await openMemoryStore()),
    definitions: [...MACHINES],
    beforeLoad(node) {
      watches = createWatches({
        node,
        clock,
        log,
        performers: {
          process: watch((first, { actor, tell }) => {
            const start = ({ run, begun }: Data): void => {
              const process: Process = {
                run: String(run),
                begun: (begun as RunBegun) ?? null,
                tell,
                turn: [],
                words: 0,
              };
              processes.set(actor, process);
              hear(tell('driver.started', { pid: 1, startedAt: now() }, { id: `${process.run}/started` }));
              const notes = process.begun?.prompt.notes.map(({ id }) => id) ?? [];
              if (notes.length > 0 && process.begun !== null) {
                const read = { ids: notes, by: actor };
                hear(tell('note.read', read, { id: `${process.run}/read`, to: process.begun.session }));
              }
            };
            start(first);
            let { run } = first;
            // A chat that is started again at once is the same watch under another name.
            return {
              update(next: Data) {
                if (next['run'] !== run) start(next);
                ({ run } = next);
              },
            };
          }),
          pull: watch((params, context) => {
            const branch = String(params['branch']);
            looks.set(context.actor, { context, branch });
            const pull = pulls.get(branch);
            if (pull !== undefined) look(context, pull);
            return { stop: async () => void looks.delete(context.actor) };
          }),
          repository: watch(() => ({})),
          issue: watch(() => ({})),
          consumer: watch(() => ({})),
          ...others,
        },
      });
      outbox = createOutbox({
        node,
        performers: Object.fromEntries(Object.keys(ACTS).map((act) => [act, performer(act)])),
        clock,
        log,
      });
    },
  });
  const { node } = site;
  const server = createMemoryServer({ clock });
  const bus = server.bus();
  const letterbox = createLetterbox({ node, bus, clock, log, takeHook: async () => {} });
  await letterbox.start();
  const client = server.client();
  const served = servedQuestions(site.questions);

  async function settle(): Promise<void> {
    for (let calm = 0; calm < 3;) {
      await node.quiet();
      const words = sent.splice(0);
      await Promise.all(words);
      await new Promise((resolve) => setImmediate(resolve));
      calm = words.length > 0 || outbox.inFlight() > 0 || node.outbox.size() > 0 ? 0 : calm + 1;
    }
  }

  async function ask<Answer>(question: string, input: Data): Promise<Answer> {
    const answer = await served[question]!(Buffer.from(JSON.stringify(input)));
    assert.ok('body' in answer, `${question} ${JSON.stringify(input)}: ${JSON.stringify(answer)}`);
    return JSON.parse(answer.body) as Answer;
  }

  async function put(door: Door, letter: Data): Promise<Receipt> {
    switch (door) {
      case 'ask.send':
        return ask('send', letter);
      case 'mail':
        return (await (
          await client.mail(String(letter['subject']), letter)
        ).receipt) as Receipt;
      case 'POST /api/send': {
        const response = await site.ask('/api/send', { method: 'POST', body: JSON.stringify(letter) });
        return (await response.json()) as Receipt;
      }
    }
  }

  async function exit(agent: string, how: 'clean' | 'crash' | 'ended'): Promise<void> {
    const process = processes.get(agent);
    if (process === undefined) return;
    processes.delete(agent);
    hear(process.tell('driver.exited', { class: how, usage: USAGE }, { id: `${process.run}/exited` }));
  }
  const processOf = (agent: string): Process => {
    const process = processes.get(agent);
    assert.ok(process !== undefined, `${agent} has no process`);
    return process;
  };

  const stage: Stage = {
    steered: [],
    steerable: true,
    async send(subject, type, data = {}, { door = 'ask.send', ...more } = {}) {
      const receipt = await put(door, { ...envelope(subject, type, data), ...more });
      await settle();
      return receipt;
    },
    preview: (subject, type, data = {}, more = {}) => ask('preview', { ...envelope(subject, type, data), ...more }),
    ask,
    show: (actor) => ask<Shown>('show', { actor }),
    history: async (actor, more = {}) =>
      (await ask<{ entries: HistoryEntry[] }>('history', { actor, limit: 5_000, ...more })).entries,
    async hire(name, role, more = {}) {
      const receipt = await stage.send(`agent/${name}`, 'hire', { role, driver: 'scripted', mode: 'worker', ...more });
      assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
    },
    running: (agent) => processes.get(agent)?.begun ?? null,
    async finish(agent, result = {}) {
      const { tell, run } = processOf(agent);
      await tell('driver.turned', { outcome: 'completed', usage: USAGE, result }, { id: `${run}/turned` });
      await exit(agent, 'clean');
      await settle();
    },
    async end(agent) {
      await exit(agent, 'ended');
      await settle();
    },
    async crash(agent) {
      await exit(agent, 'crash');
      await settle();
    },
    reading: (agent) => (processes.get(agent)?.turn ?? []).map(({ text }) => text),
    async reply(agent, text) {
      const process = processOf(agent);
      const id = `${process.run}/said/${++process.words}`;
      await process.tell('driver.said', { text, final: true }, { id });
      await process.tell('driver.turned', { outcome: 'completed', usage: USAGE }, { id: `${id}/turned` });
      process.turn = [];
      await settle();
    },
    async pull(session, changes = {}) {
      const { context } = await stage.show(session);
      const branch = String(context['branch']);
      const known = pulls.get(branch);
      const pull: Pull = known ?? {
        number: pulls.size + 1,
        head: nextHead(),
        by: 'us',
        state: 'open',
        merged: false,
        branch,
        conflict: false,
        reviews: [],
        gate: 'unknown',
        version: 0,
        facts: {},
      };
      pulls.set(branch, pull);
      if (changes.merged === true) Object.assign(pull, { state: 'closed' });
      change(Object.assign(pull, changes));
      await settle();
      return pull;
    },
    async wait(seconds) {
      for (let left = seconds * 1_000; left > 0; left -= WAIT_STEP_MS) {
        clock.advance(Math.min(left, WAIT_STEP_MS));
        await settle();
      }
    },
    pleas: () => [...pleas],
    settle,
    parts: { node, store: site.store, watches },
    async stop() {
      await letterbox.stop();
      await watches.stop();
      await outbox.stop();
      await site.stop();
    },
  };
  await stage.send('dispatcher/main', 'fleet.configured', { maxRuns, maxChats });
  return stage;
}

/** The check that decides, as it stands; a red one names itself. */
function gateOf(state: string): Data {
  const conclusions: Record<string, string> = { red: 'failure', green: 'success' };
  const checks = state === 'unknown' ? [] : [{ name: 'Tests', conclusion: conclusions[state] ?? null, url: null }];
  const failed = { check: 'Tests', job: 'Tests', step: null, summary: 'It failed.', annotations: [], url: null };
  return { state, checks, failures: state === 'red' ? [failed] : [] };
}

/** `open` of a piece of work that is done when its report is there. */
export const reportOf = (title: string, more: Data = {}): Data => ({
  title,
  body: '',
  source: { kind: 'manual' },
  repo: REPO,
  kind: 'docs',
  deliver: 'report',
  gates: { checks: 'none', review: 'none' },
  ...more,
});

/** An item as most scenarios have it: no gates, and people merge. */
export const item = (key: string, more: Data = {}): Data => ({
  key,
  title: `Do ${key}`,
  body: `What ${key} asks for.`,
  kind: 'implement',
  dependsOn: [],
  repo: REPO,
  base: 'main',
  deliver: 'pull_request',
  gates: { checks: 'none', review: 'none' },
  merge: 'people',
  ...more,
});

/** What a mission shows of each of its items. */
export interface ItemShown {
  spec: { key: string };
  session: string;
  state: string;
  picture: { owner: string | null; epoch: number; phase: string; waitingOn: Shown['waitingOn'] } | null;
}
export async function itemOf(stage: Stage, mission: string, key: string): Promise<ItemShown> {
  const { context } = await stage.show(mission);
  return (context['items'] as ItemShown[]).find(({ spec }) => spec.key === key)!;
}
