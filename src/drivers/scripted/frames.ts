/** What a scripted agent's process and its driver say to each other: one JSON object per line, both ways. */
import { z } from 'zod';
import { runOutcome } from '../outcome.ts';

const mail = z.array(z.object({ id: z.string(), text: z.string(), author: z.string() }));

/** To the process. A `key` heard before is the same word again. */
export const heard = z.discriminatedUnion('type', [
  z.object({ type: z.literal('prompt'), key: z.string(), text: z.string().optional(), mail: mail.optional() }),
  z.object({ type: z.literal('steer'), key: z.string(), turn: z.string(), text: z.string() }),
  z.object({ type: z.literal('interrupt') }),
  z.object({
    type: z.literal('answer'),
    question: z.string(),
    text: z.string().optional(),
    choice: z.string().optional(),
  }),
  z.object({ type: z.literal('close') }),
]);
export type Heard = z.infer<typeof heard>;

/** From the process. */
export const said = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), conversation: z.string() }),
  z.object({ type: z.literal('turn.started'), turn: z.string(), key: z.string() }),
  z.object({ type: z.literal('steered'), key: z.string(), taken: z.boolean() }),
  z.object({
    type: z.literal('item'),
    kind: z.enum(['message', 'command', 'file', 'tool', 'note']),
    text: z.string(),
    inReplyTo: z.string().optional(),
    final: z.boolean().optional(),
  }),
  z.object({ type: z.literal('plan'), steps: z.array(z.string()) }),
  z.object({ type: z.literal('usage'), usage: runOutcome.shape.usage.unwrap() }),
  z.object({
    type: z.literal('ask'),
    question: z.string(),
    kind: z.enum(['approval', 'question']),
    text: z.string(),
    choices: z.array(z.string()).optional(),
  }),
  z.object({
    type: z.literal('turn.ended'),
    turn: z.string(),
    outcome: z.enum(['completed', 'interrupted', 'failed', 'refused', 'budget']),
    reason: z.string().optional(),
    result: runOutcome.omit({ usage: true, until: true, reason: true }).optional(),
  }),
  z.object({ type: z.literal('rate.limited'), until: z.string().optional(), reason: z.string() }),
  z.object({ type: z.literal('auth.failed'), reason: z.string() }),
  z.object({ type: z.literal('lost'), class: z.enum(['crash', 'contention']), reason: z.string() }),
]);
export type Said = z.infer<typeof said>;

/** A line as a frame; undefined: noise. */
export function frameOf<Frame>(schema: z.ZodType<Frame>, line: string): Frame | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
