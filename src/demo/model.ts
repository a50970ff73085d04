/**
 * A stand-in for a provider of models, on loopback: real coding agents ask it what to do next, and it answers what
 * the story says. It speaks the wires of OpenAI (`/v1/responses`, `/v1/chat/completions`) and of Anthropic (`/v1/messages`), streamed. Used by
 * the demo and by the tests of real programs.
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import type { Context } from 'hono';
import type { AddressInfo } from 'node:net';
import { eventStream, limited, overAnthropic, overChat, overOpenai } from './model/wires.ts';
import type { Wire } from './model/wires.ts';

/** What the agent has told its model so far, as far as a story needs it. */
export interface Occasion {
  /** Everything people (and the runtime) wrote, in order. */
  texts: string[];
  /** What came back from the tools since the last text. */
  outputs: string[];
}

export type ModelStep =
  /** The agent is to run this shell command; `saying` stands before it. */
  | { run: string; saying?: string }
  /** The agent is to call this tool of its own. */
  | { tool: string; input: Record<string, unknown> }
  /** An answer, which ends the agent's turn. */
  | { say: string }
  /** A usage limit, until then. */
  | { limitUntil: string }
  /** The provider fails with this status. */
  | { status: number }
  /** No answer, until the agent gives up. */
  | { hang: true }
  /** The answer breaks off in its middle. */
  | { cut: true };

export interface ModelUsage {
  inputTokens: number;
  outputTokens: number;
}

export interface ModelOptions {
  next: (occasion: Occasion) => ModelStep;
  /** Of every answer. */
  usage?: ModelUsage;
  /** A request with another key is refused. Default: every key is good. */
  key?: string;
}

export interface Model {
  /** Without `/v1`. */
  url: string;
  /** What was asked, oldest first. */
  asked: readonly Occasion[];
  close: () => Promise<void>;
}

export async function createModel({ next, usage = { inputTokens: 11, outputTokens: 7 }, key }: ModelOptions) {
  const asked: Occasion[] = [];
  const hanging = new Set<() => void>();

  async function answer(c: Context, wire: Wire): Promise<Response> {
    const given = c.req.header('x-api-key') ?? c.req.header('authorization')?.replace(/^Bearer /, '');
    if (key !== undefined && given !== key) return wire.refused();
    const request = (await c.req.json()) as Record<string, unknown>;
    const tools = wire.tools(request);
    // Titles and the like are asked for on the side, without tools.
    if (tools.length === 0) return eventStream(wire.said('ok', usage));
    const occasion = wire.occasion(request);
    asked.push(occasion);
    const step = next(occasion);
    if ('run' in step) return eventStream(wire.called(wire.shell(tools, step.run), usage, step.saying));
    if ('tool' in step) return eventStream(wire.called({ name: step.tool, input: step.input }, usage));
    if ('say' in step) return eventStream(wire.said(step.say, usage));
    if ('limitUntil' in step) return limited(wire, step.limitUntil);
    if ('status' in step) return wire.failed(step.status);
    if ('cut' in step) return eventStream(wire.said('this is not', usage).slice(0, 1));
    await new Promise<void>((resolve) => {
      hanging.add(resolve);
      c.req.raw.signal.addEventListener('abort', () => resolve());
    });
    return wire.failed(503);
  }

  const app = new Hono();
  app.post('/v1/responses', (c) => answer(c, overOpenai));
  app.post('/v1/messages', (c) => answer(c, overAnthropic));
  app.post('/v1/chat/completions', (c) => answer(c, overChat));
  app.post('/v1/messages/count_tokens', (c) => c.json({ input_tokens: usage.inputTokens }));
  app.notFound((c) => c.json({ error: { type: 'not_found_error', message: 'not here' } }, 404));
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const made = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(made));
  });
  const model: Model = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      for (const release of hanging) release();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
    },
  };
  return model;
}
