/**
 * The real programs that the drivers drive. They are large and nobody's dependency: `npm run test:agents` installs them
 * into a cache folder, and every test that needs one that is missing is skipped and says so.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';

export interface Program {
  /** As npm knows it, with the version whose frames are recorded. */
  package: string;
  version: string;
  binary: string;
}

export const PROGRAMS = {
  codex: { package: '@openai/codex', version: '0.171.0', binary: 'codex' },
  claude: { package: '@anthropic-ai/claude-code', version: '2.1.197', binary: 'claude' },
  opencode: { package: 'opencode-ai', version: '1.18.33', binary: 'opencode' },
  acp: {
    package: '@zed-industries/codex-acp',
    version: '0.16.0', // Not the script around it: how the program itself ends is what is told.
    binary: `codex-acp-${process.platform}-${process.arch}`,
  },
} as const satisfies Record<string, Program>;
export type ProgramName = keyof typeof PROGRAMS;

/** Set by `npm run test:agents`: where the programs are. */
export const FOLDER = 'CHARTROOM_AGENTS';

/** Its path, or why there is none. */
export function findProgram(name: ProgramName): { path: string } | { missing: string } {
  const folder = process.env[FOLDER];
  if (folder === undefined) return { missing: 'npm run test:agents installs the real programs and drives them' };
  const { package: whole, version, binary } = PROGRAMS[name];
  const file = path.join(folder, name, 'node_modules', '.bin', binary);
  return existsSync(file) ? { path: file } : { missing: `${whole} ${version} is not in ${folder}` };
}
