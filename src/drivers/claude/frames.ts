/** What of Claude Code's lines is read: only the fields that are used, so that a newer one may say more. */
import { z } from 'zod';

const block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  name: z.string().optional(),
  input: z.record(z.string(), z.unknown()).optional(),
});
export type Block = z.infer<typeof block>;

const modelUsage = z.looseObject({
  inputTokens: z.number().default(0),
  outputTokens: z.number().default(0),
  cacheReadInputTokens: z.number().default(0),
  cacheCreationInputTokens: z.number().default(0),
  contextWindow: z.number().int().min(1).optional(),
});

/** Of one question to the model: all of what was asked, and the answer. */
const asked = z.looseObject({
  input_tokens: z.number().default(0),
  output_tokens: z.number().default(0),
  cache_read_input_tokens: z.number().nullish(),
  cache_creation_input_tokens: z.number().nullish(),
});
export type Asked = z.infer<typeof asked>;

export const said = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('system'),
    subtype: z.string(),
    uuid: z.string().optional(),
    error: z.string().optional(),
    error_status: z.number().nullish(),
  }),
  z.looseObject({
    type: z.literal('assistant'),
    parent_tool_use_id: z.string().nullish(),
    error: z.string().optional(),
    message: z.looseObject({ content: z.array(block), usage: asked.optional() }),
  }),
  z.looseObject({ type: z.literal('user'), uuid: z.string().optional(), isReplay: z.boolean().optional() }),
  z.looseObject({
    type: z.literal('result'),
    uuid: z.string().optional(),
    subtype: z.string(),
    is_error: z.boolean(),
    api_error_status: z.number().nullish(),
    result: z.string().optional(),
    errors: z.array(z.string()).optional(),
    total_cost_usd: z.number().optional(),
    modelUsage: z.record(z.string(), modelUsage).default({}),
    permission_denials: z.array(z.looseObject({ tool_name: z.string() })).default([]),
  }),
  z.looseObject({
    type: z.literal('control_request'),
    request_id: z.string(),
    request: z.looseObject({
      subtype: z.string(),
      tool_name: z.string().default(''),
      input: z.record(z.string(), z.unknown()).default({}),
      description: z.string().optional(),
      permission_suggestions: z.array(z.record(z.string(), z.unknown())).optional(),
    }),
  }),
  z.looseObject({
    type: z.literal('control_response'),
    response: z.looseObject({ subtype: z.string(), request_id: z.string(), error: z.string().optional() }),
  }),
  z.looseObject({
    type: z.literal('rate_limit_event'),
    rate_limit_info: z.looseObject({ status: z.string(), resetsAt: z.number().optional() }),
  }),
  // Partial messages, progress, summaries: of no use here.
  z.looseObject({
    type: z.enum(['stream_event', 'control_cancel_request', 'tool_progress', 'auth_status', 'keep_alive']),
  }),
]);
export type Said = z.infer<typeof said>;
export type Result = Extract<Said, { type: 'result' }>;
export type Request = Extract<Said, { type: 'control_request' }>;
