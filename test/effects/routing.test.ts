import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLinear } from '../../src/effects/linear/linear.ts';
import { routingOf } from '../../src/effects/routing.ts';
import type { Trackers } from '../../src/effects/routing.ts';
import { createLog } from '../../src/log.ts';
import { withGithub } from './github-site.ts';
import type { GithubSite } from './github-site.ts';

function routing({ github, clock }: GithubSite) {
  const config: Trackers['config'] = {
    repos: [],
    bots: [],
    github: { token: 'given' } as never,
    linear: { token: '' } as never,
    webhooks: { github: { secret: '' } } as never,
  };
  const linear = createLinear({ token: '', clock });
  return routingOf({ config, github, linear, delegation: () => ({}), clock, log: createLog({ level: 'silent' }) });
}
const logins = (accounts: readonly { login?: string | undefined }[] | undefined) =>
  accounts?.map(({ login }) => login).toSorted();

test('who we are at GitHub is learned when it can be reached, though it could not be at the start', () =>
  withGithub(async (site) => {
    const { standIn, clock } = site;
    standIn.faults.next({ status: 503, times: 100, match: { path: '/user', login: 'chartroom' } });
    const { self } = routing(site);
    assert.equal(await self.github(), undefined);
    standIn.faults.clear();
    assert.equal(await self.github(), undefined, 'hooks do not each ask what did not answer a moment ago');
    clock.advance(60_000);
    assert.deepEqual(logins(await self.github()), ['chartroom', 'susan']);
  }));

test('an account whose token was refused is ours again when it is accepted, and what is known stays known', () =>
  withGithub(async (site) => {
    const { standIn, clock } = site;
    standIn.faults.next({ status: 401, match: { path: '/user', login: 'susan' } });
    const { self } = routing(site);
    assert.deepEqual(logins(await self.github()), ['chartroom']);
    clock.advance(30 * 60_000);
    assert.deepEqual(logins(await self.github()), ['chartroom', 'susan']);
    standIn.faults.next({ status: 503, times: 20 });
    assert.deepEqual(logins(await self.github()), ['chartroom', 'susan']);
  }));
