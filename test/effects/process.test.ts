import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createCodexDriver } from '../../src/drivers/codex/driver.ts';
import { membersOf } from '../../src/effects/process/group.ts';
import { onLinux, strayLives, strayOf, straying, withProcesses } from './process-site.ts';

const NO_USAGE = { inputTokens: 0, outputTokens: 0 };
const END = { reason: 'enough', stopSeconds: 2, killSeconds: 0.5 };

test('a run is started, does its work, and its turn’s end and its process’s end are told in order', () =>
  withProcesses(
    {
      runs: [
        {
          steps: [
            { write: { path: 'hi.txt', text: 'hi\n' } },
            { usage: { inputTokens: 5, outputTokens: 2 } },
            { report: 'done' },
          ],
        },
      ],
    },
    async (site) => {
      site.start();
      const started = await site.next('driver.started');
      assert.equal(started.data['conversation'], 'scripted-eng-42-3');
      const turned = await site.next('driver.turned');
      assert.deepEqual(turned.data, {
        outcome: 'completed',
        usage: { inputTokens: 5, outputTokens: 2 },
        result: { report: 'done' },
      });
      // Nobody ends it: a worker's process serves one run and leaves.
      const exited = await site.next('driver.exited');
      assert.equal(exited.data['class'], 'clean');
      // Ending what has ended waits until everything of it is settled.
      await site.act('process.end', END);
      assert.deepEqual(await membersOf(started.data['pid'] as number), []);
      assert.equal(await readFile(path.join(site.worktree, 'hi.txt'), 'utf8'), 'hi\n');
      assert.deepEqual(
        site.told.filter(({ to }) => to === 'agent/ada').map(({ id }) => id),
        ['eng-42-3/started', 'eng-42-3/turned/1', 'eng-42-3/exited'],
      );
      assert.deepEqual(site.revoked, [{ agent: 'agent/ada', run: 'eng-42-3' }]);
    },
  ));

test('the session hears which notes the delivered prompt held', () =>
  withProcesses({ runs: [{ steps: [] }] }, async (site) => {
    site.start();
    const read = await site.next('note.read');
    assert.deepEqual([read.to, read.data], ['session/eng-42', { ids: ['note-1'], by: 'agent/ada' }]);
    const prompt = await readFile(path.join(site.directory, 'data/runs/eng-42-3/prompt.md'), 'utf8');
    assert.equal(prompt, 'Do: Greet people\n');
  }));

test('of the notes in a prompt the session hears which were its own, the agent which were its', () =>
  withProcesses(
    { runs: [{ steps: [] }], more: { prompts: { render: async () => ({ text: '', notes: ['s', 'a'] }) } } },
    async (site) => {
      site.start({ notes: ['a'] });
      const reads = [await site.next('note.read'), await site.next('note.read')];
      assert.deepEqual(
        reads.map(({ to, data }) => [to, data['ids']]),
        [
          ['session/eng-42', ['s']],
          ['agent/ada', ['a']],
        ],
      );
    },
  ));

test('an agent is given its role’s words and the way to the run door, and nothing of ours', () =>
  withProcesses({ runs: [{ steps: [{ run: 'env > seen; env -i true' }] }] }, async (site) => {
    site.start({ env: { MODEL: 'small', HOME: '/root' } });
    await site.next('driver.turned');
    const seen = await readFile(path.join(site.worktree, 'seen'), 'utf8');
    const names = seen.split('\n').flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []);
    const ours = names.filter((name) => !/^(GIT_|CHARTROOM_|PWD$|OLDPWD$|SHLVL$|_$)/.test(name)).sort();
    assert.deepEqual(ours, ['HOME', 'LANG', 'MODEL', 'PATH']);
    assert.match(seen, /^HOME=.*\/homes\/ada$/m);
    assert.match(seen, /^CHARTROOM_TOKEN=token-of-eng-42-3$/m);
  }));

test('a token that the agent prints is in no log', () =>
  withProcesses({ runs: [{ steps: [{ run: 'echo "got $CHARTROOM_TOKEN"' }] }] }, async (site) => {
    site.start();
    await site.next('driver.turned');
    await site.act('process.end', END);
    await site.next('driver.exited');
    for (const file of ['frames.jsonl', 'live.log', 'record.json']) {
      const text = await readFile(path.join(site.directory, 'data/runs/eng-42-3', file), 'utf8');
      assert.doesNotMatch(text, /token-of-/, file);
      if (file !== 'record.json') assert.match(text, /got \[redacted\]/, file);
    }
  }));

test('a process that dies is told as a crash, with its signal', () =>
  withProcesses(
    { runs: [{ steps: [{ usage: { inputTokens: 1, outputTokens: 1 } }, { crash: { signal: 'SIGKILL' } }] }] },
    async (site) => {
      site.start();
      const exited = await site.next('driver.exited');
      assert.deepEqual(exited.data, {
        class: 'crash',
        code: null,
        signal: 'SIGKILL',
        reason: 'it died of SIGKILL',
        usage: { inputTokens: 1, outputTokens: 1 },
      });
      assert.ok(!site.told.some(({ type }) => type === 'driver.turned'));
    },
  ));

test('a process that hears neither interrupt nor TERM is killed with everything it started', () =>
  withProcesses(
    { runs: [{ steps: [{ run: 'sleep 600 & echo started' }, { hang: { deaf: true } }] }] },
    async (site) => {
      site.start();
      const { data } = await site.next('driver.started');
      const group = data['pid'] as number;
      await site.next('note.read');
      // The background process belongs to the group, the agent has printed its line.
      while ((await membersOf(group)).length < 3) await new Promise((resolve) => setImmediate(resolve));
      await site.act('process.end', { reason: 'enough', stopSeconds: 0.2, killSeconds: 0.2 });
      assert.deepEqual(await membersOf(group), []);
      assert.equal((await site.next('driver.exited')).data['class'], 'ended');
    },
  ));

test('what a program left running in its group goes with it', () =>
  withProcesses({ command: 'sleep 600 & exit 0' }, async (site) => {
    site.start({ driver: 'command' });
    const { data } = await site.next('driver.started');
    const exited = await site.next('driver.exited');
    assert.equal(exited.data['class'], 'clean');
    assert.deepEqual(await membersOf(data['pid'] as number), []);
  }));

test('what left its group goes with it too', onLinux, () =>
  withProcesses({ command: `${straying()}; exit 0` }, async (site) => {
    site.start({ driver: 'command' });
    assert.equal((await site.next('driver.exited')).data['class'], 'clean');
    assert.ok(!(await strayLives(site)));
  }),
);

test('what left its group and hears no TERM is killed, also where the program itself was killed with -9', onLinux, () =>
  withProcesses({ runs: [{ steps: [{ run: straying('trap "" TERM') }, { hang: true }] }] }, async (site) => {
    site.start();
    const { data } = await site.next('driver.started');
    await strayOf(site);
    process.kill(-(data['pid'] as number), 'SIGKILL');
    assert.equal((await site.next('driver.exited')).data['class'], 'crash');
    assert.ok(!(await strayLives(site)));
  }),
);

test('a hanging turn is interrupted and told as interrupted; its process ends', () =>
  withProcesses({ runs: [{ steps: [{ hang: true }] }] }, async (site) => {
    site.start();
    await site.next('note.read');
    await site.act('process.end', END);
    assert.equal((await site.next('driver.turned')).data['outcome'], 'interrupted');
    assert.equal((await site.next('driver.exited')).data['class'], 'ended');
  }));

test('a question is told, and its answer reaches the process, once', () =>
  withProcesses(
    { runs: [{ steps: [{ ask: { text: 'Red or blue?', choices: ['red', 'blue'] } }, { report: 'It is {answer}.' }] }] },
    async (site) => {
      site.start();
      const { data } = await site.next('driver.asked');
      assert.deepEqual(data, {
        question: 'eng-42-3:q1',
        kind: 'question',
        text: 'Red or blue?',
        choices: ['red', 'blue'],
      });
      await site.act('driver.answer', { question: 'eng-42-3:q1', choice: 'blue' });
      await site.act('driver.answer', { question: 'eng-42-3:q1', choice: 'red' });
      const turned = await site.next('driver.turned');
      assert.deepEqual(turned.data['result'], { report: 'It is blue.' });
    },
  ));

test('a text reaches the running turn; after its end it is not taken', () =>
  withProcesses({ runs: [{ steps: [{ steered: true }, { report: 'heard {steered}' }] }] }, async (site) => {
    site.start();
    await site.next('note.read');
    assert.deepEqual(await site.act('driver.steer', { say: 's1', text: 'be quick' }, 'k1'), { taken: true });
    assert.deepEqual((await site.next('driver.turned')).data['result'], { report: 'heard be quick' });
    assert.deepEqual(await site.act('driver.steer', { say: 's2', text: 'too late' }, 'k2'), { taken: false });
  }));

test('usage limits and refused credentials are told as what they are', () =>
  withProcesses(
    { runs: [{ when: { attempt: 1 }, steps: [{ limit: { until: '2026-01-01T01:00:00.000Z' } }] }] },
    async (site) => {
      site.start();
      const { data } = await site.next('driver.turned');
      assert.deepEqual(data, {
        outcome: 'limited',
        usage: NO_USAGE,
        reason: 'the usage limit is reached',
        until: '2026-01-01T01:00:00.000Z',
      });
    },
  ));

test('a run that uses more tokens than it may is cut off', () =>
  withProcesses(
    { runs: [{ steps: [{ usage: { inputTokens: 90, outputTokens: 20 } }, { hang: true }] }] },
    async (site) => {
      const { begun } = await import('./process-site.ts');
      site.start({ begun: { ...begun(site.worktree), limits: { tokens: 100 } } });
      const { data } = await site.next('driver.turned');
      assert.deepEqual([data['outcome'], data['reason']], ['budget', 'it used more than 100 tokens']);
    },
  ));

test('noise on its output is no frame and ends nothing', () =>
  withProcesses({ runs: [{ steps: [{ garbage: true }, { report: 'still here' }] }] }, async (site) => {
    site.start();
    assert.deepEqual((await site.next('driver.turned')).data['result'], { report: 'still here' });
  }));

test('a process that fills the disk with its output is killed and told as a crash, and what it wrote is gone', () =>
  withProcesses({ command: 'yes filling the disk', more: { outputBytesMax: 2_097_152 } }, async (site) => {
    site.start({ driver: 'command' });
    const started = await site.next('driver.started');
    const { data } = await site.next('driver.exited');
    assert.deepEqual([data['class'], data['reason']], ['crash', 'it wrote more than 2 MB of output']);
    assert.deepEqual(await membersOf(started.data['pid'] as number), []);
  }));

test('another process that holds the conversation is told as contention', () =>
  withProcesses({ runs: [{ steps: [{ contention: true }] }] }, async (site) => {
    site.start();
    const { data } = await site.next('driver.exited');
    assert.deepEqual([data['class'], data['reason']], ['contention', 'another process holds the conversation']);
  }));

for (const [what, [mode, text], reason] of [
  ['is missing', [null, ''], /ended with 127: .*agent: not found/],
  ['is not executable', [0o644, '#!/bin/sh\n'], /ended with 126: .*agent: Permission denied/],
  ['dies at its start', [0o755, '#!/bin/sh\necho no licence >&2; exit 3\n'], /^it ended with 3: no licence$/],
] as const) {
  test(`a program that ${what} is told as a crash that says so`, () =>
    withProcesses({}, async (site) => {
      const program = path.join(site.directory, 'agent');
      if (mode !== null) await writeFile(program, text, { mode });
      site.again({ drivers: { codex: createCodexDriver({ program }) } });
      site.start({ driver: 'codex' });
      const { data } = await site.next('driver.exited');
      assert.equal(data['class'], 'crash');
      assert.match(String(data['reason']), reason);
      assert.ok(!site.told.some(({ type }) => type === 'driver.turned'));
    }));
}

test('a driver that is not there is told as a crash', () =>
  withProcesses({}, async (site) => {
    site.start({ driver: 'nobody' });
    const { data } = await site.next('driver.exited');
    assert.deepEqual(
      [data['class'], data['reason']],
      ['crash', 'it could not be started: there is no driver nobody; there are scripted, command'],
    );
  }));

test('a role’s sandbox starts its program: the places it names are filled in, and it goes with the program', () => {
  const words = [
    '/bin/sh',
    '-c',
    'printf "%s\\n" "$@" > "$1/sandboxed"; shift 2; exec "$@"',
    'box',
    '{worktree}',
    '{home}',
  ];
  return withProcesses(
    {
      runs: [{ steps: [{ run: 'test -f sandboxed' }] }],
      more: { sandbox: (role) => (role === 'implementer' ? words : []) },
    },
    async (site) => {
      site.start();
      assert.equal((await site.next('driver.turned')).data['outcome'], 'completed');
      const [worktree, home, ...program] = (await readFile(path.join(site.worktree, 'sandboxed'), 'utf8')).split('\n');
      assert.equal(worktree, site.worktree);
      assert.equal(home, path.join(site.directory, 'data/homes/ada'));
      assert.equal(program[0], process.execPath);
      assert.equal((await site.next('driver.exited')).data['class'], 'clean');
    },
  );
});

test('a sandbox that is not there is told as a crash, and its name with it', () =>
  withProcesses({ more: { sandbox: () => ['/no/such/bwrap', '--ro-bind', '/', '/'] } }, async (site) => {
    site.start();
    const { data } = await site.next('driver.exited');
    assert.equal(data['class'], 'crash');
    assert.match(String(data['reason']), /\/no\/such\/bwrap/);
  }));
