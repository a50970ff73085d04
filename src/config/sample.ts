/** The commented configuration that `chartroom init` writes. */
import { readFileSync } from 'node:fs';
import { packageFile } from '../package.ts';

/** With the schemas where this installation has it, so that editors find them. */
export function sampleConfig(): string {
  return readFileSync(packageFile('src/config/sample.yaml'), 'utf8').replaceAll(
    /\.\/(\w+\.schema\.json)/g,
    (_, file: string) => packageFile(`src/config/${file}`),
  );
}
