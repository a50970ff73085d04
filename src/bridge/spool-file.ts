/**
 * The files of the spool. `<number>.hook` is one delivery. `<number>.hooks` is several, numbered from that one on: a
 * line with the length of each, then one behind the other.
 */
import { open, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';

export const PART = '.part';
export const ASIDE = '.aside';

export interface SpoolFile {
  path: string;
  /** The number of the first delivery. */
  first: number;
  lengths: number[];
  /** Where the first begins. */
  offset: number;
}

const NAME = /^(\d{12})\.hook(s?)$/;
/** More than the line of lengths can have: a file is bounded, and no delivery is shorter than 100 bytes. */
const LENGTHS_BYTES_MAX = 1_024 * 1_024;

/** A file that lies there; null: none of ours. @throws Error it is one of several, and what it says of them is not so */
export async function spoolFile(file: string): Promise<SpoolFile | null> {
  const [, number, several] = NAME.exec(path.basename(file)) ?? [];
  if (number === undefined) return null;
  const { size } = await stat(file);
  const first = Number(number);
  if (several === '') return { path: file, first, lengths: [size], offset: 0 };
  const head = await readFrom(file, 0, Math.min(size, LENGTHS_BYTES_MAX));
  const offset = head.indexOf(0x0a) + 1;
  const lengths = JSON.parse(head.toString('latin1', 0, Math.max(offset - 1, 0))) as number[];
  if (lengths.reduce((sum, length) => sum + length, offset) !== size) {
    throw new Error(`${file} has ${size} bytes, which is not what it says it holds`);
  }
  return { path: file, first, lengths, offset };
}

/** The file of some deliveries, and what is to be in it. */
export function groupOf(file: string, first: number, some: Buffer[]): { file: SpoolFile; content: Buffer } {
  const lengths = some.map(({ length }) => length);
  const head = some.length === 1 ? '' : `${JSON.stringify(lengths)}\n`;
  const content = some.length === 1 ? some[0]! : Buffer.concat([Buffer.from(head), ...some]);
  return { file: { path: file, first, lengths, offset: head.length }, content };
}

export async function readFrom(file: string, offset: number, length: number): Promise<Buffer> {
  const opened = await open(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await opened.read(buffer, 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await opened.close();
  }
}

/** The name appears only when the bytes are on the disk, and the name itself is synced with its directory. */
export async function writeSynced(target: string, bytes: Buffer): Promise<void> {
  const part = `${target}${PART}`;
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
  const folder = await open(path.dirname(target), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
