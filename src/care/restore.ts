/**
 * Puts a backup in the place of a store that is not there. Everything is made beside that place and proven by replay;
 * one rename puts it there. A crash before leaves no store, and the next restore removes what is left.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import type { Held } from '../actor/hold.ts';
import type { StoredPosition } from '../actor/cursor.ts';
import { verifyStore } from '../actor/verify.ts';
import type { Verified } from '../actor/verify.ts';
import { directoryOfArchives } from '../store/archive-files.ts';
import { damagedArchives, withArchives } from '../store/archive.ts';
import type { ArchivedStore } from '../store/archive.ts';
import { syncDirectory } from '../store/durable.ts';
import { admit, writeFormat } from '../store/format.ts';
import type { Build } from '../store/format.ts';
import { KEYS } from '../store/keys.ts';
import { openLevelStore } from '../store/level-store.ts';
import { ARCHIVE_DIRECTORY } from '../store/opening.ts';
import { StoreError } from '../store/store.ts';
import type { Operation, Store } from '../store/store.ts';
import { BackupError, damaged } from './backup-error.ts';
import { readBackup, readHeader } from './backup.ts';
import type { BackupHeader } from './backup.ts';

/** Rows written at a time, in characters. */
const WRITE_CHARS_MAX = 1_048_576;
/** Of what replay found, this much is said. */
const DIFFERENCES_SAID = 10;

export interface RestoreOptions {
  file: string;
  /** Where the store is to be. */
  directory: string;
  build: Build;
  /** ISO time. */
  at: string;
  /** Mail that the streams still hold is taken from where the backup was; else from their ends on. */
  withMail: boolean;
  /** Makes the rows' store; tests let it fail. */
  openRows?: (directory: string) => Promise<Store>;
}

export interface Restored {
  header: BackupHeader;
  verified: Verified;
}

/** @throws BackupError, StoreError: nothing is in place, and nothing was changed */
export async function restoreStore(options: RestoreOptions): Promise<Restored> {
  const { file, directory, build, openRows = openLevelStore } = options;
  refuseTaken(directory);
  const header = await readHeader(file);
  admit(file, { format: header.storeFormat, chartroom: header.chartroom, machines: header.machines }, build);
  const beside = `${directory}.restoring`;
  await clear(beside);
  mkdirSync(beside, { recursive: true });
  try {
    const rows = await openRows(beside);
    let verified: Verified;
    try {
      const store = withArchives(rows, directoryOfArchives(path.join(beside, ARCHIVE_DIRECTORY)));
      await fill(store, file);
      verified = await prove(store, file, header);
      await rows.write(rowsOfRestored(header, options));
    } finally {
      await rows.close();
    }
    await writeFormat(beside, build);
    refuseTaken(directory);
    await rename(beside, directory);
    await syncDirectory(path.dirname(directory));
    return { header, verified };
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    throw error;
  }
}

function refuseTaken(directory: string): void {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return;
  throw new BackupError('RESTORE_TAKEN', `there is a store in ${directory} already, and it is not overwritten`);
}

/** What a crash left, unless somebody is at it. */
async function clear(beside: string): Promise<void> {
  if (!existsSync(beside)) return;
  try {
    const left = await openLevelStore(beside, 'a restore');
    await left.close();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'STORE_LOCKED') throw error;
    // It cannot be opened: all the more reason to remove it.
  }
  rmSync(beside, { recursive: true, force: true });
}

async function fill({ rows, archives }: ArchivedStore, file: string): Promise<void> {
  let operations: Operation[] = [];
  let chars = 0;
  let name: string | null = null;
  let pieces: Buffer[] = [];
  const write = async (): Promise<void> => {
    if (operations.length > 0) await rows.write(operations);
    operations = [];
    chars = 0;
  };
  const keep = async (): Promise<void> => {
    if (name !== null) await archives.write(name, Buffer.concat(pieces));
  };
  for await (const part of readBackup(file)) {
    if ('archive' in part) {
      if (name !== part.archive) {
        await keep();
        name = part.archive;
        pieces = [];
      }
      pieces.push(part.bytes);
      continue;
    }
    const [key, value] = part.row;
    operations.push({ put: key, value });
    chars += key.length + value.length;
    if (chars >= WRITE_CHARS_MAX) await write();
  }
  await write();
  await keep();
}

async function prove(store: ArchivedStore, file: string, header: BackupHeader): Promise<Verified> {
  const last = store.get(KEYS.meta('last'));
  const { number, hash } = last === undefined ? { number: 0, hash: '' } : (JSON.parse(last) as Last);
  if (number !== header.batch || hash !== header.hash) {
    throw damaged(file, `its header names batch ${header.batch}, what it holds ends with batch ${number}`);
  }
  const archives = await damagedArchives(store);
  const verified = archives.length === 0 ? await verifyStore(store) : null;
  const differences = verified?.differences ?? archives;
  if (verified !== null && differences.length === 0) return verified;
  const said = differences.slice(0, DIFFERENCES_SAID).join('; ');
  const more = differences.length - DIFFERENCES_SAID;
  throw damaged(file, `what it holds is not what its journals say: ${said}${more > 0 ? `; and ${more} more` : ''}`);
}

interface Last {
  number: number;
  hash: string;
}

/** A store of its own: another name, so that it cannot be taken for the one it was copied from; and at rest. */
function rowsOfRestored({ at: taken, batch }: BackupHeader, { at, withMail }: RestoreOptions): Operation[] {
  const held: Held = { since: at, backup: { at: taken, batch } };
  const end: StoredPosition = { end: true };
  const positions = withMail ? [] : ['mail', 'hook'];
  return [
    { put: KEYS.meta('identity'), value: randomUUID() },
    // Whose facts went where is the first store's matter.
    { del: KEYS.meta('facts') },
    { put: KEYS.meta('held'), value: JSON.stringify(held) },
    ...positions.map((stream) => ({ put: KEYS.meta(`position!${stream}`), value: JSON.stringify(end) })),
  ];
}
