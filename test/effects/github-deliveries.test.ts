import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { realClock } from '../../src/clock.ts';
import { createGithubStandIn } from '../../src/demo/github/stand-in.ts';
import { createAccount } from '../../src/effects/github/account.ts';
import { createDeliveryLog } from '../../src/effects/github/deliveries.ts';
import { REPO, withGithub } from './github-site.ts';
import type { GithubSite } from './github-site.ts';
import { createLog } from '../../src/log.ts';

const { signal } = new AbortController();
const logOf = ({ github, clock }: GithubSite) =>
  createDeliveryLog({ account: github.account(), app: false, repos: [REPO], clock });

/** Nobody listens at these addresses: everything sent there is lost, and logged. */
async function hooked(site: GithubSite): Promise<void> {
  site.standIn.grant(REPO, 'chartroom', 'admin');
  for (const path of ['webhooks/github', 'somebody-else']) {
    await site.as('acme', 'POST', '/hooks', {
      config: { url: `http://127.0.0.1:9/${path}`, content_type: 'json' },
      events: ['issues'],
    });
  }
}

describe('GitHub’s log of deliveries', () => {
  test('has what was sent to our webhook, page after page, each readable as the hook that did not come', () =>
    withGithub(async (site) => {
      await hooked(site);
      for (let count = 0; count < 104; count++) await site.as('ann', 'POST', '/issues', { title: `issue ${count}` });
      await site.standIn.delivered();
      const logged = await logOf(site).list(0, signal);
      const titles = new Set<string>();
      for (const one of logged ?? []) {
        const { head, body } = await one.read(signal);
        assert.equal(head.delivery, one.id);
        assert.equal(head.source, 'github');
        if (head.event === 'issues') titles.add((JSON.parse(String(body)) as { issue: { title: string } }).issue.title);
      }
      assert.equal(titles.size, 104);
    }));

  test('is read no further back than asked, and costs nothing when nothing was sent', () =>
    withGithub(async (site) => {
      await hooked(site);
      await site.as('ann', 'POST', '/issues', { title: 'one' });
      await site.standIn.delivered();
      const log = logOf(site);
      await log.list(0, signal);
      const before = site.standIn.calls.length;
      await log.list(0, signal);
      assert.deepEqual(
        site.standIn.calls.slice(before).map(({ status }) => status),
        [304, 304],
      );
    }));

  test('is not there for whoever may not administer the repository, and is not asked for again at once', () =>
    withGithub(async (site) => {
      const log = logOf(site);
      assert.equal(await log.list(0, signal), null);
      const before = site.standIn.calls.length;
      assert.equal(await log.list(0, signal), null);
      assert.equal(site.standIn.calls.length, before);
    }));

  test('of an App is asked for with the App’s own signature, and has what was sent to its one webhook', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'github-app-'));
    // The signature is good for ten minutes of this machine's time.
    const site = await createGithubStandIn({
      directory,
      clock: realClock,
      webhook: { url: 'http://127.0.0.1:9/webhooks/github', secret: 'x' },
    });
    try {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', {
        modulusLength: 2_048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      });
      site.addUser({ login: 'acme', token: 'of-acme' });
      const app = { id: 99, installationId: 990, publicKey };
      site.addUser({ login: 'chartroom[bot]', token: 'of-bot', type: 'Bot', app });
      await site.addRepository({ owner: 'acme', name: 'api', collaborators: { 'chartroom[bot]': 'write' } });
      await site.addRepository({ owner: 'acme', name: 'web', collaborators: { 'chartroom[bot]': 'write' } });
      for (const name of ['api', 'web']) {
        await fetch(`${site.apiUrl}/repos/acme/${name}/issues`, {
          method: 'POST',
          headers: { authorization: 'token of-acme' },
          body: JSON.stringify({ title: `of ${name}` }),
        });
      }
      await site.delivered();
      const log = createLog({ level: 'silent' });
      const auth = (key: string) => ({ app: { id: 99, installation: 990, privateKey: key } });
      const given = { apiUrl: site.apiUrl, userAgent: 'test', clock: realClock, log, paced: false };
      const own = createDeliveryLog({
        account: createAccount({ ...given, auth: auth(privateKey) }),
        app: true,
        repos: ['acme/api'],
        clock: realClock,
      });
      const logged = (await own.list(0, signal)) ?? [];
      const titles: unknown[] = [];
      for (const one of logged) {
        const { body, head } = await one.read(signal);
        assert.deepEqual([head.event, head.delivery], ['issues', one.id]);
        titles.push((JSON.parse(String(body)) as { issue: { title: string } }).issue.title);
      }
      assert.deepEqual(titles, ['of web', 'of api'], 'of all its repositories, the newest first');
      assert.deepEqual(
        site.calls.filter(({ path: asked }) => asked.includes('/app/hook')).map(({ status }) => status),
        [200, 200, 200],
      );
    } finally {
      await site.close();
      await rm(directory, { recursive: true, force: true });
    }
  });
});
