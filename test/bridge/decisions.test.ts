import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecisions, DECISIONS_KEPT } from '../../src/bridge/decisions.ts';

test('of the newest deliveries it is known what was decided; one that was taken again counts as new', () => {
  const decisions = createDecisions();
  const line = (delivery: number) => ({ subject: 'github.push.-', delivery: `d-${delivery}` });
  const note = (delivery: number, actor: string): void =>
    decisions.note({ source: 'github', ...line(delivery) }, { poked: [{ actor, watch: 'pull' }], sent: [] });
  for (let delivery = 0; delivery < DECISIONS_KEPT; delivery++) note(delivery, 'session/eng-1');
  note(0, 'session/eng-2');
  note(DECISIONS_KEPT, 'session/eng-1');
  assert.equal(decisions.of(line(0))?.poked[0]?.actor, 'session/eng-2');
  assert.equal(decisions.of(line(1)), null);
  assert.equal(decisions.of({ ...line(2), subject: 'linear.issue.update' }), null);
});
