/**
 * Where a section's template comes from: the repository's `.chartroom/prompts/`, else the user's folder, else the
 * shipped one. One that fails falls back to the shipped one; a run is not lost over a template.
 */
import { lstat, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { packageFile } from '../../package.ts';
import { SECTIONS } from './prompt.ts';
import type { SectionName } from './prompt.ts';

export interface Template {
  text: string;
  /** The shipped one, where `text` is another. */
  otherwise?: string;
  failed?: (error: Error) => void;
}

/** A file of a repository larger than this is not read into a prompt. */
const FILE_BYTES_MAX = 100_000;
const GIT_MS_MAX = 10_000;
/** Where a repository may say how its runs are to work. */
const TOLD_IN = ['.chartroom/', 'REVIEW_WORKFLOW.md', 'IMPLEMENTATION_WORKFLOW.md'];

/** Reads a text file of the repository by its path; undefined: there is none. */
export type ReadFile = (name: string) => Promise<string | undefined>;

/** Files of a worktree; nothing that points outside of it. */
export function worktreeReader(worktree: string): ReadFile {
  return async (name) => {
    const file = path.join(worktree, name);
    const found = await lstat(file).catch(() => null);
    if (found === null || !found.isFile() || found.size > FILE_BYTES_MAX) return undefined;
    const [root, real] = await Promise.all([realpath(worktree), realpath(file)]);
    return real.startsWith(root + path.sep) ? readFile(file, 'utf8') : undefined;
  };
}

/** Files of the base branch: what a pull request says of how to review it is not what its reviewer is told. */
export function baseReader(worktree: string, base: string, env: Record<string, string>): ReadFile {
  const ref = `refs/remotes/origin/${base}`;
  const git = async (args: string[]): Promise<string | undefined> => {
    const result = await execa('git', args, {
      cwd: worktree,
      extendEnv: false,
      env,
      reject: false,
      stdin: 'ignore',
      timeout: GIT_MS_MAX,
      maxBuffer: FILE_BYTES_MAX,
      stripFinalNewline: false,
    });
    return result.failed ? undefined : result.stdout;
  };
  /** Asked once: most repositories have none of what is looked for. */
  let names: Promise<Set<string>> | undefined;
  return async (name) => {
    names ??= git(['ls-tree', '-r', '--name-only', '-z', ref, '--', ...TOLD_IN]).then(
      (text) => new Set(text?.split('\0') ?? []),
    );
    return (await names).has(name) ? git(['show', `${ref}:${name}`]) : undefined;
  };
}

export async function loadTemplates(
  read: ReadFile,
  directory: string | undefined,
  failed: (name: SectionName, error: Error) => void,
): Promise<Record<SectionName, Template>> {
  const loaded = await Promise.all(
    SECTIONS.map(async (name): Promise<[SectionName, Template]> => {
      const own = await read(`.chartroom/prompts/${name}.liquid`);
      return [name, await templateOf(name, directory, (error) => failed(name, error), own)];
    }),
  );
  return Object.fromEntries(loaded) as Record<SectionName, Template>;
}

/** `own`: the repository's. Without one the user's, else the shipped one. */
export async function templateOf(
  name: string,
  directory: string | undefined,
  failed: (error: Error) => void,
  own?: string,
): Promise<Template> {
  const shipped = await readFile(packageFile(`src/effects/prompt/sections/${name}.liquid`), 'utf8');
  const text =
    own ??
    (directory === undefined
      ? undefined
      : await readFile(path.join(directory, `${name}.liquid`), 'utf8').catch(() => undefined));
  return text === undefined ? { text: shipped } : { text, otherwise: shipped, failed };
}

/** The repository's own word on how such a run is to work. */
export async function readWorkflow(
  read: ReadFile,
  purpose: string,
): Promise<{ path: string; text: string } | undefined> {
  const names =
    purpose === 'verdict'
      ? ['.chartroom/workflow/verdict.md', '.chartroom/workflow/review.md', 'REVIEW_WORKFLOW.md']
      : [`.chartroom/workflow/${purpose}.md`, '.chartroom/workflow/implement.md', 'IMPLEMENTATION_WORKFLOW.md'];
  for (const name of names) {
    // `review.md` is for judging; a run that answers a review works as one that implements.
    if (purpose === 'review' && name === '.chartroom/workflow/review.md') continue;
    const text = await read(name);
    if (text !== undefined) return { path: name, text: text.trim() };
  }
  return undefined;
}
