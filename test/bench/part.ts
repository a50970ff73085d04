/** A process that measures one part: what another part left behind in memory costs this one nothing. */
import { PARTS } from './parts.ts';
import type { Part } from './parts.ts';

process.on('message', ({ name, directory, syncMs }: Part) => {
  void PARTS[name]!(directory, syncMs).then((figures) => process.send!(figures));
});
