/** Regions act in the order of the machine's text, whatever was entered last and however the actor came into memory (I6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyChange } from '../../src/actor/change.ts';
import { canonicalJson, unborn } from '../../src/actor/state.ts';
import type { ActorState, Definition } from '../../src/actor/state.ts';
import { revive, step } from '../../src/actor/step.ts';
import type { LiveActor } from '../../src/actor/step.ts';
import { VOICES, choirDefinition } from '../support/choir.ts';

const choir = choirDefinition as unknown as Definition;
const address = 'choir/town';

interface Word {
  type: string;
  data: Record<string, unknown>;
}

/** One life; `evicted`: read from its own journal before every step. What it wrote, and what it came to. */
function sung(words: Word[], evicted: boolean): { journal: string[]; end: ActorState } {
  const journal: string[] = [];
  let live: LiveActor | null = null;
  let folded = unborn('1');
  [{ type: 'open', data: {} }, ...words].forEach((word, nth) => {
    if (evicted && live !== null) live = revive(address, JSON.parse(canonicalJson(folded)) as ActorState);
    const at = new Date(Date.parse('2026-01-05T10:00:00.000Z') + nth * 1_000).toISOString();
    const event = { ...word, at, id: `e${nth}`, source: 'test', seq: folded.seq + 1 };
    const result = step(choir, live, event, { address, timers: {} });
    assert.ok('live' in result, JSON.stringify(result));
    live = result.live;
    journal.push(JSON.stringify([result.outcome, result.change, result.effects, result.events]));
    folded = applyChange(folded, event.seq, at, '1', result.change);
  });
  return { journal, end: folded };
}

const stand = (voice: string): Word => ({ type: 'stand', data: { voice } });
const cue: Word = { type: 'cue', data: {} };
const sing: Word = { type: 'sing', data: {} };

for (const evicted of [false, true]) {
  const how = evicted ? 'an evicted actor' : 'an actor in memory';
  test(`${how} lets its regions act in the order of the text, the one entered last too`, () => {
    for (const word of [cue, sing]) {
      for (const voice of VOICES) {
        assert.deepEqual(sung([stand(voice), word], evicted).end.context['sung'], VOICES, `${voice}, ${word.type}`);
      }
    }
  });
}

test('in whatever order regions were entered, an evicted actor writes the same journal', () => {
  const word = fc.oneof(fc.constantFrom(...VOICES).map(stand), fc.constantFrom(cue, sing));
  fc.assert(
    fc.property(fc.array(word, { minLength: 2, maxLength: 20 }), (words) => {
      const [stayed, evicted] = [sung(words, false), sung(words, true)];
      assert.deepEqual(evicted.journal, stayed.journal);
      assert.equal(canonicalJson(evicted.end), canonicalJson(stayed.end));
    }),
    { numRuns: 200 },
  );
});
