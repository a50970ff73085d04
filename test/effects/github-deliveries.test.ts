import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeliveryLog } from '../../src/effects/github/deliveries.ts';
import { REPO, withGithub } from './github-site.ts';
import type { GithubSite } from './github-site.ts';

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
        if (head.event === 'issues') titles.add((JSON.parse(body) as { issue: { title: string } }).issue.title);
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
});
