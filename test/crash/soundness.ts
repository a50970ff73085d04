/**
 * What is so of every store at any moment, also at that of a crash: the whole store against itself, and against what
 * the bus holds. Each sentence says one thing that is not as it must be; none = sound.
 */
import type { BatchRecord } from '../../src/actor/batch.ts';
import type { IndexRow } from '../../src/actor/actors.ts';
import { applyChange } from '../../src/actor/change.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import type { FactEnvelope } from '../../src/actor/fact.ts';
import { decodeEntry } from '../../src/actor/journal.ts';
import type { JournalEntry } from '../../src/actor/journal.ts';
import { kindOf } from '../../src/actor/address.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { unborn } from '../../src/actor/state.ts';
import type { ActorState, Definition } from '../../src/actor/state.ts';
import { revive, watchesOf } from '../../src/actor/step.ts';
import type { MemoryServer } from '../../src/bus/memory-bus.ts';
import { actorsOf, replayActor, replayChain } from '../../src/cli/replay.ts';
import { KEYS, SPACES, keyParts } from '../../src/store/keys.ts';
import type { Disk } from './disk.ts';

export interface Step {
  actor: string;
  seq: number;
  entry: JournalEntry;
}

/** All journals, each in order. */
export function stepsOf(disk: Disk): Step[] {
  return disk.entries(SPACES.journal).map(([key, value]) => {
    const [actor, seq] = keyParts(key, 2) as [string, string];
    return { actor, seq: Number(seq), entry: decodeEntry(value) };
  });
}

export async function soundness(
  disk: Disk,
  server: MemoryServer,
  definitions: readonly Definition[],
): Promise<string[]> {
  const steps = stepsOf(disk);
  const states = statesOf(steps);
  return [
    ...(await journals(disk)),
    ...times(steps),
    ...batches(disk, steps),
    ...identities(disk, steps),
    ...claims(disk, states),
    ...timers(disk, states),
    ...acts(disk, steps),
    ...tells(disk, steps),
    ...watching(disk, states, definitions),
    ...references(disk),
    ...published(steps, server),
    ...positions(disk, server),
  ];
}

/** Every actor as its journal says. */
export function statesOf(steps: Step[]): Map<string, ActorState> {
  const states = new Map<string, ActorState>();
  for (const { actor, seq, entry } of steps) {
    const before = states.get(actor) ?? unborn(entry.version);
    states.set(actor, applyChange(before, seq, entry.at, entry.version, entry.change));
  }
  return states;
}

/** I3, I6, I13: journals without a gap, folding to snapshot and index; the chain of batches unbroken. */
async function journals(disk: Disk): Promise<string[]> {
  const store = disk.store();
  const wrong = (await replayChain(store)).differences;
  for (const actor of await actorsOf(store)) {
    wrong.push(...(await replayActor(store, actor)).differences.map((difference) => `${actor}: ${difference}`));
  }
  return wrong;
}

/** `at` is the only clock a machine sees: it never goes back, whatever the clock on the wall does. */
function times(steps: Step[]): string[] {
  const last = new Map<string, string>();
  return steps.flatMap(({ actor, seq, entry: { at } }) => {
    const before = last.get(actor) ?? '';
    last.set(actor, at);
    return at < before ? [`step ${seq} of ${actor} is of ${at}, the one before of ${before}`] : [];
  });
}

/** Every step is in one batch. */
function batches(disk: Disk, steps: Step[]): string[] {
  const listed = disk
    .entries(SPACES.batch)
    .flatMap(([, value]) => (JSON.parse(value) as BatchRecord).steps.map(([actor, seq]) => `${actor}/${seq}`));
  return [
    ...repeated(listed).map((step) => `${step} is in two batches`),
    ...missing(
      steps.map(({ actor, seq }) => `${actor}/${seq}`),
      listed,
    ).map((step) => `${step} is in no batch`),
  ];
}

/** I5, I10: an id is stepped once per actor, and what is remembered of it is what became of it. */
function identities(disk: Disk, steps: Step[]): string[] {
  const wrong = repeated(steps.map(({ actor, entry }) => `${actor} ${entry.envelope.id}`)).map(
    (id) => `${id} was stepped twice`,
  );
  const bySeq = new Map(steps.map((step) => [`${step.actor}/${step.seq}`, step]));
  for (const [key, value] of disk.entries(SPACES.seen)) {
    const [actor, id] = keyParts(key, 2) as [string, string];
    const { seq } = JSON.parse(value) as { seq?: number };
    if (seq === undefined) {
      const taken = steps.some((step) => step.actor === actor && step.entry.envelope.id === id);
      if (taken) wrong.push(`${actor} remembers ${id} as not taken, and it is in its journal`);
    } else if (bySeq.get(`${actor}/${seq}`)?.entry.envelope.id !== id) {
      wrong.push(`${actor} remembers ${id} as step ${seq}, which is another`);
    }
  }
  return wrong;
}

/** I8: a claim is held by whoever's state says so, and by nobody else. */
function claims(disk: Disk, states: Map<string, ActorState>): string[] {
  const rows = disk.entries(SPACES.claim).map(([key, holder]) => `${keyParts(key, 1)[0]!} by ${holder}`);
  const held = [...states].flatMap(([address, state]) => state.claims.map((claim) => `${claim} by ${address}`));
  return [
    ...missing(held, rows).map((claim) => `the claim ${claim} has no row`),
    ...missing(rows, held).map((claim) => `the claim ${claim} has a row, and its holder does not hold it`),
    ...repeated(held.map((claim) => claim.split(' by ')[0]!)).map((claim) => `the claim ${claim} has two holders`),
  ];
}

/** I9: a timer stands in the store exactly while the state waits for it. */
function timers(disk: Disk, states: Map<string, ActorState>): string[] {
  const rows = disk.entries(SPACES.timer).map(([key, seq]) => `${keyParts(key, 3).join(' ')} of ${seq}`);
  const armed = [...states].flatMap(([address, state]) =>
    Object.entries(state.timers).map(([name, { due, seq }]) => `${due} ${address} ${name} of ${seq}`),
  );
  return [
    ...missing(rows, armed).map((timer) => `the timer ${timer} has a row, and no state waits for it`),
    ...missing(armed, rows).map((timer) => `the timer ${timer} is waited for, and has no row`),
  ];
}

/** I5: an act is either waiting or answered or withdrawn, and answered once. */
function acts(disk: Disk, steps: Step[]): string[] {
  const wished = steps.flatMap(({ actor, seq, entry }) =>
    entry.effects.flatMap((effect, index) => ('act' in effect ? [`${actor}/${seq}/${index}`] : [])),
  );
  const waiting = disk.entries(SPACES.outbox).map(([key]) => {
    const [actor, seq, index] = keyParts(key, 3);
    return `${actor}/${Number(seq)}/${Number(index)}`;
  });
  const answered = answersOf(steps);
  return [
    ...missing(waiting, wished).map((key) => `the outbox has ${key}, which nobody wished`),
    ...repeated(answered).map((key) => `${key} was answered twice`),
    ...waiting.filter((key) => answered.includes(key)).map((key) => `${key} is answered and still in the outbox`),
    ...missing(answered, wished).map((key) => `${key} was answered and never wished`),
  ];
}

export const answersOf = (steps: Step[]): string[] =>
  steps.flatMap(({ entry }) => (entry.wish === undefined ? [] : [entry.envelope.data['key'] as string]));

/** One actor's word to another: it waits, was stepped, or came back; one of them, once; and in the order of telling. */
function tells(disk: Disk, steps: Step[]): string[] {
  const wrong: string[] = [];
  const waiting = disk.entries(SPACES.mail).map(([key, value]) => ({
    to: keyParts(key, 2)[0]!,
    envelope: (JSON.parse(value) as { envelope: Envelope }).envelope,
  }));
  const dead = disk
    .entries(SPACES.dead)
    .map(([, value]) => JSON.parse(value) as { envelope: Envelope; receipt: Receipt });
  const buried = dead.map(({ envelope }) => envelope);
  const came: string[] = [
    ...steps.map(({ actor, entry }) => `${actor} ${entry.envelope.id}`),
    ...waiting.map(({ to, envelope }) => `${to} ${envelope.id}`),
    // What parked its recipient was skipped by a person.
    ...dead.flatMap(({ envelope, receipt }) => (receipt.code === 'parked' ? [`${receipt.actor} ${envelope.id}`] : [])),
    // What is refused comes back, and that word too waits, is stepped, or is buried.
    ...[
      ...steps.map(({ entry }) => entry.envelope),
      ...waiting.map(({ envelope }) => envelope),
      ...buried.filter((envelope) => typeof envelope === 'object'),
    ].flatMap(({ type, data }) => (type === 'mail.refused' ? [`${String(data['to'])} ${String(data['id'])}`] : [])),
  ];
  const counts = new Map<string, number>();
  for (const arrival of came) counts.set(arrival, (counts.get(arrival) ?? 0) + 1);
  for (const { actor, seq, entry } of steps) {
    entry.effects.forEach((effect, index) => {
      if (!('tell' in effect)) return;
      const times = counts.get(`${effect.to} ${actor}/${seq}/${index}`) ?? 0;
      if (times !== 1)
        wrong.push(`${actor} told ${effect.to} ${effect.tell} (${seq}/${index}), and it came ${times} times`);
    });
  }
  const lastTold = new Map<string, number>();
  for (const { actor, entry } of steps) {
    const { source, id } = entry.envelope;
    if (!id.startsWith(`${source}/`) || entry.wish !== undefined || entry.due !== undefined) continue;
    const [seq, index] = id.slice(source.length + 1).split('/');
    const place = Number(seq) * 10_000 + Number(index);
    const before = lastTold.get(`${source} ${actor}`) ?? 0;
    if (id.endsWith('/refused') || Number.isNaN(place)) continue;
    if (place <= before) wrong.push(`${actor} took ${id} after a later word of ${source}`);
    lastTold.set(`${source} ${actor}`, place);
  }
  return wrong;
}
function watching(disk: Disk, states: Map<string, ActorState>, definitions: readonly Definition[]): string[] {
  const rows = disk.entries(SPACES.watching).map(([key]) => keyParts(key, 1)[0]!);
  const wanted = [...states].flatMap(([address, state]) => {
    const definition = definitions.find(({ kind }) => kind === kindOf(address));
    if (definition === undefined || state.status === 'done') return [];
    return Object.keys(watchesOf(definition, revive(address, state))).length > 0 ? [address] : [];
  });
  return [
    ...missing(wanted, rows).map((address) => `${address} watches, and no row says so`),
    ...missing(rows, wanted).map((address) => `${address} does not watch, and a row says it does`),
  ];
}

function references(disk: Disk): string[] {
  const rows = disk.entries({ gte: '0!ref!', lt: '0!ref"' }).map(([key]) => keyParts(key, 2).join(' '));
  const named = disk.entries(SPACES.index).flatMap(([, value]) => {
    const { refs, address } = JSON.parse(value) as IndexRow;
    return [...new Set(refs.map((ref) => `${ref.toLowerCase()} ${address}`))];
  });
  return [
    ...missing(named, rows).map((ref) => `the reference ${ref} is not in the index`),
    ...missing(rows, named).map((ref) => `the index names ${ref}, which does not refer to it`),
  ];
}

/** I4: what the bus was told has happened. */
function published(steps: Step[], server: MemoryServer): string[] {
  const entries = new Map(steps.map(({ actor, seq, entry }) => [`${actor}/${seq}`, entry]));
  return server.letters('fact').flatMap(({ body }) => {
    const { data: fact, id } = JSON.parse(Buffer.from(body).toString('utf8')) as FactEnvelope;
    if (fact.envelope.source === 'kernel') return [];
    const entry = entries.get(`${fact.actor}/${fact.seq}`);
    if (entry === undefined) return [`the fact ${id} is on the bus, and no such step in the journal`];
    const { envelope, at } = entry;
    return envelope.id === fact.envelope.id && at === fact.at
      ? []
      : [`the fact ${id} on the bus tells of ${fact.envelope.id}, the journal of ${envelope.id}`];
  });
}

/** I4: the position never runs ahead of what is durable. */
function positions(disk: Disk, server: MemoryServer): string[] {
  const mails = disk.entries(SPACES.mail).map(([key, value]) => {
    const { envelope } = JSON.parse(value) as { envelope: Envelope };
    return `${keyParts(key, 2)[0]!} ${envelope.id}`;
  });
  const buried = disk
    .entries(SPACES.dead)
    .map(([, value]) => JSON.stringify((JSON.parse(value) as { envelope: unknown }).envelope));
  return (['mail', 'hook'] as const).flatMap((stream) => {
    const row = disk.get(KEYS.meta(`position!${stream}`));
    const position = row === undefined ? 0 : (JSON.parse(row) as { position: number }).position;
    return server.letters(stream).flatMap(({ seq, body }) => {
      if (seq > position) return [];
      const text = Buffer.from(body).toString('utf8');
      const { subject, id } = readEnvelope(text);
      const isDurable =
        disk.get(KEYS.seen(subject, id)) !== undefined ||
        mails.includes(`${subject} ${id}`) ||
        buried.includes(JSON.stringify(text));
      return isDurable ? [] : [`the position of ${stream} is ${position}, and letter ${seq} (${id}) is nowhere`];
    });
  });
}

function readEnvelope(text: string): { subject: string; id: string } {
  try {
    return JSON.parse(text) as { subject: string; id: string };
  } catch {
    return { subject: 'none/none', id: '' };
  }
}

/** Those of the first that the second does not have. */
export function missing(wanted: readonly string[], had: readonly string[]): string[] {
  const known = new Set(had);
  return wanted.filter((one) => !known.has(one));
}

export function repeated(all: readonly string[]): string[] {
  const seen = new Set<string>();
  return all.filter((one) => {
    if (seen.has(one)) return true;
    seen.add(one);
    return false;
  });
}
