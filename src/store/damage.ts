/**
 * Looks for damage in the files of a LevelDB store, by the checksums it keeps in them. LevelDB itself does not: it
 * opens a log with a flipped byte, leaves out the commits around it and goes on, and reads tables without looking.
 * Read only; the store should not be in use.
 *
 * The formats are those of LevelDB's doc/log_format.md and doc/table_format.md.
 */
import { closeSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { maskedChecksum } from './checksum.ts';

const LOG_BLOCK_BYTES = 32_768;
/** Blocks of a log stand for themselves. */
const LOG_PIECE_BYTES = 4 * LOG_BLOCK_BYTES;
const LOG_HEADER_BYTES = 7;
/** The highest of the types a record of the log has. */
const LAST_TYPE = 4;
const FOOTER_BYTES = 48;
const TABLE_MAGIC = 0xdb4775248b80fb57n;
const SNAPPY = 1;

/** `unfinished`: the file ends within its last record, which was then never acknowledged. That is no damage. */
type Verdict = 'whole' | 'unfinished' | { badAt: number };

/** What was written since the last table: read at each start. One sentence each; empty = all is as it was written. */
export const damagedLogs = (directory: string): string[] =>
  filesOf(directory, '.log').flatMap((file) => {
    const verdict = readLog(path.join(directory, file));
    return typeof verdict === 'string'
      ? []
      : [`${file} holds at byte ${verdict.badAt} something else than what was written`];
  });

/** Everything else: as long as reading the whole store. */
export const damagedTables = (directory: string): string[] =>
  filesOf(directory, '.ldb').flatMap((file) => {
    const bytes = readFileSync(path.join(directory, file));
    return checkTable(bytes).map((at) => `${file} holds at byte ${at} something else than what was written`);
  });

const filesOf = (directory: string, ending: string): string[] =>
  readdirSync(directory)
    .filter((file) => file.endsWith(ending))
    .sort();

/** Piece by piece: what is whole need not be in memory as a whole. */
function readLog(file: string): Verdict {
  const log = openSync(file, 'r');
  try {
    const piece = Buffer.allocUnsafe(LOG_PIECE_BYTES);
    for (;;) {
      const bytes = readSync(log, piece, 0, piece.length, null);
      if (bytes === 0) return 'whole';
      if (checkLog(piece.subarray(0, bytes)) !== 'whole') return checkLog(readFileSync(file));
    }
  } finally {
    closeSync(log);
  }
}

function checkLog(bytes: Buffer): Verdict {
  let at = 0;
  while (at < bytes.length) {
    const blockEnd = (Math.floor(at / LOG_BLOCK_BYTES) + 1) * LOG_BLOCK_BYTES;
    if (blockEnd - at < LOG_HEADER_BYTES) {
      at = blockEnd;
      continue;
    }
    if (bytes.length - at < LOG_HEADER_BYTES) return isEmptyFrom(bytes, at) ? 'whole' : 'unfinished';
    const end = at + LOG_HEADER_BYTES + bytes.readUInt16LE(at + 4);
    // A power cut leaves zeros where the file had grown and the bytes had not come.
    if (bytes[at + 6] === 0 && isEmptyFrom(bytes, at)) return 'unfinished';
    if (end > blockEnd) return { badAt: at };
    if (end > bytes.length) return wasLonger(bytes, at) ? 'unfinished' : { badAt: at };
    if (maskedChecksum(bytes, at + 6, end) !== bytes.readUInt32LE(at)) {
      return bytes[end - 1] === 0 && isEmptyFrom(bytes, end) ? 'unfinished' : { badAt: at };
    }
    at = end;
  }
  return 'whole';
}

/** A record that says it is longer than the file: cut off, unless it is its length that is wrong. */
function wasLonger(bytes: Buffer, from: number): boolean {
  if (maskedChecksum(bytes, from + 6, bytes.length) === bytes.readUInt32LE(from)) return false;
  for (let at = from + LOG_HEADER_BYTES; at + LOG_HEADER_BYTES <= bytes.length; at++) {
    const end = at + LOG_HEADER_BYTES + bytes.readUInt16LE(at + 4);
    if (bytes[at + 6]! > LAST_TYPE || end > bytes.length) continue;
    if (maskedChecksum(bytes, at + 6, end) === bytes.readUInt32LE(at)) return false;
  }
  return true;
}

function isEmptyFrom(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}

interface Handle {
  offset: number;
  size: number;
}

/** Where blocks are damaged. */
function checkTable(bytes: Buffer): number[] {
  const footerAt = bytes.length - FOOTER_BYTES;
  if (footerAt < 0 || bytes.readBigUInt64LE(bytes.length - 8) !== TABLE_MAGIC) return [Math.max(0, footerAt)];
  try {
    const reader = createReader(bytes, footerAt);
    const meta = reader.handle();
    const index = reader.handle();
    const broken = [index, meta].filter((handle) => !isGood(bytes, handle));
    if (broken.length > 0) return broken.map(({ offset }) => offset);
    return [meta, index]
      .flatMap((block) => handlesIn(contentOf(bytes, block)))
      .filter((handle) => !isGood(bytes, handle))
      .map(({ offset }) => offset);
  } catch {
    return [footerAt];
  }
}

function isGood(bytes: Buffer, { offset, size }: Handle): boolean {
  const end = offset + size + 1;
  if (end + 4 > bytes.length - FOOTER_BYTES) return false;
  return maskedChecksum(bytes, offset, end) === bytes.readUInt32LE(end);
}

function contentOf(bytes: Buffer, { offset, size }: Handle): Buffer {
  const content = bytes.subarray(offset, offset + size);
  return bytes[offset + size] === SNAPPY ? unpack(content) : content;
}

/** The values of an index block: each says where a block of data is. */
function handlesIn(block: Buffer): Handle[] {
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - restarts * 4;
  const handles: Handle[] = [];
  const reader = createReader(block, 0);
  while (reader.at() < end) {
    reader.number();
    const keyBytes = reader.number();
    const valueBytes = reader.number();
    reader.skip(keyBytes);
    const next = reader.at() + valueBytes;
    handles.push(reader.handle());
    reader.skip(next - reader.at());
  }
  return handles;
}

interface Reader {
  at(): number;
  skip(bytes: number): void;
  /** A varint. @throws RangeError behind the end */
  number(): number;
  handle(): Handle;
}

function createReader(bytes: Buffer, from: number): Reader {
  let at = from;
  function number(): number {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  return {
    at: () => at,
    skip: (count) => void (at += count),
    number,
    handle: () => ({ offset: number(), size: number() }),
  };
}

/** Snappy: pieces of text, and copies of what came before. */
function unpack(packed: Buffer): Buffer {
  const reader = createReader(packed, 0);
  const out = Buffer.alloc(reader.number());
  let at = reader.at();
  let to = 0;
  while (at < packed.length) {
    const tag = packed.readUInt8(at++);
    const kind = tag & 3;
    if (kind === 0) {
      let length = tag >> 2;
      if (length >= 60) {
        const width = length - 59;
        length = packed.readUIntLE(at, width);
        at += width;
      }
      length += 1;
      to += packed.copy(out, to, at, at + length);
      at += length;
      continue;
    }
    const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const width = kind === 3 ? 4 : kind === 2 ? 2 : 1;
    const back = packed.readUIntLE(at, width) + (kind === 1 ? (tag >> 5) * 256 : 0);
    at += width;
    // Byte by byte: a copy may overlap what it writes.
    for (let count = 0; count < length; count++, to++) out[to] = out[to - back]!;
  }
  return out;
}
