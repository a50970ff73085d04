/** The way of an agent's programs to the run door. The runtime may be away for a moment: it is waited for. */
import { setTimeout as pause } from 'node:timers/promises';

/** A runtime that starts again is back long before; after this nobody is there. */
const ABSENCE_MS_MAX = 30_000;
/** Between two knocks. */
const KNOCK_MS = 200;

export interface Knock {
  /** Of the door: `CHARTROOM_URL`. */
  url: string;
  token: string;
  path: '/act' | '/credential';
  body: unknown;
  signal: AbortSignal;
}

/**
 * Asks once somebody is there. Only a door that nobody stood behind is asked again: what was sent may have been done.
 * @throws the last refusal to connect when nobody came, and every other failure of the request
 */
export async function askRunDoor({ url, token, path, body, signal }: Knock): Promise<Response> {
  const end = Date.now() + ABSENCE_MS_MAX;
  for (;;) {
    try {
      return await fetch(new URL(path, url), {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal,
      });
    } catch (error) {
      if (!isNobodyThere(error) || Date.now() > end) throw error;
      await pause(KNOCK_MS, undefined, { signal });
    }
  }
}

const isNobodyThere = (error: unknown): boolean =>
  ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
