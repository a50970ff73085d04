import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { RejectedInput } from '../../src/errors.ts';
import { listenOperator } from '../../src/visualizer/listen.ts';
import { startSite } from './site.ts';

const addresses = Object.values(os.networkInterfaces()).flatMap((found) => found ?? []);
const noSix = addresses.some(({ address }) => address === '::1') ? false : 'this machine has no ::1';

test('a port that is taken is named, with how to choose another', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  const first = await listenOperator(site.app, '127.0.0.1:0');
  t.after(() => first.close());
  const { host } = new URL(first.url);
  await assert.rejects(listenOperator(site.app, host), (error: unknown) => {
    assert.ok(error instanceof RejectedInput);
    assert.equal(error.code, 'LISTEN');
    assert.ok(error.message.startsWith(`${host} is taken; choose another with operator.listen`));
    return true;
  });
});

test('closing ends the streams that are open', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  const listening = await listenOperator(site.app, '127.0.0.1:0');
  const response = await fetch(`${listening.url}/api/stream`);
  const reader = response.body!.getReader();
  await reader.read();
  await listening.close();
  await assert.rejects(reader.read());
});

test('loopback of either family is this machine', { skip: noSix }, async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  const listening = await listenOperator(site.app, '[::1]:0');
  t.after(() => listening.close());
  assert.equal((await fetch(`${listening.url}/api/list`)).status, 200);
});
