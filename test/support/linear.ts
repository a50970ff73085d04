/** What the tests around Linear share: its published schema where there is one, and somebody who receives webhooks. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema } from 'graphql';
import type { GraphQLSchema } from 'graphql';

/** Path of Linear's published `schema.graphql`, which is not part of this project. */
const PUBLISHED = process.env['LINEAR_SCHEMA'];
export const SKIP_UNPUBLISHED =
  PUBLISHED === undefined ? 'LINEAR_SCHEMA names no copy of Linear’s published schema.graphql' : false;

export function publishedSchema(): GraphQLSchema {
  return buildSchema(readFileSync(PUBLISHED ?? '', 'utf8'));
}

export interface Received {
  headers: IncomingHttpHeaders;
  raw: Buffer;
  body: Record<string, unknown>;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** The status of the answers from now on; 200 at first. */
  answer(status: number): void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      received.push({ headers: request.headers, raw, body: JSON.parse(raw.toString()) as Record<string, unknown> });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/linear`,
    received,
    answer(next) {
      status = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
