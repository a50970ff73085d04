import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { z } from 'zod';
import { createFakeClock } from '../../src/clock.ts';
import type { FakeClock } from '../../src/clock.ts';
import { createAccount } from '../../src/effects/github/account.ts';
import type { Account, GithubAuth } from '../../src/effects/github/account.ts';
import { createAnswerCache } from '../../src/effects/github/etags.ts';
import { TerminalError, TransientError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';

interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

interface World {
  account: Account;
  clock: FakeClock;
  asked: { method: string; url: string; headers: IncomingMessage['headers'] }[];
}

/** A server that answers as told, and an account that asks it. */
async function withServer(
  reply: (asked: World['asked'][number], n: number) => Reply | 'hangUp' | 'silence',
  use: (world: World) => Promise<void>,
  { auth = { token: 'token-of-ours' }, paced = false }: { auth?: GithubAuth; paced?: boolean } = {},
): Promise<void> {
  const asked: World['asked'] = [];
  const server = createServer((request, response) => {
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
    asked.push(seen);
    request.resume();
    const answer = reply(seen, asked.length);
    if (answer === 'hangUp') {
      request.destroy();
      return;
    }
    if (answer === 'silence') return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.status === 304 ? undefined : JSON.stringify(answer.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const clock = createFakeClock();
  const log = createLog({ level: 'silent' });
  const options = { apiUrl: `http://127.0.0.1:${port}`, auth, userAgent: 'chartroom-test', clock, log, paced };
  try {
    await use({ account: createAccount(options), clock, asked });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const thing = z.object({ value: z.number() });
const read = (account: Account) => account.get(thing, 'GET /things/{id}', { id: 1 });
const write = (account: Account) => account.send(z.unknown(), 'POST /things', { value: 1 });
const failed = (call: Promise<unknown>) =>
  call.then(
    () => assert.fail('it should have failed'),
    (error: unknown) => error as TransientError | TerminalError,
  );

const refusals: [string, Reply, string, typeof TransientError | typeof TerminalError, number?][] = [
  ['401', { status: 401 }, 'GITHUB_UNAUTHORIZED', TerminalError],
  ['403', { status: 403, body: { message: 'Resource not accessible' } }, 'GITHUB_FORBIDDEN', TerminalError],
  ['404', { status: 404 }, 'GITHUB_NOT_FOUND', TerminalError],
  ['405', { status: 405, body: { message: 'Pull Request is not mergeable' } }, 'GITHUB_NOT_MERGEABLE', TerminalError],
  [
    '405 because another merge came between',
    { status: 405, body: { message: 'Base branch was modified. Review and try the merge again.' } },
    'GITHUB_BASE_MOVED',
    TransientError,
  ],
  [
    '409 because the head moved',
    { status: 409, body: { message: 'Head branch was modified. Review and try the merge again.' } },
    'GITHUB_HEAD_MOVED',
    TerminalError,
  ],
  ['409', { status: 409, body: { message: 'Git Repository is empty.' } }, 'GITHUB_CONFLICT', TerminalError],
  ['410', { status: 410 }, 'GITHUB_GONE', TerminalError],
  [
    '422 of a review of one’s own',
    { status: 422, body: { message: 'Unprocessable Entity', errors: ['Can not approve your own pull request'] } },
    'GITHUB_OWN_PULL',
    TerminalError,
  ],
  ['422', { status: 422, body: { message: 'Validation Failed' } }, 'GITHUB_INVALID', TerminalError],
  ['429', { status: 429, headers: { 'retry-after': '7' } }, 'GITHUB_RATE_LIMITED', TransientError, 7_000],
  [
    '403 of the secondary limit without a time',
    { status: 403, body: { message: 'You have exceeded a secondary rate limit.' } },
    'GITHUB_RATE_LIMITED',
    TransientError,
    60_000,
  ],
  [
    '403 of the primary limit',
    {
      status: 403,
      headers: {
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(Date.parse('2026-01-01T00:05:00Z') / 1_000),
        date: 'Thu, 01 Jan 2026 00:00:00 GMT',
      },
    },
    'GITHUB_RATE_LIMITED',
    TransientError,
    301_000,
  ],
  ['502', { status: 502 }, 'GITHUB_UNAVAILABLE', TransientError],
  ['503 with a time', { status: 503, headers: { 'retry-after': '3' } }, 'GITHUB_UNAVAILABLE', TransientError, 3_000],
];

for (const [name, reply, code, kind, retryAfterMs] of refusals) {
  test(`${name} is ${code}`, () =>
    withServer(
      () => reply,
      async ({ account }) => {
        const error = await failed(write(account));
        assert.ok(error instanceof kind, error.stack);
        assert.equal(error.code, code);
        assert.equal(error instanceof TransientError ? error.retryAfterMs : undefined, retryAfterMs);
      },
    ));
}

test('a connection that breaks is GITHUB_UNREACHABLE, and a write is not sent again by itself', () =>
  withServer(
    () => 'hangUp',
    async ({ account, asked }) => {
      const error = await failed(write(account));
      assert.equal(error.code, 'GITHUB_UNREACHABLE');
      assert.ok(error instanceof TransientError);
      assert.equal(asked.length, 1);
    },
  ));

test('a read is tried once more when GitHub stumbles', () =>
  withServer(
    (_, n) => (n === 1 ? { status: 502 } : { body: { value: 5 } }),
    async ({ account, asked }) => {
      assert.deepEqual(await read(account), { value: 5 });
      assert.equal(asked.length, 2);
    },
  ));

test('what did not change is asked for with its ETag and answered from memory', () =>
  withServer(
    ({ headers }) =>
      headers['if-none-match'] === '"a"' ? { status: 304 } : { headers: { etag: '"a"' }, body: { value: 5 } },
    async ({ account, asked }) => {
      assert.deepEqual(await read(account), { value: 5 });
      assert.deepEqual(await read(account), { value: 5 });
      assert.deepEqual(
        asked.map(({ headers }) => headers['if-none-match']),
        [undefined, '"a"'],
      );
    },
  ));

test('a limit holds back every request of the token until the named time is over', () =>
  withServer(
    (_, n) => (n === 1 ? { status: 429, headers: { 'retry-after': '30' } } : { body: { value: 5 } }),
    async ({ account, asked, clock }) => {
      await failed(write(account));
      clock.advance(10_000);
      const error = await failed(read(account));
      assert.ok(error instanceof TransientError);
      assert.equal(error.retryAfterMs, 20_000);
      assert.equal(asked.length, 1, 'nothing was asked meanwhile');
      clock.advance(20_000);
      assert.deepEqual(await read(account), { value: 5 });
    },
  ));

test('an account that paces its writes does not wait out a limit inside a request', () =>
  withServer(
    () => ({ status: 429, headers: { 'retry-after': '600' } }),
    async ({ account, asked }) => {
      assert.equal((await failed(write(account))).code, 'GITHUB_RATE_LIMITED');
      assert.equal(asked.length, 1);
    },
    { paced: true },
  ));

test('a request without an answer ends in time', () => {
  const came: (() => void)[] = [];
  return withServer(
    () => {
      came.shift()?.();
      return 'silence';
    },
    async ({ account, clock }) => {
      const arrived = new Promise<void>((resolve) => came.push(resolve));
      const call = failed(write(account));
      await arrived;
      clock.advance(30_000);
      assert.equal((await call).code, 'GITHUB_UNREACHABLE');
    },
  );
});

test('a request is given up with its act', () => {
  const stop = new AbortController();
  return withServer(
    () => {
      stop.abort();
      return 'silence';
    },
    async ({ account }) => {
      const error = await failed(account.send(z.unknown(), 'POST /things', {}, stop.signal));
      assert.ok(error instanceof TransientError);
    },
  );
});

test('a list is read to its last page', () =>
  withServer(
    ({ url }) => {
      const page = Number(new URL(url, 'http://x').searchParams.get('page'));
      const value = Array.from({ length: page < 3 ? 100 : 7 }, () => ({ value: page }));
      return { body: { total_count: 207, things: value } };
    },
    async ({ account, asked }) => {
      const all = await account.list(thing, 'GET /things', {}, { pick: 'things' });
      assert.equal(all.length, 207);
      assert.equal(asked.length, 3);
    },
  ));

test('an answer in an unknown form is refused at the border', () =>
  withServer(
    () => ({ body: { value: 'five' } }),
    async ({ account }) => assert.equal((await failed(read(account))).code, 'GITHUB_ANSWER'),
  ));

test('a refused question is not asked again for a while', () =>
  withServer(
    () => ({ status: 404 }),
    async ({ account, asked, clock }) => {
      const ask = () => account.maybe('things', () => read(account));
      assert.equal(await ask(), undefined);
      assert.equal(await ask(), undefined);
      assert.equal(asked.length, 1);
      clock.advance(1_800_000);
      await ask();
      assert.equal(asked.length, 2);
    },
  ));

test('an app gets an installation token, and a new one well before it ends', () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const start = createFakeClock().now();
  let given = 0;
  return withServer(
    ({ url }) =>
      url === '/app' || url === '/things/1'
        ? { body: { slug: 'chartroom', value: 5 } }
        : {
            status: 201,
            body: {
              token: `installation-${++given}`,
              expires_at: new Date(start + given * 3_600_000).toISOString(),
              permissions: {},
              repository_selection: 'all',
            },
          },
    async ({ account, clock, asked }) => {
      assert.deepEqual(await account.self(), { login: 'chartroom[bot]' });
      assert.equal(await account.token(), 'installation-1');
      await read(account);
      assert.equal(asked.at(-1)?.headers.authorization, 'token installation-1');
      clock.advance(45 * 60_000);
      assert.equal(await account.token(), 'installation-1');
      clock.advance(6 * 60_000);
      assert.equal(await account.token(), 'installation-2');
      assert.equal(asked.filter(({ url }) => url.endsWith('/access_tokens')).length, 2);
    },
    { auth: { app: { id: 1, privateKey, installation: 2 } } },
  );
});

test('kept answers are bounded in number and in size; the one not used for longest goes first', () => {
  const answer = (data: string) => ({ etag: 'x', data });
  const byNumber = createAnswerCache({ answersMax: 2 });
  byNumber.set('a', answer('1'));
  byNumber.set('b', answer('2'));
  byNumber.get('a');
  byNumber.set('c', answer('3'));
  assert.deepEqual(
    ['a', 'b', 'c'].map((url) => byNumber.get(url) !== undefined),
    [true, false, true],
  );
  const bySize = createAnswerCache({ charactersMax: 20 });
  bySize.set('a', answer('0123456789'));
  bySize.set('b', answer('0123456789'));
  assert.equal(bySize.size(), 1);
});
