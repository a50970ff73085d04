/** How the REST side answers: errors with GitHub's bodies, validation, pages with `Link`, and ETags. */
import type { HttpBindings } from '@hono/node-server';
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import type { z } from 'zod';
import type { User } from './world.ts';

export interface Env {
  Bindings: HttpBindings;
  Variables: {
    viewer: Viewer | null;
    requestId: string;
  };
}
export type Ctx = Context<Env>;

export interface Viewer {
  user: User;
  token: string;
  /** Full name in lower case → the most this token may do there; absent: no limit of its own. */
  limits?: Record<string, 'read' | 'write' | 'admin'>;
}

export interface FieldError {
  resource: string;
  code: string;
  field?: string;
  message?: string;
  value?: unknown;
}

/** An answer that ends the request, with GitHub's body. */
export class HttpError extends Error {
  readonly status: number;
  readonly errors: (FieldError | string)[] | undefined;
  readonly headers: Record<string, string>;
  constructor(
    status: number,
    message: string,
    { errors, headers = {} }: { errors?: (FieldError | string)[]; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }
}

export const notFound = (): HttpError => new HttpError(404, 'Not Found');
export const forbidden = (message: string): HttpError => new HttpError(403, message);
export const invalid = (...errors: FieldError[]): HttpError => new HttpError(422, 'Validation Failed', { errors });
export const unprocessable = (...errors: string[]): HttpError => new HttpError(422, 'Unprocessable Entity', { errors });

export function errorBody(error: HttpError): Record<string, unknown> {
  return {
    message: error.message,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
    documentation_url: 'https://docs.github.com/rest',
    status: String(error.status),
  };
}

/** The request's JSON, as the schema has it; 400 for what is not JSON, 422 for what does not fit. */
export async function bodyOf<Schema extends z.ZodType>(
  c: Ctx,
  resource: string,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const text = await c.req.text();
  let json: unknown = {};
  try {
    if (text !== '') json = JSON.parse(text);
  } catch {
    throw new HttpError(400, 'Problems parsing JSON');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(
    ...parsed.error.issues.map((issue) => ({
      resource,
      field: issue.path.join('.'),
      code: issue.code === 'invalid_type' && issue.message.includes('undefined') ? 'missing_field' : 'invalid',
      message: issue.message,
    })),
  );
}

/** GitHub's largest page. */
const PER_PAGE_MAX = 100;

/** One page of a list, with `Link` to its neighbours. */
export function page<T>(c: Ctx, all: readonly T[]): T[] {
  const perPage = clamp(Number(c.req.query('per_page') ?? 30), 1, PER_PAGE_MAX, 30);
  const number = clamp(Number(c.req.query('page') ?? 1), 1, Number.MAX_SAFE_INTEGER, 1);
  const last = Math.max(1, Math.ceil(all.length / perPage));
  const link = (to: number, rel: string): string => {
    const url = new URL(c.req.url);
    url.searchParams.set('page', String(to));
    return `<${url.href}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link(Math.min(number - 1, last), 'prev')] : []),
    ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []),
    ...(number > 1 ? [link(1, 'first')] : []),
  ];
  if (links.length > 0) c.header('link', links.join(', '));
  return all.slice((number - 1) * perPage, number * perPage);
}

function clamp(value: number, min: number, max: number, otherwise: number): number {
  return Number.isInteger(value) ? Math.min(max, Math.max(min, value)) : otherwise;
}

/** A path parameter that is a number, else 404. */
export function numberParam(c: Ctx, name: string): number {
  const value = Number(c.req.param(name));
  if (!Number.isSafeInteger(value) || value < 1) throw notFound();
  return value;
}

export const etagOf = (body: string): string => `W/"${createHash('sha256').update(body).digest('hex')}"`;

/** Whether `If-None-Match` names this ETag. */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const bare = (tag: string): string => tag.trim().replace(/^W\//, '');
  return header.split(',').some((tag) => tag.trim() === '*' || bare(tag) === bare(etag));
}
