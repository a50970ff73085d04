/** What every part of the stand-in is given: the records, the git program, where it is reached, and the hooks. */
import type { Git } from './git.ts';
import type { Emit } from './webhooks.ts';
import type { World } from './world.ts';

export interface Site {
  world: World;
  git: Git;
  /** `http://127.0.0.1:<port>`: pages and git. */
  url: string;
  /** Where the REST API begins, as on a GitHub Enterprise server. */
  apiUrl: string;
  emit: Emit;
}
