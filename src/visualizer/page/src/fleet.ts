/** All actors, as a store: what `list` answered, kept up to date by facts. */
import { createStore } from '@xstate/store';
import type { Fact, IndexRow, Shown } from './answers.ts';
import type { Ask, Failure } from './ask.ts';
import { afterFact } from './rows.ts';

export interface FleetContext {
  rows: ReadonlyMap<string, IndexRow>;
  /** Rows were read at least once. */
  known: boolean;
  /** How many there are; as long as not all are here, what is counted would be wrong. */
  total: number;
  whole: boolean;
  problem: Failure | null;
}

export interface Fleet {
  store: ReturnType<typeof createFleetStore>;
  /** Reads all rows. */
  load(): Promise<void>;
  /** Facts that came together are one change: thousands of rows are not gone through for each. */
  told(facts: readonly Fact[]): void;
}

/** Events after which a row's title or what it is found by may be another. */
const RENAMING = new Set(['open', 'hire', 'issue.observed', 'pull.observed', 'correct.edit']);

function createFleetStore() {
  const context: FleetContext = { rows: new Map(), known: false, total: 0, whole: false, problem: null };
  return createStore({
    context,
    on: {
      loaded: (_context, { rows, total }: { rows: IndexRow[]; total: number }): FleetContext => ({
        rows: new Map(rows.map((row) => [row.address, row])),
        known: true,
        total,
        whole: rows.length >= total,
        problem: null,
      }),
      failed: (context, event: { problem: Failure }): FleetContext => ({ ...context, problem: event.problem }),
      shown: (context, event: { row: IndexRow }): FleetContext => ({
        ...context,
        rows: new Map(context.rows).set(event.row.address, event.row),
      }),
      told: (context, { facts }: { facts: readonly Fact[] }): FleetContext => {
        let rows: Map<string, IndexRow> | null = null;
        for (const fact of facts) {
          const row = (rows ?? context.rows).get(fact.actor);
          if (row === undefined) continue;
          const after = afterFact(row, fact);
          if (after === row) continue;
          rows ??= new Map(context.rows);
          rows.set(fact.actor, after);
        }
        return rows === null ? context : { ...context, rows };
      },
    },
  });
}

export function createFleet({ ask }: { ask: Ask }): Fleet {
  const store = createFleetStore();
  let loads = 0;
  let loading = false;
  /** Facts told while rows are on their way here: the rows may be older than these. */
  let meanwhile: Fact[] = [];
  /** Addresses being asked for; true = once more when that is answered. */
  const looking = new Map<string, boolean>();

  async function load(): Promise<void> {
    const number = ++loads;
    meanwhile = [];
    loading = true;
    const rows: IndexRow[] = [];
    let cursor: string | null = null;
    do {
      const answer = await ask.list(cursor);
      // Another load has begun meanwhile: its rows are newer.
      if (number !== loads) return;
      if (!answer.ok) {
        loading = false;
        store.trigger.failed({ problem: answer });
        return;
      }
      rows.push(...answer.value.items);
      cursor = answer.value.next;
      // Who needs a person comes first: that is shown while the others are still on their way.
      if (cursor !== null && !store.getSnapshot().context.known)
        store.trigger.loaded({ rows, total: answer.value.total });
    } while (cursor !== null);
    store.trigger.loaded({ rows, total: rows.length });
    const facts = meanwhile;
    meanwhile = [];
    loading = false;
    take(facts);
  }

  async function look(address: string): Promise<void> {
    if (looking.has(address)) {
      looking.set(address, true);
      return;
    }
    do {
      looking.set(address, false);
      const answer = await ask.show(address);
      if (answer.ok) store.trigger.shown({ row: rowOf(answer.value) });
    } while (looking.get(address) === true);
    looking.delete(address);
  }

  function take(facts: readonly Fact[]): void {
    const { known, rows } = store.getSnapshot().context;
    store.trigger.told({ facts });
    if (!known) return;
    for (const fact of facts) {
      if (fact.after === null) continue;
      // A state without regions, newly entered, may be a final one: that a fact does not say.
      const mayBeOver = typeof fact.after.value === 'string' && fact.after.value !== fact.before?.value;
      if (!rows.has(fact.actor) || looking.has(fact.actor) || RENAMING.has(fact.type) || mayBeOver)
        void look(fact.actor);
    }
  }

  return {
    store,
    load,
    told(facts) {
      if (loading) meanwhile.push(...facts);
      take(facts);
    },
  };
}

function rowOf(shown: Shown): IndexRow {
  const { address, value, phase, epoch, owner, waitingOn, updatedAt, title, user, mission, refs, tags, final } = shown;
  return { address, value, phase, epoch, owner, waitingOn, updatedAt, title, user, mission, refs, tags, final };
}
