/**
 * A journey on real parts: a world of stand-ins, `chartroom up` as a process of its own, its facts as they come, and
 * what became of everything at the end. When it fails it shows what the runtime said.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { IndexRow } from '../../src/actor/actors.ts';
import type { Fact } from '../../src/actor/fact.ts';
import type { HistoryEntry } from '../../src/actor/past.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { FILES, ISSUE, SCRIPT } from '../../src/demo/story.ts';
import { ask, createWorld, followFacts } from '../../src/demo/world.ts';
import type { RunningChartroom, World, WorldOptions } from '../../src/demo/world.ts';
import { openGate } from './gate.ts';
import type { Gate } from './gate.ts';
import { endAll, processesOf } from '../../src/demo/processes.ts';

/** A story takes about twenty seconds on two cores, several times that beside other work. Beyond it something hangs. */
const JOURNEY_MS_MAX = 480_000;
/** Nothing in a story takes longer than a few seconds by itself; the machine may have much else to do. */
const FACT_MS_MAX = 150_000;
const LOG_SHOWN = 6_000;
const FACTS_SHOWN = 40;

export interface Journey {
  world: World;
  /** What every webhook to Chartroom goes through. */
  gate: Gate;
  /** Everything of this journey is in here, and every process of it names it. */
  directory: string;
  /** Every fact heard so far, once. */
  facts: Fact[];
  /** How often each fact was heard, by `<actor>/<seq> <type>`. */
  heard: Map<string, number>;
  /** The runtime that runs now. */
  chartroom(): RunningChartroom;
  /** Starts it (again). */
  start(): Promise<RunningChartroom>;
  /** Hands an issue to Chartroom, as the story begins. @returns its name in Linear, and the session's address */
  delegate(): { issue: string; session: string };
  /** The first fact, heard already or to come, that is the wanted one. */
  until(what: string, wanted: (fact: Fact) => boolean): Promise<Fact>;
  ask<Answer>(question: string, input?: Record<string, unknown>): Promise<Answer>;
  /** Until the session is final and nothing of anybody is under way any more. */
  ended(session: string): Promise<Fact>;
}

export interface JourneyOptions extends Partial<Pick<WorldOptions, 'config' | 'script'>> {
  /** Why it cannot be played on this machine. */
  skip?: string | false;
}

export function journey(
  name: string,
  { skip = false, ...options }: JourneyOptions,
  play: (journey: Journey) => Promise<void>,
): void {
  test(name, { timeout: JOURNEY_MS_MAX, skip }, async (t) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-journey-'));
    const gate = await openGate();
    const world = await createWorld({
      directory,
      files: FILES,
      script: SCRIPT,
      holdUntilApproved: true,
      hooksThrough: (target) => gate.through(target),
      ...options,
    });
    const over = new AbortController();
    const facts: Fact[] = [];
    const heard = new Map<string, number>();
    let listeners: (() => void)[] = [];
    let running = null as RunningChartroom | null;
    let following = null as Promise<void> | null;

    const chartroom = (): RunningChartroom => {
      assert.ok(running !== null, 'the runtime was started');
      return running;
    };
    const start = async (): Promise<RunningChartroom> => {
      running = await world.start();
      following ??= follow(running.operator);
      return running;
    };
    async function follow(operator: string): Promise<void> {
      for await (const fact of followFacts(() => operator, over.signal)) {
        const name = nameOf(fact);
        heard.set(name, (heard.get(name) ?? 0) + 1);
        if (heard.get(name) === 1) facts.push(fact);
        for (const tell of listeners.splice(0)) tell();
      }
    }
    const next = (): Promise<void> => new Promise((resolve) => listeners.push(resolve));
    const until = (what: string, wanted: (fact: Fact) => boolean): Promise<Fact> =>
      within(FACT_MS_MAX, what, async () => {
        for (let seen = 0; ;) {
          const found = facts.slice(seen).find(wanted);
          if (found !== undefined) return found;
          seen = facts.length;
          await next();
        }
      });
    const asking = async <Answer>(question: string, input: Record<string, unknown> = {}): Promise<Answer> =>
      ask<Answer>(chartroom().operator, question, input);

    async function ended(session: string): Promise<Fact> {
      const end = await until(`the end of ${session}`, (fact) => fact.actor === session && isFinal(fact));
      await within(FACT_MS_MAX, 'everything to be over', async () => {
        for (;;) {
          const more = next();
          if (await isOver()) return;
          await more;
        }
      });
      return end;
    }
    async function isOver(): Promise<boolean> {
      const { items } = await asking<{ items: IndexRow[] }>('list', { limit: 1_000 });
      for (const { address, phase } of items) {
        if (address.startsWith('session/') && !FINAL.has(phase)) return false;
        const { outbox, mailbox } = await asking<{ outbox: unknown[]; mailbox: number }>('show', { actor: address });
        if (outbox.length > 0 || mailbox > 0) return false;
        if (address.startsWith('agent/') && phase !== 'asleep') return false;
      }
      return true;
    }
    function delegate(): { issue: string; session: string } {
      const issue = world.linear.createIssue({
        team: 'ENG',
        title: ISSUE.title,
        description: ISSUE.description,
        state: 'Todo',
      });
      world.linear.delegate(issue);
      return { issue: issue.identifier, session: `session/${issue.identifier.toLowerCase()}` };
    }

    let isPlayed = false;
    try {
      await play({ world, gate, directory, facts, heard, chartroom, start, delegate, until, ask: asking, ended });
      isPlayed = true;
    } finally {
      if (!isPlayed) await explain((line) => t.diagnostic(line), { world, facts, asking });
      over.abort();
      await following;
      await running?.stop();
      await world.close();
      await gate.close();
      const left = processesOf(directory);
      endAll(left);
      await rm(directory, { recursive: true, force: true });
      if (isPlayed) assert.deepEqual(left, [], 'no process of this journey is left');
    }
  });
}

/** @throws Error that says what it waited for */
export async function within<Answer>(ms: number, what: string, work: () => Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms / 1_000} s for ${what}, in vain`)), ms);
  });
  return Promise.race([work(), late]).finally(() => clearTimeout(timer));
}

export const FINAL = new Set(['done', 'failed', 'cancelled']);
export const isFinal = ({ after }: Fact): boolean => FINAL.has(after?.phase ?? '');
export const nameOf = ({ actor, seq, type }: Fact): string => `${actor}/${seq} ${type}`;

async function explain(
  say: (line: string) => void,
  { world, facts, asking }: { world: World; facts: Fact[]; asking: Journey['ask'] },
): Promise<void> {
  say('the last facts:');
  for (const { at, summary, outcome, waitingOn } of facts.slice(-FACTS_SHOWN)) {
    say(`  ${at} ${outcome} ${summary}${waitingOn.map(({ gate, detail }) => ` · ${gate}: ${detail}`).join('')}`);
  }
  const { letters } = await asking<{ letters: { receipt: Receipt }[] }>('dead').catch(() => ({ letters: [] }));
  for (const { receipt } of letters) say(`  dead letter to ${receipt.actor}: ${receipt.outcome} ${receipt.reason}`);
  say('the runtime said:');
  const log = await readFile(world.logFile, 'utf8').catch(() => '(nothing)');
  for (const line of log.slice(-LOG_SHOWN).split('\n')) say(`  ${line}`);
}

/** Journal entries of every actor there is. */
export async function journals({ ask }: Pick<Journey, 'ask'>): Promise<Map<string, HistoryEntry[]>> {
  const { items } = await ask<{ items: IndexRow[] }>('list', { limit: 1_000 });
  const all = new Map<string, HistoryEntry[]>();
  for (const { address } of items) {
    const { entries } = await ask<{ entries: HistoryEntry[] }>('history', { actor: address, limit: 5_000 });
    all.set(address, entries);
  }
  return all;
}
