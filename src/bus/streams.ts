/**
 * The three streams (docs/protocol.md §2), made or brought up to date at every connect. What the server returns is
 * compared with what was asked: an older server silently ignores what it does not know.
 */
import { DiscardPolicy, nanos, RetentionPolicy, StorageType } from 'nats';
import type { JetStreamManager, StreamConfig, StreamInfo } from 'nats';
import { TerminalError } from '../errors.ts';
import { apiErrorOf } from './connection.ts';
import type { Connection } from './connection.ts';
import type { StreamName } from './bus.ts';
import { streamName } from './subject.ts';

export interface StreamLimits {
  bytesMax?: number | undefined;
  /** Messages; default as many as fit. */
  messagesMax?: number | undefined;
}

export const STREAMS: readonly StreamName[] = ['mail', 'hook', 'fact'];

const GIB = 1_073_741_824;
const DAY_MS = 86_400_000;
/** As long as the ids of envelopes are remembered: what is older could be taken twice. */
const AGE_MAX_MS = 7 * DAY_MS;
/** The server keeps every message id of the window in memory: long enough for GitHub's and the spool's repeats. */
const HOOK_WINDOW_MS = 3_600_000;
/** Facts are repeated only by a start that goes on from *published up to*. */
const FACT_WINDOW_MS = 120_000;
/** Mail carries no message ids: the window would swallow a retry without a receipt. */
const MAIL_WINDOW_MS = 1_000;

type Asked = Pick<
  StreamConfig,
  'name' | 'subjects' | 'storage' | 'retention' | 'discard' | 'max_age' | 'max_bytes' | 'max_msgs' | 'duplicate_window'
>;

export function streamSettings(namespace: string, stream: StreamName, limits: StreamLimits = {}): Asked {
  return {
    name: streamName(namespace, stream),
    subjects: [`${namespace}.${stream}.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    /** Letters and hooks are refused when full, so that nothing old is dropped; facts can be read from the store. */
    discard: stream === 'fact' ? DiscardPolicy.Old : DiscardPolicy.New,
    max_age: nanos(AGE_MAX_MS),
    max_bytes: limits.bytesMax ?? GIB,
    max_msgs: limits.messagesMax ?? -1,
    duplicate_window: nanos({ mail: MAIL_WINDOW_MS, hook: HOOK_WINDOW_MS, fact: FACT_WINDOW_MS }[stream]),
  };
}

/** @throws TerminalError `BUS_STREAM` when the server made something else of it; BusError when it could not be asked */
export async function ensureStream(connection: Connection, jsm: JetStreamManager, asked: Asked): Promise<StreamInfo> {
  const { name } = asked;
  const during = (call: () => Promise<StreamInfo>): Promise<StreamInfo> => connection.during(`stream ${name}`, call);
  const present = await during(() => jsm.streams.info(name)).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  const info =
    present === null
      ? await during(() => jsm.streams.add(asked))
      : differences(asked, present.config).length === 0
        ? present
        : await during(() => jsm.streams.update(name, asked));
  const wrong = differences(asked, info.config);
  if (wrong.length > 0) {
    throw new TerminalError(
      'BUS_STREAM',
      `the server made something else of stream ${asked.name}: ${wrong.join('; ')}`,
    );
  }
  return info;
}

export const isMissing = (error: unknown): boolean => apiErrorOf(error)?.code === 404;

function differences(asked: Asked, got: StreamConfig): string[] {
  return (Object.keys(asked) as (keyof Asked)[])
    .filter((key) => JSON.stringify(asked[key]) !== JSON.stringify(got[key]))
    .map((key) => `${key} is ${JSON.stringify(got[key])}, asked was ${JSON.stringify(asked[key])}`);
}
