/**
 * Git over HTTP: `git http-backend` as a CGI program behind `/<owner>/<repo>.git`. Any user name, the token as
 * password. A push happens in the repository's turn, and its client is answered when its consequences are known.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { execa } from 'execa';
import { may, tokenIn, viewerOf } from './access.ts';
import type { Viewer } from './answers.ts';
import { moved } from './moves.ts';
import type { Site } from './site.ts';
import type { Repository } from './world.ts';
import { repositoryOf } from './world.ts';

/** A clone or push that takes longer hangs. */
const GIT_HTTP_MS_MAX = 120_000;
/** CGI headers end well before this. */
const CGI_HEADERS_LENGTH_MAX = 16_384;

const PATH = /^\/([^/]+)\/([^/]+?)\.git(\/(?:info\/refs|git-upload-pack|git-receive-pack))$/;

export interface GitHttp {
  /** False: not a git request, somebody else's to answer. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  close(): Promise<void>;
}

/** Where git keeps its programs; asked once. */
let programs: Promise<string> | undefined;
const gitPrograms = (): Promise<string> =>
  (programs ??= execa('git', ['--exec-path']).then(({ stdout }) => stdout.trim()));

export async function createGitHttp(site: Site, root: string): Promise<GitHttp> {
  const backend = path.join(await gitPrograms(), 'git-http-backend');
  const stop = new AbortController();
  const running = new Set<Promise<void>>();

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    match: RegExpExecArray,
  ): Promise<void> {
    const [, owner = '', name = '', rest = ''] = match;
    const repository = repositoryOf(site.world, `${owner}/${name}`);
    const pushes = rest === '/git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack';
    const token = tokenIn(request.headers.authorization);
    const viewer = token === undefined ? null : viewerOf(site.world, token);
    if (viewer === undefined) return refuse(response, 401, 'Invalid username or token.\n');
    if (repository === undefined || !may(repository, viewer, 'read')) {
      return viewer === null
        ? refuse(response, 401, 'Repository not found.\n')
        : refuse(response, 404, 'Repository not found.\n');
    }
    if (pushes && viewer === null) return refuse(response, 401, 'Authentication required.\n');
    if (pushes && !may(repository, viewer, 'write')) {
      return refuse(response, 403, `Permission to ${repository.fullName}.git denied to ${viewer?.user.login}.\n`);
    }
    const run = (): Promise<void> => cgi(request, response, url, repository, rest, viewer);
    if (rest !== '/git-receive-pack' || viewer === null) {
      await run();
      response.end();
      return;
    }
    await repository.turn(async () => {
      await run();
      await moved(site, repository, viewer.user);
    });
    response.end();
  }

  async function cgi(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    repository: Repository,
    rest: string,
    viewer: Viewer | null,
  ): Promise<void> {
    const header = (name: string): string => String(request.headers[name] ?? '');
    const protectedRefs = [...repository.protection.keys()].map((branch) => `refs/heads/${branch}`).join(' ');
    const child = execa(backend, [], {
      env: {
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        STANDIN_PROTECTED: protectedRefs,
        PATH_INFO: `/${path.relative(root, repository.path)}${rest}`,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: header('content-type'),
        ...(header('content-length') === '' ? {} : { CONTENT_LENGTH: header('content-length') }),
        HTTP_CONTENT_ENCODING: header('content-encoding'),
        GIT_PROTOCOL: header('git-protocol'),
        REMOTE_ADDR: '127.0.0.1',
        ...(viewer === null ? {} : { REMOTE_USER: viewer.user.login }),
      },
      stdin: 'pipe',
      buffer: false,
      reject: false,
      timeout: GIT_HTTP_MS_MAX,
      cancelSignal: stop.signal,
    });
    request.pipe(child.stdin);
    // A client that goes away in the middle must not hold the repository's turn.
    request.once('close', () => {
      if (!request.complete) child.kill();
    });
    // A client that goes away closes the pipe early; git then ends by itself.
    child.stdin.on('error', () => {});
    await relay(child.stdout, response);
    const result = await child;
    if (!response.headersSent)
      response.writeHead(500, { 'content-type': 'text/plain' }).write(result.shortMessage ?? '');
  }

  return {
    handle(request, response) {
      const url = new URL(request.url ?? '/', 'http://stand-in');
      const match = PATH.exec(url.pathname);
      if (match === null) return false;
      const work = answer(request, response, url, match).catch(() => {
        response.destroy();
      });
      running.add(work);
      void work.finally(() => running.delete(work));
      return true;
    },
    async close() {
      stop.abort();
      await Promise.all(running);
    },
  };
}

/** The program's CGI headers become the answer's head; its body follows, without the end. */
async function relay(output: NodeJS.ReadableStream, response: ServerResponse): Promise<void> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const piece of output) {
    const chunk: Buffer = Buffer.isBuffer(piece) ? piece : Buffer.from(piece);
    if (head === null) {
      if (!response.write(chunk) && !response.destroyed) await drained(response);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0 && head.length > CGI_HEADERS_LENGTH_MAX) throw new Error('git http-backend sent no headers');
    if (end < 0) continue;
    const lines = head.subarray(0, end).toString('latin1').split('\r\n');
    const headers = lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]);
    const status = headers.find(([name]) => name === 'status')?.[1];
    response.writeHead(
      status === undefined ? 200 : Number.parseInt(status, 10),
      Object.fromEntries(headers.filter(([name]) => name !== 'status')),
    );
    response.write(head.subarray(end + 4));
    head = null;
  }
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
  });

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain',
    ...(status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {}),
  });
  response.end(text);
}
