/** A committed step, published (docs/protocol.md §2). Subscribers get it at least once, in order per actor. */
import type { Supervision, WaitingOn } from '../../machines/contract.ts';
import type { Outcome, Standing } from './receipt.ts';

export interface Fact {
  actor: string;
  /** Journal number; kernel facts (`actor.parked`, …) repeat the last one. */
  seq: number;
  type: string;
  at: string;
  envelope: { id: string; source: string; causationid?: string; correlationid?: string };
  outcome: Outcome;
  before: Standing | null;
  after: Standing | null;
  owner: string | null;
  epoch: number | null;
  waitingOn: WaitingOn[];
  effects: string[];
  /** Of an agent, where this step changed it. */
  supervision?: Supervision;
  /** One line for people. */
  summary: string;
  /** Over 16 kB the parts `before`, `after` and `waitingOn` are left out; see `history`. */
  dataomitted?: boolean;
}

/** CloudEvents form of a fact, as it is on the bus. */
export interface FactEnvelope {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  data: Fact;
}
