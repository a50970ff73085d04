/** The commented configuration that `chartroom init` writes. */
import { readFileSync } from 'node:fs';
import { packageFile } from '../package.ts';

/** With the schema where this installation has it, so that editors find it. */
export function sampleConfig(): string {
  return readFileSync(packageFile('src/config/sample.yaml'), 'utf8').replace(
    './chartroom.schema.json',
    packageFile('src/config/chartroom.schema.json'),
  );
}
