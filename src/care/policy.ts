/** What of the journals a compaction moves. */

/** What is old: what was written before a moment (ISO), or all but the last so many of each journal. */
export type CompactionPolicy = { before: string } | { keep: number };

/** Null: neither or both. */
export function policyOf(before: string | undefined, keep: number | undefined): CompactionPolicy | null {
  if ((before === undefined) === (keep === undefined)) return null;
  return before === undefined ? { keep: keep! } : { before };
}
