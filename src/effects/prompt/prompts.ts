/** The prompts of runs: parts of the session, words of the role, files of the repository, put together. */
import type { Logger } from '../../log.ts';
import type { ProcessParams } from '../process/watch.ts';
import { renderOpening, renderPrompt } from './prompt.ts';
import type { RenderedPrompt } from './prompt.ts';
import { baseReader, loadTemplates, readWorkflow, templateOf, worktreeReader } from './templates.ts';

export interface PromptsOptions {
  /** The user's folder of templates. */
  directory?: string | undefined;
  /** What a role's file says of the role. */
  roleText: (role: string) => string;
  repos: Record<string, { base?: string | undefined }>;
  /** PATH, for reading files of the base branch through git. */
  env: Record<string, string>;
  limitBytes?: number;
  log: Logger;
}

export interface Prompts {
  render: (params: ProcessParams) => Promise<RenderedPrompt>;
}

export function createPrompts(options: PromptsOptions): Prompts {
  const { directory, roleText, repos, env, limitBytes, log } = options;
  return {
    async render({ run, role, begun, actions, memory = {} }) {
      if (begun === undefined) {
        const template = await templateOf('chat', directory, (error) =>
          log.warn({ run, section: 'chat', err: error.message }, 'a prompt template failed; the shipped one was used'),
        );
        const text = await renderOpening(template, { role: roleText(role), memory, actions });
        return { text, notes: [], cut: [] };
      }
      const { worktree, repo, kind, branch, head, prompt } = begun;
      const read =
        kind === 'review'
          ? baseReader(worktree, repos[repo]?.base ?? 'main', { ...env, GIT_CONFIG_NOSYSTEM: '1' })
          : worktreeReader(worktree);
      const templates = await loadTemplates(read, directory, (section, error) =>
        log.warn({ run, section, err: error.message }, 'a prompt template failed; the shipped one was used'),
      );
      const rendered = await renderPrompt(prompt, {
        kind,
        for: begun.for,
        worktree,
        repo,
        branch,
        head,
        role: roleText(role),
        memory,
        actions,
        workflow: await readWorkflow(read, begun.for),
        templates,
        ...(limitBytes === undefined ? {} : { limitBytes }),
      });
      if (rendered.cut.length > 0) log.info({ run, cut: rendered.cut }, 'a prompt was too long');
      return rendered;
    },
  };
}
