/** What every command has at hand: its output, its configuration, and a way to ask the runtime. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { WaitingOn } from '../../machines/contract.ts';
import { isAddress, slug } from '../actor/address.ts';
import type { IndexRow } from '../actor/actors.ts';
import type { Envelope } from '../actor/envelope.ts';
import type { Foretold } from '../actor/foretelling.ts';
import type { Receipt } from '../actor/receipt.ts';
import { BusError } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Ask, Link } from './connection.ts';
import { CommandError, EXIT, exitOf } from './exit.ts';
import type { Exit } from './exit.ts';
import { waitText } from './output.ts';
import type { Output } from './output.ts';
import { printReceipt } from './receipt.ts';
import type { GlobalFlags } from './run.ts';
import type { Terminal } from './terminal.ts';

export interface CommandContext {
  out: Output;
  clock: Clock;
  terminal: Terminal;
  /** Who this person is, for `source`. */
  source: string;
  flags: GlobalFlags;
  /** Read once, when first asked for; `more` are flags of the command's own. @throws RejectedInput */
  config(more?: Record<string, unknown>): Config;
  /** Connects at the first question. */
  ask: Ask;
  /** For what a question does not cover: facts as they happen, the store when it is read alone. */
  link(): Promise<Link>;
}

export const personSource = (env: NodeJS.ProcessEnv): string =>
  `cli/${slug(env['CHARTROOM_USER'] ?? userInfo().username)}`;

/**
 * An address, or an id or outside name that fits exactly one actor; with a kind, one of that kind.
 * @throws CommandError unknown, or misuse with the candidates
 */
export async function addressFor(
  { ask }: Pick<CommandContext, 'ask'>,
  name: string,
  kind?: 'agent' | 'session',
): Promise<string> {
  if (isAddress(name) || name.includes('#')) return name;
  const { items } = (await ask('list', { text: name, limit: 1_000, ...(kind === undefined ? {} : { kind }) })) as {
    items: IndexRow[];
  };
  const id = slug(name);
  const wanted = name.toLowerCase();
  const exact = items.filter(
    ({ address, refs }) =>
      address.split('/')[1] === id ||
      refs.some((ref) => [`issue:${wanted}`, `name:${wanted}`].includes(ref.toLowerCase())),
  );
  // Never by owner or text: `stop ad` must not reach a session because its agent is called ada.
  const near = items.filter(
    ({ address, title }) => address.split('/')[1]!.includes(id) || title.toLowerCase() === wanted,
  );
  const fits = exact.length > 0 ? exact : near;
  if (fits.length === 1) return fits[0]!.address;
  if (fits.length === 0) {
    throw new CommandError(EXIT.unknown, `there is no ${kind ?? 'actor'} called “${name}”`, 'see: chartroom ps');
  }
  const newest = newestOf(fits, id);
  if (newest !== null) return newest;
  throw new CommandError(
    EXIT.misuse,
    `“${name}” fits ${fits.length} actors: ${fits
      .slice(0, 8)
      .map(({ address }) => address)
      .join(', ')}${fits.length > 8 ? ', …' : ''}`,
    'write the whole address',
  );
}

/** `eng-42`, `eng-42-2`, …: sessions of one issue; the name means the newest. */
function newestOf(rows: IndexRow[], id: string): string | null {
  const family = new RegExp(`^session/${id}(-\\d+)?$`);
  // Without the first of them, `eng` would be a family of every `eng-<n>`.
  if (!rows.some(({ address }) => address === `session/${id}`)) return null;
  if (!rows.every(({ address }) => family.test(address))) return null;
  return rows
    .map(({ address }) => address)
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    .at(-1)!;
}

export interface SendOptions {
  id?: string | undefined;
  expectEpoch?: number | undefined;
  dryRun?: boolean | undefined;
  /** Wait until the actor is in this state or phase; true = the command's own goal. */
  wait?: string | true | undefined;
  timeoutSeconds?: number | undefined;
  urgent?: boolean | undefined;
  /** What a dry run says for programs beside the receipt. */
  more?: Record<string, unknown> | undefined;
  /** The envelope this one follows. */
  causationId?: string | undefined;
}

/** Longer than a commit ever takes: whoever has no receipt by then asks for it. */
const RECEIPT_MS_MAX = 10_000;
const LOOK_MS_MAX = 2_000;
/** Between two looks at an actor somebody waits for. */
const POLL_MS = 200;

/** Sends (or previews) one envelope, prints the receipt, and says how to leave. */
export async function sendTo(
  context: CommandContext,
  subject: string,
  type: string,
  data: Record<string, unknown>,
  options: SendOptions,
): Promise<Exit> {
  const { out, ask, clock } = context;
  const envelope = envelopeTo(context, subject, type, data, options);
  if (options.dryRun === true) {
    const { receipt, ...would } = (await ask('foretell', envelope)) as Foretold;
    printReceipt(out, receipt, { would, ...(options.more === undefined ? {} : { more: options.more }) });
    return exitOf(receipt);
  }
  const receipt = await receiptFor(context, envelope);
  printReceipt(out, receipt);
  const exit = exitOf(receipt);
  if (exit !== EXIT.done || options.wait === undefined) return exit;
  return await waitFor(context, receipt.actor, options.wait, clock.now() + (options.timeoutSeconds ?? 60) * 1_000);
}

export function envelopeTo(
  { source, clock }: Pick<CommandContext, 'source' | 'clock'>,
  subject: string,
  type: string,
  data: Record<string, unknown>,
  options: SendOptions,
): Envelope {
  const envelope: Envelope = {
    specversion: '1.0',
    id: options.id ?? randomUUID(),
    source,
    type,
    subject,
    time: new Date(clock.now()).toISOString(),
    datacontenttype: 'application/json',
    data,
  };
  if (options.expectEpoch !== undefined) envelope.expectepoch = options.expectEpoch;
  if (options.urgent === true) envelope.priority = 'urgent';
  if (options.causationId !== undefined) envelope.causationid = options.causationId;
  return envelope;
}

/** Sends, and where no receipt comes says what is known of the envelope before it gives up. */
export async function receiptFor({ ask, out }: CommandContext, envelope: Envelope): Promise<Receipt> {
  try {
    return (await ask('send', envelope, { timeoutMs: RECEIPT_MS_MAX })) as Receipt;
  } catch (error) {
    if (!(error instanceof BusError) || error.code !== 'BUS_TIMEOUT') throw error;
    const known = await ask('receipt', { actor: envelope.subject, id: envelope.id }, { timeoutMs: LOOK_MS_MAX }).catch(
      () => null,
    );
    const { state, receipt } = (known ?? { state: 'unknown', receipt: null }) as {
      state: string;
      receipt: Receipt | null;
    };
    if (receipt !== null) return receipt;
    const stored =
      known === null
        ? 'whether it was stored is not known'
        : state === 'pending'
          ? 'it is stored'
          : 'it was not stored';
    out.say(`envelope ${envelope.id} to ${envelope.subject}: ${stored}`);
    throw new CommandError(
      EXIT.unreachable,
      `no receipt within ${RECEIPT_MS_MAX / 1_000} s`,
      `ask for it: chartroom receipt ${envelope.subject} ${envelope.id}`,
    );
  }
}

/** States that something is still leaving. */
const LEAVING = new Set(['stopping', 'offboarding']);

/** Asks again until the actor is in a state or phase (true: until nothing of it is still stopping). */
export async function waitFor(
  { out, ask, clock, link }: CommandContext,
  actor: string,
  goal: string | true,
  deadlineMs: number,
): Promise<Exit> {
  const { settled, store } = await link();
  for (;;) {
    await settled();
    const shown = (await ask('show', { actor })) as { phase: string; waitingOn: WaitingOn[] };
    const reached =
      goal === true
        ? !LEAVING.has(shown.phase) && shown.waitingOn.every(({ gate }) => gate !== 'stopping')
        : shown.phase === goal || (await isIn(ask, actor, goal));
    if (reached) return EXIT.done;
    // Nobody else moves an actor whose runtime is down: what is left to do, the next one does.
    const alone = store !== null;
    if (alone || clock.now() >= deadlineMs) {
      out.say(`✗ ${actor} is ${shown.phase}, not yet ${goal === true ? 'at its end' : goal}`);
      for (const wait of shown.waitingOn) out.say(`  waits on ${waitText(wait, clock.now())}`);
      if (alone) out.say('  the rest is done when the runtime runs: chartroom up');
      return EXIT.failed;
    }
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
}

/** Whether a dotted path (`work.running`) is in its state. */
async function isIn(ask: Ask, actor: string, state: string): Promise<boolean> {
  const kind = actor.slice(0, actor.indexOf('/'));
  const { items } = (await ask('list', { kind, state, text: actor, limit: 1_000 })) as { items: IndexRow[] };
  return items.some(({ address }) => address === actor);
}

/** Flags `--key value` that a correction's schema knows, beside `--data json`. */
export function dataFrom(flags: Record<string, unknown>, json: string | undefined): Record<string, unknown> {
  let data: Record<string, unknown> = {};
  if (json !== undefined) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(json);
    } catch (error) {
      throw new CommandError(
        EXIT.misuse,
        `--data is not JSON: ${(error as Error).message}`,
        'e.g. --data \'{"text":"hello"}\'',
      );
    }
    if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) {
      throw new CommandError(EXIT.misuse, '--data must be a JSON object', 'e.g. --data \'{"text":"hello"}\'');
    }
    data = { ...parsed };
  }
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) data[key] = value;
  return data;
}
