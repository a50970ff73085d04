/** Where archives lie: files that are whole under their name or not there, and never change. */
import { openSync, closeSync, readSync, rmSync, statSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory, writeSynced } from './durable.ts';

export interface ArchiveFiles {
  /** Durable when the promise resolves; a crash before leaves nothing under this name. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Synchronous, since reading a store is. @throws Error where there is no such file or it is shorter */
  read(name: string, offset: number, length: number): Buffer;
  /** Undefined: there is no such file. */
  size(name: string): number | undefined;
  /** Everything that lies there, what a crash left included. */
  list(): Promise<string[]>;
  remove(name: string): void;
}

/** @returns archives in a directory, which is made with the first of them */
export function directoryOfArchives(directory: string): ArchiveFiles {
  return {
    async write(name, bytes) {
      await mkdir(directory, { recursive: true });
      const file = path.join(directory, name);
      await writeSynced(`${file}.partial`, bytes);
      await rename(`${file}.partial`, file);
      await syncDirectory(directory);
    },
    read(name, offset, length) {
      const file = openSync(path.join(directory, name), 'r');
      try {
        const bytes = Buffer.alloc(length);
        const read = readSync(file, bytes, 0, length, offset);
        if (read < length) throw new Error(`${name} ends at byte ${offset + read}, ${offset + length} were wanted`);
        return bytes;
      } finally {
        closeSync(file);
      }
    },
    size: (name) => statSync(path.join(directory, name), { throwIfNoEntry: false })?.size,
    async list() {
      const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      return names;
    },
    remove: (name) => rmSync(path.join(directory, name), { force: true }),
  };
}
