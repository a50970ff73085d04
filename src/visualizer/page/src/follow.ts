/**
 * Follows the stream of facts for as long as the page is open: connects, resumes where it was, and says how the link
 * stands. Fetch instead of EventSource, because a token has to go along.
 */
import type { Clock } from '../../../clock.ts';
import type { Fact } from './answers.ts';
import { createFrames } from './frames.ts';
import type { Frame } from './frames.ts';

export type Link =
  | { state: 'connecting' }
  | { state: 'live' }
  /** Nobody answers, since then (ms since 1970). */
  | { state: 'away'; sinceMs: number }
  /** A token is needed; `rejected`: the one given is wrong. */
  | { state: 'locked'; rejected: boolean };

/** The stream says something every 15 s; after three such silences the connection is dead. */
const SILENCE_MS_MAX = 45_000;
/** Soon at first (a restart takes a second), then not so often that a sleeping laptop keeps a machine busy. */
const RETRY_MS = [300, 500, 1_000, 2_000, 3_000, 5_000];

export interface FollowOptions {
  fetch: typeof globalThis.fetch;
  headers: () => Record<string, string>;
  clock: Clock;
  /** Connected. `resumed: false`: what was known before may have gaps, read everything again. */
  onHello: (resumed: boolean) => void;
  /** Those that came together, in order. */
  onFacts: (facts: Fact[]) => void;
  onLink: (link: Link) => void;
}

export interface Following {
  /** Tries at once instead of later: somebody gave a token, or the network is back. */
  retry(): void;
  stop(): void;
}

export function followFacts({ fetch, headers, clock, onHello, onFacts, onLink }: FollowOptions): Following {
  let last: string | null = null;
  let stopped = false;
  let tries = 0;
  let awaySinceMs: number | null = null;
  let connection = new AbortController();
  let wake = (): void => {};

  async function follow(): Promise<void> {
    onLink({ state: 'connecting' });
    while (!stopped) {
      const ended = await connect();
      if (stopped) return;
      if (ended === 'locked') onLink({ state: 'locked', rejected: 'authorization' in headers() });
      else {
        awaySinceMs ??= clock.now();
        onLink({ state: 'away', sinceMs: awaySinceMs });
      }
      await pause(ended === 'locked' ? null : (RETRY_MS[tries] ?? RETRY_MS.at(-1)!));
      tries += 1;
    }
  }

  async function connect(): Promise<'ended' | 'locked'> {
    connection = new AbortController();
    let hush = (): void => {};
    const heard = (): void => {
      hush();
      hush = clock.after(SILENCE_MS_MAX, () => connection.abort());
    };
    try {
      heard();
      const response = await fetch('/api/stream', {
        headers: { ...headers(), ...(last === null ? {} : { 'last-event-id': last }) },
        signal: connection.signal,
        cache: 'no-store',
      });
      if (response.status === 401) return 'locked';
      if (!response.ok || response.body === null) return 'ended';
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const frames = createFrames();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 'ended';
        heard();
        take(frames(value));
      }
    } catch {
      // Broken off, refused or silent: all the same to who waits for it.
      return 'ended';
    } finally {
      hush();
    }
  }

  function take(frames: Frame[]): void {
    const facts: Fact[] = [];
    for (const { id, event, data } of frames) {
      if (id !== null) last = id;
      if (event === 'fact') facts.push(JSON.parse(data) as Fact);
      if (event !== 'hello') continue;
      const { resumed } = JSON.parse(data) as { resumed: boolean };
      tries = 0;
      awaySinceMs = null;
      onLink({ state: 'live' });
      onHello(resumed);
    }
    if (facts.length > 0) onFacts(facts);
  }

  function pause(ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const cancel = ms === null ? (): void => {} : clock.after(ms, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  }

  void follow();
  return {
    retry() {
      tries = 0;
      wake();
    },
    stop() {
      stopped = true;
      connection.abort();
      wake();
    },
  };
}
