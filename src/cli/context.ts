/** What every command has at hand: its output, its configuration, and a way to ask the runtime. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Envelope } from '../actor/envelope.ts';
import type { IndexRow } from '../actor/actors.ts';
import { isAddress, slug } from '../actor/address.ts';
import type { Receipt } from '../actor/receipt.ts';
import type { WaitingOn } from '../../machines/contract.ts';
import { CommandError, EXIT } from './exit.ts';
import type { Exit } from './exit.ts';
import { printReceipt } from './receipt.ts';
import { exitOf } from './exit.ts';
import { waitText } from './output.ts';
import type { Output } from './output.ts';

/** Asks one question of the runtime (over the bus, or of the store alone when the runtime is down). */
export type Ask = (question: string, body: unknown, options?: { timeoutMs?: number }) => Promise<unknown>;

export interface CommandContext {
  out: Output;
  ask: Ask;
  /** Who this person is, for `source`. */
  source: string;
}

export const personSource = (env: NodeJS.ProcessEnv): string =>
  `cli/${slug(env['CHARTROOM_USER'] ?? userInfo().username)}`;

/** An address, or an id or outside name that fits exactly one actor. @throws CommandError misuse with the candidates */
export async function addressFor({ ask }: Pick<CommandContext, 'ask'>, name: string): Promise<string> {
  if (isAddress(name) || name.includes('#')) return name;
  const { items } = (await ask('list', { text: name, limit: 1_000 })) as { items: IndexRow[] };
  const id = slug(name);
  const wanted = name.toLowerCase();
  const exact = items.filter(
    ({ address, refs }) => address.split('/')[1] === id || refs.some((ref) => ref.toLowerCase() === `issue:${wanted}`),
  );
  const fits = exact.length > 0 ? exact : items;
  if (fits.length === 1) return fits[0]!.address;
  if (fits.length === 0)
    throw new CommandError(EXIT.unknown, `there is no actor called “${name}”`, 'see: chartroom ps');
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
}

/** Sends (or previews) one envelope, prints the receipt, and says how to leave. */
export async function sendTo(
  context: CommandContext,
  subject: string,
  type: string,
  data: Record<string, unknown>,
  options: SendOptions,
): Promise<Exit> {
  const { out, ask, source } = context;
  const envelope: Envelope = {
    specversion: '1.0',
    id: options.id ?? randomUUID(),
    source,
    type,
    subject,
    time: new Date(out.nowMs).toISOString(),
    datacontenttype: 'application/json',
    data,
  };
  if (options.expectEpoch !== undefined) envelope.expectepoch = options.expectEpoch;
  if (options.urgent === true) envelope.priority = 'urgent';
  if (options.dryRun === true) {
    const receipt = (await ask('preview', envelope)) as Receipt;
    printReceipt(out, receipt, { preview: true });
    return exitOf(receipt);
  }
  let receipt: Receipt;
  try {
    receipt = (await ask('send', envelope, { timeoutMs: 10_000 })) as Receipt;
  } catch (error) {
    if ((error as { code?: string }).code === 'BUS_TIMEOUT')
      out.say(
        `no receipt within 10 s for ${envelope.id}; whether it was taken is not known: chartroom receipt ${subject} ${envelope.id}`,
      );
    throw error;
  }
  printReceipt(out, receipt);
  const exit = exitOf(receipt);
  if (exit === EXIT.done && options.wait !== undefined) {
    return await waitFor(context, receipt.actor, options.wait, (options.timeoutSeconds ?? 60) * 1_000);
  }
  return exit;
}

/** Asks again until the actor is in a state or phase. */
export async function waitFor(
  { out, ask }: CommandContext,
  actor: string,
  goal: string | true,
  timeoutMs: number,
): Promise<Exit> {
  const started = Date.now();
  for (;;) {
    const shown = (await ask('show', { actor })) as { phase: string; value: unknown; waitingOn: WaitingOn[] };
    const reached =
      goal === true
        ? shown.waitingOn.every(({ gate }) => gate !== 'stopping')
        : shown.phase === goal || JSON.stringify(shown.value).includes(`"${goal.split('.').at(-1)}"`);
    if (reached) return EXIT.done;
    if (Date.now() - started > timeoutMs) {
      out.say(`✗ ${actor} is ${shown.phase} after ${timeoutMs / 1_000} s`);
      for (const wait of shown.waitingOn) out.say(`  waits on ${waitText(wait, Date.now())}`);
      return EXIT.failed;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Flags `--key value` that a correction's schema knows, beside `--data json`. */
export function dataFrom(flags: Record<string, unknown>, json: string | undefined): Record<string, unknown> {
  let data: Record<string, unknown> = {};
  if (json !== undefined) {
    try {
      data = JSON.parse(json) as Record<string, unknown>;
    } catch (error) {
      throw new CommandError(EXIT.misuse, `--data is not JSON: ${(error as Error).message}`);
    }
  }
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) data[key] = value;
  return data;
}
