/** One worker process of the simulation: plays the seeds it is sent until its sender lets it go. */
import { playShare } from './crew.ts';

process.on('message', (share) => process.send!(playShare(share as Parameters<typeof playShare>[0])));
