/** A driver of the user's own: the example of docs/drivers.md, through the package's own door, and by the configuration. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { loadConfig } from '../../src/config/config.ts';
import { loadOwnDriver } from '../../src/drivers/own.ts';
import { openDrivers } from '../../src/drivers/opening.ts';
import { RejectedInput } from '../../src/errors.ts';
import { packageFile } from '../../src/package.ts';
import { skipLong } from '../support/long.ts';

/** The file a user would run with `node --test`: the whole suite, with processes. */
if (skipLong === false) await import(pathToFileURL(packageFile('docs/examples/driver/driver.test.js')).href);

async function directory(t: { after(call: () => Promise<void>): void }): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'own-driver-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

const configured = (place: string, yaml: string) => {
  writeFileSync(path.join(place, 'chartroom.yaml'), yaml);
  return loadConfig({ path: path.join(place, 'chartroom.yaml'), env: {}, cwd: place });
};

test('a driver of one’s own is named in the configuration, with its options, and agents are run by it', async (t) => {
  const place = await directory(t);
  const module = path.relative(place, packageFile('docs/examples/driver/driver.js'));
  const config = configured(
    place,
    `agents: [{ name: ada, role: implementer, driver: mine }]
drivers: { own: { mine: { module: ${module}, options: { program: my-agent, args: [--fast] } } } }
`,
  );
  const { mine } = await openDrivers(config);
  assert.deepEqual(await mine!.launch({} as never), { file: 'my-agent', args: ['--fast'], stdin: 'pipe' });
});

test('a driver nobody names is a mistake that lists one’s own too', async (t) => {
  const place = await directory(t);
  const yaml = `agents: [{ name: ada, role: implementer, driver: mien }]
drivers: { own: { mine: { module: ./mine.js } } }
`;
  assert.throws(
    () => configured(place, yaml),
    (error: RejectedInput) => /there is no driver mien.*mine/.test(error.issues.join()),
  );
  assert.throws(
    () => configured(place, 'drivers: { own: { codex: { module: ./mine.js } } }\n'),
    (error: RejectedInput) => /is the name of a driver that Chartroom has/.test(error.issues.join()),
  );
});

test('a module that cannot be used is named, with everything that is wrong with it', async (t) => {
  const place = await directory(t);
  const write = (name: string, text: string): string => {
    const file = path.join(place, name);
    writeFileSync(file, text);
    return file;
  };
  for (const [module, why] of [
    [path.join(place, 'missing.mjs'), /Cannot find module/],
    [write('empty.mjs', 'export const driver = {};'), /its default export is missing/],
    [write('throws.mjs', 'export default () => { throw new Error("no key"); };'), /no key/],
    [
      write('half.mjs', 'export default { capabilities: { steer: "yes" }, launch() {} };'),
      /capabilities\.steer: .*boolean.*capabilities\.chat: .*open: must be a function.*resume: must be a function/,
    ],
  ] as const) {
    await assert.rejects(
      () => loadOwnDriver('mine', { module }),
      (error: unknown) => {
        assert.ok(error instanceof RejectedInput);
        assert.match(error.message, /the driver mine \(.*\) cannot be used/);
        assert.match(error.issues.join('; '), why);
        return true;
      },
    );
  }
});
