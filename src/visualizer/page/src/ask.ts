/** Asks the operator's questions. What goes wrong is a value that a view can show in place. */
import type {
  Audit,
  Chart,
  DeadAnswer,
  EventSchemas,
  Foretold,
  Health,
  HistoryAnswer,
  HookLine,
  HookWhole,
  ListAnswer,
  MailAnswer,
  Moment,
  Receipt,
  RunLine,
  Shown,
  WaysTaken,
  Why,
} from './answers.ts';

/** `unknown` there is no such thing · `locked` a token is needed · `away` nobody answers · `refused` anything else. */
export interface Failure {
  why: 'unknown' | 'locked' | 'away' | 'refused';
  message: string;
}
export type Answered<Value> = { ok: true; value: Value } | ({ ok: false } & Failure);

export interface Ask {
  list(cursor: string | null): Promise<Answered<ListAnswer>>;
  show(actor: string): Promise<Answered<Shown>>;
  history(actor: string, range: { from?: number; to?: number }): Promise<Answered<HistoryAnswer>>;
  /** The newest of a mission's and all its sessions' entries, merged. */
  ledger(mission: string): Promise<Answered<HistoryAnswer>>;
  chart(kind: string, version?: string | null): Promise<Answered<Chart>>;
  at(actor: string, seq: number): Promise<Answered<Moment>>;
  why(actor: string): Promise<Answered<Why>>;
  mail(actor: string): Promise<Answered<MailAnswer>>;
  events(kind: string): Promise<Answered<EventSchemas>>;
  /** What would become of it, with whom it would tell what, and when. */
  foretell(envelope: Letter): Promise<Answered<Foretold>>;
  send(envelope: Letter): Promise<Answered<Receipt>>;
  dead(actor?: string): Promise<Answered<DeadAnswer>>;
  health(): Promise<Answered<Health>>;
  audit(agent: string): Promise<Answered<Audit>>;
  /** Prometheus' text. */
  metrics(): Promise<Answered<string>>;
  hooks(): Promise<Answered<{ hooks: HookLine[] }>>;
  hook(seq: number): Promise<Answered<HookWhole>>;
  redeliver(delivery: string): Promise<Answered<Pick<HookLine, 'delivery'>>>;
  /** How often the transitions of a kind were taken, over all its actors. */
  ways(kind: string): Promise<Answered<WaysTaken>>;
  /** Somebody looks at this chat, or leaves it; told also while the page goes away. */
  attend(agent: string, consumer: string, leaving: boolean): Promise<Answered<unknown>>;
  runs(actor: string): Promise<Answered<{ runs: RunLine[] }>>;
  /** What a run put out, from a byte on. */
  output(run: string, from: number): Promise<Answered<{ text: string; next: number; ended: boolean }>>;
}

/** An envelope as the page makes it. */
export interface Letter {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  subject: string;
  data: Record<string, unknown>;
  expectepoch?: number;
  causationid?: string;
}

/** Rows of the first portion: more than a screen, so that it is there at once. */
const LIST_FIRST = 100;
/** Rows of each further portion of the list, the most that one answer holds. */
const LIST_PORTION = 1_000;
/** Steps shown before somebody asks for older ones. */
export const HISTORY_PORTION = 100;
/** Of a ledger the newest; the command line has all of it. */
const LEDGER_PORTION = 200;
/** A runtime that takes longer for a read is as good as gone; the page says so and tries again. */
const ANSWER_MS_MAX = 20_000;

export function createAsk({
  fetch,
  headers,
}: {
  fetch: typeof globalThis.fetch;
  headers: () => Record<string, string>;
}): Ask {
  async function ask<Value>(
    question: string,
    input: Record<string, unknown>,
    { keepalive }: { keepalive: boolean } = { keepalive: false },
  ): Promise<Answered<Value>> {
    try {
      const response = await fetch(`/api/${question}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers() },
        body: JSON.stringify(input),
        keepalive,
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      const body = (await response.json()) as unknown;
      if (response.ok) return { ok: true, value: body as Value };
      const { error } = body as { error?: string };
      return { ok: false, why: whyOf(response.status), message: error ?? `the runtime answered ${response.status}` };
    } catch {
      return { ok: false, why: 'away', message: 'the runtime does not answer' };
    }
  }
  async function metrics(): Promise<Answered<string>> {
    try {
      const response = await fetch('/metrics', { headers: headers(), signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      const text = await response.text();
      if (response.ok) return { ok: true, value: text };
      return { ok: false, why: whyOf(response.status), message: `the runtime answered ${response.status}` };
    } catch {
      return { ok: false, why: 'away', message: 'the runtime does not answer' };
    }
  }
  return {
    metrics,
    at: (actor, seq) => ask('at', { actor, seq }),
    why: (actor) => ask('why', { actor }),
    mail: (actor) => ask('mail', { actor }),
    events: (kind) => ask('chart', { kind, events: true }),
    foretell: (envelope) => ask('foretell', { ...envelope }),
    audit: (agent) => ask('audit', { agent }),
    ways: (kind) => ask('ways', { kind }),
    attend: (agent, consumer, leaving) =>
      ask('attend', { agent, consumer, ...(leaving ? { leaving } : {}) }, { keepalive: leaving }),
    send: (envelope) => ask('send', { ...envelope }),
    dead: (actor) => ask('dead', actor === undefined ? {} : { actor }),
    health: () => ask('health', {}),
    hooks: () => ask('hooks', {}),
    hook: (seq) => ask('hook', { seq }),
    redeliver: (delivery) => ask('redeliver', { delivery }),
    runs: (actor) => ask('runs', { actor }),
    output: (run, from) => ask('output', { run, from }),
    list: (cursor) => ask('list', cursor === null ? { limit: LIST_FIRST } : { limit: LIST_PORTION, cursor }),
    show: (actor) => ask('show', { actor }),
    history: (actor, range) => ask('history', { actor, limit: HISTORY_PORTION, ...range }),
    ledger: (mission) => ask('history', { actor: mission, items: true, limit: LEDGER_PORTION }),
    chart: (kind, version) => ask('chart', version == null ? { kind } : { kind, version }),
  };
}

function whyOf(status: number): Failure['why'] {
  if (status === 404) return 'unknown';
  if (status === 401) return 'locked';
  return status === 502 || status === 503 || status === 504 ? 'away' : 'refused';
}
