/** The questions of docs/protocol.md §5: reads that see durable state only, and the two doors `send` and `preview`. */
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { RejectedInput, sentences } from '../errors.ts';
import { KEYS, SPACES, keyParts } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { kindOf, slug } from './address.ts';
import { readIndex, updatedAt } from './actors.ts';
import { auditOf } from './audit.ts';
import type { Actor, IndexRow } from './actors.ts';
import { chartOf, eventSchemas } from './chart.ts';
import { explainIssues, ID_LENGTH_MAX, parseEnvelope } from './envelope.ts';
import type { Envelope } from './envelope.ts';
import type { Node } from './node.ts';
import { heldOf } from './hold.ts';
import { historyOf, notTaken, seqAt, stateAt } from './past.ts';
import type { DeadLetter, HistoryEntry } from './past.ts';
import type { Receipt } from './receipt.ts';
import { referenced } from './references.ts';
import { behind, compare, createRoll, cursorFrom, cursorOf, placeOf } from './roll.ts';
import type { Place } from './roll.ts';
import { receiptOfSeen } from './seen.ts';
import { viewOf } from './state.ts';
import type { Blind } from './watches.ts';
import { whyOf } from './why.ts';

/** Answers with an HTTP-like code: 400 what was asked is not a question, 404 there is no such thing, 503 not now. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError';
  readonly status: 400 | 404 | 503;

  constructor(status: QuestionError['status'], message: string) {
    super(message);
    this.status = status;
  }
}

const LIST_DEFAULT = 100;
const LIST_MAX = 1_000;
const HISTORY_DEFAULT = 200;
const HISTORY_MAX = 5_000;

/** Over HTTP a question may come as a query, where everything is text. */
const count = (max = Number.MAX_SAFE_INTEGER) =>
  z.preprocess((value) => (isDigits(value) ? Number(value) : value), z.number().int().min(1).max(max)).optional();
const flag = z
  .preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())
  .optional();
const isDigits = (value: unknown): boolean => typeof value === 'string' && /^\d{1,15}$/.test(value);
/** Longer than any address and any name of an item from outside. */
const name = z.string().max(200);
const named = z.strictObject({ actor: name });
const INPUTS = {
  list: z.strictObject({
    kind: z.string().optional(),
    phase: z.string().optional(),
    state: z.string().optional(),
    mission: z.string().optional(),
    user: z.string().optional(),
    text: z.string().optional(),
    limit: count(LIST_MAX),
    cursor: z.string().optional(),
  }),
  show: named,
  why: named,
  mail: named,
  receipt: z.strictObject({ actor: name, id: z.string().max(ID_LENGTH_MAX) }),
  history: z.strictObject({
    actor: name,
    items: flag,
    from: count(),
    to: count(),
    limit: count(HISTORY_MAX),
  }),
  audit: z.strictObject({ agent: name }),
  at: z.strictObject({
    actor: name,
    seq: count(),
    time: z
      .string()
      .refine((time) => !Number.isNaN(Date.parse(time)), 'must be a time, e.g. 2026-11-21T10:00:00Z')
      .optional(),
  }),
  chart: z.strictObject({ kind: name, version: name.optional(), events: flag }),
  dead: z.strictObject({
    actor: name.optional(),
    limit: count(LIST_MAX),
  }),
  health: z.strictObject({}),
} as const;

const CARE = ['backup', 'compact', 'resume'] as const;
/** Changes to the store as a whole, and the end of a hold. */
export type CareName = (typeof CARE)[number];
export type QuestionName = keyof typeof INPUTS | 'send' | 'preview' | 'foretell' | CareName;
/** Those that change something: not to be asked by an address that a browser may be made to open. */
export const CHANGING: ReadonlySet<string> = new Set(['send', 'preview', 'foretell', ...CARE]);
export type Questions = Record<QuestionName, (input: unknown) => Promise<unknown>>;

interface QuestionsOptions {
  node: Node;
  store: Store;
  clock: Clock;
  health: () => Promise<unknown>;
  /** Replaces secrets in what is shown. */
  redact: (text: string) => string;
  /** What only a runtime does to its store and its effects; absent where the store is read alone. */
  care?: Record<CareName, (input: unknown) => Promise<unknown>>;
  /** Names of timers, watches and acts that stand now, for `show`. */
  standing: (actor: string) => string[];
  /** Of these, those that cannot look. */
  blind?: (actor: string) => Blind[];
}

export function createQuestions({
  node,
  store,
  clock,
  health,
  redact,
  standing,
  blind = () => [],
  care,
}: QuestionsOptions): Questions {
  const read = (key: string): string | undefined => store.get(key);
  const roll = createRoll(store);
  node.onCommitted(({ facts }) => {
    for (const { actor } of facts) roll.stepped(actor);
  });

  /** An address, `mission/m#key`, or an outside name (`ENG-42`). */
  async function resolve(name: string): Promise<string> {
    if (/^[a-z][a-z0-9_-]*\/[a-z0-9][a-z0-9_-]*$/.test(name)) return name;
    const item = ITEM.exec(name);
    if (item !== null) return itemOf(`mission/${item[2]}`, item[3]!);
    const found = await referenced(store, `issue:${name}`);
    if (found.length > 0) return found.at(-1)!;
    const byId: string[] = [];
    for (const kind of node.registry.keys())
      if (store.get(KEYS.index(`${kind}/${slug(name)}`)) !== undefined) byId.push(`${kind}/${slug(name)}`);
    if (byId.length === 1) return byId[0]!;
    throw new QuestionError(404, byId.length === 0 ? `there is no “${name}”` : `“${name}” may be ${byId.join(' or ')}`);
  }

  /** Of an item that is no longer there, the last session it had. */
  async function itemOf(mission: string, key: string): Promise<string> {
    const { address } = await node.locate(`${mission}#${key}`);
    if (address !== mission) return address;
    const last = (await referenced(store, `item:${mission}#${key}`)).at(-1);
    if (last !== undefined) return last;
    const { items } = ((await node.settled(mission))?.stood?.live.state.context ?? {}) as { items?: unknown };
    const what = items === undefined ? `no ${mission}` : `no item “${key}” in ${mission}`;
    throw new QuestionError(404, `there is ${what}`);
  }

  async function actorOf(name: string): Promise<Actor> {
    const address = await resolve(name);
    const actor = await node.settled(address);
    if (actor !== null) return actor;
    const near = node.actors.near(address);
    throw new QuestionError(
      404,
      `there is no ${address}${near.length > 0 ? `; did you mean ${near.slice(0, 3).join(', ')}?` : ''}`,
    );
  }

  /** What the roll knows of each is filtered without reading a row; all else is searched for. */
  async function found(input: z.infer<typeof INPUTS.list>): Promise<readonly Place[]> {
    const { kind, phase, state, mission, user, text } = input;
    if (state === undefined && mission === undefined && user === undefined && text === undefined) {
      const all = await roll.sorted();
      if (kind === undefined && phase === undefined) return all;
      return all.filter(
        (place) => (kind === undefined || kindOf(place.address) === kind) && (phase ?? place.phase) === place.phase,
      );
    }
    const places: Place[] = [];
    for await (const [key, value] of store.scan(kind === undefined ? SPACES.index : SPACES.indexOf(kind))) {
      const row = readIndex(value, keyParts(key, 1)[0]!);
      if (matches(row, input)) places.push(placeOf(row));
    }
    return places.sort(compare);
  }

  async function list(input: z.infer<typeof INPUTS.list>): Promise<unknown> {
    const cursor = input.cursor === undefined ? null : cursorFrom(input.cursor);
    if (input.cursor !== undefined && cursor === null)
      throw new QuestionError(400, 'cursor: must be the “next” of an earlier answer');
    const places = await found(input);
    const start = cursor === null ? 0 : behind(places, cursor);
    const portion = places.slice(start, start + (input.limit ?? LIST_DEFAULT));
    const items = portion.map(({ address }) => {
      const row = readIndex(store.get(KEYS.index(address))!, address);
      return { ...row, updatedAt: updatedAt(read, row) };
    });
    const next = start + portion.length < places.length ? cursorOf(portion.at(-1)!) : null;
    const held = heldOf(read);
    return { items, next, total: places.length, ...(held === null ? {} : { held }) };
  }

  async function show(name: string): Promise<unknown> {
    const actor = await actorOf(name);
    const { live, projection } = actor.stood!;
    const { state } = live;
    const held = heldOf(read) === null ? {} : { held: true };
    return {
      ...projection,
      address: actor.address,
      value: state.value,
      seq: state.seq,
      updatedAt: state.at,
      final: state.status === 'done',
      version: state.version,
      context: state.context,
      since: state.since,
      claims: state.claims,
      timers: state.timers,
      outbox: node.outbox
        .of(actor.address)
        .map(({ key, act, params, wishedAt, attempted }) => ({ key, act, params, wishedAt, attempted, ...held })),
      watches: standing(actor.address),
      blind: blind(actor.address),
      mailbox: node.waiting(actor.address).length,
      parked: actor.parked,
    };
  }

  async function receipt({ actor: name, id }: { actor: string; id: string }): Promise<unknown> {
    const address = await resolve(name);
    const known = receiptOfSeen(read, address, id);
    if (known !== null) return { state: 'known', receipt: known };
    // Waiting for its turn, or for the disk.
    const pending =
      node.waiting(address).some(({ envelope }) => envelope.id === id) ||
      node.read(KEYS.seen(address, id)) !== undefined;
    return { state: pending ? 'pending' : 'unknown', receipt: null };
  }

  async function history(input: z.infer<typeof INPUTS.history>): Promise<unknown> {
    const actor = await actorOf(input.actor);
    const limit = input.limit ?? HISTORY_DEFAULT;
    const last = actor.stood!.live.state.seq;
    const to = Math.min(input.to ?? last, last);
    const from = input.from ?? Math.max(1, to - limit + 1);
    let entries: HistoryEntry[] = historyOf(read, actor.address, from, Math.min(to, from + limit - 1));
    if (input.items === true) {
      const own = new Set([actor.address]);
      for await (const [key, value] of store.scan(SPACES.indexOf('session'))) {
        const row = readIndex(value, keyParts(key, 1)[0]!);
        // A linked session is another's, and an item's all the same.
        const isItems = row.refs.some((ref) => ref.startsWith(`item:${actor.address}#`));
        if (row.mission !== actor.address && !isItems) continue;
        own.add(row.address);
        const seq = (await node.settled(row.address))!.stood!.live.state.seq;
        entries.push(...historyOf(read, row.address, 1, seq));
      }
      for await (const [, value] of store.scan(SPACES.dead)) {
        const entry = notTaken(JSON.parse(value) as DeadLetter);
        if (entry !== null && own.has(entry.actor)) entries.push(entry);
      }
      entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.seq - b.seq));
      entries = entries.slice(-limit);
    }
    return { actor: actor.address, last, entries };
  }

  async function at(input: z.infer<typeof INPUTS.at>): Promise<unknown> {
    if ((input.seq === undefined) === (input.time === undefined))
      throw new QuestionError(400, 'give either seq or time');
    const actor = await actorOf(input.actor);
    const last = actor.stood!.live.state.seq;
    const seq = input.seq ?? seqAt(read, actor.address, new Date(input.time!).toISOString(), last);
    if (seq < 1) throw new QuestionError(404, `${actor.address} did not exist at ${input.time}`);
    if (seq > last) throw new QuestionError(404, `${actor.address} has ${last} steps, there is no ${seq}`);
    const state = stateAt(read, actor.address, seq)!;
    const view = viewOf(actor.address, state);
    const projection = node.registry.get(actor.kind)!.project(view as never);
    const entry = historyOf(read, actor.address, seq, seq)[0];
    return {
      ...projection,
      address: actor.address,
      seq,
      last,
      at: state.at,
      value: state.value,
      context: state.context,
      since: state.since,
      timers: state.timers,
      claims: state.claims,
      version: state.version,
      entry,
    };
  }

  async function audit(name: string): Promise<unknown> {
    const actor = await actorOf(name.includes('/') ? name : `agent/${name}`);
    if (actor.kind !== 'agent') throw new QuestionError(400, `${actor.address} is no agent`);
    const { state } = actor.stood!.live;
    const memory = state.context['memory'] as Record<string, string>;
    const told = await auditOf(store, actor.address, state.seq, memory);
    return { ...told, rows: told.actions };
  }

  async function dead(input: z.infer<typeof INPUTS.dead>): Promise<unknown> {
    const address = input.actor === undefined ? undefined : await resolve(input.actor).catch(() => input.actor!);
    const letters: unknown[] = [];
    for await (const [, value] of store.scan({ ...SPACES.dead, reverse: true })) {
      const letter = JSON.parse(value) as { receipt: Receipt };
      if (address !== undefined && letter.receipt.actor !== address) continue;
      letters.push(letter);
      if (letters.length >= (input.limit ?? LIST_DEFAULT)) break;
    }
    return { letters };
  }

  function chart({ kind, version, events }: z.infer<typeof INPUTS.chart>): unknown {
    const definition = node.registry.get(kind);
    if (definition === undefined)
      throw new QuestionError(404, `there is no kind “${kind}”; kinds: ${[...node.registry.keys()].join(', ')}`);
    if (version !== undefined && version !== definition.version) {
      throw new QuestionError(404, `version ${version} of ${kind} is not here, only ${definition.version}`);
    }
    return events === true ? eventSchemas(definition) : chartOf(definition);
  }

  async function located(input: unknown): Promise<{ envelope: Envelope; address: string }> {
    const envelope = parseEnvelope(input);
    const { subject, address } = await node.locate(envelope.subject.replace(SHORT_ITEM, 'mission/$&'));
    return { envelope: { ...envelope, subject }, address };
  }

  const checked =
    <Name extends keyof typeof INPUTS>(name: Name, answer: (input: z.infer<(typeof INPUTS)[Name]>) => unknown) =>
    async (input: unknown): Promise<unknown> => {
      const parsed = INPUTS[name].safeParse(input ?? {});
      if (!parsed.success) throw new QuestionError(400, explainIssues(parsed.error).join('; '));
      const shown = await answer(parsed.data as z.infer<(typeof INPUTS)[Name]>);
      return JSON.parse(redact(JSON.stringify(shown))) as unknown;
    };

  const caring =
    (name: CareName) =>
    (input: unknown): Promise<unknown> => {
      if (care === undefined) throw new QuestionError(503, `${name} is asked of a running runtime`);
      return care[name](input ?? {});
    };

  return {
    backup: caring('backup'),
    compact: caring('compact'),
    resume: caring('resume'),
    list: checked('list', list),
    show: checked('show', ({ actor }) => show(actor)),
    why: checked('why', async ({ actor: name }) => {
      const actor = await actorOf(name);
      return whyOf(node, actor, clock, blind(actor.address));
    }),
    receipt: checked('receipt', receipt),
    history: checked('history', history),
    audit: checked('audit', ({ agent }) => audit(agent)),
    at: checked('at', at),
    chart: checked('chart', chart),
    mail: checked('mail', async ({ actor }) => {
      const { address } = await actorOf(actor);
      return { actor: address, waiting: node.waiting(address) };
    }),
    dead: checked('dead', dead),
    health: checked('health', health),
    send: async (input) => {
      const { envelope, address } = await located(input);
      return node.send(envelope, { address });
    },
    preview: async (input) => {
      const { envelope, address } = await located(input);
      await node.settled(address);
      return node.preview(envelope, { address });
    },
    foretell: async (input) => {
      const { envelope, address } = await located(input);
      await node.settled(address);
      return node.foretell(envelope, { address });
    },
  };
}

/** `mission/m#key`: an item's current session. */
const SHORT_ITEM = /^[a-z0-9][a-z0-9_-]*#[a-z0-9][a-z0-9_-]*$/;
const ITEM = /^(mission\/)?([a-z0-9][a-z0-9_-]*)#([a-z0-9][a-z0-9_-]*)$/;

function matches(row: IndexRow, input: z.infer<typeof INPUTS.list>): boolean {
  if (input.kind !== undefined && kindOf(row.address) !== input.kind) return false;
  if (input.phase !== undefined && row.phase !== input.phase) return false;
  if (input.user !== undefined && row.user !== input.user) return false;
  if (input.mission !== undefined && row.mission !== input.mission && row.mission !== `mission/${input.mission}`)
    return false;
  if (input.state !== undefined && !inState(row.value, input.state)) return false;
  if (input.text !== undefined) {
    const text = input.text.toLowerCase();
    const whole = `${row.address} ${row.title} ${row.owner ?? ''} ${row.refs.join(' ')}`.toLowerCase();
    if (!whole.includes(text)) return false;
  }
  return true;
}

/** `work.running` anywhere in the value; the regions of an open session may leave out `open`. */
function inState(value: unknown, path: string): boolean {
  const walk = (part: unknown, keys: string[]): boolean => {
    if (keys.length === 0) return true;
    if (typeof part === 'string') return keys.length === 1 && part === keys[0];
    if (part === null || typeof part !== 'object') return false;
    const record = part as Record<string, unknown>;
    const [first, ...rest] = keys as [string, ...string[]];
    return first in record && walk(record[first], rest);
  };
  const keys = path.split('.');
  return (
    walk(value, keys) ||
    (typeof value === 'object' && value !== null && Object.values(value).some((part) => walk(part, keys)))
  );
}

/** Errors of a question as a status and a message. */
export function questionFailure(error: unknown): { status: 400 | 404 | 503; message: string } {
  if (error instanceof QuestionError) return { status: error.status, message: error.message };
  if (error instanceof RejectedInput) return { status: 400, message: sentences(error) };
  return { status: 503, message: (error as Error).message };
}
