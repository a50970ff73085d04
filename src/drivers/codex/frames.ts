/** What of codex's app-server is read: only the fields that are used, so that a newer one may say more. */
import { z } from 'zod';

export const threadAnswer = z.looseObject({ thread: z.looseObject({ id: z.string() }) });
export const turnAnswer = z.looseObject({ turn: z.looseObject({ id: z.string() }) });
export const initializeAnswer = z.looseObject({ userAgent: z.string() });

export const turnError = z.looseObject({
  message: z.string(),
  codexErrorInfo: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
});
export type TurnError = z.infer<typeof turnError>;

const tokens = z.looseObject({ inputTokens: z.number(), outputTokens: z.number() });
const window = z.looseObject({ usedPercent: z.number(), resetsAt: z.number().nullish() }).nullish();
const item = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  command: z.string().optional(),
  exitCode: z.number().nullish(),
  summary: z.array(z.string()).optional(),
  changes: z.array(z.looseObject({ path: z.string() })).optional(),
  server: z.string().optional(),
  tool: z.string().optional(),
});
export type Item = z.infer<typeof item>;

/** Notifications of a thread, by their method. */
export const notifications = {
  'turn/started': z.looseObject({ threadId: z.string(), turn: z.looseObject({ id: z.string() }) }),
  'turn/completed': z.looseObject({
    threadId: z.string(),
    turn: z.looseObject({
      id: z.string(),
      status: z.enum(['completed', 'interrupted', 'failed']),
      error: turnError.nullish(),
    }),
  }),
  'turn/plan/updated': z.looseObject({
    threadId: z.string(),
    plan: z.array(z.looseObject({ step: z.string(), status: z.enum(['pending', 'inProgress', 'completed']) })),
  }),
  'item/completed': z.looseObject({ threadId: z.string(), item }),
  'thread/tokenUsage/updated': z.looseObject({
    threadId: z.string(),
    tokenUsage: z.looseObject({ total: tokens, last: tokens, modelContextWindow: z.number().nullish() }),
  }),
  'account/rateLimits/updated': z.looseObject({
    rateLimits: z.looseObject({ primary: window, secondary: window }),
  }),
  error: z.looseObject({ threadId: z.string(), error: turnError, willRetry: z.boolean() }),
};
export type Notification = keyof typeof notifications;
export type Said<Name extends Notification> = z.infer<(typeof notifications)[Name]>;
