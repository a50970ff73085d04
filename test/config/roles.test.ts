import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ROLES } from '../../machines/agent/roles.ts';
import { hire } from '../../machines/events/agent.ts';
import { issueObserved, openSession } from '../../machines/events/session.ts';
import { createConfigured } from '../../src/config/configured.ts';
import { hireOf, loadRoles, openSettingsOf, roleOf, secretEnvironmentOf } from '../../src/config/roles.ts';
import { agentSchema, repoSchema } from '../../src/config/schema.ts';
import { RejectedInput } from '../../src/errors.ts';

function withRoles(files: Record<string, string>, use: (directory: string) => void): void {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'chartroom-roles-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
    use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('the shipped roles are those the machines know without a file', () => {
  const roles = loadRoles();
  assert.deepEqual([...roles.keys()].sort(), ROLES.map(({ name }) => name).sort());
  for (const built of ROLES) {
    const shipped = roles.get(built.name)!;
    assert.deepEqual(shipped.kinds, built.kinds, built.name);
    assert.deepEqual(shipped.actions, built.actions, built.name);
    for (const alias of built.aliases) assert.equal(roleOf(roles, alias), shipped, alias);
  }
});

test('a role of the user replaces the shipped one of its name, another joins them', () => {
  withRoles(
    {
      'reviewer.yaml': 'name: reviewer\nmeans: Strict.\nkinds: [review]\nactions: [read]\n',
      'docs.yml': 'name: writer\nmeans: Writes.\nkinds: [docs]\nactions: []\naliases: [author]\ndriver: command\n',
    },
    (directory) => {
      const roles = loadRoles({ directory });
      assert.equal(roles.get('reviewer')?.means, 'Strict.');
      assert.equal(roleOf(roles, 'Author')?.name, 'writer');
      assert.ok(roles.has('implementer'));
    },
  );
});

test('what a hire may name: a role by its name or alias, a driver that is there', () => {
  withRoles(
    { 'docs.yml': 'name: writer\nmeans: Writes.\nkinds: [docs]\nactions: []\naliases: [author]\n' },
    (directory) => {
      const configured = createConfigured({ roles: loadRoles({ directory }) });
      assert.deepEqual(configured('role', 'Author'), {
        found: { name: 'writer', kinds: ['docs'], actions: [], aliases: ['author'] },
      });
      assert.deepEqual(configured('driver', 'command'), { found: 'command' });
      const missing = (kind: string, name: string) => (configured(kind, name) as { missing: string }).missing;
      assert.match(missing('role', 'cook'), /^there is no role “cook”; roles: .*writer/);
      assert.match(missing('driver', 'wand'), /^there is no driver “wand”; drivers: scripted, command/);
    },
  );
});

test('every mistake in the roles is told with its file', () => {
  withRoles({ 'a.yaml': 'name: Big\nkinds: [cook]\n', 'b.yaml': 'name: [\n' }, (directory) => {
    assert.throws(
      () => loadRoles({ directory }),
      (error) => {
        assert.ok(error instanceof RejectedInput);
        const of = (file: string) => error.issues.filter((issue) => issue.startsWith(path.join(directory, file)));
        assert.equal(of('a.yaml').length, 4);
        assert.equal(of('b.yaml').length, 1);
        return true;
      },
    );
  });
});

test('an agent of the configuration is hired with its role, and without its secrets', () => {
  const roles = loadRoles();
  const agent = {
    ...agentSchema.parse({
      name: 'susan',
      role: 'audit',
      driver: 'command',
      lanes: ['api'],
      env: { MODE: 'x' },
      limits: { tokens: 5 },
      github: { token: 't', login: 'susan-bot' },
    }),
    secretEnv: { KEY: 'planted' },
  };
  const data = hireOf(agent, roles);
  assert.deepEqual(hire.parse(data), data);
  assert.deepEqual(data, {
    role: 'reviewer',
    user: 'default',
    driver: 'command',
    mode: 'worker',
    lanes: ['api'],
    env: { MODE: 'x' },
    limits: { tokens: 5 },
    github: { login: 'susan-bot' },
    settings: { kinds: ['review'], actions: roles.get('reviewer')!.actions, aliases: roles.get('reviewer')!.aliases },
  });
  assert.throws(
    () => hireOf({ ...agent, role: 'cook' }, roles),
    (error) => error instanceof RejectedInput && /cook.*implementer/.test(error.message),
  );
});

test('its processes get its secrets and what its role passes on, nothing else of the machine', () => {
  const role = { ...loadRoles().get('implementer')!, env: ['MODEL_KEY', 'UNSET'] };
  const env = { MODEL_KEY: 'mk', AWS_SECRET: 'no' };
  assert.deepEqual(secretEnvironmentOf({ secretEnv: { OWN: 'o' } }, role, env), { MODEL_KEY: 'mk', OWN: 'o' });
  assert.deepEqual(secretEnvironmentOf(undefined, undefined, env), {});
});

test('the settings of a repository open a session, and an issue', () => {
  const repo = repoSchema.parse({
    name: 'acme/api',
    gates: { checks: ['Tests'] },
    merge: 'self',
    mergeMethod: 'squash',
    queueCheck: 'queue',
    lane: 'api',
    role: 'implementer',
    budgets: { checks: 1 },
    protectedPaths: ['ci/**'],
    reviewers: 'people',
    user: 'dev',
  });
  const settings = openSettingsOf(repo);
  assert.deepEqual(settings, {
    repo: 'acme/api',
    base: 'main',
    user: 'dev',
    kind: 'implement',
    deliver: 'pull_request',
    gates: { checks: ['Tests'], review: 'required' },
    merge: 'self',
    reviewers: 'people',
    branchPrefix: 'chartroom',
    role: 'implementer',
    lane: 'api',
    budgets: { checks: 1 },
    mergeMethod: 'squash',
    queueCheck: 'queue',
    protectedPaths: ['ci/**'],
  });
  openSession.parse({ title: 'T', body: '', source: { kind: 'manual' }, ...settings });
  issueObserved.shape.open.parse(settings);
});
