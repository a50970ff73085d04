import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import type { Config, LoadOptions } from '../../src/config/config.ts';
import { RejectedInput } from '../../src/errors.ts';

/** Runs `use` in a folder with these files. */
function withFiles(files: Record<string, string>, use: (directory: string) => void): void {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'chartroom-config-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
      writeFileSync(path.join(directory, name), text);
    }
    use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function load(text: string, more: Partial<LoadOptions> & { files?: Record<string, string> } = {}): Config {
  const { files = {}, ...options } = more;
  const loaded: Config[] = [];
  withFiles({ 'chartroom.yaml': text, ...files }, (cwd) => loaded.push(loadConfig({ env: {}, cwd, ...options })));
  return loaded[0]!;
}

/** The sentences a configuration is refused with. */
function mistakes(text: string, more: Parameters<typeof load>[1] = {}): string[] {
  try {
    load(text, more);
  } catch (error) {
    assert.ok(error instanceof RejectedInput, String(error));
    assert.equal(error.code, 'CONFIG');
    return error.issues;
  }
  return [];
}

test('without a file everything has its default', () => {
  withFiles({}, (cwd) => {
    const config = loadConfig({ env: {}, cwd });
    assert.equal(config.file, null);
    assert.equal(config.namespace, 'chartroom');
    assert.equal(config.data, path.join(cwd, '.chartroom'));
    assert.equal(config.nats, undefined);
    assert.deepEqual([config.webhooks.listen, config.operator.listen], ['127.0.0.1:8787', '127.0.0.1:8788']);
    assert.deepEqual(
      [config.github.apiUrl, config.linear.apiUrl],
      ['https://api.github.com', 'https://api.linear.app/graphql'],
    );
    assert.deepEqual([config.limits.maxRuns, config.timers, config.repos, config.agents], [4, {}, [], []]);
    assert.deepEqual(config.secrets(), []);
  });
});

test('the file is the one named, else that of the folder, else that of the person', () => {
  withFiles(
    {
      'here/chartroom.yaml': 'namespace: here',
      'named/other.yaml': 'namespace: named',
      'xdg/chartroom/chartroom.yaml': 'namespace: person',
      'empty/x': '',
    },
    (root) => {
      const at = (folder: string) => path.join(root, folder);
      const env = { XDG_CONFIG_HOME: at('xdg') };
      assert.equal(loadConfig({ env, cwd: at('here'), path: '../named/other.yaml' }).namespace, 'named');
      assert.equal(loadConfig({ env, cwd: at('here') }).namespace, 'here');
      assert.equal(loadConfig({ env, cwd: at('empty') }).namespace, 'person');
      assert.throws(
        () => loadConfig({ env, cwd: at('here'), path: 'nowhere.yaml' }),
        (error) => error instanceof RejectedInput && /nowhere\.yaml.*chartroom init/.test(error.message),
      );
    },
  );
});

test('every mistake is reported at once, with its line and what would be right', () => {
  const text = `namespace: Chart Room
webhook:
  listen: 127.0.0.1:1
repos:
  - name: acme
    merge: quue
    gates:
      checks: sometimes
      review: required
  - clone: ./x
agents:
  - name: ada
    role: implementr
    driver: scripted
    limits: { runSeconds: 0 }
limits:
  maxRuns: many
timers:
  offerSecond: 3
operator: 5
`;
  assert.deepEqual(mistakes(text).sort(byLine), [
    'chartroom.yaml:1 namespace: must be lower case letters, digits, - and _',
    'chartroom.yaml:2 webhook: unknown key; did you mean webhooks?',
    'chartroom.yaml:5 repos[0].name: must be owner/repo',
    'chartroom.yaml:6 repos[0].merge: must be people or queue or self; did you mean queue?',
    'chartroom.yaml:8 repos[0].gates.checks: is not what can stand here (checks: names | required | none; review: required | everyHead | none)',
    'chartroom.yaml:10 repos[1].name: is missing (GitHub owner/repo)',
    'chartroom.yaml:13 agents[0].role: there is no role implementr; did you mean implementer?',
    'chartroom.yaml:14 agents[0].driver: the driver scripted needs drivers.scripted.script, the file that says what it does',
    'chartroom.yaml:15 agents[0].limits.runSeconds: must be at least 1',
    'chartroom.yaml:17 limits.maxRuns: must be a number',
    'chartroom.yaml:19 timers.offerSecond: unknown key; did you mean offerSeconds?',
    'chartroom.yaml:20 operator: must be keys with values',
  ]);
});

const byLine = (a: string, b: string): number => Number(/:(\d+)/.exec(a)![1]) - Number(/:(\d+)/.exec(b)![1]);

test('what is wrong only in the whole is reported as well', () => {
  const text = `operator: { listen: "0.0.0.0:8788" }
repos:
  - { name: acme/api }
  - { name: Acme/API }
agents:
  - { name: ada, role: implementr, driver: command }
  - { name: ada, role: reviewer, driver: scriptd }
  - { name: bob, role: tester, driver: scripted }
`;
  assert.deepEqual(mistakes(text).sort(byLine), [
    'chartroom.yaml:1 operator.listen: 0.0.0.0 is not loopback; set operator.token, or listen on 127.0.0.1',
    'chartroom.yaml:4 repos[1].name: Acme/API is there twice',
    'chartroom.yaml:6 agents[0].role: there is no role implementr; did you mean implementer?',
    'chartroom.yaml:6 agents[0].driver: the driver command needs drivers.command.run, the command line to run',
    'chartroom.yaml:7 agents[1].name: ada is there twice',
    'chartroom.yaml:7 agents[1].driver: there is no driver scriptd; did you mean scripted?',
    'chartroom.yaml:8 agents[2].driver: the driver scripted needs drivers.scripted.script, the file that says what it does',
  ]);
});

test('a file that is not YAML, or not keys with values, is refused with the line', () => {
  assert.match(mistakes('namespace: x\nrepos: [\n')[0]!, /^chartroom\.yaml:\d+: /);
  assert.match(mistakes('namespace: a\nnamespace: b\n')[0]!, /^chartroom\.yaml:2: .*unique/i);
  assert.match(mistakes('- one\n- two\n')[0]!, /^chartroom\.yaml:1: must be keys with values/);
});

test('a key whose values are all commented out is as if it were not there', () => {
  const config = load('webhooks:\n  # listen: x\noperator:\n  listen:\n');
  assert.equal(config.webhooks.listen, '127.0.0.1:8787');
  assert.equal(config.operator.listen, '127.0.0.1:8788');
});

test('values come from variables, from files named by variables, and from files', () => {
  const text = `webhooks: { github: { secret: "\${HOOK}" }, linear: { secret: "\${file:linear.txt}" } }
operator: { token: "\${NOT_THERE:-}" }
github: { token: "\${GITHUB_TOKEN}" }
linear: { token: "\${LINEAR}" }
data: "\${NOT_THERE:-here}/store"
limits: { maxRuns: "\${RUNS}" }
`;
  withFiles(
    {
      'chartroom.yaml': text,
      'linear.txt': 'from a file\n',
      'token.txt': 'from a named file\n',
      'cred/LINEAR': 'systemd\n',
    },
    (cwd) => {
      const env = {
        HOOK: 'direct',
        GITHUB_TOKEN_FILE: path.join(cwd, 'token.txt'),
        CREDENTIALS_DIRECTORY: path.join(cwd, 'cred'),
        RUNS: '7',
      };
      const config = loadConfig({ env, cwd });
      assert.equal(config.webhooks.github.secret, 'direct');
      assert.equal(config.webhooks.linear.secret, 'from a file');
      assert.equal(config.github.token, 'from a named file');
      assert.equal(config.linear.token, 'systemd');
      assert.equal(config.operator.token, '');
      assert.equal(config.data, path.join(cwd, 'here/store'));
      assert.equal(config.limits.maxRuns, 7);
      assert.deepEqual(config.secrets().sort(), ['direct', 'from a file', 'from a named file', 'systemd']);
    },
  );
});

test('a variable that is not set and a file that is not there are named, a default does not hide the file', () => {
  const text = `github: { token: "\${GITHUB_TOKEN}" }
linear: { token: "\${file:gone.txt}" }
operator: { token: "\${T:-}" }
`;
  const found = mistakes(text, { env: { T_FILE: '/nowhere/t' } });
  assert.equal(found.length, 3);
  assert.match(
    found[0]!,
    /^chartroom\.yaml:1 github\.token: the variable GITHUB_TOKEN is not set \(nor GITHUB_TOKEN_FILE\)/,
  );
  assert.match(found[1]!, /^chartroom\.yaml:2 linear\.token: the file .*gone\.txt cannot be read/);
  assert.match(found[2]!, /^chartroom\.yaml:3 operator\.token: the file \/nowhere\/t cannot be read/);
});

test('a secret in the file is refused by its line, and its value is not repeated', () => {
  const text = `github:
  token: ghp_planted
linear: { token: "\${L:-lin_planted}" }
operator: { token: "prefix-planted-\${L:-}" }
webhooks: { github: { secret: 12345678 } }
agents:
  - { name: ada, role: implementer, driver: command, github: { token: planted_too } }
repos:
  - { name: acme/api, clone: "https://bot:planted@github.com/acme/api.git" }
drivers: { command: { run: x } }
`;
  const found = mistakes(text);
  const isSecret = /a secret may not stand in the file|this URL has a password in it/;
  const lines = found.filter((line) => isSecret.test(line)).map((line) => line.split(':')[1]!);
  assert.deepEqual(
    lines.map((line) => Number(line.split(' ')[0])).sort((a, b) => a - b),
    [2, 3, 4, 5, 7, 9],
  );
  assert.doesNotMatch(found.join('\n'), /planted|12345678/);
});

test('every secret is listed for redaction, wherever it came from', () => {
  const text = `nats: { url: "nats://x:\${NATS_PASS}@127.0.0.1:4222", token: "\${NT}" }
github: { app: { id: 1, installation: "\${INST}", privateKey: "\${KEY}" } }
agents:
  - name: susan
    role: reviewer
    driver: command
    github: { token: "\${SUSAN}" }
    env: { MODEL_KEY: "\${MODEL}", PLAIN: "1" }
repos: [ { name: acme/api, clone: "https://\${CLONE}@github.com/acme/api.git" } ]
drivers: { command: { run: x } }
`;
  const env = {
    NATS_PASS: 'np',
    NT: 'nt',
    INST: '77',
    KEY: 'pem',
    SUSAN: 'st',
    MODEL: 'mk',
    CLONE: 'ct',
    CHARTROOM_LINEAR_TOKEN: 'lt',
  };
  const config = load(text, { env });
  assert.deepEqual(config.secrets().sort(), ['ct', 'lt', 'mk', 'np', 'nt', 'pem', 'st']);
  assert.equal(config.github.app?.installation, 77);
  assert.deepEqual(config.agents[0]!.env, { PLAIN: '1' });
  assert.deepEqual(config.agents[0]!.secretEnv, { MODEL_KEY: 'mk' });
});

test('file, variable and flag: the later one counts, and a mistake names where it came from', () => {
  const text = 'operator: { listen: "127.0.0.1:1", token: "${T}" }\nlimits: { maxRuns: 1 }\n';
  const env = {
    T: 't',
    CHARTROOM_OPERATOR_LISTEN: '127.0.0.1:2',
    CHARTROOM_MAX_RUNS: '2',
    CHARTROOM_NAMESPACE: 'other',
  };
  assert.equal(load(text, { env: { T: 't' } }).operator.listen, '127.0.0.1:1');
  const config = load(text, { env, flags: { 'operator.listen': '127.0.0.1:3', data: undefined } });
  assert.deepEqual(
    [config.operator.listen, config.operator.token, config.limits.maxRuns, config.namespace],
    ['127.0.0.1:3', 't', 2, 'other'],
  );
  assert.deepEqual(
    mistakes('', { env: { CHARTROOM_LOG: 'loud', CHARTROOM_MAX_RUNS: 'x' }, flags: { namespace: 'No' } }),
    [
      '--namespace: must be lower case letters, digits, - and _',
      'CHARTROOM_MAX_RUNS: must be a number',
      'CHARTROOM_LOG: must be trace or debug or info or warn or error',
    ],
  );
});

test('timers are set in seconds under their own names, and paths are those of the file', () => {
  const text = `timers: { offerSeconds: 1, reconcileMaxSeconds: 0.5 }
data: state
roles: my-roles
drivers: { scripted: { script: ./agent.yaml } }
repos: [ { name: acme/api, clone: ../api.git }, { name: acme/web } ]
`;
  withFiles(
    { 'conf/chartroom.yaml': text, 'conf/my-roles/x.yaml': 'name: x\nmeans: X.\nkinds: []\nactions: []\n' },
    (root) => {
      const config = loadConfig({ env: {}, cwd: root, path: 'conf/chartroom.yaml' });
      assert.deepEqual(config.timers, { offer: 1, reconcileMax: 0.5 });
      assert.equal(config.data, path.join(root, 'conf/state'));
      assert.equal(config.roles, path.join(root, 'conf/my-roles'));
      assert.equal(config.drivers.scripted?.script, path.join(root, 'conf/agent.yaml'));
      assert.deepEqual(
        config.repos.map(({ clone }) => clone),
        [path.join(root, 'api.git'), 'https://github.com/acme/web.git'],
      );
    },
  );
});

test('the status page needs its address and a secret of 32 characters, which comes from the environment', () => {
  const text = `status: { url: https://chartroom.example.com, secret: "\${STATUS}" }\n`;
  const secret = 's'.repeat(32);
  const config = load(text, { env: { STATUS: secret } });
  assert.deepEqual(config.status, { url: 'https://chartroom.example.com', secret });
  assert.ok(config.secrets().includes(secret));
  assert.equal(load('').status, undefined);

  assert.deepEqual(mistakes(text, { env: { STATUS: 's'.repeat(31) } }), [
    'chartroom.yaml:1 status.secret: must have at least 32 characters; make one with: openssl rand -hex 32',
  ]);
  assert.match(mistakes(`status: { url: https://x.example, secret: ${secret} }\n`)[0]!, /may not stand in the file/);
  assert.match(
    mistakes('', { env: { CHARTROOM_STATUS_SECRET: secret } })[0]!,
    /status\.url: is missing \(where people outside reach the webhook listener\)/,
  );
  assert.match(
    mistakes(text.replace('.com', '.com/?a=b'), { env: { STATUS: secret } })[0]!,
    /status\.url: must have no query, no name and no password/,
  );
});
