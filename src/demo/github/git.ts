/**
 * The real git underneath: bare repositories, made, read and merged by the git program itself. Nothing here knows of
 * pull requests; what depends only on commits is remembered, since commits never change.
 */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

export interface Person {
  name: string;
  email: string;
}

export interface Commit {
  sha: string;
  tree: string;
  parents: string[];
  author: Person & { date: string };
  committer: Person & { date: string };
  message: string;
}

export interface FileChange {
  /** Blob after the change; before it where the file is gone. */
  sha: string;
  path: string;
  previousPath?: string;
  status: 'added' | 'removed' | 'modified' | 'renamed' | 'copied' | 'changed';
  additions: number;
  deletions: number;
  /** From the first `@@` on; absent for binary files and pure renames. */
  patch?: string;
}

/** Nobody's own git configuration may change what the stand-in does. */
const GIT_ENV = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
/** A git call that takes longer than this hangs. */
const GIT_MS_MAX = 60_000;
/** Remembered diffs, merges and commit lists; the oldest go first. */
const REMEMBERED_MAX = 2_000;

export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const FULL_ID = /^[0-9a-f]{40}$/;
export const NO_COMMIT = '0'.repeat(40);
const ISO_SECONDS = /\.\d{3}Z$/;

/** Pushes over HTTP, hidden refs of pull requests, any commit by its name as GitHub gives it, and no surprises in time. */
const SETTINGS = `[http]
\treceivepack = true
[receive]
\thideRefs = refs/pull
\tdenyDeleteCurrent = refuse
\tautogc = false
[uploadpack]
\tallowAnySHA1InWant = true
[gc]
\tauto = 0
`;

/** Refuses pushes to the branches named in the environment; the web side's own merges do not come this way. */
const UPDATE_HOOK = `#!/bin/sh
for ref in $STANDIN_PROTECTED; do
  if [ "$ref" = "$1" ]; then
    echo "error: GH006: Protected branch update failed for $1." >&2
    echo "error: Changes must be made through a pull request." >&2
    exit 1
  fi
done
exit 0
`;

export type Git = ReturnType<typeof createGit>;

export function createGit() {
  const remembered = new Map<string, Promise<unknown>>();

  async function run(
    dir: string,
    args: string[],
    options: { input?: string; env?: Record<string, string>; okCodes?: number[] } = {},
  ): Promise<{ out: string; code: number }> {
    const result = await execa('git', ['--git-dir', dir, ...args], {
      env: { ...GIT_ENV, ...options.env },
      timeout: GIT_MS_MAX,
      stripFinalNewline: false,
      reject: false,
      maxBuffer: 64 * 1024 * 1024,
      ...(options.input === undefined ? {} : { input: options.input }),
    });
    const code = result.exitCode ?? -1;
    if (!(options.okCodes ?? [0]).includes(code)) {
      throw new Error(`git ${args[0]} failed (${code}): ${result.stderr.trim() || result.shortMessage}`);
    }
    return { out: result.stdout, code };
  }

  function remember<T>(key: string, compute: () => Promise<T>): Promise<T> {
    const known = remembered.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const fresh = compute();
    remembered.set(key, fresh);
    fresh.catch(() => remembered.delete(key));
    for (const old of remembered.keys()) {
      if (remembered.size <= REMEMBERED_MAX) break;
      remembered.delete(old);
    }
    return fresh;
  }

  async function init(dir: string, defaultBranch: string): Promise<void> {
    await mkdir(dir, { recursive: true });
    const args = ['init', '--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`, dir];
    await execa('git', args, { env: GIT_ENV });
    await appendFile(path.join(dir, 'config'), SETTINGS);
    await mkdir(path.join(dir, 'hooks'), { recursive: true });
    await writeFile(path.join(dir, 'hooks', 'update'), UPDATE_HOOK, { mode: 0o755 });
  }

  async function branches(dir: string): Promise<Map<string, string>> {
    const { out } = await run(dir, ['for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads']);
    const pairs = out.split('\n').filter((line) => line !== '');
    return new Map(
      pairs.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  }

  async function refs(dir: string, prefix: string): Promise<{ ref: string; sha: string; type: string }[]> {
    const { out } = await run(dir, ['for-each-ref', '--format=%(objectname) %(objecttype) %(refname)', 'refs']);
    return out
      .split('\n')
      .map((line) => line.split(' '))
      .flatMap(([sha = '', type = '', ref = '']) => (ref.startsWith(prefix) && ref !== '' ? [{ ref, sha, type }] : []));
  }

  /** Commits seen, each with its repository. */
  const known = new Set<string>();

  /** The commit that a name means, or undefined. */
  async function resolve(dir: string, name: string): Promise<string | undefined> {
    if (name.startsWith('-')) return undefined;
    // A commit that is there stays there.
    if (FULL_ID.test(name) && known.has(`${dir} ${name}`)) return name;
    const { out, code } = await run(dir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], {
      okCodes: [0, 1, 128],
    });
    if (code !== 0) return undefined;
    const commit = out.trim();
    known.add(`${dir} ${commit}`);
    return commit;
  }

  /** Brings a commit of another repository. */
  const bring = (dir: string, from: string, sha: string): Promise<unknown> =>
    run(dir, ['fetch', '--quiet', '--no-tags', from, sha]);

  const updateRef = (dir: string, ref: string, to: string, from?: string): Promise<unknown> =>
    run(dir, ['update-ref', ref, to, ...(from === undefined ? [] : [from])]);
  const deleteRef = (dir: string, ref: string): Promise<unknown> => run(dir, ['update-ref', '-d', ref]);

  const mergeBase = (dir: string, a: string, b: string): Promise<string | undefined> =>
    remember(`${dir} base ${a} ${b}`, async () => {
      const { out, code } = await run(dir, ['merge-base', a, b], { okCodes: [0, 1] });
      return code === 0 ? out.trim() : undefined;
    });

  const isAncestor = async (dir: string, a: string, b: string): Promise<boolean> =>
    a === b || (await mergeBase(dir, a, b)) === a;

  async function log(dir: string, revisions: string[]): Promise<Commit[]> {
    const format = ['%H', '%T', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%B'].join('%x1f');
    const { out } = await run(dir, ['log', `--format=${format}%x1e`, ...revisions, '--']);
    const records = out.split('\x1e').map((record) => record.replace(/^\n/, ''));
    return records.filter((record) => record !== '').map(parseCommit);
  }

  /** Commits reachable from `to` and not from `from`, oldest first. */
  const commits = (dir: string, from: string, to: string): Promise<Commit[]> =>
    remember(`${dir} log ${from} ${to}`, () => log(dir, ['--topo-order', '--reverse', to, `^${from}`]));

  const commit = (dir: string, sha: string): Promise<Commit> =>
    remember(`${dir} commit ${sha}`, async () => {
      const [found] = await log(dir, ['--no-walk', sha]);
      if (found === undefined) throw new Error(`no commit ${sha}`);
      return found;
    });

  /** The newest commits, newest first. */
  const history = (dir: string, from: string, countMax: number): Promise<Commit[]> =>
    log(dir, [`--max-count=${countMax}`, from]);

  const diff = (dir: string, from: string, to: string): Promise<FileChange[]> =>
    remember(`${dir} diff ${from} ${to}`, async () => {
      const raw = (await run(dir, ['diff', '--no-color', '-M', '--raw', '-z', '--abbrev=40', from, to])).out;
      const patch = (await run(dir, ['diff', '--no-color', '--no-ext-diff', '-M', from, to])).out;
      return parseDiff(raw, patch);
    });

  /** What merging gives: a tree, or the paths in conflict. */
  const mergeTree = (
    dir: string,
    base: string,
    head: string,
  ): Promise<{ ok: true; tree: string } | { ok: false; conflicts: string[] }> =>
    remember(`${dir} merge ${base} ${head}`, async () => {
      const { out, code } = await run(dir, ['merge-tree', '--write-tree', '--name-only', '--no-messages', base, head], {
        okCodes: [0, 1],
      });
      const [tree = '', ...conflicts] = out.split('\n').filter((line) => line !== '');
      return code === 0 ? { ok: true as const, tree } : { ok: false as const, conflicts };
    });

  async function commitTree(
    dir: string,
    { tree, parents, message, author, committer, atMs, authoredAt }: CommitWish,
  ): Promise<string> {
    const { out } = await run(dir, ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'], {
      input: message,
      env: {
        GIT_AUTHOR_NAME: author.name,
        GIT_AUTHOR_EMAIL: author.email,
        GIT_AUTHOR_DATE: authoredAt ?? gitDate(atMs),
        GIT_COMMITTER_NAME: committer.name,
        GIT_COMMITTER_EMAIL: committer.email,
        GIT_COMMITTER_DATE: gitDate(atMs),
      },
    });
    return out.trim();
  }

  /** Writes files onto a branch as one commit, as the web editor does; null removes a file. */
  async function writeFiles(
    dir: string,
    wish: {
      branch: string;
      from?: string | undefined;
      files: Record<string, string | null>;
      message: string;
      by: Person;
      atMs: number;
    },
  ): Promise<string> {
    const who = `${wish.by.name} <${wish.by.email}> ${Math.floor(wish.atMs / 1000)} +0000`;
    const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
    const lines = [
      `commit refs/heads/${wish.branch}\nauthor ${who}\ncommitter ${who}\n${data(wish.message)}`,
      wish.from === undefined ? '' : `from ${wish.from}\n`,
      ...Object.entries(wish.files).map(([file, text]) =>
        text === null
          ? `D ${JSON.stringify(file)}\n`
          : `M ${text.startsWith('#!') ? '100755' : '100644'} inline ${JSON.stringify(file)}\n${data(text)}`,
      ),
    ];
    await run(dir, ['fast-import', '--quiet', '--force'], { input: lines.join('') });
    return (await resolve(dir, `refs/heads/${wish.branch}`)) ?? NO_COMMIT;
  }

  return {
    run,
    init,
    branches,
    refs,
    resolve,
    bring,
    updateRef,
    deleteRef,
    mergeBase,
    isAncestor,
    commits,
    commit,
    history,
    diff,
    mergeTree,
    commitTree,
    writeFiles,
  };
}

interface CommitWish {
  tree: string;
  parents: string[];
  message: string;
  author: Person;
  committer: Person;
  atMs: number;
  authoredAt?: string;
}

const gitDate = (ms: number): string => `@${Math.floor(ms / 1000)} +0000`;
const utc = (date: string): string => new Date(date).toISOString().replace(ISO_SECONDS, 'Z');

function parseCommit(record: string): Commit {
  const [sha = '', tree = '', parents = '', an = '', ae = '', ad = '', cn = '', ce = '', cd = '', ...rest] =
    record.split('\x1f');
  return {
    sha,
    tree,
    parents: parents.split(' ').filter((parent) => parent !== ''),
    author: { name: an, email: ae, date: utc(ad) },
    committer: { name: cn, email: ce, date: utc(cd) },
    message: rest.join('\x1f').replace(/\n+$/, ''),
  };
}

const STATUS: Record<string, FileChange['status']> = {
  A: 'added',
  D: 'removed',
  M: 'modified',
  R: 'renamed',
  C: 'copied',
  T: 'changed',
};

/** `--raw -z` says which files, the patch says which lines; both list them in the same order. */
function parseDiff(raw: string, patch: string): FileChange[] {
  const sections = patch.split(/^(?=diff --git )/m).filter((section) => section.startsWith('diff --git '));
  const fields = raw.split('\0').filter((field) => field !== '');
  const changes: FileChange[] = [];
  for (let at = 0; at < fields.length;) {
    const [, , before = '', after = '', letter = 'M'] = (fields[at++] ?? '').split(' ');
    const status = STATUS[letter.charAt(0)] ?? 'changed';
    const first = fields[at++] ?? '';
    const second = status === 'renamed' || status === 'copied' ? fields[at++] : undefined;
    const section = sections[changes.length] ?? '';
    const start = section.search(/^@@/m);
    const hunks = start < 0 ? undefined : section.slice(start).replace(/\n$/, '');
    const lines = hunks?.split('\n') ?? [];
    changes.push({
      sha: status === 'removed' ? before : after,
      path: second ?? first,
      ...(second === undefined ? {} : { previousPath: first }),
      status,
      additions: lines.filter((line) => line.startsWith('+')).length,
      deletions: lines.filter((line) => line.startsWith('-')).length,
      ...(hunks === undefined ? {} : { patch: hunks }),
    });
  }
  return changes;
}

/** Where a line stands in a file's patch: its position, and the hunk up to it. Undefined: the diff does not show it. */
export function locate(
  patch: string,
  line: number,
  side: 'LEFT' | 'RIGHT',
): { position: number; hunk: string } | undefined {
  let left = 0;
  let right = 0;
  let position = -1;
  let hunk: string[] = [];
  for (const text of patch.split('\n')) {
    position += 1;
    const header = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(text);
    if (header !== null) {
      left = Number(header[1]) - 1;
      right = Number(header[2]) - 1;
      hunk = [text];
      continue;
    }
    hunk.push(text);
    if (text.startsWith('-') || text.startsWith(' ')) left += 1;
    if (text.startsWith('+') || text.startsWith(' ')) right += 1;
    const here = side === 'LEFT' ? !text.startsWith('+') && left === line : !text.startsWith('-') && right === line;
    if (here && !text.startsWith('\\')) return { position, hunk: hunk.join('\n') };
  }
  return undefined;
}
