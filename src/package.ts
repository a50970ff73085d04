/**
 * Where the package lies and how its own programs are started, from TypeScript sources as from `dist/`.
 */
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const here = fileURLToPath(import.meta.url);
const fromSource = here.endsWith('.ts');
/** The package root: two up from src/package.ts, three up from dist/src/package.js. */
export const PACKAGE_ROOT = path.resolve(path.dirname(here), fromSource ? '..' : '../..');

/** An asset that is not compiled (templates, roles, pages), e.g. `src/effects/prompt/run.liquid`. */
export const packageFile = (relative: string): string => path.join(PACKAGE_ROOT, relative);

/** Arguments for `node` that run one of our own modules, named without its ending: `programArgs('src/cli/main')`. */
export function programArgs(module: string): string[] {
  return fromSource
    ? ['--import', import.meta.resolve('tsx'), path.join(PACKAGE_ROOT, `${module}.ts`)]
    : ['--enable-source-maps', path.join(PACKAGE_ROOT, 'dist', `${module}.js`)];
}
