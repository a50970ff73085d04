/** The actor somebody looks at, as a store: `show`, its journal and its chart, read again when a fact tells of it. */
import { createStore } from '@xstate/store';
import type { Chart, Fact, HistoryEntry, Moment, Shown } from './answers.ts';
import { HISTORY_PORTION } from './ask.ts';
import type { Answered, Ask, Failure } from './ask.ts';
import { joined } from './past.ts';
import { kindOf } from './rows.ts';

export interface FocusContext {
  address: string;
  shown: Shown | null;
  chart: Chart | null;
  entries: HistoryEntry[];
  /** Older steps are being read. */
  reading: boolean;
  problem: Failure | null;
  /** The step whose moment is looked at; null = now. */
  at: number | null;
  /** The moment itself and the one before it, as far as they are read. */
  moment: Moment | null;
  before: Moment | null;
  momentProblem: Failure | null;
}

export interface Focus {
  store: ReturnType<typeof createFocusStore>;
  /** Reads what is new; called twice at once it reads once more. */
  refresh(): Promise<void>;
  /** Reads the portion of the journal before the oldest step at hand. */
  older(): Promise<void>;
  told(fact: Fact): void;
  /** Looks at the moment after a step; null = at now. */
  visit(seq: number | null): Promise<void>;
}

/** Moments kept, so that stepping back and forth does not ask again: a past moment never changes. */
const MOMENTS_MAX = 64;

const NOW = { at: null, moment: null, before: null, momentProblem: null };

function createFocusStore(address: string) {
  const context: FocusContext = {
    address,
    shown: null,
    chart: null,
    entries: [],
    reading: false,
    problem: null,
    ...NOW,
  };
  return createStore({
    context,
    on: {
      read: (context, event: { shown: Shown; entries: HistoryEntry[]; chart: Chart }): FocusContext => ({
        ...context,
        shown: event.shown,
        chart: event.chart,
        entries: joined(context.entries, event.entries),
        problem: null,
      }),
      reading: (context): FocusContext => ({ ...context, reading: true }),
      readOlder: (context, event: { entries: HistoryEntry[] }): FocusContext => ({
        ...context,
        reading: false,
        entries: joined(event.entries, context.entries),
      }),
      sought: (context, event: { at: number }): FocusContext => ({ ...context, at: event.at, momentProblem: null }),
      found: (context, event: { moment: Moment; before: Moment | null }): FocusContext => ({
        ...context,
        moment: event.moment,
        before: event.before,
        momentProblem: null,
      }),
      notFound: (context, event: { problem: Failure }): FocusContext => ({ ...context, momentProblem: event.problem }),
      returned: (context): FocusContext => ({ ...context, ...NOW }),
      failed: (context, event: { problem: Failure }): FocusContext => ({
        ...context,
        reading: false,
        problem: event.problem,
      }),
    },
  });
}

export function createFocus({ ask, address }: { ask: Ask; address: string }): Focus {
  const store = createFocusStore(address);
  let refreshing: Promise<void> | null = null;
  let again = false;

  const newest = (): number => store.getSnapshot().context.entries.at(-1)?.seq ?? 0;

  async function readNew(): Promise<void> {
    const { chart } = store.getSnapshot().context;
    const from = newest() + 1;
    const [shown, history, drawn] = await Promise.all([
      ask.show(address),
      ask.history(address, from > 1 ? { from } : {}),
      chart === null ? ask.chart(kindOf(address)) : { ok: true as const, value: chart },
    ]);
    // The sentence about the actor says more than one about its kind.
    const failed = [shown, history, drawn].find((answer) => !answer.ok);
    if (failed !== undefined && !failed.ok) {
      store.trigger.failed({ problem: { why: failed.why, message: failed.message } });
      return;
    }
    if (!shown.ok || !history.ok || !drawn.ok) return;
    store.trigger.read({ shown: shown.value, entries: history.value.entries, chart: drawn.value });
    if (history.value.last > newest()) again = true;
  }

  function refresh(): Promise<void> {
    again = true;
    refreshing ??= (async () => {
      while (again) {
        again = false;
        await readNew();
      }
    })().finally(() => {
      refreshing = null;
    });
    return refreshing;
  }

  const moments = new Map<number, Moment>();
  async function momentAt(seq: number): Promise<Answered<Moment>> {
    const known = moments.get(seq);
    if (known !== undefined) return { ok: true, value: known };
    const answer = await ask.at(address, seq);
    if (answer.ok) {
      moments.set(seq, answer.value);
      if (moments.size > MOMENTS_MAX) moments.delete(moments.keys().next().value!);
    }
    return answer;
  }

  return {
    store,
    refresh,
    async visit(seq) {
      if (seq === null) {
        store.trigger.returned();
        return;
      }
      store.trigger.sought({ at: seq });
      const [moment, before] = await Promise.all([
        seq < 1
          ? { ok: false as const, why: 'unknown' as const, message: `${address} was not born yet: its first step is 1` }
          : momentAt(seq),
        seq > 1 ? momentAt(seq - 1) : null,
      ]);
      // Somebody has gone on meanwhile.
      if (store.getSnapshot().context.at !== seq) return;
      if (moment.ok) store.trigger.found({ moment: moment.value, before: before?.ok === true ? before.value : null });
      else store.trigger.notFound({ problem: { why: moment.why, message: moment.message } });
    },
    async older() {
      const { entries, reading } = store.getSnapshot().context;
      const oldest = entries[0]?.seq ?? 1;
      if (oldest === 1 || reading) return;
      store.trigger.reading();
      const answer = await ask.history(address, { from: Math.max(1, oldest - HISTORY_PORTION), to: oldest - 1 });
      if (answer.ok) store.trigger.readOlder({ entries: answer.value.entries });
      else store.trigger.failed({ problem: answer });
    },
    told(fact) {
      if (fact.actor === address) void refresh();
    },
  };
}
