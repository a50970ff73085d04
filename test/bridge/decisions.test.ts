import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecisions, DECISIONS_KEPT } from '../../src/bridge/decisions.ts';
import type { Decisions } from '../../src/bridge/decisions.ts';
import { decisionRows } from '../support/decision-rows.ts';

const line = (delivery: number) => ({ subject: 'github.push.-', delivery: `d-${delivery}` });
const note = (decisions: Decisions, delivery: number, actor: string): void =>
  decisions.note({ source: 'github', ...line(delivery) }, { poked: [{ actor, watch: 'pull' }], sent: [] });

test('of the newest deliveries it is known what was decided; one that was taken again counts as new', () => {
  const decisions = createDecisions(decisionRows());
  for (let delivery = 0; delivery < DECISIONS_KEPT; delivery++) note(decisions, delivery, 'session/eng-1');
  note(decisions, 0, 'session/eng-2');
  note(decisions, DECISIONS_KEPT, 'session/eng-1');
  assert.equal(decisions.of(line(0))?.poked[0]?.actor, 'session/eng-2');
  assert.equal(decisions.of(line(1)), null);
  assert.equal(decisions.of({ ...line(2), subject: 'linear.issue.update' }), null);
});

test('what was decided is known after a restart, the newest of it, and goes on from there', () => {
  const rows = decisionRows();
  const before = createDecisions(rows);
  for (let delivery = 0; delivery < DECISIONS_KEPT + 5; delivery++) note(before, delivery, 'session/eng-1');
  rows.write(7, '{"number": 7, "ho');
  const after = createDecisions(rows);
  assert.equal(after.of(line(4)), null, 'others took its place');
  assert.equal(after.of(line(6)), null, 'its row cannot be read');
  assert.deepEqual(after.of(line(DECISIONS_KEPT + 4)), {
    poked: [{ actor: 'session/eng-1', watch: 'pull' }],
    sent: [],
  });
  note(after, 5, 'session/eng-2');
  const again = createDecisions(rows);
  assert.equal(again.of(line(5))?.poked[0]?.actor, 'session/eng-2');
  assert.equal(again.of(line(8))?.poked[0]?.actor, 'session/eng-1');
});
