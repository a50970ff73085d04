/**
 * Presence at a chat: whoever is attached says so in regular beats on `<ns>.live.consumer.<agent>`, which are not stored
 * (docs/protocol.md §2). Who says nothing for three beats has left.
 */
import { z } from 'zod';

/** Consumers beat at least this often … */
export const BEAT_MS = 5_000;
/** … and have left when three beats are missing. */
export const SILENT_MS = 3 * BEAT_MS;

export const consumerSubject = (agent: string): string => `consumer.${agent.slice('agent/'.length)}`;

export const beat = z.object({
  consumer: z.string().min(1).max(128),
  kind: z.enum(['terminal', 'page']),
  /** The last one: it leaves at once. */
  leaving: z.boolean().optional(),
});
export type Beat = z.infer<typeof beat>;
