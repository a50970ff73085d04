/** What `doctor` says of Linear: whether it takes us, and whether it has the teams whose issues are to come here. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createFakeClock } from '../../src/clock.ts';
import { createLinearStandIn } from '../../src/demo/linear/linear.ts';
import { openScreen, temporary } from './parts.ts';

const CLIENT = { id: 'client', secret: 'the client’s own secret' };

/** How Linear is spoken to, as it stands in the configuration; the secret comes by the environment. */
const TOKEN = 'token: "${SECRET}"';
const APP = `app: { clientId: ${CLIENT.id}, clientSecret: "\${SECRET}" }`;

/** Doctor before a workspace with the teams ENG and OPS. */
async function given(t: TestContext, secret: string, { linear = TOKEN, teams = '[ENG]' } = {}) {
  const stand = await createLinearStandIn({ clock: createFakeClock(), appToken: 'lin_oauth_app', client: CLIENT });
  t.after(() => stand.close());
  stand.addTeam('ENG', 'Engineering');
  stand.addTeam('OPS', 'Operations');
  const cwd = await temporary(t);
  const screen = await openScreen({ cwd, env: { SECRET: secret } });
  t.after(() => screen.stop());
  const doctor = async (apiUrl: string | undefined = stand.url) => {
    const address = apiUrl === '' ? '' : `apiUrl: "${apiUrl}", `;
    await writeFile(
      path.join(cwd, 'chartroom.yaml'),
      `webhooks: { listen: "127.0.0.1:0" }
operator: { listen: "127.0.0.1:0" }
linear: { ${address}${linear} }
repos: [{ name: acme/api, clone: /nowhere, base: main, linear: { teams: ${teams} } }]
`,
    );
    const { exit, out, json } = await screen.run('doctor', '--json');
    const found = json<{ part: string; ok: boolean; detail: string; todo: string }>();
    return { exit, out, found: found.filter(({ part }) => part.startsWith('linear')) };
  };
  return { stand, doctor };
}

test('doctor finds at Linear the teams that the configuration names, however their keys are written', async (t) => {
  const { stand, doctor } = await given(t, 'lin_oauth_app', { teams: '[eng, OPS]' });
  assert.deepEqual((await doctor()).found, [
    { part: 'linear', ok: true, detail: `reachable at ${stand.url}`, todo: '' },
    { part: 'linear team eng', ok: true, detail: '“Engineering”, its issues belong to acme/api', todo: '' },
    { part: 'linear team OPS', ok: true, detail: '“Operations”, its issues belong to acme/api', todo: '' },
  ]);
});

test('a team that Linear does not have is exit 1, with those it shows; the name of one is told its key', async (t) => {
  const { doctor } = await given(t, 'lin_oauth_app', { teams: '[ENGG, Engineering]' });
  const { exit, found } = await doctor();
  assert.equal(exit, 1);
  assert.deepEqual(found.slice(1), [
    {
      part: 'linear team ENGG',
      ok: false,
      detail: 'Linear shows no team with this key: it shows ENG, OPS',
      todo: 'correct linear.teams of acme/api, or let the token’s user or application see that team',
    },
    {
      part: 'linear team Engineering',
      ok: false,
      detail: 'this is the team’s name, not its key',
      todo: 'write ENG in linear.teams of acme/api',
    },
  ]);
});

test('a token that is not accepted and a Linear that is not there are told apart', async (t) => {
  const { stand, doctor } = await given(t, 'lin_oauth_other');
  const [refused, ...rest] = (await doctor()).found;
  assert.match(refused!.detail, /^http:.*\/graphql: teams: .*\(401\)$/);
  assert.equal(refused!.todo, 'make a new token');
  assert.deepEqual(rest, [], 'nothing is said of teams that could not be asked for');
  await stand.close();
  const [silent] = (await doctor()).found;
  assert.equal(silent!.todo, 'see whether this machine reaches it');
});

test('an application is asked for with its secret, which doctor does not print', async (t) => {
  const { doctor } = await given(t, CLIENT.secret, { linear: APP });
  const { found } = await doctor();
  assert.deepEqual(
    found.map(({ part, ok }) => [part, ok]),
    [
      ['linear', true],
      ['linear team ENG', true],
    ],
  );
  const wrong = await given(t, 'not this secret', { linear: APP });
  const { exit, out, found: findings } = await wrong.doctor();
  assert.equal(exit, 1);
  assert.match(findings[0]!.detail, /gives the application client no token \(401\)/);
  assert.equal(findings[0]!.todo, 'look at linear.app and at the application’s settings in Linear');
  assert.doesNotMatch(out, /not this secret/);
});

test('where no address is configured, Linear itself is asked: for the token and for the teams', async (t) => {
  const { doctor } = await given(t, 'a secret', { linear: APP });
  const asked: string[] = [];
  // Not the world’s Linear in a test: what would be sent there is answered here.
  t.mock.method(globalThis, 'fetch', async (input: string | URL | Request) => {
    const url = input instanceof Request ? input.url : String(input);
    asked.push(url);
    const teams = { nodes: [{ key: 'ENG', name: 'Engineering' }], pageInfo: { hasNextPage: false } };
    if (url === 'https://api.linear.app/oauth/token') return Response.json({ access_token: 'x', expires_in: 3_600 });
    return url === 'https://api.linear.app/graphql'
      ? Response.json({ data: { teams } })
      : new Response('', { status: 404 });
  });
  const { found } = await doctor('');
  assert.deepEqual(
    found.map(({ part, ok, detail }) => [part, ok, detail]),
    [
      ['linear', true, 'reachable at https://api.linear.app/graphql'],
      ['linear team ENG', true, '“Engineering”, its issues belong to acme/api'],
    ],
  );
  assert.deepEqual(asked, ['https://api.linear.app/oauth/token', 'https://api.linear.app/graphql']);
});
