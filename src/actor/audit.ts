/**
 * The audit of an agent: what it did and was denied, what it reviewed, its runs and what they cost, who corrected it, and
 * what it held. Read from the log of the run door and from its journal, so that it is whole after it was offboarded.
 */
import type { Usage } from '../../machines/events/common.ts';
import type { Store } from '../store/store.ts';
import { SPACES } from '../store/keys.ts';
import { readEntry } from './past.ts';
import type { JournalEntry } from './journal.ts';

export interface AuditedRun {
  /** null: a life of a chat, of which `turns` are counted. */
  session: string | null;
  epoch: number | null;
  kind: string | null;
  for: string | null;
  title: string | null;
  begun: string;
  /** null: it is not over. */
  ended: string | null;
  turns: number;
  outcome: string | null;
  /** How its process ended. */
  exit: string | null;
  usage: Usage;
}

export interface Audit {
  agent: string;
  memory: Record<string, string>;
  /** Through the run door, allowed or not. */
  actions: Record<string, unknown>[];
  reviews: ({ at: string } & Record<string, unknown>)[];
  runs: AuditedRun[];
  cost: { runs: number; inputTokens: number; outputTokens: number; costUsd: number };
  corrections: { at: string; type: string; by: string; reason: string | null; data: Record<string, unknown> }[];
  /** Repositories it took and gave back. */
  claims: { at: string; claim: string; change: 'taken' | 'released'; by: string }[];
}

type Told = Record<string, unknown>;

export async function auditOf(
  store: Store,
  agent: string,
  last: number,
  memory: Record<string, string>,
): Promise<Audit> {
  const actions: Audit['actions'] = [];
  for await (const [, value] of store.scan(SPACES.auditOf(agent))) actions.push(JSON.parse(value) as Told);
  const audit: Audit = {
    agent,
    memory,
    actions,
    reviews: [],
    runs: [],
    cost: { runs: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 },
    corrections: [],
    claims: [],
  };
  let held: readonly string[] = [];
  for (let seq = 1; seq <= last; seq++) {
    const entry = readEntry((key) => store.get(key), agent, seq);
    if (entry === null) continue;
    read(audit, entry);
    held = claimsMoved(audit, entry, held);
  }
  for (const { usage } of audit.runs) add(audit.cost, usage);
  audit.cost.runs = audit.runs.length;
  return audit;
}

function read(audit: Audit, { envelope, at, outcome }: JournalEntry): void {
  const { type, data, source } = envelope;
  const run = audit.runs.at(-1);
  const isOpen = run !== undefined && run.ended === null;
  switch (type) {
    case 'review.recorded':
      audit.reviews.push({ ...data, at });
      return;
    case 'run.begun':
      audit.runs.push(newRun(at, data));
      return;
    case 'driver.started':
      // Of a worker its run has begun already.
      if (!isOpen) audit.runs.push(newRun(at, {}));
      return;
    case 'driver.turned':
      if (!isOpen) return;
      run.turns += 1;
      run.outcome = String(data['outcome']);
      run.usage = data['usage'] as Usage;
      return;
    case 'driver.exited':
      if (!isOpen) return;
      run.ended = at;
      run.exit = String(data['class']);
      if ((data['usage'] as Usage).inputTokens >= run.usage.inputTokens) run.usage = data['usage'] as Usage;
      return;
    default:
      if (outcome !== 'taken' || (!type.startsWith('correct.') && type !== 'hire')) return;
      // Said again while its process will not go, it is tried again: the employment ends once.
      if (type === 'correct.offboard' && audit.corrections.some((earlier) => earlier.type === type)) return;
      audit.corrections.push({
        at,
        type,
        by: source,
        reason: typeof data['reason'] === 'string' ? data['reason'] : null,
        data,
      });
  }
}

function newRun(begun: string, data: Told): AuditedRun {
  const text = (key: string): string | null => (typeof data[key] === 'string' ? data[key] : null);
  return {
    session: text('session'),
    epoch: typeof data['epoch'] === 'number' ? data['epoch'] : null,
    kind: text('kind'),
    for: text('for'),
    title: text('title'),
    begun,
    ended: null,
    turns: 0,
    outcome: null,
    exit: null,
    usage: { inputTokens: 0, outputTokens: 0 },
  };
}

function claimsMoved(audit: Audit, { change, at, envelope }: JournalEntry, held: readonly string[]): readonly string[] {
  const { claims } = change;
  if (claims === undefined) return held;
  const move = (claim: string, how: 'taken' | 'released'): void =>
    void audit.claims.push({ at, claim, change: how, by: envelope.type });
  for (const claim of held) if (!claims.includes(claim)) move(claim, 'released');
  for (const claim of claims) if (!held.includes(claim)) move(claim, 'taken');
  return claims;
}

function add(cost: Audit['cost'], { inputTokens, outputTokens, costUsd = 0 }: Usage): void {
  cost.inputTokens += inputTokens;
  cost.outputTokens += outputTokens;
  cost.costUsd += costUsd;
}
