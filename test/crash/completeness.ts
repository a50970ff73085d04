/** What must be so when everything has come to rest: nothing lost, nothing twice, nothing left over. */
import type { FactEnvelope } from '../../src/actor/fact.ts';
import { canonicalJson } from '../../src/actor/state.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { KEYS, SPACES, keyParts } from '../../src/store/keys.ts';
import type { Run, Sending } from './run.ts';
import { answersOf, missing, repeated, statesOf, stepsOf } from './soundness.ts';
import type { Step } from './soundness.ts';

export async function completeness(run: Run): Promise<string[]> {
  const steps = stepsOf(run.disk);
  return [
    ...run.sendings.flatMap((sending) => receipts(run, sending, steps)),
    ...order(run, steps),
    ...acts(run, steps),
    ...facts(run, steps),
    ...leftOver(run),
    ...(await memory(run, steps)),
  ];
}

/** Everything of a receipt that must be the same each time it is given. */
const lasting = ({ duplicate: _duplicate, waitingOn: _waitingOn, ...receipt }: Receipt): string =>
  canonicalJson(receipt);

/** I5, I10: each id has one outcome, told the same each time, and at most one entry. */
function receipts({ disk }: Run, { envelope, receipts: given }: Sending, steps: Step[]): string[] {
  const wrong: string[] = [];
  const { id, subject } = envelope;
  const settled = given.filter(({ code }) => code !== 'parked');
  if (new Set(settled.map(lasting)).size > 1) {
    wrong.push(`${id} has several receipts:\n    ${[...new Set(settled.map(lasting))].join('\n    ')}`);
  }
  const firsts = settled.filter(({ duplicate }) => !duplicate);
  if (firsts.length > 1) wrong.push(`${id} was taken ${firsts.length} times for the first time`);
  const taken = steps.filter(({ actor, entry }) => actor === subject && entry.envelope.id === id);
  const receipt = settled.at(-1);
  if (receipt === undefined) return given.length > 0 ? wrong : [...wrong, `${id} has no receipt`];
  const isStepped = receipt.seq !== null;
  if (taken.length !== (isStepped ? 1 : 0))
    wrong.push(`${id} was ${receipt.outcome} and is ${taken.length} times in the journal`);
  const dead = disk
    .entries(SPACES.dead)
    .filter(([, value]) => (JSON.parse(value) as { receipt: Receipt }).receipt.id === id).length;
  const isRejected = receipt.outcome !== 'taken' && receipt.outcome !== 'recorded';
  if (dead !== (isRejected ? 1 : 0)) wrong.push(`${id} was ${receipt.outcome} and is ${dead} times a dead letter`);
  return wrong;
}

/** I14: per sender and actor, the order of sending by mail is the order of stepping. */
function order({ sendings }: Run, steps: Step[]): string[] {
  const place = new Map(steps.map(({ actor, seq, entry }) => [`${actor} ${entry.envelope.id}`, seq]));
  const last = new Map<string, number>();
  return sendings.flatMap(({ door, envelope }) => {
    const seq = place.get(`${envelope.subject} ${envelope.id}`);
    if (door !== 'mail' || seq === undefined) return [];
    const before = last.get(envelope.subject) ?? 0;
    last.set(envelope.subject, seq);
    return seq < before ? [`${envelope.id} overtook an earlier letter to ${envelope.subject}`] : [];
  });
}

/** Acts were done as often as their kind allows, and what was answered is what was done. */
function acts({ outside, disk }: Run, steps: Step[]): string[] {
  const wrong: string[] = [];
  const failed = new Map(
    steps.flatMap(({ entry }) =>
      entry.wish !== undefined && entry.envelope.type.endsWith('.failed')
        ? [[entry.envelope.data['key'] as string, entry.envelope.data['code'] as string] as const]
        : [],
    ),
  );
  for (const [key, { act, times, repeat }] of outside.deeds) {
    if (times > 1) wrong.push(`${act} ${key} (${repeat}) was done ${times} times`);
  }
  for (const key of answersOf(steps)) {
    if (!failed.has(key) && !outside.deeds.has(key)) wrong.push(`${key} is answered as done, and nobody did it`);
    if (failed.get(key) === 'EFFECT_BUG') wrong.push(`${key} failed in a way nobody foresaw`);
  }
  for (const [key] of disk.entries(SPACES.outbox)) wrong.push(`${keyParts(key, 3).join('/')} was never answered`);
  return wrong;
}

/** Facts of every step, per actor in order: what is told twice is told again, never told late. */
function facts({ server, disk, sendings }: Run, steps: Step[]): string[] {
  const told = server
    .letters('fact')
    .map(({ body }) => (JSON.parse(Buffer.from(body).toString('utf8')) as FactEnvelope).data);
  const highest = new Map<string, number>();
  const wrong: string[] = [];
  for (const fact of told.filter(({ envelope }) => envelope.source !== 'kernel')) {
    const before = highest.get(fact.actor) ?? 0;
    if (fact.seq > before + 1) wrong.push(`the fact ${fact.actor}/${fact.seq} was told right after ${before}`);
    highest.set(fact.actor, Math.max(before, fact.seq));
  }
  const ids = told.map(({ actor, seq }) => `${actor}/${seq}`);
  wrong.push(
    ...missing(
      steps.map(({ actor, seq }) => `${actor}/${seq}`),
      ids,
    ).map((step) => `the fact ${step} was never told`),
  );
  const unparked = sendings.filter(({ envelope }) => envelope.type === 'correct.unpark');
  const taken = unparked.filter(({ receipts: given }) => given.some(({ outcome }) => outcome === 'taken')).length;
  const times = new Set(
    server
      .letters('fact')
      .filter(({ subject }) => subject.endsWith('.actor_unparked'))
      .map(({ body }) => (JSON.parse(Buffer.from(body).toString('utf8')) as FactEnvelope).id),
  ).size;
  if (times !== taken) wrong.push(`${taken} corrections un-parked an actor, which happened ${times} times`);
  const dead = disk.entries(SPACES.dead).map(([, value]) => (JSON.parse(value) as { receipt: Receipt }).receipt.id);
  const deadTold = told.filter(({ type }) => type === 'letter.dead').map(({ envelope }) => envelope.id);
  wrong.push(
    ...missing(dead, deadTold).map((id) => `no fact told of the dead letter ${id}`),
    ...repeated(dead).map((id) => `${id} is a dead letter twice`),
  );
  return wrong;
}

function leftOver({ disk, server }: Run): string[] {
  const wrong: string[] = [];
  for (const [key] of disk.entries(SPACES.mail)) {
    const [actor] = keyParts(key, 2) as [string];
    if (disk.get(KEYS.parked(actor)) === undefined) wrong.push(`mail of ${actor} was left lying: ${key}`);
  }
  const row = disk.get(KEYS.meta('position!mail'));
  const position = row === undefined ? 0 : (JSON.parse(row) as { position: number }).position;
  const end = server.letters('mail').at(-1)?.seq ?? 0;
  if (position !== end) wrong.push(`the position of mail is ${position}, the stream ends at ${end}`);
  return wrong;
}

/** The living actors are what the store says they are. */
async function memory(run: Run, steps: Step[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const [actor, stored] of statesOf(steps)) {
    const live = (await run.node().settled(actor))?.stood?.live.state;
    if (canonicalJson(live ?? null) !== canonicalJson(stored))
      wrong.push(`${actor} in memory is not what its journal says`);
  }
  return wrong;
}
