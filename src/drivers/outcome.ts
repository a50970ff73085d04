/** What an agent's own program may leave as its result: a JSON file whose path is in `CHARTROOM_RESULT`. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { reviewComment } from '../../machines/events/common.ts';
import type { RunResult } from './driver.ts';

/** A result file larger than this is none. */
const RESULT_BYTES_MAX = 2_000_000;
const sha = z.string().regex(/^[0-9a-f]{7,64}$/);

/** `verdict.head` may be left out: the commit the run was asked to judge. */
export const runOutcome = z.object({
  summary: z.string().max(200_000).optional(),
  report: z.string().max(200_000).optional(),
  verdict: z
    .object({
      head: sha.optional(),
      verdict: z.enum(['approve', 'request_changes', 'comment']),
      body: z.string().max(200_000).default(''),
      comments: z.array(reviewComment).max(500).default([]),
    })
    .optional(),
  pull: z.number().int().min(1).optional(),
  handedBack: z.string().max(10_000).optional(),
  usage: z
    .object({
      inputTokens: z.number().int().min(0),
      outputTokens: z.number().int().min(0),
      costUsd: z.number().min(0).optional(),
    })
    .optional(),
  /** When a usage limit ends. */
  until: z.iso.datetime({ offset: true }).optional(),
  /** Why it failed, or which limit was met. */
  reason: z.string().max(10_000).optional(),
});
export type RunOutcome = z.infer<typeof runOutcome>;

/** The part that goes home with the turn's end. */
export function resultOf(outcome: Omit<RunOutcome, 'usage' | 'until' | 'reason'>, head: string | undefined): RunResult {
  const { summary, report, verdict, pull, handedBack } = outcome;
  const judged = verdict?.head ?? head;
  return {
    ...(summary === undefined ? {} : { summary }),
    ...(report === undefined ? {} : { report }),
    ...(verdict === undefined || judged === undefined ? {} : { verdict: { ...verdict, head: judged } }),
    ...(pull === undefined ? {} : { pull }),
    ...(handedBack === undefined ? {} : { handedBack }),
  };
}

/** What the program left; undefined: nothing, or nothing that is a result. */
export function readOutcome(file: string): RunOutcome | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length > RESULT_BYTES_MAX) return undefined;
    const parsed = runOutcome.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
