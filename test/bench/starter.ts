/** A process that opens a store, tells how long that took and what it weighs, and ends. */
import { openLevelStore } from '../../src/store/level-store.ts';
import { openNode } from './steps.ts';

const mark = performance.now();
const store = await openLevelStore(process.argv[2]!);
const node = await openNode(store);
node.releaseTimers();
const readyMs = performance.now() - mark;
process.send?.({ readyMs, rssMb: process.memoryUsage.rss() / 1e6 });
process.on('disconnect', () => {
  void node
    .stop()
    .then(() => store.close())
    .finally(() => process.exit(0));
});
