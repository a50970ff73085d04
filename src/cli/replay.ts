/** What `replay` proves of a store, by the kernel's own hand. */
export { damagedArchives } from '../store/archive.ts';
export { actorsOf, isSame, replayActor, replayBatchesOf, replayChain } from '../actor/verify.ts';
export type { Replayed } from '../actor/verify.ts';
