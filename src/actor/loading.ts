/** What a node reads when it starts: only what is under way. Idle actors cost nothing until somebody asks for them. */
import type { Clock } from '../clock.ts';
import { KEYS, SPACES, keyParts } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { unreadable } from './actors.ts';
import type { Actors } from './actors.ts';
import { decodeEntry } from './journal.ts';
import { noMail, readMail } from './mailbox.ts';
import type { Item, Mailbox } from './mailbox.ts';
import type { OutboxRows, PendingAct } from './outbox-rows.ts';
import type { Registry } from './registry.ts';
import { watchesOf } from './step.ts';

export interface Loaded {
  acts: PendingAct[];
  /** Actors with standing watches, and which. */
  watching: Map<string, Record<string, Record<string, unknown>>>;
  /** Highest numbers handed out. */
  dead: number;
  mail: number;
}

interface LoadingOptions {
  store: Store;
  clock: Clock;
  registry: Registry;
  actors: Actors;
  mailbox: Mailbox;
  outbox: OutboxRows;
}

export async function loadNode(options: LoadingOptions): Promise<Loaded> {
  const { store, actors } = options;
  await actors.load(store);
  const mail = await loadMail(options);
  const acts = await loadOutbox(options);
  const watching = await loadWatching(options);
  let dead = 0;
  for await (const [key] of store.scan({ ...SPACES.dead, reverse: true, limit: 1 })) dead = Number(keyParts(key, 1)[0]);
  return { acts, watching, dead, mail };
}

async function loadMail({ store, clock, actors, mailbox }: LoadingOptions): Promise<number> {
  const stored: { address: string; item: Item & { number: number } }[] = [];
  let last = 0;
  for await (const [key, value] of store.scan(SPACES.mail)) {
    const [address, number] = keyParts(key, 2) as [string, string];
    last = Math.max(last, Number(number));
    const mail = readMail(value);
    if (mail === null) {
      // Its row stays where it is, and the mail around it waits: taken without it, order would be lost.
      actors.damaged(actors.get(address), noMail(Number(number)));
      continue;
    }
    const { door, envelope } = mail;
    const item = {
      envelope,
      text: JSON.stringify(envelope),
      door,
      bytes: value.length,
      number: Number(number),
      acceptedMs: clock.now(),
      settle: () => {},
      fail: () => {},
    };
    stored.push({ address, item });
  }
  // Numbers are handed out across actors: stepping in their order keeps the order of telling.
  stored.sort((a, b) => a.item.number - b.item.number);
  for (const { address, item } of stored) {
    actors.get(address);
    mailbox.push(address, item);
  }
  return last;
}

/** Acts of an actor that is not whole stay where they are. */
async function loadOutbox({ store, actors, outbox }: LoadingOptions): Promise<PendingAct[]> {
  const found: PendingAct[] = [];
  for await (const [key, value] of store.scan(SPACES.outbox)) {
    const [address, seq, index] = keyParts(key, 3) as [string, string, string];
    const actor = actors.get(address);
    const pending = pendingAct(store, address, Number(seq), Number(index), value !== '');
    if (typeof pending === 'string') actors.damaged(actor, pending);
    else found.push(pending);
  }
  const acts = found.filter(({ actor }) => actors.get(actor).parked?.damaged !== true);
  for (const act of acts) outbox.add(act);
  return acts;
}

/** @returns a sentence where the journal does not have it */
function pendingAct(store: Store, actor: string, seq: number, index: number, attempted: boolean): PendingAct | string {
  try {
    const text = store.get(KEYS.journal(actor, seq));
    if (text === undefined) return `its outbox names entry ${seq}, which its journal does not have`;
    const { at, effects } = decodeEntry(text);
    const effect = effects[index];
    if (effect === undefined || !('act' in effect))
      return `its outbox names act ${index} of entry ${seq}, which has none`;
    return {
      key: `${actor}/${seq}/${index}`,
      actor,
      seq,
      index,
      act: effect.act,
      params: effect.params,
      wishedAt: at,
      attempted,
    };
  } catch {
    return `its outbox names entry ${seq}, which cannot be read`;
  }
}

async function loadWatching({ store, actors, registry }: LoadingOptions): Promise<Loaded['watching']> {
  const watching: Loaded['watching'] = new Map();
  for await (const [key] of store.scan(SPACES.watching)) {
    const actor = actors.get(keyParts(key, 1)[0]!);
    const definition = registry.get(actor.kind);
    if (actor.stood === null || actor.parked?.envelope === '' || definition === undefined) continue;
    try {
      watching.set(actor.address, watchesOf(definition, actor.stood.live));
    } catch (error) {
      actor.parked ??= unreadable(actor.kind, actor.stood.live.state, error as Error);
    }
  }
  return watching;
}
