/**
 * The key spaces of the store. Every key begins with a partition number (0 until there is more than one node) and
 * names its space; numbers are padded so that keys sort as they count. `!` separates: no address contains it, and
 * text that may (envelope ids, claim keys) comes last.
 */
const P = '0';
const DIGITS = 15;

export const pad = (number: number): string => String(number).padStart(DIGITS, '0');

export const KEYS = {
  meta: (name: string) => `${P}!meta!${name}`,
  /** One record for each write: what it held, chained by hash. */
  batch: (number: number) => `${P}!batch!${pad(number)}`,
  journal: (actor: string, seq: number) => `${P}!journal!${actor}!${pad(seq)}`,
  snapshot: (actor: string) => `${P}!snapshot!${actor}`,
  /** Mail that is durable but not yet stepped. */
  mail: (actor: string, number: number) => `${P}!mail!${actor}!${pad(number)}`,
  /** Acts without an answer. The parameters are in the journal. */
  outbox: (actor: string, seq: number, index: number) =>
    `${P}!outbox!${actor}!${pad(seq)}!${String(index).padStart(4, '0')}`,
  timer: (due: string, actor: string, name: string) => `${P}!timer!${due}!${actor}!${name}`,
  /** Ids from outside, with what became of them, also of those sent to what is no address. */
  seen: (actor: string, id: string) => `${P}!seen!${actor.replaceAll('!', '%21')}!${id}`,
  claim: (key: string) => `${P}!claim!${key}`,
  index: (actor: string) => `${P}!index!${actor}`,
  /** When the actor took its last step: the one thing of the index that changes with each. */
  stepped: (actor: string) => `${P}!stepped!${actor}`,
  reference: (ref: string, actor: string) => `${P}!ref!${ref.toLowerCase()}!${actor}`,
  audit: (agent: string, at: string, id: string) => `${P}!audit!${agent}!${at}!${id}`,
  dead: (number: number) => `${P}!dead!${pad(number)}`,
  parked: (actor: string) => `${P}!parked!${actor}`,
  /** What is wrong with an actor that is not whole, as it was last told. */
  damaged: (actor: string) => `${P}!damaged!${actor}`,
  watching: (actor: string) => `${P}!watching!${actor}`,
  /** Where the archived entries of a series lie; a series is `batch`, or `journal!` and an address. */
  archived: (series: string) => `${P}!archived!${series}!`,
  /** One archive, by its file's name. */
  archive: (name: string) => `${P}!archive!${name}`,
  /** An entry of a series: the keys of `batch` and `journal` above. */
  entry: (series: string, number: number) => `${P}!${series}!${pad(number)}`,
  /** A step taken with caution after a crash: how many starts went into it. */
  stepping: (actor: string, id: string) => `${P}!stepping!${actor.replaceAll('!', '%21')}!${id}`,
} as const;

export const BATCH_SERIES = 'batch';
export const journalSeries = (actor: string): string => `journal!${actor}`;

/** Everything below a prefix that ends with `!`. */
export function below(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: `${prefix.slice(0, -1)}"` };
}

export const SPACES = {
  all: below(`${P}!`),
  batch: below(`${P}!batch!`),
  mail: below(`${P}!mail!`),
  outbox: below(`${P}!outbox!`),
  timer: below(`${P}!timer!`),
  claim: below(`${P}!claim!`),
  index: below(`${P}!index!`),
  dead: below(`${P}!dead!`),
  parked: below(`${P}!parked!`),
  watching: below(`${P}!watching!`),
  stepping: below(`${P}!stepping!`),
  snapshot: below(`${P}!snapshot!`),
  journal: below(`${P}!journal!`),
  seen: below(`${P}!seen!`),
  archived: below(`${P}!archived!`),
  archive: below(`${P}!archive!`),
  series: (series: string) => below(`${P}!${series}!`),
  journalOf: (actor: string) => below(`${P}!journal!${actor}!`),
  mailOf: (actor: string) => below(`${P}!mail!${actor}!`),
  auditOf: (agent: string) => below(`${P}!audit!${agent}!`),
  indexOf: (kind: string) => ({ gte: `${P}!index!${kind}/`, lt: `${P}!index!${kind}0` }),
  referenceOf: (ref: string) => below(`${P}!ref!${ref.toLowerCase()}!`),
} as const;

/** The reference that a row of the index of references is about; undefined: it is another row. */
export function referenceIn(key: string): string | undefined {
  return key.startsWith(REFERENCE) ? key.slice(REFERENCE.length, key.lastIndexOf('!')) : undefined;
}

const REFERENCE = `${P}!ref!`;

/** The parts of a key behind its space, at most `parts`; the last one keeps its separators. */
export function keyParts(key: string, parts: number): string[] {
  const pieces = key.split('!').slice(2);
  return pieces.length <= parts ? pieces : [...pieces.slice(0, parts - 1), pieces.slice(parts - 1).join('!')];
}

/** The series and number of a key that may be archived; null for any other. */
export function placeOf(key: string): { series: string; number: number } | null {
  if (!key.startsWith(`${P}!journal!`) && !key.startsWith(`${P}!batch!`)) return null;
  const cut = key.lastIndexOf('!');
  const digits = key.slice(cut + 1);
  if (!/^\d{15}$/.test(digits)) return null;
  return { series: key.slice(2, cut), number: Number(digits) };
}
