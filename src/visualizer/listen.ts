/** Opens the operator's port. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { RejectedInput } from '../errors.ts';

export interface Listening {
  url: string;
  close(): Promise<void>;
}

/** @throws RejectedInput `LISTEN`: the port is taken, or not ours to take */
export async function listenOperator(
  app: { fetch: (request: Request) => Response | Promise<Response> },
  listen: string,
): Promise<Listening> {
  const colon = listen.lastIndexOf(':');
  const hostname = listen.slice(0, colon);
  const server = createServer((request, response) => {
    void getRequestListener(app.fetch)(request, response);
  });
  // `[::1]` is how an address of six is written, not what the system knows it by.
  await bind(server, hostname.replace(/^\[(.*)\]$/, '$1'), Number(listen.slice(colon + 1)), listen);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${hostname}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function bind(server: Server, hostname: string, port: number, listen: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be listened on (${error.message})`;
      reject(
        new RejectedInput(
          'LISTEN',
          `${listen} ${why}; choose another with operator.listen or CHARTROOM_OPERATOR_LISTEN`,
        ),
      );
    });
    server.listen(port, hostname, resolve);
  });
}
