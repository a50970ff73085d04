/** What somebody left in a worktree that nobody else has yet, in words. */
import { execa } from 'execa';

const GIT_MS_MAX = 20_000;

/** null: everything is committed and published, or git does not say. */
export async function leftIn(cwd: string): Promise<string | null> {
  const git = async (...args: string[]): Promise<string[]> => {
    const { failed, stdout } = await execa('git', args, { cwd, reject: false, timeout: GIT_MS_MAX, stdin: 'ignore' });
    return failed ? [] : stdout.split('\n').filter((line) => line !== '');
  };
  const files = (await git('status', '--porcelain', '--untracked-files=all')).length;
  const commits = (await git('rev-list', 'HEAD', '--not', '--remotes')).length;
  const parts = [
    ...(files === 0 ? [] : [`${files} ${files === 1 ? 'file is' : 'files are'} not committed`]),
    ...(commits === 0 ? [] : [`${commits} ${commits === 1 ? 'commit is' : 'commits are'} not pushed`]),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}
