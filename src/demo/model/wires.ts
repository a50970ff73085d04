/** The wires on which coding agents ask their models: what a request says, and how an answer is streamed. */
import type { ModelUsage, Occasion } from '../model.ts';

type Json = Record<string, unknown>;
export interface Call {
  name: string;
  input: Json;
}
export interface Wire {
  tools: (request: Json) => string[];
  occasion: (request: Json) => Occasion;
  /** The agent's own tool for shell commands. */
  shell: (tools: string[], command: string) => Call;
  /** `saying`: a text before the call. */
  called: (call: Call, usage: ModelUsage, saying?: string) => Json[];
  said: (text: string, usage: ModelUsage) => Json[];
  failed: (status: number) => Response;
  refused: () => Response;
  limit: (until: number) => { body: Json; headers: Record<string, string> };
}

let serial = 0;
const named = (prefix: string): string => `${prefix}_${(serial += 1)}`;
const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
/** What stands in a message's content, whichever way it is written. */
const textOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : list(content)
        .map(({ text }) => (typeof text === 'string' ? text : ''))
        .join('\n');

export function eventStream(events: Json[]): Response {
  // Events of the one wire have a type, those of the other only data, and a word at the end.
  const isTyped = typeof events[0]?.['type'] === 'string';
  const words = events.map((event) => {
    const { type } = event;
    return `${typeof type === 'string' ? `event: ${type}\n` : ''}data: ${JSON.stringify(event)}\n\n`;
  });
  const body = [...words, ...(isTyped ? [] : ['data: [DONE]\n\n'])].join('');
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

export function limited(wire: Wire, until: string): Response {
  const { body, headers } = wire.limit(Date.parse(until) / 1_000);
  return Response.json(body, { status: 429, headers });
}

export const overOpenai: Wire = {
  tools: ({ tools }) => list(tools).map(({ name, type }) => String(name ?? type)),
  occasion({ input }) {
    const occasion: Occasion = { texts: [], outputs: [] };
    for (const item of list(input)) {
      if (item['role'] === 'user') {
        occasion.texts.push(textOf(item['content']));
        occasion.outputs = [];
      } else if (String(item['type']).endsWith('_output')) occasion.outputs.push(textOf(item['output']));
    }
    return occasion;
  },
  shell: (tools, command) =>
    tools.includes('exec_command')
      ? { name: 'exec_command', input: { cmd: command } }
      : { name: 'shell_command', input: { command } },
  called: ({ name, input }, usage, saying) =>
    openaiAnswer(
      [
        ...(saying === undefined ? [] : [openaiMessage(saying)]),
        { type: 'function_call', id: named('fc'), call_id: named('call'), name, arguments: JSON.stringify(input) },
      ],
      usage,
    ),
  said: (text, usage) => openaiAnswer([openaiMessage(text)], usage),
  failed: (status) => Response.json({ error: { type: 'server_error', message: `status ${status}` } }, { status }),
  refused: () =>
    Response.json({ error: { type: 'invalid_request_error', message: 'Incorrect API key provided' } }, { status: 401 }),
  limit: (until) => ({
    body: {
      error: {
        type: 'usage_limit_reached',
        message: 'The usage limit has been reached',
        plan_type: 'pro',
        resets_at: until,
      },
    },
    headers: {
      'x-codex-primary-used-percent': '100',
      'x-codex-primary-window-minutes': '300',
      'x-codex-primary-reset-at': String(until),
    },
  }),
};

const openaiMessage = (text: string): Json => ({
  type: 'message',
  id: named('msg'),
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [] }],
});

function openaiAnswer(items: Json[], { inputTokens, outputTokens }: ModelUsage): Json[] {
  const id = named('resp');
  const usage = {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
  return [
    { type: 'response.created', response: { id } },
    ...items.map((item, index) => ({ type: 'response.output_item.done', output_index: index, item })),
    { type: 'response.completed', response: { id, usage } },
  ];
}

export const overAnthropic: Wire = {
  tools: ({ tools }) => list(tools).map(({ name }) => String(name)),
  occasion({ messages }) {
    const occasion: Occasion = { texts: [], outputs: [] };
    for (const { role, content } of list(messages)) {
      // How a text is passed on that came while the model was at work.
      if (role === 'system' && textOf(content).startsWith('The user sent')) {
        occasion.texts.push(textOf(content));
        occasion.outputs = [];
      }
      if (role !== 'user') continue;
      const results = list(content).filter(({ type }) => type === 'tool_result');
      if (results.length > 0) occasion.outputs.push(...results.map((result) => textOf(result['content'])));
      const text = textOf(typeof content === 'string' ? content : list(content).filter(({ type }) => type === 'text'));
      if (text === '') continue;
      occasion.texts.push(text);
      if (results.length === 0) occasion.outputs = [];
    }
    return occasion;
  },
  shell: (_tools, command) => ({ name: 'Bash', input: { command, description: 'what the story says' } }),
  called: ({ name, input }, usage, saying) =>
    anthropicAnswer(
      [
        ...(saying === undefined ? [] : [textBlock(saying)]),
        [
          { type: 'tool_use', id: named('toolu'), name, input: {} },
          { type: 'input_json_delta', partial_json: JSON.stringify(input) },
        ],
      ],
      'tool_use',
      usage,
    ),
  said: (text, usage) => anthropicAnswer([textBlock(text)], 'end_turn', usage),
  failed: (status) =>
    Response.json(
      {
        type: 'error',
        error: { type: status === 529 ? 'overloaded_error' : 'api_error', message: `status ${status}` },
      },
      { status },
    ),
  refused: () =>
    Response.json(
      { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } },
      { status: 401 },
    ),
  limit: (until) => ({
    body: { type: 'error', error: { type: 'rate_limit_error', message: 'This request would exceed your rate limit' } },
    headers: {
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': String(until),
      'anthropic-ratelimit-unified-representative-claim': 'five_hour',
      'x-should-retry': 'false',
    },
  }),
};

/** A block as it begins, and all of it at once. */
type Block = [begun: Json, delta: Json];
const textBlock = (text: string): Block => [
  { type: 'text', text: '' },
  { type: 'text_delta', text },
];

function anthropicAnswer(blocks: Block[], stop: string, { inputTokens, outputTokens }: ModelUsage): Json[] {
  const message = {
    id: named('msg'),
    type: 'message',
    role: 'assistant',
    model: 'stand-in',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: inputTokens, output_tokens: 0 },
  };
  return [
    { type: 'message_start', message },
    ...blocks.flatMap(([block, delta], index) => [
      { type: 'content_block_start', index, content_block: block },
      { type: 'content_block_delta', index, delta },
      { type: 'content_block_stop', index },
    ]),
    {
      type: 'message_delta',
      delta: { stop_reason: stop, stop_sequence: null },
      usage: { output_tokens: outputTokens },
    },
    { type: 'message_stop' },
  ];
}

/** What most providers speak, and agents that take any of them. */
export const overChat: Wire = {
  tools: ({ tools }) => list(tools).map((tool) => String((tool['function'] as Json | undefined)?.['name'])),
  occasion({ messages }) {
    const occasion: Occasion = { texts: [], outputs: [] };
    for (const { role, content } of list(messages)) {
      if (role === 'user') {
        occasion.texts.push(textOf(content));
        occasion.outputs = [];
      } else if (role === 'tool') occasion.outputs.push(textOf(content));
    }
    return occasion;
  },
  shell: (_tools, command) => ({ name: 'bash', input: { command, description: 'what the story says' } }),
  called: ({ name, input }, usage, saying) =>
    chatAnswer(
      [
        ...(saying === undefined ? [] : [{ content: saying }]),
        {
          tool_calls: [
            { index: 0, id: named('call'), type: 'function', function: { name, arguments: JSON.stringify(input) } },
          ],
        },
      ],
      'tool_calls',
      usage,
    ),
  said: (text, usage) => chatAnswer([{ content: text }], 'stop', usage),
  failed: (status) =>
    Response.json({ error: { type: 'invalid_request_error', message: `status ${status}` } }, { status }),
  refused: () => Response.json({ error: { message: '401 Incorrect API key provided' } }, { status: 401 }),
  limit: () => ({
    body: { error: { type: 'rate_limit', message: '429 The usage limit has been reached' } },
    headers: {},
  }),
};

function chatAnswer(deltas: Json[], finish: string, { inputTokens, outputTokens }: ModelUsage): Json[] {
  const chunk = { id: named('chat'), object: 'chat.completion.chunk', created: 0, model: 'stand-in' };
  const usage = {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
  return [
    ...deltas.map((delta) => ({ ...chunk, choices: [{ index: 0, delta: { role: 'assistant', ...delta } }] })),
    { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: finish }], usage },
  ];
}
