/** Follows a file that another process appends to, line by line, from its start. */
import { watch } from 'node:fs';
import { open } from 'node:fs/promises';

/** Where a change is not announced (some file systems), it is seen this much later. */
const LOOK_MS = 250;
const CHUNK_BYTES = 65_536;
/** A line longer than this is noise and is cut: no agent's frame is that large. */
const LINE_MAX = 16 * 1_024 * 1_024;

export interface Follower {
  /** Reads what there is to its end, an unfinished last line too, and stops. */
  finish: () => Promise<void>;
  stop: () => void;
}

export interface FollowerOptions {
  /** A file longer than this is read no further. */
  bytesMax: number;
  /** It is longer; said once. */
  overflow: () => void;
}

export function followLines(
  file: string,
  line: (text: string) => void,
  { bytesMax, overflow }: FollowerOptions,
): Follower {
  let offset = 0;
  let rest = '';
  let reading: Promise<void> = Promise.resolve();
  let stopped = false;
  let isOver = false;
  const decoder = new TextDecoder();

  async function readOn(): Promise<void> {
    const handle = await open(file, 'r').catch(() => null);
    if (handle === null) return;
    try {
      const buffer = Buffer.alloc(CHUNK_BYTES);
      for (;;) {
        // Asked each time: who floods it writes faster than it is read.
        if (!isOver && (await handle.stat()).size > bytesMax) {
          isOver = true;
          overflow();
        }
        if (isOver) return;
        const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, offset);
        if (bytesRead === 0) return;
        offset += bytesRead;
        take(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }));
      }
    } finally {
      await handle.close();
    }
  }

  function take(text: string): void {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const whole of lines) line(whole);
    if (rest.length <= LINE_MAX) return;
    line(rest);
    rest = '';
  }

  const look = (): void => {
    if (!stopped) reading = reading.then(readOn);
  };
  const watcher = watch(file, look);
  watcher.on('error', () => {});
  const timer = setInterval(look, LOOK_MS);
  look();

  function stop(): void {
    stopped = true;
    watcher.close();
    clearInterval(timer);
  }
  return {
    stop,
    async finish() {
      look();
      stop();
      await reading;
      if (rest !== '') line(rest);
      rest = '';
    },
  };
}
