/** Stands where things leave the process and looks at the disk at that very moment: nothing leaves before it is durable. */
import type { FactEnvelope } from '../../src/actor/fact.ts';
import { decodeEntry } from '../../src/actor/journal.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { KEYS } from '../../src/store/keys.ts';
import type { Disk } from './disk.ts';
import type { Witness } from './life.ts';

export function createWitness(disk: Disk, wrong: string[]): Witness {
  /** Ids by the very rows they were read from: a row that is replaced is read again. */
  const read = new Map<string, string>();
  function stepOf(actor: string, seq: number): string | null {
    const row = disk.get(KEYS.journal(actor, seq));
    if (row === undefined) return null;
    const id = read.get(row) ?? decodeEntry(row).envelope.id;
    read.set(row, id);
    return id;
  }

  return {
    published(body) {
      const { data: fact, id } = JSON.parse(body) as FactEnvelope;
      if (fact.envelope.source === 'kernel') return;
      if (stepOf(fact.actor, fact.seq) !== fact.envelope.id) {
        wrong.push(`the fact ${id} was published before its step was durable`);
      }
    },
    replied(body) {
      const receipt = JSON.parse(body) as Receipt;
      if (receipt.seq !== null) {
        if (stepOf(receipt.actor, receipt.seq) !== receipt.id) {
          wrong.push(`the receipt of ${receipt.id} was given before its step was durable`);
        }
        return;
      }
      // A refusal because the actor is parked is the kernel's answer of the moment, not an outcome to remember.
      if (receipt.code === 'parked' || receipt.id === '') return;
      if (disk.get(KEYS.seen(receipt.actor, receipt.id)) === undefined) {
        wrong.push(`the receipt of ${receipt.id} (${receipt.outcome}) was given before it was durable`);
      }
    },
  };
}
