import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PAGE, startSite } from './site.ts';

/** A built page beside a file that is nobody's business. */
function build(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'chartroom-page-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(path.join(folder, 'dist/assets'), { recursive: true });
  mkdirSync(path.join(folder, 'dist-private'));
  writeFileSync(path.join(folder, 'dist/index.html'), '<title>Chartroom</title>');
  writeFileSync(path.join(folder, 'dist/assets/index-abc.js'), 'export {}');
  writeFileSync(path.join(folder, 'secret.txt'), 'secret');
  writeFileSync(path.join(folder, 'dist-private/secret.txt'), 'secret');
  return path.join(folder, 'dist');
}

test('every view has the one document, under a policy that lets nothing in from elsewhere', async (t) => {
  const site = await startSite({ page: build(t) });
  t.after(() => site.stop());
  for (const address of ['/', '/actor/lamp/desk', '/?kind=lamp']) {
    const response = await site.ask(address);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), '<title>Chartroom</title>');
    const policy = response.headers.get('content-security-policy')!;
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self';/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('cache-control'), 'no-cache');
  }
});

test('files whose names carry their hash are kept for ever; one that is gone is not answered with a document', async (t) => {
  const site = await startSite({ page: build(t) });
  t.after(() => site.stop());
  const script = await site.ask('/assets/index-abc.js');
  assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.match(script.headers.get('cache-control')!, /immutable/);
  assert.equal((await site.ask('/assets/index-old.js')).status, 404);
});

test('nothing outside the page’s folder is served, however it is spelled', async (t) => {
  const site = await startSite({ page: build(t) });
  t.after(() => site.stop());
  for (const spelled of [
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/..%5csecret.txt',
    '/../dist-private/secret.txt',
    '/..%2fdist-private%2fsecret.txt',
    '/..%252fsecret.txt',
    '/%00.txt',
  ]) {
    const response = await site.ask(spelled);
    assert.equal(response.status, 404, spelled);
    assert.doesNotMatch(await response.text(), /^secret$/);
  }
});

test('a page that was not built says so', async (t) => {
  const site = await startSite({ page: path.join(build(t), 'nowhere') });
  t.after(() => site.stop());
  const response = await site.ask('/');
  assert.equal(response.status, 503);
  assert.match(await response.text(), /npm run build/);
});

/** What a browser loads before it shows anything, compressed; the worker that lays charts out comes when one is drawn. */
const BUNDLE_BYTES_MAX = 400_000;

test('the page is within 400 kB, compressed, beside the worker of elkjs', { skip: !existsSync(PAGE) }, () => {
  const files = readdirSync(PAGE, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(path.join(PAGE, file)).isFile() && !file.includes('elk-worker'))
    .map((file) => [file, gzipSync(readFileSync(path.join(PAGE, file))).length] as const);
  const total = files.reduce((sum, [, bytes]) => sum + bytes, 0);
  assert.ok(files.some(([file]) => file.endsWith('.js')));
  assert.ok(total <= BUNDLE_BYTES_MAX, `${total} bytes: ${files.join(', ')}`);
});
