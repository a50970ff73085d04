/**
 * The HTTP side of the stand-in: one GraphQL endpoint with Linear's authentication, rate limit and error answers, and
 * the faults a test can ask for.
 */
import { serve } from '@hono/node-server';
import type { HttpBindings, ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import { GraphQLError, buildSchema, execute, parse, validate } from 'graphql';
import type { ExecutionResult } from 'graphql';
import { rateLimited, unauthenticated } from './refusals.ts';
import { SCHEMA } from './schema.ts';
import { createFieldResolver } from './resolvers.ts';
import type { Call } from './resolvers.ts';
import type { Acts } from './acts.ts';
import type { User, Workspace } from './records.ts';

/** Requests an app may make within an hour, as Linear's documentation has it. */
const HOURLY_LIMIT = 5_000;
const HOUR_MS = 3_600_000;

/** What goes wrong next, each counted down by requests. */
export interface Faults {
  /** The next `count` requests are answered with this status and do nothing. */
  fail(status: number, count?: number): void;
  /** The next `count` requests are done, but their answers never arrive: the connection is cut. */
  loseAnswers(count?: number): void;
  /** The next `count` answers are this text instead, e.g. a proxy's page. */
  answer(text: string, options?: { status?: number; contentType?: string; count?: number }): void;
  /** The next request is neither done nor answered before the returned function is called. */
  hold(): () => void;
  /** From now on requests are refused as over the limit, until the clock reaches `untilMs`. */
  limitUntil(untilMs: number): void;
}

export interface Request {
  query: string;
  variables: Record<string, unknown>;
  /** Null: nobody was authenticated. */
  as: string | null;
  status: number;
}

export interface Server {
  url: string;
  faults: Faults;
  /** Every request taken, in order. */
  requests: Request[];
  close(): Promise<void>;
}

/** What `/oauth/token` answers. */
export type Grant =
  | { status: 200; access_token: string; token_type: 'Bearer'; expires_in: number; scope: string }
  | { status: 400 | 401; error: string; error_description: string };

export async function startServer(
  workspace: Workspace,
  acts: Acts,
  {
    port,
    userOf,
    grant,
  }: { port: number; userOf: (token: string) => User | undefined; grant: (asked: Record<string, unknown>) => Grant },
): Promise<Server> {
  const schema = buildSchema(SCHEMA);
  const fieldResolver = createFieldResolver(workspace, acts);
  const requests: Request[] = [];
  const plans: ('lose' | Promise<void> | { status: number; text: string; contentType: string })[] = [];
  let limitedUntilMs = 0;
  let used = 0;
  let windowEndsMs = workspace.clock.now() + HOUR_MS;

  const app = new Hono<{ Bindings: HttpBindings }>();
  app.post('/oauth/token', async (context) => {
    const { status, ...answer } = grant(await context.req.parseBody());
    return Response.json(answer, { status });
  });
  app.post('/graphql', async (context) => {
    const now = workspace.clock.now();
    if (now >= windowEndsMs) [used, windowEndsMs] = [0, now + HOUR_MS];
    const token = context.req.header('authorization')?.replace(/^Bearer /, '');
    const viewer = token === undefined ? undefined : userOf(token);
    const body = (await context.req.json().catch(() => ({}))) as { query?: unknown; variables?: unknown };
    const query = typeof body.query === 'string' ? body.query : '';
    const variables = (body.variables ?? {}) as Record<string, unknown>;
    const record: Request = { query, variables, as: viewer?.id ?? null, status: 200 };
    requests.push(record);
    const plan = plans.shift();
    if (plan instanceof Promise) await plan;
    else if (typeof plan === 'object') {
      record.status = plan.status;
      return new Response(plan.text, { status: plan.status, headers: { 'content-type': plan.contentType } });
    }
    const limited = now < limitedUntilMs || used >= HOURLY_LIMIT;
    if (!limited) used += 1;
    const reset = now < limitedUntilMs ? limitedUntilMs : windowEndsMs;
    const headers = {
      'X-RateLimit-Requests-Limit': String(HOURLY_LIMIT),
      'X-RateLimit-Requests-Remaining': limited ? '0' : String(HOURLY_LIMIT - used),
      'X-RateLimit-Requests-Reset': String(reset),
    };
    const { status, result } = limited
      ? refuse(400, rateLimited(HOURLY_LIMIT))
      : viewer === undefined
        ? refuse(401, unauthenticated())
        : await run(query, variables, { viewer });
    record.status = status;
    // Done, but unheard: the caller sees a broken connection and cannot know whether it happened.
    if (plan === 'lose') context.env.incoming.socket.destroy();
    return Response.json(result, { status, headers });
  });

  async function run(query: string, variables: Record<string, unknown>, call: Call) {
    let document;
    try {
      document = parse(query);
    } catch (error) {
      return refuse(400, graphqlRefusal(error as GraphQLError, 'GRAPHQL_PARSE_FAILED'));
    }
    const mistakes = validate(schema, document);
    if (mistakes[0] !== undefined) return refuse(400, graphqlRefusal(mistakes[0], 'GRAPHQL_VALIDATION_FAILED'));
    const result = await execute({
      schema,
      document,
      rootValue: {},
      contextValue: call,
      variableValues: variables,
      fieldResolver,
    });
    return { status: result.data === undefined ? 400 : 200, result: plainErrors(result) };
  }

  const server = await new Promise<ServerType>((resolve) => {
    const listening = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, () => resolve(listening));
  });
  const address = server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${actualPort}/graphql`,
    requests,
    faults: {
      fail: (status, count = 1) =>
        plan(count, { status, text: `{"errors":[{"message":"HTTP ${status}"}]}`, contentType: 'application/json' }),
      loseAnswers: (count = 1) => plan(count, 'lose'),
      answer: (text, { status = 200, contentType = 'application/json', count = 1 } = {}) =>
        plan(count, { status, text, contentType }),
      hold() {
        let release = (): void => {};
        plan(1, new Promise((resolve) => (release = resolve)));
        return release;
      },
      limitUntil(untilMs) {
        limitedUntilMs = untilMs;
      },
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };

  function plan(count: number, what: (typeof plans)[number]): void {
    for (let index = 0; index < count; index++) plans.push(what);
  }
}

const refuse = (status: number, error: GraphQLError): { status: number; result: unknown } => ({
  status,
  result: { errors: [error.toJSON()] },
});

function graphqlRefusal(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, {
    ...(error.source === undefined ? {} : { source: error.source }),
    extensions: { type: 'graphql error', code, statusCode: 400, userError: true, http: { status: 400 } },
  });
}

/** An error that is ours, not the caller's, shows as Linear's internal one. */
function plainErrors(result: ExecutionResult): unknown {
  if (result.errors === undefined) return result;
  const errors = result.errors.map((error) =>
    error.extensions['code'] === undefined
      ? {
          ...error.toJSON(),
          extensions: { type: 'internal error', code: 'INTERNAL_SERVER_ERROR', statusCode: 500, userError: false },
        }
      : error.toJSON(),
  );
  return { data: null, errors };
}
