/** X5: whatever a session was at when its runtime died, after the start it goes on from there, once. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createFakeClock } from '../../src/clock.ts';
import type { FakeClock } from '../../src/clock.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { open } from './work.ts';

const S = 'session/s';
const ADA = 'agent/ada';
const BRIEF = {
  title: 'Greet people',
  body: 'By name.',
  source: { kind: 'manual' },
  repo: 'acme/hello',
  base: 'main',
  kind: 'implement',
  deliver: 'pull_request',
  gates: { checks: ['Tests'], review: 'none' },
  merge: 'people',
};

let stage: Stage;
let clock: FakeClock;
beforeEach(async () => {
  clock = createFakeClock();
  stage = await openStage({ clock });
});
afterEach(() => stage.stop());

/** The runtime dies and is started on what it left; nothing of the world is known to the new one. */
async function restart(): Promise<void> {
  const { store } = stage.parts;
  await stage.stop();
  stage = await openStage({ clock, store });
  await stage.settle();
}
const begun = async (): Promise<string[]> =>
  (await stage.history(ADA)).filter(({ type }) => type === 'run.begun').map(({ data }) => String(data['for']));

test('a repair that was interrupted is no attempt, and begins again', async () => {
  await stage.hire('ada', 'implementer');
  await stage.send(S, 'open', BRIEF);
  await stage.pull(S);
  await stage.finish(ADA);
  await stage.pull(S, { gate: 'red' });
  await restart();
  // Its process cannot be found again: it is ended and counted as an interruption.
  await stage.end(ADA);
  assert.deepEqual(await begun(), ['implement', 'checks', 'checks']);
  assert.equal(stage.running(ADA)!.attempt, 1);
  assert.deepEqual((await stage.show(S)).context['restarts'], 0);
});

test('a run whose process is found again goes on: nothing begins a second time', async () => {
  await stage.hire('ada', 'implementer');
  await stage.send(S, 'open', BRIEF);
  const { epoch } = stage.running(ADA)!;
  await restart();
  assert.equal(stage.running(ADA)?.epoch, epoch);
  await stage.pull(S);
  await stage.finish(ADA);
  assert.deepEqual(await begun(), ['implement']);
  assert.equal(open(await stage.show(S))['work'], 'idle');
});

test('work that waits for an agent still waits, and is handed out once when one comes', async () => {
  await stage.send(S, 'open', BRIEF);
  await restart();
  assert.equal((await stage.show(S)).waitingOn[0]?.gate, 'agent');
  await stage.hire('ada', 'implementer');
  assert.deepEqual(await begun(), ['implement']);
});

test('a back-off that ended meanwhile is over at once; one that did not is waited out', async () => {
  await stage.hire('ada', 'implementer');
  await stage.send(S, 'open', BRIEF);
  await stage.crash(ADA);
  await restart();
  assert.equal((await stage.show(S)).waitingOn[0]?.gate, 'backoff');
  await stage.wait(30);
  assert.equal((await begun()).length, 2);
  await stage.crash(ADA);
  const { store } = stage.parts;
  await stage.stop();
  clock.advance(600_000);
  stage = await openStage({ clock, store });
  await stage.settle();
  assert.equal((await begun()).length, 3);
});

test('a final session stays final, and an envelope that was taken before is a duplicate', async () => {
  await stage.send(S, 'open', BRIEF, { id: 'first' });
  await stage.send(S, 'correct.close', { outcome: 'cancelled' });
  await restart();
  assert.equal((await stage.show(S)).phase, 'cancelled');
  const again = await stage.send(S, 'open', BRIEF, { id: 'first' });
  assert.deepEqual([again.outcome, again.duplicate], ['taken', true]);
});
