/**
 * What every driver must do, run against the real process watch with a real process. A driver brings, for each
 * behaviour, a driver whose agent behaves so; what it does not declare is skipped with that reason.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Allowance } from '../../src/drivers/approval.ts';
import type { Capabilities, Driver } from '../../src/drivers/driver.ts';
import { membersOf } from '../../src/effects/process/group.ts';
import { RECORDS, record } from './frames.ts';
import { LOG_BYTES_MAX } from '../../src/effects/process/run-log.ts';
import { begun, withProcesses } from '../effects/process-site.ts';
import type { ProcessSite } from '../effects/process-site.ts';

/** What the agent does in its (first) turn. Files are in the worktree. */
export type Behaviour =
  /** Writes `work.txt` and ends well. */
  | 'works'
  /** Ends well at once, having done nothing. */
  | 'idles'
  /** Writes `work.txt`, then fails. */
  | 'worksAndFails'
  /** Writes `begun.txt`, then waits until it is interrupted. */
  | 'hangs'
  /** Asks a question, writes the answer to `answer.txt`, ends well. */
  | 'asks'
  /** Asks for an approval with choices `yes` and `no`; `yes` is in `answer.txt` only if that was the answer; ends well. */
  | 'asksApproval'
  /** Waits for a text, writes it to `steered.txt`, ends well. */
  | 'listens'
  /** Reports 11 input and 7 output tokens, ends well. */
  | 'uses'
  /** Meets a usage limit until 2030-01-01T00:00:00.000Z. */
  | 'isLimited'
  | 'isUnauthorised'
  /** Dies of SIGKILL in mid-turn. */
  | 'dies'
  /** Writes noise to its output, then ends well. */
  | 'babbles'
  /** Writes as many bytes as `CHARTROOM_FLOOD` says to its output, then ends well. */
  | 'floods'
  /** Its provider, or what it needs of the network, refuses every connection. */
  | 'cannotReach'
  /** Gives a verdict `approve` on the head of the run. */
  | 'judges'
  /** Hands the work back, reason `not mine`. */
  | 'handsBack';

/** One agent that behaves as asked. */
export interface Subject {
  driver: Driver;
  /** What its process needs of the environment. */
  env?: Record<string, string>;
}

export interface DriverContract {
  name: string;
  capabilities: Capabilities;
  /** Uses one agent; what it needs around it lives until `use` is over. */
  play: (behaviour: Behaviour, use: (subject: Subject) => Promise<void>) => Promise<void>;
  /** When the limit of `isLimited` ends, as far as the agent is told. */
  limitedUntil?: string | undefined;
  /** What this agent has no way to do at all, and why. */
  cannot?: Partial<Record<Behaviour, string>>;
  /** Why none of it can be tried here. */
  skip?: string | undefined;
}

/** What a program that has lost its way writes. The whole of it takes seconds: the long run has it. */
const FLOOD_BYTES = process.env['CHARTROOM_TEST_LONG'] === '1' ? 50_000_000 : 2_000_000;
/** Enough for an agent to say by itself that nobody answers; it is interrupted then. */
const REACH_SECONDS_MAX = 20;

const END = { reason: 'enough', stopSeconds: 2, killSeconds: 0.5 };

/** Of one case with a slow real program; beyond this something hangs. */
const CASE_MS_MAX = 120_000;

export function driverContract({ name, capabilities, play, cannot = {}, ...more }: DriverContract): void {
  const limitedUntil = 'limitedUntil' in more ? more.limitedUntil : '2030-01-01T00:00:00.000Z';
  const { skip: all } = more;
  function check(
    title: string,
    behaviour: Behaviour,
    use: (site: ProcessSite, subject: Driver) => Promise<void>,
    needs?: keyof Capabilities,
    allow: Allowance = 'everything',
  ): void {
    const lacks = needs !== undefined && !capabilities[needs] ? `it does not declare ${needs}` : undefined;
    const skip = all ?? cannot[behaviour] ?? lacks;
    test(`${name}: ${title}`, skip === undefined ? { timeout: CASE_MS_MAX } : { skip }, () =>
      play(behaviour, ({ driver, env = {} }) => {
        const more = {
          drivers: { [name]: driver },
          secretEnv: () => ({ ...env, CHARTROOM_FLOOD: String(FLOOD_BYTES) }),
          allowance: () => allow,
        };
        return withProcesses({ more }, async (site) => {
          await use(site, driver);
          if (RECORDS === undefined) return;
          await site.act('process.end', END);
          await record(site, path.join(RECORDS, name), behaviour);
        });
      }),
    );
  }
  const start = (site: ProcessSite, more: { conversation?: string; run?: string } = {}) =>
    site.start({ driver: name, ...more });
  const read = async (site: ProcessSite, file: string): Promise<string> => {
    const { readFile } = await import('node:fs/promises');
    return readFile(path.join(site.worktree, file), 'utf8');
  };
  async function until(site: ProcessSite, file: string): Promise<void> {
    while (!existsSync(path.join(site.worktree, file))) await new Promise((resolve) => setImmediate(resolve));
  }

  check('a turn that does its work is started, completed and over', 'works', async (site) => {
    start(site);
    await site.next('driver.started');
    assert.equal((await site.next('driver.turned')).data['outcome'], 'completed');
    await site.act('process.end', END);
    await site.next('driver.exited');
    assert.match(await read(site, 'work.txt'), /./);
    const order = site.told.filter(({ to }) => to === 'agent/ada').map(({ type }) => type);
    assert.deepEqual(order, ['driver.started', 'driver.turned', 'driver.exited']);
  });

  check(
    'a turn without work is completed all the same: evidence is not the driver’s to judge',
    'idles',
    async (site) => {
      start(site);
      assert.equal((await site.next('driver.turned')).data['outcome'], 'completed');
    },
  );

  check('a turn that fails after work is failed, with a reason', 'worksAndFails', async (site) => {
    start(site);
    const { data } = await site.next('driver.turned');
    assert.equal(data['outcome'], 'failed');
    assert.match(String(data['reason']), /./);
    assert.ok(existsSync(path.join(site.worktree, 'work.txt')));
  });

  check('an interrupted turn is told as interrupted, and the process goes', 'hangs', async (site) => {
    start(site);
    const { data } = await site.next('driver.started');
    await until(site, 'begun.txt');
    await site.act('driver.interrupt', {});
    assert.equal((await site.next('driver.turned')).data['outcome'], 'interrupted');
    await site.act('process.end', END);
    await site.next('driver.exited');
    assert.deepEqual(await membersOf(data['pid'] as number), []);
  });

  check(
    'a text reaches the running turn',
    'listens',
    async (site) => {
      start(site);
      await site.next('note.read');
      assert.deepEqual(await site.act('driver.steer', { say: 's', text: 'be quick' }), { taken: true });
      await site.next('driver.turned');
      assert.equal(await read(site, 'steered.txt'), 'be quick');
    },
    'steer',
  );

  check('a text for a turn that is over is not taken', 'idles', async (site) => {
    start(site);
    await site.next('driver.turned');
    assert.deepEqual(await site.act('driver.steer', { say: 's', text: 'too late' }), { taken: false });
  });

  if (!capabilities.steer) {
    check('a text for a running turn that cannot be steered is not taken', 'hangs', async (site) => {
      start(site);
      await until(site, 'begun.txt');
      assert.deepEqual(await site.act('driver.steer', { say: 's', text: 'hello' }), { taken: false });
    });
  }

  check('a question waits for its answer', 'asks', async (site) => {
    start(site);
    const { data } = await site.next('driver.asked');
    assert.equal(data['kind'], 'question');
    await site.act('driver.answer', { question: data['question'], text: 'blue' });
    assert.equal((await site.next('driver.turned')).data['outcome'], 'completed');
    assert.equal(await read(site, 'answer.txt'), 'blue');
  });

  for (const [choice, title] of [
    ['yes', 'an approval that is given is acted on'],
    ['no', 'an approval that is not given is not'],
  ] as const) {
    check(
      title,
      'asksApproval',
      async (site) => {
        start(site);
        const { data } = await site.next('driver.asked');
        assert.equal(data['kind'], 'approval');
        for (const one of ['yes', 'no']) assert.ok((data['choices'] as string[]).includes(one));
        await site.act('driver.answer', { question: data['question'], choice });
        const { outcome } = (await site.next('driver.turned')).data;
        // Some take a no as the end of the turn.
        assert.ok(outcome === 'completed' || (choice === 'no' && outcome === 'interrupted'), String(outcome));
        const said = await read(site, 'answer.txt').catch(() => '');
        assert.equal(said === 'yes', choice === 'yes');
      },
      'approvals',
      'nothing',
    );
  }

  check('usage comes with the turn’s end', 'uses', async (site) => {
    start(site);
    const { data } = await site.next('driver.turned');
    const { inputTokens, outputTokens } = data['usage'] as { inputTokens: number; outputTokens: number };
    assert.deepEqual([inputTokens, outputTokens], [11, 7]);
  });

  check('a usage limit is told with its end', 'isLimited', async (site) => {
    start(site);
    const { data } = await site.next('driver.turned');
    assert.deepEqual([data['outcome'], data['until']], ['limited', limitedUntil]);
  });

  check('refused credentials are told as such', 'isUnauthorised', async (site) => {
    start(site);
    assert.equal((await site.next('driver.turned')).data['outcome'], 'auth');
  });

  check('a process that dies in mid-turn is a crash without a turn’s end', 'dies', async (site) => {
    start(site);
    const { data } = await site.next('driver.exited');
    assert.deepEqual([data['class'], data['signal']], ['crash', 'SIGKILL']);
    assert.ok(!site.told.some(({ type }) => type === 'driver.turned'));
  });

  check('noise on its output disturbs nothing', 'babbles', async (site) => {
    start(site);
    assert.equal((await site.next('driver.turned')).data['outcome'], 'completed');
  });

  check('a flood of output is read to its end, and no more of it kept than a log may hold', 'floods', async (site) => {
    start(site);
    assert.equal((await site.next('driver.turned')).data['outcome'], 'completed');
    await site.act('process.end', END);
    await site.next('driver.exited');
    const { size } = await stat(path.join(site.directory, 'data/runs/eng-42-3/frames.jsonl'));
    assert.ok(size <= LOG_BYTES_MAX, `${size} bytes of frames`);
  });

  check(
    'an agent that reaches nobody does not try for ever, and is not said to be done',
    'cannotReach',
    async (site) => {
      const { limits: _none, ...work } = begun(site.worktree);
      site.start({ driver: name, begun: { ...work, limits: { runSeconds: REACH_SECONDS_MAX } } });
      const word = await Promise.race([site.next('driver.turned'), site.next('driver.exited')]);
      assert.notEqual(word.data['outcome'] ?? word.data['class'], 'completed');
      assert.notEqual(word.data['outcome'] ?? word.data['class'], 'clean');
    },
  );

  check('a program that reacts to nothing any more is ended all the same', 'hangs', async (site) => {
    start(site);
    const pid = (await site.next('driver.started')).data['pid'] as number;
    await until(site, 'begun.txt');
    process.kill(-pid, 'SIGSTOP');
    await site.act('process.end', { reason: 'enough', stopSeconds: 0.5, killSeconds: 0.5 });
    assert.equal((await site.next('driver.exited')).data['class'], 'ended');
    assert.deepEqual(await membersOf(pid), []);
  });

  check(
    'a verdict is for the commit the run was asked to judge',
    'judges',
    async (site) => {
      start(site);
      const { result } = (await site.next('driver.turned')).data as {
        result: { verdict: { head: string; verdict: string } };
      };
      assert.deepEqual([result.verdict.head, result.verdict.verdict], ['a'.repeat(40), 'approve']);
    },
    'review',
  );

  check('work that is handed back names its reason', 'handsBack', async (site) => {
    start(site);
    const { result } = (await site.next('driver.turned')).data as { result: { handedBack: string } };
    assert.equal(result.handedBack, 'not mine');
  });

  check(
    'after kill -9 a new process goes on with the same conversation',
    'hangs',
    async (site) => {
      start(site);
      const first = (await site.next('driver.started')).data;
      await until(site, 'begun.txt');
      process.kill(-(first['pid'] as number), 'SIGKILL');
      assert.equal((await site.next('driver.exited')).data['class'], 'crash');
      start(site, { run: 'eng-42-4', conversation: first['conversation'] as string });
      assert.equal((await site.next('driver.started')).data['conversation'], first['conversation']);
      await site.act('driver.interrupt', {});
    },
    'resume',
  );

  check(
    'a process outlives the runtime and is taken up by the next',
    'hangs',
    async (site) => {
      const first = start(site);
      const { data } = await site.next('driver.started');
      await until(site, 'begun.txt');
      await first.stop('runtime');
      site.again();
      start(site);
      assert.equal((await site.next('driver.started')).data['pid'], data['pid']);
      await site.act('driver.interrupt', {});
      assert.equal((await site.next('driver.turned')).data['outcome'], 'interrupted');
    },
    'readopt',
  );

  check('frames of a turn that is already told change nothing', 'works', async (site) => {
    start(site);
    await site.next('driver.turned');
    const output = path.join(site.directory, 'data/runs/eng-42-3/output');
    // As a slow pipe would bring them: the same end once more.
    const { readFile } = await import('node:fs/promises');
    await writeFile(output, await readFile(output, 'utf8').catch(() => ''), { flag: 'a' });
    await site.act('process.end', END);
    await site.next('driver.exited');
    assert.equal(site.told.filter(({ type }) => type === 'driver.turned').length, 1);
  });
}
