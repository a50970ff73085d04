/** Stores with a life behind them, on a disk of their own, for whoever takes care of them. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { verifyStore } from '../../src/actor/verify.ts';
import { directoryOfArchives } from '../../src/store/archive-files.ts';
import type { ArchiveFiles } from '../../src/store/archive-files.ts';
import { withArchives } from '../../src/store/archive.ts';
import type { ArchivedStore } from '../../src/store/archive.ts';
import type { Build } from '../../src/store/format.ts';
import type { Store } from '../../src/store/store.ts';
import { lampNode } from '../support/lamp-node.ts';
import type { LampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

export const BUILD: Build = { chartroom: '1.0.0', machines: { lamp: '1' } };

export async function temporary(t: { after(call: () => Promise<void>): void }): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-care-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Rows in memory, archives in a directory. */
export async function openArchived(directory: string, rows?: Store, files?: ArchiveFiles): Promise<ArchivedStore> {
  return withArchives(rows ?? (await openMemoryStore()), files ?? directoryOfArchives(path.join(directory, 'archive')));
}

/** Two lamps: one pressed often, one seldom, a minute between any two. */
export async function live(store: Store, presses: number): Promise<LampNode> {
  const lamp = lampNode(store);
  await lamp.node.load();
  for (const name of ['a', 'b']) await lamp.node.send(letter(`lamp/${name}`, 'open', { room: name }));
  await press(lamp, presses);
  await lamp.node.send(letter('lamp/b', 'fyi', { text: 'a note with   in it' }));
  return lamp;
}

export async function press({ node, clock }: LampNode, presses: number): Promise<void> {
  for (let press = 0; press < presses; press++) {
    clock.advance(60_000);
    await node.send(letter('lamp/a', 'press'));
  }
}

export async function entriesOf(store: Store, range: Parameters<Store['scan']>[0]): Promise<[string, string][]> {
  const entries: [string, string][] = [];
  for await (const entry of store.scan(range)) entries.push(entry);
  return entries;
}

export async function assertWhole(store: Store): Promise<void> {
  assert.deepEqual((await verifyStore(store)).differences, []);
}
