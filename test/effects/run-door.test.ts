import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Envelope } from '../../src/actor/envelope.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { RunIdentity } from '../../src/effects/process/watch.ts';
import { createRunDoor } from '../../src/effects/run-door.ts';
import type { AuditEntry, RunDoor } from '../../src/effects/run-door.ts';
import { createLog } from '../../src/log.ts';

const RUN: RunIdentity = {
  run: 'eng-42-3',
  agent: 'agent/ada',
  role: 'implementer',
  actions: ['session.read', 'session.answer', 'memory.set', 'memory.delete', 'pull.open', 'session.adopt'],
  session: 'session/eng-42',
  epoch: 3,
  kind: 'implement',
  repo: 'acme/api',
  branch: 'chartroom/eng-42-greet',
};

interface Site {
  door: RunDoor;
  again: () => RunDoor;
  token: string;
  standing: { epoch: number; final: boolean };
  sent: Envelope[];
  previewed: Envelope[];
  opened: unknown[];
  audited: AuditEntry[];
  directory: string;
  act: (body: unknown, token?: string) => Promise<{ status: number; body: Record<string, unknown> }>;
  credential: (
    body: Record<string, string>,
    token?: string,
  ) => Promise<{ status: number; body: Record<string, unknown> }>;
}

async function withDoor(use: (site: Site) => Promise<void>, identity: Partial<RunIdentity> = {}): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'run-door-'));
  const standing = { epoch: 3, final: false };
  const sent: Envelope[] = [];
  const previewed: Envelope[] = [];
  const opened: unknown[] = [];
  const audited: AuditEntry[] = [];
  let n = 0;
  const create = (): RunDoor =>
    createRunDoor({
      dataDir: directory,
      async send(envelope) {
        sent.push(envelope);
        return { id: envelope.id, actor: envelope.subject, outcome: 'taken' } as Receipt;
      },
      async preview(envelope) {
        previewed.push(envelope);
        return { id: envelope.id, actor: envelope.subject, outcome: 'taken' };
      },
      ask: async (_question, { actor }) => ({ address: actor, ...standing }),
      async openPull(pull) {
        opened.push(pull);
        return { number: 7, url: 'https://github.example/acme/api/pull/7' };
      },
      repos: { 'acme/api': { clone: 'https://github.example/acme/api.git', base: 'trunk' } },
      credential: async (repo, agent) => ({ username: 'x', password: `secret of ${repo} for ${agent}` }),
      audit: async (entry) => void audited.push(entry),
      random: () => `random-${++n}`,
      newId: () => `id-${++n}`,
      clock: createFakeClock(),
      log: createLog({ level: 'silent' }),
    });
  let door = create();
  const ask = async (route: string, body: unknown, token: string) => {
    const response = await door.app.request(route, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  try {
    const run = { ...RUN, ...identity };
    const token = await door.tokens.issue(run, path.join(directory, 'runs', run.run));
    await use({
      door,
      again: () => (door = create()),
      token,
      standing,
      sent,
      previewed,
      opened,
      audited,
      directory,
      act: (body, other = token) => ask('/act', body, other),
      credential: (body, other = token) => ask('/credential', body, other),
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('what an agent remembers is sent to itself, under its own name', () =>
  withDoor(async ({ act, sent, audited }) => {
    const { status, body } = await act({ action: 'memory.set', data: { key: 'tests', value: 'npm test' }, id: '1' });
    assert.deepEqual([status, body['outcome']], [200, 'taken']);
    assert.deepEqual(sent, [
      {
        specversion: '1.0',
        id: 'eng-42-3/act/1',
        source: 'agent/ada',
        type: 'correct.memory.set',
        subject: 'agent/ada',
        data: { key: 'tests', value: 'npm test' },
      },
    ]);
    assert.deepEqual([audited[0]?.action, audited[0]?.allowed, audited[0]?.outcome], ['memory.set', true, 'taken']);
  }));

test('nobody adopts in another agent’s name', () =>
  withDoor(async ({ act, sent }) => {
    await act({ action: 'correct.adopt', actor: 'session/eng-7', data: { agent: 'agent/eve' } });
    assert.deepEqual([sent[0]?.subject, sent[0]?.data], ['session/eng-7', { agent: 'agent/ada' }]);
  }));

test('an agent reads its own session and no other', () =>
  withDoor(async ({ act }) => {
    assert.equal((await act({ action: 'session.read' })).body['address'], 'session/eng-42');
    assert.equal((await act({ action: 'session.read', actor: 'session/eng-7' })).status, 403);
  }));

test('a pull request is opened from the session’s own branch', () =>
  withDoor(async ({ act, opened }) => {
    const { body } = await act({ action: 'pull.open', data: { title: 'Greet', body: 'Hi' } });
    assert.deepEqual(body, { number: 7, url: 'https://github.example/acme/api/pull/7' });
    assert.deepEqual(opened, [
      {
        repo: 'acme/api',
        branch: 'chartroom/eng-42-greet',
        base: 'trunk',
        title: 'Greet',
        body: 'Hi',
        draft: false,
        agent: 'agent/ada',
      },
    ]);
  }));

test('what the role does not list is refused and audited, and nothing is sent', () =>
  withDoor(async ({ act, sent, audited }) => {
    const { status, body } = await act({ action: 'correct.reassign', data: { to: 'agent/ada' } });
    assert.deepEqual([status, body['error']], [403, 'the role implementer may not correct.reassign']);
    assert.deepEqual([audited[0]?.allowed, audited[0]?.action], [false, 'correct.reassign']);
    assert.deepEqual(sent, []);
  }));

test('a conductor sends corrections to whom it names, with the epoch it expects', () =>
  withDoor(
    async ({ act, sent }) => {
      const data = { to: 'agent/backend', reason: 'the wrong lane' };
      await act({ action: 'correct.reassign', actor: 'session/eng-7', data, expectepoch: 4 });
      const { subject, type, expectepoch } = sent[0]!;
      assert.deepEqual([subject, type, expectepoch, sent[0]?.data], ['session/eng-7', 'correct.reassign', 4, data]);
    },
    { role: 'conductor', actions: ['correct.*'] },
  ));

test('a conductor names an item of its mission as anybody does', () =>
  withDoor(
    async ({ act, sent, audited }) => {
      const data = { to: 'agent/backend', reason: 'the wrong lane' };
      assert.equal((await act({ action: 'correct.reassign', actor: 'mission/m1#lane', data })).status, 200);
      assert.equal(sent[0]?.subject, 'mission/m1#lane');
      assert.equal(audited.at(-1)?.actor, 'mission/m1#lane');
      assert.equal((await act({ action: 'correct.reassign', actor: 'mission/m1#', data })).status, 400);
    },
    { role: 'conductor', actions: ['correct.*'] },
  ));

test('a conductor sends the corrections that are a conductor’s, to whom they are for; people’s are refused and audited', () =>
  withDoor(
    async ({ act, sent, audited }) => {
      const may: [string, string][] = [
        ['correct.stop', 'session/eng-7'],
        ['correct.retry', 'mission/m1#lane'],
        ['correct.item.restart', 'mission/m1'],
        ['correct.pause', 'mission/m1'],
        ['correct.interrupt', 'agent/ada'],
      ];
      const mayNot: [string, string][] = [
        ['correct.review.waive', 'session/eng-7'],
        ['correct.check.ignore', 'mission/m1#lane'],
        ['correct.budget.set', 'session/eng-7'],
        ['correct.close', 'mission/m1#lane'],
        ['correct.policy.set', 'mission/m1'],
        ['correct.stop', 'mission/m1'],
        ['correct.stop', 'agent/ada'],
        ['correct.offboard', 'agent/ada'],
        ['correct.pause', 'dispatcher/main'],
        ['hire', 'agent/another'],
        ['run.ended', 'session/eng-7'],
      ];
      for (const [action, actor] of may) assert.equal((await act({ action, actor })).status, 200, `${action} ${actor}`);
      assert.deepEqual(
        sent.map(({ type, subject }) => [type, subject]),
        may,
      );
      for (const [action, actor] of mayNot) {
        const { status, body } = await act({ action, actor });
        assert.equal(status, 403, `${action} ${actor}`);
        assert.equal(body['error'], `the role conductor may not ${action} ${actor}`);
        assert.deepEqual([audited.at(-1)?.action, audited.at(-1)?.allowed], [action, false]);
      }
      assert.equal(sent.length, may.length);
    },
    { role: 'conductor', actions: ['correct.*'] },
  ));

test('a conductor sees what a correction would do before it sends it', () =>
  withDoor(
    async ({ act, sent, previewed }) => {
      const asked = { action: 'correct.unassign', actor: 'mission/m1#lane', dryRun: true };
      const { status, body } = await act(asked);
      assert.deepEqual([status, body['outcome']], [200, 'taken']);
      assert.deepEqual(
        previewed.map(({ subject, type, source }) => [subject, type, source]),
        [['mission/m1#lane', 'correct.unassign', 'agent/ada']],
      );
      assert.equal((await act({ ...asked, action: 'correct.close' })).status, 403, 'by the same policy');
      assert.deepEqual(sent, []);
    },
    { role: 'conductor', actions: ['correct.*'] },
  ));

test('a role of one’s own may have a correction of people’s, by its name', () =>
  withDoor(
    async ({ act }) => {
      assert.equal((await act({ action: 'correct.review.waive', actor: 'session/eng-7' })).status, 200);
      assert.equal((await act({ action: 'correct.budget.set', actor: 'session/eng-7' })).status, 403);
    },
    { role: 'lead', actions: ['correct.*', 'correct.review.waive'] },
  ));

test('after its epoch a run does nothing and gets no credential', () =>
  withDoor(async ({ act, credential, standing, sent, audited }) => {
    standing.epoch = 4;
    assert.equal((await act({ action: 'memory.set', data: { key: 'a', value: 'b' } })).status, 401);
    assert.equal((await credential({ protocol: 'https', host: 'github.example', path: 'acme/api.git' })).status, 401);
    assert.deepEqual(sent, []);
    assert.deepEqual(
      audited.map(({ allowed, outcome }) => [allowed, outcome]),
      [
        [false, 'epoch 3 of session/eng-42 is over'],
        [false, 'epoch 3 of session/eng-42 is over'],
      ],
    );
  }));

test('an unknown token, a changed one and a revoked one are refused and audited', () =>
  withDoor(async ({ act, door, token, audited }) => {
    for (const wrong of ['', 'eng-42-3~guess', `${token}x`, '../../etc~x', 'nobody~x']) {
      assert.equal((await act({ action: 'session.read' }, wrong)).status, 401, wrong);
    }
    await door.tokens.revoke({ agent: 'agent/eve' });
    assert.equal((await act({ action: 'session.read' })).status, 200, 'another agent’s revocation');
    await door.tokens.revoke({ agent: 'agent/ada', session: 'session/eng-42', epoch: 3 });
    assert.equal((await act({ action: 'session.read' })).status, 401);
    assert.ok(audited.every(({ allowed, outcome }) => allowed === (outcome === 'read')));
    assert.equal(audited.at(-1)?.agent, 'agent/ada', 'whoever held it is told in the audit, also when it is gone');
  }));

test('an agent that leaves does nothing from that step on, before its token is revoked and its epoch over', () =>
  withDoor(async ({ act, credential, standing, sent, audited }) => {
    for (const phase of ['offboarding', 'offboarded', 'stopped', 'archived']) {
      Object.assign(standing, { phase });
      assert.equal((await act({ action: 'memory.set', data: { key: 'a', value: 'b' } })).status, 401, phase);
      assert.equal((await credential({ protocol: 'https', host: 'github.example', path: 'acme/api.git' })).status, 401);
      assert.deepEqual([audited.at(-1)?.agent, audited.at(-1)?.outcome], ['agent/ada', `agent/ada is ${phase}`]);
    }
    assert.deepEqual(sent, []);
  }));

test('a token survives a restart of the runtime and is stored nowhere', () =>
  withDoor(async ({ act, again, directory, token }) => {
    again();
    assert.equal((await act({ action: 'session.read' })).status, 200);
    const folder = path.join(directory, 'runs/eng-42-3');
    for (const file of await readdir(folder)) {
      assert.ok(!(await readFile(path.join(folder, file), 'utf8')).includes(token.split('~')[1]!));
    }
  }));

test('git is given the credential of its own repository and of no other', () =>
  withDoor(async ({ credential }) => {
    const here = { protocol: 'https', host: 'github.example', path: 'acme/api.git' };
    const { status, body } = await credential(here);
    assert.deepEqual([status, body], [200, { username: 'x', password: 'secret of acme/api for agent/ada' }]);
    assert.equal((await credential({ ...here, host: 'evil.example' })).status, 403);
    assert.equal((await credential({ ...here, path: 'acme/other.git' })).status, 403);
    assert.equal((await credential({ ...here, protocol: 'http' })).status, 403);
  }));

test('a review gets no credential and opens no pull request', () =>
  withDoor(
    async ({ credential, act }) => {
      assert.equal((await credential({ protocol: 'https', host: 'github.example', path: 'acme/api.git' })).status, 403);
      assert.equal((await act({ action: 'pull.open', data: { title: 'Greet' } })).status, 400);
    },
    { kind: 'review' },
  ));

test('data that is not what it must be is named by its field', () =>
  withDoor(async ({ act, sent }) => {
    const { status, body } = await act({ action: 'memory.set', data: { key: 'a' } });
    assert.equal(status, 400);
    assert.match(String(body['error']), /^data\.value: /);
    assert.equal((await act({ action: 'memory.set', oops: 1 })).status, 400);
    assert.deepEqual(sent, []);
  }));
