/** A process that opens a store, says whether it has it, and keeps it until its input ends. */
import { openLevelStore } from '../../src/store/level-store.ts';
import type { StoreError } from '../../src/store/store.ts';

const [directory, name] = process.argv.slice(2) as [string, string];
const said = await openLevelStore(directory, name).then(
  () => 'has it',
  ({ code, message }: StoreError) => `${code} ${message}`,
);
process.stdout.write(`${said}\n`);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
