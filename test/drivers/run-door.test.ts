import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { askRunDoor } from '../../src/drivers/run-door.ts';

const knock = (port: number) =>
  askRunDoor({
    url: `http://127.0.0.1:${port}`,
    token: 'run-1',
    path: '/credential',
    body: { host: 'github.com' },
    signal: AbortSignal.timeout(20_000),
  });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('an agent that asks while the runtime starts again is answered by the next one', async (t) => {
  const port = await freePort();
  const answer = knock(port);
  // The first knock finds nobody: a connection that is refused here was refused there before.
  await assert.rejects(fetch(`http://127.0.0.1:${port}`));
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.end('{}');
  }).listen(port, '127.0.0.1');
  t.after(() => server.close());
  assert.equal((await answer).status, 200);
  assert.deepEqual(asked, ['Bearer run-1']);
});

test('a request that was sent is not sent again when its answer is lost', async (t) => {
  let asked = 0;
  const server = createServer((request) => {
    asked++;
    request.socket.destroy();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  await assert.rejects(knock((server.address() as AddressInfo).port));
  assert.equal(asked, 1);
});
