/**
 * The bridge's own letterbox on disk, for deliveries that the bus cannot take now: a directory with one file for each,
 * numbered in order of arrival. A file is there only whole and synced, so what was once answered with 2xx survives the
 * process and the power. Bounded: a full spool says so, and the sender is told to come again.
 */
import { mkdir, open, readFile, readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { TransientError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { parseSpooled, spooled } from './hook.ts';
import type { Delivery } from './hook.ts';

export interface Spool {
  /** Resolves with its number when it is durable. @throws TransientError `SPOOL_FULL`, `SPOOL_FAILED` (the disk said no) */
  add(delivery: Delivery): Promise<number>;
  /** The numbers of what is spooled, oldest first. */
  numbers(): number[];
  /** undefined: it was damaged, and has been set aside. */
  read(number: number): Promise<Delivery | undefined>;
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
const FILE = /^(\d{12})\.hook$/;
const ASIDE = '.aside';

/** Takes up what an earlier process left. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { directory, log, countMax = COUNT_MAX, bytesMax = BYTES_MAX } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const sizes = new Map<number, number>();
  let last = 0;
  let bytes = 0;
  let aside = 0;
  /** Being written: counted, so that many at once cannot pass the bounds together. */
  const reserved = { count: 0, bytes: 0 };

  const place = (number: number) => path.join(directory, `${String(number).padStart(12, '0')}.hook`);
  const keep = (number: number, size: number) => {
    sizes.set(number, size);
    bytes += size;
  };
  const drop = (number: number) => {
    bytes -= sizes.get(number) ?? 0;
    sizes.delete(number);
  };

  for (const name of (await readdir(directory)).toSorted()) {
    const number = Number(FILE.exec(name)?.[1] ?? 0);
    if (number > 0) {
      keep(number, (await stat(path.join(directory, name))).size);
      last = Math.max(last, number);
    } else if (name.endsWith(ASIDE)) {
      aside += 1;
      // A number that is given again would replace what a person has not looked at.
      last = Math.max(last, Number.parseInt(name, 10) || 0);
    } else if (name.endsWith('.part')) {
      // Never answered with 2xx: the process ended while it was being written.
      await unlink(path.join(directory, name));
    }
  }

  async function setAside(number: number, err: unknown): Promise<undefined> {
    log.error({ err, spooled: number }, 'a spooled delivery was set aside');
    await rename(place(number), `${place(number)}${ASIDE}`).catch(() => {});
    aside += 1;
    drop(number);
  }

  return {
    async add(delivery) {
      const file = spooled(delivery);
      if (sizes.size + reserved.count >= countMax || bytes + reserved.bytes + file.length > bytesMax) {
        throw new TransientError('SPOOL_FULL', `the spool holds ${sizes.size} deliveries, ${bytes} bytes: it is full`);
      }
      const number = ++last;
      reserved.count += 1;
      reserved.bytes += file.length;
      try {
        await writeSynced(directory, place(number), file);
        keep(number, file.length);
      } catch (cause) {
        throw new TransientError('SPOOL_FAILED', `the spool cannot be written: ${String(cause)}`, { cause });
      } finally {
        reserved.count -= 1;
        reserved.bytes -= file.length;
      }
      return number;
    },
    numbers: () => [...sizes.keys()].toSorted((a, b) => a - b),
    async read(number) {
      try {
        return parseSpooled(await readFile(place(number)));
      } catch (err) {
        return setAside(number, err);
      }
    },
    setAside,
    has: (number) => sizes.has(number),
    async remove(number) {
      await unlink(place(number));
      drop(number);
    },
    size: () => ({ count: sizes.size, bytes }),
    notes: () =>
      aside === 0
        ? []
        : [`deliveries set aside because nothing could carry or read them: ${aside}, in ${directory}/*${ASIDE}`],
  };
}

/** The name appears only when the bytes are on the disk, and the name itself is synced with its directory. */
async function writeSynced(directory: string, target: string, bytes: Uint8Array): Promise<void> {
  const part = `${target}.part`;
  const file = await open(part, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await file.close();
    await unlink(part).catch(() => {});
    throw error;
  }
  await file.close();
  await rename(part, target);
  const folder = await open(directory, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
