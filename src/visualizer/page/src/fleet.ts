/** All actors, as a store: what `list` answered, kept up to date by facts. */
import { createStore } from '@xstate/store';
import type { Fact, IndexRow, Shown } from './answers.ts';
import type { Ask, Failure } from './ask.ts';
import { afterFact } from './rows.ts';

export interface FleetContext {
  rows: ReadonlyMap<string, IndexRow>;
  /** Rows were read at least once. */
  known: boolean;
  problem: Failure | null;
}

export interface Fleet {
  store: ReturnType<typeof createFleetStore>;
  /** Reads all rows. */
  load(): Promise<void>;
  told(fact: Fact): void;
}

/** Events after which a row's title or what it is found by may be another. */
const RENAMING = new Set(['open', 'hire', 'issue.observed', 'pull.observed', 'correct.edit']);

function createFleetStore() {
  const context: FleetContext = { rows: new Map(), known: false, problem: null };
  return createStore({
    context,
    on: {
      loaded: (_context, event: { rows: IndexRow[] }): FleetContext => ({
        rows: new Map(event.rows.map((row) => [row.address, row])),
        known: true,
        problem: null,
      }),
      failed: (context, event: { problem: Failure }): FleetContext => ({ ...context, problem: event.problem }),
      shown: (context, event: { row: IndexRow }): FleetContext => ({
        ...context,
        rows: new Map(context.rows).set(event.row.address, event.row),
      }),
      told: (context, { fact }: { fact: Fact }): FleetContext => {
        const row = context.rows.get(fact.actor);
        if (row === undefined) return context;
        const after = afterFact(row, fact);
        return after === row ? context : { ...context, rows: new Map(context.rows).set(fact.actor, after) };
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
      // Who needs a person comes first: that is shown while the others are still on their way.
      if (!store.getSnapshot().context.known) store.trigger.loaded({ rows });
      cursor = answer.value.next;
    } while (cursor !== null);
    store.trigger.loaded({ rows });
    const facts = meanwhile;
    meanwhile = [];
    loading = false;
    for (const fact of facts) take(fact);
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

  function take(fact: Fact): void {
    const { known, rows } = store.getSnapshot().context;
    store.trigger.told({ fact });
    if (!known || fact.after === null) return;
    // A state without regions, newly entered, may be a final one: that a fact does not say.
    const mayBeOver = typeof fact.after.value === 'string' && fact.after.value !== fact.before?.value;
    if (!rows.has(fact.actor) || looking.has(fact.actor) || RENAMING.has(fact.type) || mayBeOver) void look(fact.actor);
  }

  return {
    store,
    load,
    told(fact) {
      if (loading) meanwhile.push(fact);
      take(fact);
    },
  };
}

function rowOf(shown: Shown): IndexRow {
  const { address, value, phase, epoch, owner, waitingOn, updatedAt, title, user, mission, refs, tags, final } = shown;
  return { address, value, phase, epoch, owner, waitingOn, updatedAt, title, user, mission, refs, tags, final };
}
