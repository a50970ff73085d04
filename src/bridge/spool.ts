/**
 * The bridge's own letterbox on disk, for deliveries that the bus cannot take now: a directory of files, each with one
 * delivery, or with all that came while the one before was written; numbered in order of arrival. A file is there only
 * whole and synced, so what was once answered with 2xx survives the process and the power. Bounded: a full spool says
 * so, and the sender is told to come again.
 */
import { mkdir, readdir, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { TransientError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { parseSpooled, spooled } from './hook.ts';
import type { Delivery } from './hook.ts';
import { ASIDE, PART, groupOf, readFrom, spoolFile, writeSynced } from './spool-file.ts';
import type { SpoolFile } from './spool-file.ts';

export interface Spool {
  /** Resolves with its number when it is durable. @throws TransientError `SPOOL_FULL`, `SPOOL_FAILED` (the disk said no) */
  add(delivery: Delivery): Promise<number>;
  /** The numbers of what is spooled, oldest first. */
  numbers(): number[];
  /** undefined: it was damaged, and has been set aside. */
  read(number: number): Promise<Delivery | undefined>;
  /** Of a file with others it goes with the last of them; read again by the next process it is a duplicate. */
  remove(number: number): Promise<void>;
  /** Nobody will ever take it: it no longer counts, and stays on the disk for a person to look at. */
  setAside(number: number, err: unknown): Promise<undefined>;
  has(number: number): boolean;
  /** What a person has to know of it, in sentences. */
  notes(): string[];
  size(): { count: number; bytes: number };
}

export interface SpoolOptions {
  directory: string;
  log: Logger;
  countMax?: number;
  bytesMax?: number;
}

/** A day without the bus at a busy organisation's rate; beyond that the watches know better than old hooks. */
const COUNT_MAX = 10_000;
const BYTES_MAX = 256 * 1_024 * 1_024;
/** Of one file; a larger delivery has one of its own. */
const FILE_BYTES_MAX = 4 * 1_024 * 1_024;

/** Where a delivery lies. */
interface Place {
  file: SpoolFile;
  offset: number;
  bytes: number;
}

interface Waiting {
  number: number;
  bytes: Buffer;
  resolve: (number: number) => void;
  reject: (error: TransientError) => void;
}

/** Takes up what an earlier process left. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { directory, log, countMax = COUNT_MAX, bytesMax = BYTES_MAX } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const places = new Map<number, Place>();
  /** Of each file what is left in it. */
  const left = new Map<SpoolFile, number>();
  let last = 0;
  let bytes = 0;
  let aside = 0;
  /** Being written: counted, so that many at once cannot pass the bounds together. */
  const reserved = { count: 0, bytes: 0 };
  const waiting: Waiting[] = [];
  let isWriting = false;

  function keep(file: SpoolFile): void {
    let { offset } = file;
    file.lengths.forEach((length, at) => {
      places.set(file.first + at, { file, offset, bytes: length });
      offset += length;
      bytes += length;
    });
    left.set(file, file.lengths.length);
    last = Math.max(last, file.first + file.lengths.length - 1);
  }

  /** @returns whether it was the last of its file */
  function drop(number: number): boolean {
    const { file, bytes: length } = places.get(number)!;
    places.delete(number);
    bytes -= length;
    const others = left.get(file)! - 1;
    if (others > 0) left.set(file, others);
    else left.delete(file);
    return others === 0;
  }

  for (const name of (await readdir(directory)).toSorted()) {
    const file = path.join(directory, name);
    if (name.endsWith(PART)) {
      // Never answered with 2xx: the process ended while it was being written.
      await unlink(file);
    } else if (name.endsWith(ASIDE)) {
      aside += 1;
      // A number that is given again would replace what a person has not looked at.
      last = Math.max(last, Number.parseInt(name, 10) || 0);
    } else {
      const found = await spoolFile(file).catch(async (err: unknown) => {
        log.error({ err, file: name }, 'a file of the spool was set aside');
        await rename(file, `${file}${ASIDE}`);
        aside += 1;
        last = Math.max(last, Number.parseInt(name, 10) || 0);
      });
      if (found != null) keep(found);
    }
  }

  async function setAside(number: number, err: unknown): Promise<undefined> {
    log.error({ err, spooled: number }, 'a spooled delivery was set aside');
    const place = places.get(number)!;
    const { file } = place;
    const own = `${path.join(directory, spoolName(number))}${ASIDE}`;
    if (file.lengths.length > 1) {
      const copied = readFrom(file.path, place.offset, place.bytes).then((content) => writeSynced(own, content));
      await copied.catch(() => {});
      if (drop(number)) await unlink(file.path).catch(() => {});
    } else {
      await rename(file.path, own).catch(() => {});
      drop(number);
    }
    aside += 1;
  }

  /** One file after the other, each with all that has come meanwhile. */
  async function write(): Promise<void> {
    if (isWriting) return;
    isWriting = true;
    while (waiting.length > 0) {
      let size = 0;
      let count = 0;
      for (const { bytes: more } of waiting) {
        if (count > 0 && size + more.length > FILE_BYTES_MAX) break;
        size += more.length;
        count += 1;
      }
      await writeFile(waiting.splice(0, count));
    }
    isWriting = false;
  }

  async function writeFile(some: Waiting[]): Promise<void> {
    const first = some[0]!.number;
    const { content, file } = groupOf(
      path.join(directory, spoolName(first, some.length)),
      first,
      some.map((one) => one.bytes),
    );
    try {
      await writeSynced(file.path, content);
      keep(file);
      for (const { number, resolve } of some) resolve(number);
    } catch (cause) {
      const error = new TransientError('SPOOL_FAILED', `the spool cannot be written: ${String(cause)}`, { cause });
      for (const { reject } of some) reject(error);
    } finally {
      for (const one of some) {
        reserved.count -= 1;
        reserved.bytes -= one.bytes.length;
      }
    }
  }

  return {
    add(delivery) {
      const content = spooled(delivery);
      if (places.size + reserved.count >= countMax || bytes + reserved.bytes + content.length > bytesMax) {
        const full = `the spool holds ${places.size} deliveries, ${bytes} bytes: it is full`;
        return Promise.reject(new TransientError('SPOOL_FULL', full));
      }
      reserved.count += 1;
      reserved.bytes += content.length;
      return new Promise((resolve, reject) => {
        waiting.push({ number: ++last, bytes: content, resolve, reject });
        void write();
      });
    },
    numbers: () => [...places.keys()].toSorted((a, b) => a - b),
    async read(number) {
      const { file, offset, bytes: length } = places.get(number)!;
      try {
        return parseSpooled(await readFrom(file.path, offset, length));
      } catch (err) {
        return setAside(number, err);
      }
    },
    setAside,
    has: (number) => places.has(number),
    async remove(number) {
      const { file } = places.get(number)!;
      if (left.get(file) === 1) await unlink(file.path);
      drop(number);
    },
    size: () => ({ count: places.size, bytes }),
    notes: () =>
      aside === 0
        ? []
        : [`deliveries set aside because nothing could carry or read them: ${aside}, in ${directory}/*${ASIDE}`],
  };
}

const spoolName = (first: number, count = 1): string =>
  `${String(first).padStart(12, '0')}.hook${count === 1 ? '' : 's'}`;
