import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { TIMER_DEFAULTS } from '../../machines/contract.ts';
import { loadConfig, VARIABLES } from '../../src/config/config.ts';
import { configJsonSchema, missionJsonSchema, roleJsonSchema } from '../../src/config/json-schema.ts';
import { schemaAt } from '../../src/config/mistakes.ts';
import { sampleConfig } from '../../src/config/sample.ts';
import { SECRET_PATHS } from '../../src/config/schema.ts';
import { packageFile } from '../../src/package.ts';

const sample = sampleConfig();

function load(text: string, env: Record<string, string> = {}): ReturnType<typeof loadConfig> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'chartroom-sample-'));
  try {
    const file = path.join(directory, 'chartroom.yaml');
    writeFileSync(file, text);
    return loadConfig({ env, cwd: directory });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('the sample is a configuration as it stands', () => {
  const config = load(sample);
  assert.deepEqual(
    config.agents.map(({ name }) => name),
    ['ada', 'susan'],
  );
});

test('everything the sample shows commented out is understood as well', () => {
  // Settings begin with a lower case key; sentences with a capital, and a quote or a word without a colon. The folder of
  // roles is not there.
  const settings = sample.replace(/^( *)# (?=( *)[a-z][A-Za-z]*: )/gm, '$1').replace(/^# (?=nats:$)/m, '');
  const shown = settings.replace(/^roles:.*$/m, '').replace(/yaml-language-server.*/, '');
  const config = load(shown, { CHARTROOM_STATUS_SECRET: 's'.repeat(32) });
  assert.equal(config.nats?.user, 'runtime');
  assert.equal(config.repos[0]?.mergeMethod, 'squash');
  assert.equal(config.timers.stall, 180);
  assert.doesNotMatch(shown, /^ *# *[a-z][A-Za-z]*: /m);
});

test('the schema for editors is that of the code', () => {
  const file = JSON.parse(readFileSync(packageFile('src/config/chartroom.schema.json'), 'utf8')) as unknown;
  assert.deepEqual(file, JSON.parse(JSON.stringify(configJsonSchema())), 'write configJsonSchema() to the file again');
});

test('the schema of a mission’s file for editors is that of the code', () => {
  const file = JSON.parse(readFileSync(packageFile('src/config/mission.schema.json'), 'utf8')) as unknown;
  assert.deepEqual(
    file,
    JSON.parse(JSON.stringify(missionJsonSchema())),
    'write missionJsonSchema() to the file again',
  );
});

test('the schema of a role’s file for editors is that of the code, and every shipped role leads to it', () => {
  const file = JSON.parse(readFileSync(packageFile('src/config/role.schema.json'), 'utf8')) as unknown;
  assert.deepEqual(file, JSON.parse(JSON.stringify(roleJsonSchema())), 'write roleJsonSchema() to the file again');
  const folder = packageFile('src/config/roles');
  for (const name of readdirSync(folder)) {
    const text = readFileSync(path.join(folder, name), 'utf8');
    const [, schema] = /^# yaml-language-server: \$schema=(.+)$/m.exec(text) ?? [];
    assert.equal(path.resolve(folder, schema ?? ''), packageFile('src/config/role.schema.json'), name);
  }
});

test('every timer of the machines can be set, and no other', () => {
  const timers = Object.keys(schemaAt(['timers'])?.shape ?? {});
  assert.deepEqual(
    timers,
    Object.keys(TIMER_DEFAULTS).map((name) => `${name}Seconds`),
  );
});

test('variables and secrets name keys that exist', () => {
  for (const key of [...Object.keys(VARIABLES), ...SECRET_PATHS]) {
    const keys = key.split('.').map((part) => (part === '*' ? 0 : part));
    assert.notEqual(schemaAt(keys), undefined, key);
  }
});

test('the sample leads an editor to the schema', () => {
  const [, schema] = /^# yaml-language-server: \$schema=(.+)$/m.exec(sample)!;
  assert.equal((JSON.parse(readFileSync(schema!, 'utf8')) as { title: string }).title, 'chartroom.yaml');
});
