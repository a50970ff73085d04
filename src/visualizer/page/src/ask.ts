/** Asks the operator's questions. What goes wrong is a value that a view can show in place. */
import type { Chart, HistoryAnswer, ListAnswer, Shown } from './answers.ts';

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
  chart(kind: string): Promise<Answered<Chart>>;
}

/** Rows per portion of the list, the most that one answer holds. */
const LIST_PORTION = 1_000;
/** Steps shown before somebody asks for older ones. */
export const HISTORY_PORTION = 100;
/** A runtime that takes longer for a read is as good as gone; the page says so and tries again. */
const ANSWER_MS_MAX = 20_000;

export function createAsk({
  fetch,
  headers,
}: {
  fetch: typeof globalThis.fetch;
  headers: () => Record<string, string>;
}): Ask {
  async function ask<Value>(question: string, input: Record<string, unknown>): Promise<Answered<Value>> {
    try {
      const response = await fetch(`/api/${question}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers() },
        body: JSON.stringify(input),
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
  return {
    list: (cursor) => ask('list', { limit: LIST_PORTION, ...(cursor === null ? {} : { cursor }) }),
    show: (actor) => ask('show', { actor }),
    history: (actor, range) => ask('history', { actor, limit: HISTORY_PORTION, ...range }),
    chart: (kind) => ask('chart', { kind }),
  };
}

function whyOf(status: number): Failure['why'] {
  if (status === 404) return 'unknown';
  if (status === 401) return 'locked';
  return status === 502 || status === 503 || status === 504 ? 'away' : 'refused';
}
