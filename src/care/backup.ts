/**
 * A backup: one file that holds a store as it was at one moment, read while it goes on. Gzipped lines of JSON: a
 * header, a line for each row, the archives in pieces, and an end that says how much there was and what its hash is.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { z } from 'zod';
import type { ArchivedStore } from '../store/archive.ts';
import { syncDirectory, syncFile } from '../store/durable.ts';
import { STORE_FORMAT } from '../store/format.ts';
import type { Build } from '../store/format.ts';
import { KEYS, SPACES } from '../store/keys.ts';
import { BackupError, damaged, truncated } from './backup-error.ts';

/** Of this file; the rows have a format of their own. */
export const BACKUP_FORMAT = 1;
/** Bytes of an archive on one line. */
const PIECE_BYTES = 192 * 1_024;
/** Text handed to the compression at a time. */
const CHUNK_CHARS = 64 * 1_024;
/** The store is often as large as the disk is fast: time counts for more than the last tenth of the size. */
const GZIP_LEVEL = 1;

const header = z.object({
  backup: z.number().int(),
  at: z.string(),
  chartroom: z.string(),
  /** Identity of the store it was taken of. */
  store: z.string(),
  storeFormat: z.number().int(),
  machines: z.record(z.string(), z.string()),
  /** The last batch in it, and that one's hash. */
  batch: z.number().int(),
  hash: z.string(),
});
export type BackupHeader = z.infer<typeof header>;

const end = z.object({
  end: z.object({ rows: z.number().int(), archives: z.number().int(), sha256: z.string() }),
});

export interface BackupContent {
  rows: number;
  archives: number;
}

export type BackupPart =
  | { row: [key: string, value: string] }
  /** A piece of an archive; pieces of one follow each other. */
  | { archive: string; bytes: Buffer };

/** Writes the backup, whole under its name or not at all. @throws Error of the disk, StoreError of an archive */
export async function writeBackup(
  store: ArchivedStore,
  file: string,
  { build, at }: { build: Build; at: string },
): Promise<{ header: BackupHeader; content: BackupContent; bytes: number }> {
  const view = store.rows.snapshot();
  const partial = `${file}.partial`;
  try {
    const written = await headerOf(view, build, at);
    const content: BackupContent = { rows: 0, archives: 0 };
    await pipeline(
      Readable.from(chunked(linesOf(store, view, written, content)), { objectMode: false }),
      createGzip({ level: GZIP_LEVEL }),
      createWriteStream(partial),
    );
    const size = await syncFile(partial);
    await rename(partial, file);
    await syncDirectory(path.dirname(file));
    return { header: written, content, bytes: size };
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await view.close();
  }
}

type View = ReturnType<ArchivedStore['snapshot']>;

async function headerOf(view: View, build: Build, at: string): Promise<BackupHeader> {
  const read = async (key: string): Promise<string | undefined> => {
    for await (const [, value] of view.entries({ gte: key, lte: key })) return value;
    return undefined;
  };
  const last = JSON.parse((await read(KEYS.meta('last'))) ?? '{"number":0,"hash":""}') as {
    number: number;
    hash: string;
  };
  return {
    backup: BACKUP_FORMAT,
    at,
    chartroom: build.chartroom,
    store: (await read(KEYS.meta('identity'))) ?? '',
    storeFormat: STORE_FORMAT,
    machines: build.machines,
    batch: last.number,
    hash: last.hash,
  };
}

async function* linesOf(
  { archives }: ArchivedStore,
  view: View,
  first: BackupHeader,
  content: BackupContent,
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const line = (value: unknown): string => {
    const text = `${JSON.stringify(value)}\n`;
    hash.update(text);
    return text;
  };
  yield line(first);
  const names: string[] = [];
  for await (const row of view.entries(SPACES.all)) {
    if (row[0].startsWith(SPACES.archive.gte)) names.push(row[0].slice(SPACES.archive.gte.length));
    content.rows += 1;
    yield line(row);
  }
  for (const name of names) {
    const size = archives.size(name) ?? 0;
    content.archives += 1;
    for (let offset = 0; offset < size || offset === 0; offset += PIECE_BYTES) {
      const piece = archives.read(name, offset, Math.min(PIECE_BYTES, size - offset));
      yield line({ archive: name, piece: piece.toString('base64') });
    }
  }
  yield `${JSON.stringify({ end: { ...content, sha256: hash.digest('hex') } })}\n`;
}

async function* chunked(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let text = '';
  for await (const line of lines) {
    text += line;
    if (text.length < CHUNK_CHARS) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

/** @throws BackupError when it is none, or of a format this build does not read */
export async function readHeader(file: string): Promise<BackupHeader> {
  for await (const line of lines(file)) return parseHeader(file, line.toString('utf8'));
  throw truncated(file, 'it is empty');
}

/** Everything in a backup, in order; it was whole only if this ends. @throws BackupError */
export async function* readBackup(file: string): AsyncGenerator<BackupPart, BackupContent> {
  const hash = createHash('sha256');
  const content: BackupContent = { rows: 0, archives: 0 };
  let number = 0;
  let archive: string | null = null;
  let isWhole = false;
  for await (const line of lines(file)) {
    number += 1;
    if (isWhole) throw damaged(file, 'something follows its end');
    const text = line.toString('utf8');
    if (number === 1) parseHeader(file, text);
    else {
      const value = parseLine(file, number, text);
      const ended = end.safeParse(value);
      if (ended.success) {
        compare(file, ended.data.end, { ...content, sha256: hash.digest('hex') });
        isWhole = true;
        continue;
      }
      const part = partOf(file, number, value);
      if ('row' in part) content.rows += 1;
      else if (part.archive !== archive) {
        archive = part.archive;
        content.archives += 1;
      }
      yield part;
    }
    hash.update(line).update('\n');
  }
  if (!isWhole) throw truncated(file, `it ends after line ${number}, in the middle of what was written`);
  return content;
}

function compare(file: string, said: z.infer<typeof end>['end'], found: z.infer<typeof end>['end']): void {
  if (said.rows !== found.rows) throw damaged(file, `it holds ${found.rows} rows, ${said.rows} were written`);
  if (said.archives !== found.archives)
    throw damaged(file, `it holds ${found.archives} archives, ${said.archives} were written`);
  if (said.sha256 !== found.sha256) throw damaged(file, 'it does not have the hash it was written with');
}

function parseHeader(file: string, text: string): BackupHeader {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below.
  }
  const format = (value as { backup?: unknown } | null)?.backup;
  if (typeof format !== 'number') throw new BackupError('BACKUP_FOREIGN', `${file} is not a backup of chartroom`);
  if (format !== BACKUP_FORMAT) {
    throw new BackupError(
      'BACKUP_VERSION',
      `${file} has backup format ${format}, this build reads format ${BACKUP_FORMAT}`,
    );
  }
  const parsed = header.safeParse(value);
  if (!parsed.success) throw damaged(file, `its header cannot be read: ${parsed.error.issues[0]?.message ?? ''}`);
  return parsed.data;
}

function parseLine(file: string, number: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(file, `its line ${number} is not JSON`);
  }
}

function partOf(file: string, number: number, value: unknown): BackupPart {
  if (Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')) {
    return { row: value as [string, string] };
  }
  const { archive, piece } = value as { archive?: unknown; piece?: unknown };
  if (typeof archive === 'string' && typeof piece === 'string' && /^[\w.-]+$/.test(archive)) {
    return { archive, bytes: Buffer.from(piece, 'base64') };
  }
  throw damaged(file, `its line ${number} is neither a row nor an archive`);
}

/** Not by `readline`: it takes U+2028, which JSON leaves as it is, for the end of a line. */
async function* lines(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file);
  const unpacked = createGunzip();
  source.on('error', (error) => unpacked.destroy(error));
  let rest: Buffer[] = [];
  try {
    for await (const chunk of source.pipe(unpacked) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, start)) {
        yield Buffer.concat([...rest, chunk.subarray(start, at)]);
        rest = [];
        start = at + 1;
      }
      if (start < chunk.length) rest.push(chunk.subarray(start));
    }
  } catch (error) {
    throw readError(file, error as NodeJS.ErrnoException);
  } finally {
    source.destroy();
  }
  if (rest.length > 0) throw truncated(file, 'its last line has no end');
}

function readError(file: string, error: NodeJS.ErrnoException): Error {
  switch (error.code) {
    case 'ENOENT':
      return new BackupError('BACKUP_FOREIGN', `there is no ${file}`);
    case 'Z_BUF_ERROR':
      return truncated(file, 'its compressed part has no end');
    case 'Z_DATA_ERROR':
      return /incorrect header check/.test(error.message)
        ? new BackupError('BACKUP_FOREIGN', `${file} is not a backup of chartroom`)
        : damaged(file, error.message);
    default:
      return error;
  }
}
