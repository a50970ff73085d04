/** What of the Agent Client Protocol is read: only the fields that are used, so that a newer agent may say more. */
import { z } from 'zod';

export const initializeAnswer = z.looseObject({
  protocolVersion: z.number(),
  agentCapabilities: z
    .looseObject({
      loadSession: z.boolean().optional(),
      sessionCapabilities: z.looseObject({ resume: z.unknown().optional() }).optional(),
    })
    .default({}),
});
export const sessionAnswer = z.looseObject({ sessionId: z.string() });
export const promptAnswer = z.looseObject({
  stopReason: z.string(),
  usage: z.looseObject({ inputTokens: z.number().default(0), outputTokens: z.number().default(0) }).nullish(),
});

const content = z.looseObject({ type: z.string(), text: z.string().optional() });
const toolCall = z.looseObject({
  title: z.string().nullish(),
  kind: z.string().nullish(),
  rawInput: z.unknown().optional(),
});

export const update = z.looseObject({
  sessionId: z.string(),
  update: z.discriminatedUnion('sessionUpdate', [
    z.looseObject({ sessionUpdate: z.literal('agent_message_chunk'), content }),
    z.looseObject({ sessionUpdate: z.literal('agent_thought_chunk'), content }),
    toolCall.extend({ sessionUpdate: z.literal('tool_call') }),
    z.looseObject({
      sessionUpdate: z.literal('usage_update'),
      used: z.number().int().min(0),
      size: z.number().int().min(1),
      cost: z.looseObject({ amount: z.number().min(0), currency: z.string() }).nullish(),
    }),
    z.looseObject({
      sessionUpdate: z.literal('plan'),
      entries: z.array(z.looseObject({ content: z.string(), status: z.string() })),
    }),
  ]),
});
export type Update = z.infer<typeof update>['update'];

export const permission = z.looseObject({
  toolCall,
  options: z.array(z.looseObject({ optionId: z.string(), kind: z.string() })),
});
export type Permission = z.infer<typeof permission>;
