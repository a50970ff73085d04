/** Two logs of a run, both redacted: every frame as it came, and a readable one for whoever looks on. */
import { createWriteStream } from 'node:fs';
import type { Usage } from '../../../machines/events/common.ts';
import type { DriverEvent } from '../../drivers/driver.ts';
import type { Clock } from '../../clock.ts';
import type { Folder } from './folder.ts';

/** Beyond this nothing more is written: a run that floods its log is not read by anybody. */
export const LOG_BYTES_MAX = 64 * 1_024 * 1_024;

export interface RunLog {
  frame: (direction: 'in' | 'out', line: string) => void;
  event: (event: DriverEvent) => void;
  close: () => Promise<void>;
}

/** The output is always read from its start, after a restart too: so the logs begin anew. */
export function openRunLog(folder: Folder, clock: Clock, redact: (text: string) => string): RunLog {
  const frames = bounded(folder.files.frames);
  const live = bounded(folder.files.live);
  const now = (): string => new Date(clock.now()).toISOString();
  return {
    frame: (direction, line) => frames.write(`${JSON.stringify({ at: now(), [direction]: redact(line) })}\n`),
    event(event) {
      const text = readable(event);
      if (text !== undefined) live.write(`${now()} ${redact(text)}\n`);
    },
    async close() {
      await Promise.all([frames.close(), live.close()]);
    },
  };
}

function bounded(file: string) {
  const stream = createWriteStream(file, { flags: 'w', mode: 0o600 });
  let written = 0;
  stream.on('error', () => {});
  return {
    write(text: string): void {
      written += text.length;
      if (written <= LOG_BYTES_MAX) stream.write(text);
    },
    close: () => new Promise<void>((resolve) => stream.end(() => resolve())),
  };
}

function readable(event: DriverEvent): string | undefined {
  switch (event.type) {
    case 'ready':
      return 'ready';
    case 'turn.started':
      return `${event.turn} begins`;
    case 'item':
      return `${event.kind}: ${event.text}`;
    case 'plan':
      return `plan: ${event.steps.map(({ content, status }) => `${content} (${status})`).join('; ')}`;
    case 'usage':
      return `usage: ${usageText(event.usage)}`;
    case 'ask':
      return `asks: ${event.text}`;
    case 'turn.ended':
      return `${event.turn} ${event.outcome}${event.reason === undefined ? '' : `: ${event.reason}`}`;
    case 'rate.limited':
    case 'auth.failed':
    case 'lost':
      return `${event.type}: ${event.reason}`;
  }
}

function usageText({ inputTokens, outputTokens, costUsd, context }: Usage): string {
  const cost = costUsd === undefined ? '' : `, ${costUsd.toFixed(2)} USD`;
  const filled = context === undefined ? '' : `, ${Math.round((100 * context.used) / context.window)}% of its window`;
  return `${inputTokens} in, ${outputTokens} out${cost}${filled}`;
}
