/**
 * The store on LevelDB. Only files of this folder know level. Any `AbstractLevel` will do: the tests run the same
 * code on memory-level.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AbstractLevel } from 'abstract-level';
import { Level } from 'level';
import { damagedLogs } from './damage.ts';
import { StoreError } from './store.ts';
import type { Operation, Range, Store } from './store.ts';

type Database = AbstractLevel<string | Buffer | Uint8Array>;

const HOLDER_FILE = 'chartroom-holder.json';
/** LevelDB's default of 4 MiB makes a log switch every few hundred steps; 16 MiB is still small in memory. */
const WRITE_BUFFER_BYTES = 16 * 1_024 * 1_024;

/**
 * Opens the store in a directory, making it if needed.
 * @throws StoreError `STORE_LOCKED` with the process that holds it, `STORE_DAMAGED`, `STORE_FAILED`
 */
export async function openLevelStore(directory: string, holder = `process ${process.pid}`): Promise<Store> {
  mkdirSync(directory, { recursive: true });
  const damage = damagedLogs(directory);
  if (damage.length > 0) throw damaged(directory, damage);
  const database = new Level(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'utf8',
    writeBufferSize: WRITE_BUFFER_BYTES,
  });
  try {
    await database.open();
  } catch (error) {
    throw openingError(error, directory);
  }
  writeFileSync(path.join(directory, HOLDER_FILE), JSON.stringify({ holder, pid: process.pid }));
  return createLevelStore(database);
}

const damaged = (directory: string, damage: string[]): StoreError =>
  new StoreError('STORE_DAMAGED', `the store in ${directory} is damaged: ${damage.join('; ')}`);

function openingError(error: unknown, directory: string): StoreError {
  const code = (error as { cause?: { code?: string } }).cause?.code;
  if (code === 'LEVEL_LOCKED') {
    return new StoreError('STORE_LOCKED', `the store in ${directory} is in use by ${holderOf(directory)}`, {
      cause: error,
    });
  }
  const reason = (error as { cause?: Error }).cause?.message ?? (error as Error).message;
  if (/corrupt|checksum|missing files/i.test(reason)) {
    return new StoreError('STORE_DAMAGED', `the store in ${directory} is damaged: ${reason}`, { cause: error });
  }
  return new StoreError('STORE_FAILED', `the store in ${directory} could not be opened: ${reason}`, { cause: error });
}

function holderOf(directory: string): string {
  const file = path.join(directory, HOLDER_FILE);
  if (!existsSync(file)) return 'another process';
  try {
    const { holder, pid } = JSON.parse(readFileSync(file, 'utf8')) as { holder: string; pid: number };
    return `${holder} (pid ${pid})`;
  } catch {
    return 'another process';
  }
}

/** A store on an open database. */
export function createLevelStore(database: Database): Store {
  let poisoned: StoreError | null = null;
  let isWritten = false;

  return {
    get(key) {
      try {
        return database.getSync(key);
      } catch (error) {
        throw readingError(error);
      }
    },

    scan: (range) => read(database.iterator(range)),

    async write(operations) {
      if (poisoned !== null) {
        throw new StoreError('STORE_POISONED', `an earlier write failed (${poisoned.message}); no other is tried`, {
          cause: poisoned,
        });
      }
      isWritten = true;
      const batch = database.batch();
      try {
        for (const operation of operations) addOperation(batch, operation);
        await batch.write({ sync: true } as object);
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        // LevelDB meets damage also when it puts tables together, and then takes no more writes.
        const kind = code === CORRUPTION ? 'STORE_DAMAGED' : 'STORE_FAILED';
        poisoned = new StoreError(kind, `the store could not be written: ${message}`, { cause: error });
        throw poisoned;
      }
    },

    snapshot() {
      const view = database.snapshot();
      return {
        entries: (range: Range) => read(database.iterator({ ...range, snapshot: view })),
        close: () => view.close(),
      };
    },

    async size() {
      const sized = database as { approximateSize?: (start: string, end: string) => Promise<number> };
      return (await sized.approximateSize?.('', '\uffff')) ?? 0;
    },

    async close() {
      if (isWritten && poisoned === null) await emptyLog(database);
      await database.close();
    },
  };
}

/**
 * Makes a table of what stands only in the log: else the next start reads up to 16 MB of it back, which is most of what
 * a start with many actors takes. LevelDB does it before it puts the tables of a range together, and there is none of
 * this one.
 */
async function emptyLog(database: Database): Promise<void> {
  const compacting = database as { compactRange?: (start: string, end: string) => Promise<void> };
  // What cannot be made a table stands in the log.
  await compacting.compactRange?.(BEHIND_ALL, BEHIND_ALL).catch(() => {});
}

const BEHIND_ALL = '\uffff';

async function* read(entries: AsyncIterable<[string, string]>): AsyncGenerator<[string, string]> {
  try {
    yield* entries;
  } catch (error) {
    throw readingError(error);
  }
}

const CORRUPTION = 'LEVEL_CORRUPTION';

/** What LevelDB says of a table that it cannot read, met while the store is in use. */
function readingError(error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (code === CORRUPTION) {
    return new StoreError('STORE_DAMAGED', `the store is damaged: ${message}`, { cause: error });
  }
  if (code === 'LEVEL_IO_ERROR') {
    return new StoreError('STORE_FAILED', `the store could not be read: ${message}`, { cause: error });
  }
  return error;
}

function addOperation(
  batch: { put(key: string, value: string): unknown; del(key: string): unknown },
  operation: Operation,
): void {
  if ('put' in operation) batch.put(operation.put, operation.value);
  else batch.del(operation.del);
}
