/** The public door as a server: opened on an address, closed when the deliveries in hand are answered. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { RejectedInput } from '../errors.ts';
import type { NodeParts, Webhooks } from './webhooks.ts';

export interface Listening {
  /** `http://127.0.0.1:8787` */
  url: string;
  port: number;
  /** Takes no new delivery, lets those in hand be answered. */
  close(): Promise<void>;
}

/** A body of 5 MB on a slow line; longer is somebody holding connections. */
const REQUEST_MS_MAX = 30_000;
const HEADERS_MS_MAX = 10_000;
/** Deliveries in hand are answered within publish and hook wait; who is slower is cut off. */
const CLOSE_MS_MAX = 10_000;

/** @param listen `host:port`; port 0 takes a free one. @throws RejectedInput `LISTEN` */
export async function listenWebhooks(webhooks: Pick<Webhooks, 'fetch'>, listen: string): Promise<Listening> {
  const { host, port } = hostAndPort(listen);
  const server = createAdaptorServer({
    fetch: (request, node) => webhooks.fetch(request, node as NodeParts),
    serverOptions: { requestTimeout: REQUEST_MS_MAX, headersTimeout: HEADERS_MS_MAX },
    overrideGlobalObjects: false,
  }) as Server;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new RejectedInput('LISTEN', `webhooks cannot listen on ${listen}: ${reason(cause)}`, [
      'choose another address with webhooks.listen in chartroom.yaml, e.g. 127.0.0.1:8789',
    ]);
  }
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    port: bound.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
      await closed;
      clearTimeout(cut);
    },
  };
}

function hostAndPort(listen: string): { host: string; port: number } {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(listen);
  const port = Number(found?.[3]);
  const host = found?.[1] ?? found?.[2];
  if (host === undefined || !(port <= 65_535)) {
    throw new RejectedInput(
      'LISTEN',
      `“${listen}” is not an address to listen on: write host:port, e.g. 127.0.0.1:8787`,
    );
  }
  return { host, port };
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return 'another program has this port';
  if (code === 'EACCES') return 'this port needs more rights than we have';
  return error instanceof Error ? error.message : String(error);
}
