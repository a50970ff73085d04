/**
 * Claude Code's first start at a terminal, settled before a person takes a conversation over: whoever configured the
 * agent has chosen its key, and it has long worked in its worktree. What stands in its file already stays.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TerminalSeat } from '../driver.ts';

/** By so many of its last characters it knows a key again. */
const KEY_CHARS = 20;

type Json = Record<string, unknown>;

export function settleWelcome({ home, cwd, env }: TerminalSeat): void {
  const file = path.join(home, '.claude.json');
  const known = read(file);
  const projects = part(known['projects']);
  const answered = part(known['customApiKeyResponses']);
  const key = env['ANTHROPIC_API_KEY']?.slice(-KEY_CHARS);
  const approved = (answered['approved'] as string[] | undefined) ?? [];
  const next = {
    ...known,
    hasCompletedOnboarding: true,
    ...(key === undefined || approved.includes(key)
      ? {}
      : { customApiKeyResponses: { rejected: [], ...answered, approved: [...approved, key] } }),
    projects: { ...projects, [cwd]: { ...part(projects[cwd]), hasTrustDialogAccepted: true } },
  };
  const aside = `${file}.new`;
  writeFileSync(aside, JSON.stringify(next, null, 2), { mode: 0o600 });
  renameSync(aside, file);
}

const part = (value: unknown): Json => (value !== null && typeof value === 'object' ? (value as Json) : {});

function read(file: string): Json {
  try {
    return part(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}
