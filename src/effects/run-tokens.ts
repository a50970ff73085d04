/**
 * Tokens of runs. A token names its run and is kept only as a hash, in the run's folder: it survives a restart of the
 * runtime as long as the run lives, and nobody who reads the folder can use it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { RunIdentity, RunTokens } from './process/watch.ts';

const entry = z.object({
  hash: z.string(),
  revoked: z.boolean().default(false),
  identity: z.object({
    run: z.string(),
    agent: z.string(),
    role: z.string(),
    actions: z.array(z.string()),
    session: z.string().optional(),
    epoch: z.number().optional(),
    kind: z.string().optional(),
    repo: z.string().optional(),
    branch: z.string().optional(),
    head: z.string().optional(),
    title: z.string().optional(),
  }),
});
type Entry = z.infer<typeof entry>;

const FILE = 'door.json';
/** Folder names of runs: ids with at most a few dots, never a way out. */
const FOLDER = /^[a-z0-9][a-z0-9_.-]{0,255}$/;

export interface TokenStore extends RunTokens {
  /** Whose token this is, or was; undefined: unknown. */
  bearer: (token: string) => Promise<{ identity: RunIdentity; revoked: boolean } | undefined>;
}

/** `random`: an unguessable text, e.g. 32 random bytes as base64url. */
export function createTokenStore({ dataDir, random }: { dataDir: string; random: () => string }): TokenStore {
  const root = path.join(path.resolve(dataDir), 'runs');
  const fileOf = (folder: string): string => path.join(root, folder, FILE);

  async function read(folder: string): Promise<Entry | undefined> {
    if (!FOLDER.test(folder)) return undefined;
    try {
      return entry.parse(JSON.parse(await readFile(fileOf(folder), 'utf8')));
    } catch {
      return undefined;
    }
  }

  async function write(folder: string, next: Entry): Promise<void> {
    await mkdir(path.join(root, folder), { recursive: true, mode: 0o700 });
    await writeFile(`${fileOf(folder)}.new`, JSON.stringify(next), { mode: 0o600 });
    await rename(`${fileOf(folder)}.new`, fileOf(folder));
  }

  return {
    async issue(identity, folder) {
      const name = path.basename(folder);
      const secret = random();
      const token = `${name}~${secret}`;
      await write(name, { hash: hashOf(token), revoked: false, identity });
      return token;
    },
    async revoke({ agent, session, epoch, run }) {
      for (const folder of await readdir(root).catch(() => [])) {
        const known = await read(folder);
        if (known === undefined || known.revoked) continue;
        const { identity } = known;
        if (identity.agent !== agent) continue;
        if (run !== undefined && identity.run !== run) continue;
        if (session !== undefined && identity.session !== session) continue;
        if (epoch !== undefined && identity.epoch !== epoch) continue;
        await write(folder, { ...known, revoked: true });
      }
    },
    async bearer(token) {
      const known = await read(token.slice(0, Math.max(0, token.lastIndexOf('~'))));
      if (known === undefined) return undefined;
      const [given, kept] = [Buffer.from(hashOf(token)), Buffer.from(known.hash)];
      if (given.length !== kept.length || !timingSafeEqual(given, kept)) return undefined;
      return { identity: known.identity as RunIdentity, revoked: known.revoked };
    },
  };
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
