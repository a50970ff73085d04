/** Whether this build opens a store: by what the store says of itself, then actor by actor. */
import { readFormat, STORE_FORMAT, versionDifferences } from '../store/format.ts';
import type { Build } from '../store/format.ts';
import { SPACES, keyParts } from '../store/keys.ts';
import { openStore } from '../store/opening.ts';
import { StoreError } from '../store/store.ts';
import { sampledVersions, versionOf } from './build.ts';

export interface Finding {
  /** `format`, a kind, or an actor. */
  what: string;
  /** The version that wrote it. */
  written: string;
  /** This build's; null = it has none. */
  here: string | null;
  opens: boolean;
}

/** @throws StoreError when the store cannot be read at all */
export async function upgradeFindings(
  directory: string,
  build: Build,
): Promise<{ findings: Finding[]; note: string | null }> {
  const written = readFormat(directory);
  const findings: Finding[] = [];
  if (written !== null) {
    const { format, machines } = written;
    findings.push(finding('format', String(format), String(STORE_FORMAT)));
    findings.push(...ofMachines(machines, build));
    if (versionDifferences(written, build).length > 0) {
      return {
        findings,
        note: `chartroom ${written.chartroom} wrote it, this is ${build.chartroom}; nothing was touched`,
      };
    }
  }
  try {
    const store = await openStore(directory, { holder: 'chartroom upgrade', build, reading: true });
    try {
      if (written === null) findings.push(...ofMachines(await sampledVersions(store.rows), build));
      for await (const [key] of store.rows.scan(SPACES.index)) {
        const actor = keyParts(key, 1)[0]!;
        const here = build.machines[actor.slice(0, actor.indexOf('/'))] ?? null;
        const version = await versionOf(store, actor);
        if (version !== here) findings.push(finding(actor, version ?? 'not to be read', here));
      }
    } finally {
      await store.close();
    }
    return { findings, note: null };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'STORE_LOCKED') throw error;
    return { findings, note: `${error.message}: its actors were not looked at one by one` };
  }
}

const finding = (what: string, written: string, here: string | null): Finding => ({
  what,
  written,
  here,
  opens: written === here,
});

const ofMachines = (machines: Record<string, string>, build: Build): Finding[] =>
  Object.entries(machines).map(([kind, version]) => finding(kind, version, build.machines[kind] ?? null));
