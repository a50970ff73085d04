/** What this build writes into a store, and what a store that does not say so was written by. */
import { readFileSync } from 'node:fs';
import { MACHINES } from '../../machines/index.ts';
import { decodeEntry } from '../actor/journal.ts';
import { packageFile } from '../package.ts';
import type { Build, MachineVersions } from '../store/format.ts';
import { KEYS, SPACES, keyParts } from '../store/keys.ts';
import type { Store } from '../store/store.ts';

export function thisBuild(): Build {
  const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string };
  return {
    chartroom: version,
    machines: Object.fromEntries(MACHINES.map((machine) => [machine.kind, machine.version])),
  };
}

/** The version of one actor of each kind: builds that write no format file had only one of each. */
export async function sampledVersions(rows: Store): Promise<MachineVersions> {
  const versions: MachineVersions = {};
  for (let from: string = SPACES.index.gte; ;) {
    let found: string | undefined;
    for await (const [key] of rows.scan({ gte: from, lt: SPACES.index.lt, limit: 1 })) found = keyParts(key, 1)[0]!;
    if (found === undefined) return versions;
    const kind = found.slice(0, found.indexOf('/'));
    const version = await versionOf(rows, found);
    if (version !== null) versions[kind] = version;
    from = SPACES.indexOf(kind).lt;
  }
}

/** Of the build that took an actor's last step; null where its last entry cannot be read. */
export async function versionOf(store: Store, actor: string): Promise<string | null> {
  try {
    for await (const [, text] of store.scan({ ...SPACES.journalOf(actor), reverse: true, limit: 1 })) {
      return decodeEntry(text).version;
    }
    const snapshot = store.get(KEYS.snapshot(actor));
    return snapshot === undefined ? null : (JSON.parse(snapshot) as { version: string }).version;
  } catch {
    return null;
  }
}
