/** Serves the built page: its files by name, its one document for every address that is a view of the page. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from 'hono';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.map': 'application/json',
};

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export async function servePage(c: Context, folder: string): Promise<Response> {
  const root = path.resolve(folder);
  // An absolute path is normalized before it is joined: it cannot climb out of the folder.
  const file = path.join(root, path.normalize(c.req.path));
  const extension = path.extname(file);
  // Addresses of views have no ending; a file that is not there must not be answered with a document.
  if (extension === '') return serveDocument(c, root);
  const content = await readOrNull(file);
  if (content === null) return c.text('there is no such file', 404, HEADERS);
  // Names under assets/ carry a hash of their content.
  const isHashed = file.startsWith(path.join(root, 'assets') + path.sep);
  return c.body(new Uint8Array(content), 200, {
    ...HEADERS,
    'content-type': TYPES[extension] ?? 'application/octet-stream',
    'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
}

async function serveDocument(c: Context, root: string): Promise<Response> {
  const content = await readOrNull(path.join(root, 'index.html'));
  if (content === null) return c.text('The page has not been built: npm run build', 503, HEADERS);
  return c.body(new Uint8Array(content), 200, {
    ...HEADERS,
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
  });
}

/** null: there is no such file, or it is a folder. */
async function readOrNull(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE') return null;
    throw error;
  }
}
