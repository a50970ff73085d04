/**
 * Where the package lies and how its own programs are started, from TypeScript sources as from `dist/`.
 */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const here = fileURLToPath(import.meta.url);
const fromSource = here.endsWith('.ts');
/** The package root: one up from src/package.ts, two up from dist/src/package.js and from what is in dist/programs. */
export const PACKAGE_ROOT = path.resolve(path.dirname(here), fromSource ? '..' : '../..');

/** An asset that is not compiled (templates, roles, pages), e.g. `src/effects/prompt/run.liquid`. */
export const packageFile = (relative: string): string => path.join(PACKAGE_ROOT, relative);

/** Our programs that are built into few files each (`programs.config.ts`), with the names they have there. */
export const PROGRAMS = {
  'src/cli/main': 'chartroom',
  'src/drivers/scripted/main': 'scripted',
  'src/effects/git-credential': 'git-credential',
} as const;

/**
 * Arguments for `node` that run one of our own modules, named without its ending: `programArgs('src/cli/main')`. A built
 * program has its functions' own names, and is not slowed by reading the maps of its sources at each start.
 */
export function programArgs(module: string, root: string = PACKAGE_ROOT): string[] {
  if (fromSource) return ['--import', import.meta.resolve('tsx'), path.join(root, `${module}.ts`)];
  const built = builtProgram(module, root);
  return built === undefined ? ['--enable-source-maps', path.join(root, 'dist', `${module}.js`)] : [built];
}

/** A build that is older than what was compiled since is not the program any more. */
function builtProgram(module: string, root: string): string | undefined {
  if (!(module in PROGRAMS)) return undefined;
  const name = PROGRAMS[module as keyof typeof PROGRAMS];
  const built = path.join(root, 'dist', 'programs', `${name}.js`);
  return writtenMs(built) >= writtenMs(path.join(root, 'dist', '.tsbuildinfo')) ? built : undefined;
}

const writtenMs = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
