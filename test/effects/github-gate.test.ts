import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldGate, latestByName, realFailures, reportOfRun, reportOfStatus } from '../../src/effects/github/gate.ts';
import type { Report } from '../../src/effects/github/gate.ts';
import { jobOf } from '../../src/effects/github/failure.ts';

const minute = (n: number) => `2026-01-01T10:${String(n).padStart(2, '0')}:00Z`;

function report(name: string, conclusion: string | null, more: Partial<Report> = {}): Report {
  return {
    name,
    from: 'run',
    id: 1,
    conclusion,
    url: `https://github.test/runs/${name}`,
    startedAt: null,
    endedAt: null,
    app: null,
    title: '',
    summary: '',
    text: '',
    annotations: 0,
    ...more,
  };
}

const gates: [string, Parameters<typeof foldGate>[0], string][] = [
  [
    'a check that the gate does not name is no reason to be red (C7)',
    { wanted: ['Tests'], required: [], reports: [report('Checks', 'failure'), report('Tests', null)] },
    'pending',
  ],
  [
    'nor does its success make the gate green (X2)',
    { wanted: ['Tests'], required: [], reports: [report('Checks', 'success')] },
    'unknown',
  ],
  [
    'the names are compared exactly (C8)',
    { wanted: ['Tests'], required: [], reports: [report('Build & UI Tests', 'failure')] },
    'unknown',
  ],
  ['nothing reported is unknown, never red (C9)', { wanted: ['Tests'], required: [], reports: [] }, 'unknown'],
  [
    'one that failed is red although others still run (C4)',
    { wanted: 'required', required: [], reports: [report('verify', 'failure'), report('deploy_stage', null)] },
    'red',
  ],
  [
    'a gate check that runs again on a green head is pending (X1)',
    { wanted: ['Tests', 'Lint'], required: [], reports: [report('Tests', null), report('Lint', 'success')] },
    'pending',
  ],
  [
    'a named one that is silent keeps the gate pending',
    { wanted: ['Tests', 'Lint'], required: [], reports: [report('Lint', 'success')] },
    'pending',
  ],
  [
    'neutral and skipped are good',
    {
      wanted: 'required',
      required: ['a', 'b', 'c'],
      reports: [report('a', 'neutral'), report('b', 'skipped'), report('c', 'success'), report('x', 'failure')],
    },
    'green',
  ],
  [
    'cancelled and stale will be run again',
    { wanted: ['a', 'b'], required: [], reports: [report('a', 'cancelled'), report('b', 'stale')] },
    'pending',
  ],
  ['timed out is red', { wanted: ['a'], required: [], reports: [report('a', 'timed_out')] }, 'red'],
  [
    'without required checks everything that reports counts',
    { wanted: 'required', required: [], reports: [report('a', 'success'), report('b', 'success')] },
    'green',
  ],
  [
    'left out, the gate is what is required',
    { wanted: undefined, required: ['a'], reports: [report('a', 'success'), report('b', 'failure')] },
    'green',
  ],
  [
    'a verdict shown as a status and the queue’s own check are no gates',
    {
      wanted: 'required',
      required: [],
      reports: [report('a', 'success'), report('chartroom/review', 'failure'), report('merge/queue', 'failure')],
      queueCheck: 'merge/queue',
    },
    'green',
  ],
  [
    'unless the branch requires them',
    { wanted: 'required', required: ['chartroom/review'], reports: [report('chartroom/review', 'failure')] },
    'red',
  ],
  ['no gate is always green', { wanted: 'none', required: ['a'], reports: [report('a', 'failure')] }, 'green'],
];

for (const [name, input, state] of gates) test(`gate: ${name}`, () => assert.equal(foldGate(input).state, state));

test('a required check that has not reported is listed without an address', () => {
  const { checks } = foldGate({
    wanted: 'required',
    required: ['Tests', 'Lint'],
    reports: [report('Lint', 'success')],
  });
  assert.deepEqual(checks, [
    { name: 'Tests', conclusion: null, url: null },
    { name: 'Lint', conclusion: 'success', url: 'https://github.test/runs/Lint' },
  ]);
});

function causes(reports: Report[], wanted: string[]): string[] {
  return realFailures(foldGate({ wanted, required: [], reports }), reports).map(({ name }) => name);
}

test('of an umbrella gate the job that failed below it is the failure (C5)', () => {
  assert.deepEqual(causes([report('Checks', 'failure'), report('Tests', 'failure')], ['Tests']), ['Checks']);
});

test('a check that failed after the gate had begun did not make it fail', () => {
  const gate = report('Tests', 'failure', { startedAt: minute(0), endedAt: minute(5) });
  const other = report('Docs', 'failure', { startedAt: minute(1), endedAt: minute(2) });
  assert.deepEqual(causes([gate, other], ['Tests']), ['Tests']);
});

test('gate checks that failed side by side are all failures, the first to end first', () => {
  const late = report('a', 'failure', { startedAt: minute(0), endedAt: minute(9) });
  const early = report('b', 'failure', { startedAt: minute(0), endedAt: minute(2) });
  assert.deepEqual(causes([late, early], ['a', 'b']), ['b', 'a']);
});

test('the newest report of a name counts; one that is only queued is newer than any that started', () => {
  const old = report('a', 'failure', { id: 9, startedAt: minute(1) });
  const again = report('a', 'success', { id: 3, startedAt: minute(2) });
  const queued = report('a', null, { id: 4, startedAt: null });
  assert.deepEqual(latestByName([again, old]), [again]);
  assert.deepEqual(latestByName([queued, again, old]), [queued]);
});

test('a check run that is not completed has no conclusion, whatever it says', () => {
  const run = { id: 1, name: 'a', status: 'in_progress', conclusion: 'success' };
  assert.equal(reportOfRun(run).conclusion, null);
  assert.equal(reportOfRun({ ...run, status: 'completed' }).conclusion, 'success');
});

test('a commit status counts like a check run', () => {
  const status = { id: 1, context: 'ci', state: 'error', created_at: minute(0), updated_at: minute(1) };
  assert.equal(reportOfStatus(status).conclusion, 'failure');
  assert.equal(reportOfStatus({ ...status, state: 'pending' }).conclusion, null);
  assert.equal(reportOfStatus({ ...status, state: 'success' }).conclusion, 'success');
});

test('the job behind a check run is found by its address', () => {
  const url = 'https://github.com/acme/api/actions/runs/7/job/42';
  assert.equal(jobOf(report('a', 'failure', { url, id: 5 })), 42);
  assert.equal(jobOf(report('a', 'failure', { id: 5, app: 'github-actions' })), 5);
  assert.equal(jobOf(report('a', 'failure', { id: 5, app: 'other-ci' })), undefined);
});
