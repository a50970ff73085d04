/** What `doctor` says and does of state that no actor has: named, shown by a dry run, cleared. */
import { TIMER_DEFAULTS } from '../../machines/contract.ts';
import type { IndexRow } from '../actor/actors.ts';
import { clearLeftover, findLeftovers } from '../care/leftovers.ts';
import type { Leftover } from '../care/leftovers.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit.ts';
import type { Exit } from './exit.ts';

const PAGE = 1_000;
/** More of them are counted, not named. */
const NAMED_MAX = 5;

/** A sentence for the list of parts, and whether it is well. @throws where neither runtime nor store can be asked */
export async function leftoversIn(context: CommandContext): Promise<{ ok: boolean; detail: string }> {
  const left = await find(context);
  if (left.length === 0) return { ok: true, detail: 'everything in the data directory is somebody’s' };
  const { data } = context.config();
  const named = left.slice(0, NAMED_MAX).map((one) => `${shortly(one, data)} (${whyOf(one)})`);
  const more = left.length > NAMED_MAX ? [`${left.length - NAMED_MAX} more`] : [];
  return { ok: false, detail: [...named, ...more].join('; ') };
}

export async function clearLeftovers(context: CommandContext, isDryRun: boolean): Promise<Exit> {
  const { out, terminal, clock } = context;
  const { data, timers } = context.config();
  const { PATH = '', HOME = data } = terminal.env;
  const left = await find(context);
  let kept = 0;
  for (const one of left) {
    const killSeconds = timers.kill ?? TIMER_DEFAULTS.kill;
    const why = isDryRun ? null : await clearLeftover(one, { env: { PATH, HOME }, clock, killSeconds });
    if (why !== null) kept += 1;
    if (out.json) {
      const { kind, path, process } = one;
      out.object({
        kind,
        path,
        why: one.why,
        pid: process?.pid ?? null,
        cleared: !isDryRun && why === null,
        kept: why,
      });
    } else if (why !== null) out.say(`✗ ${shortly(one, data)}: ${why}`);
    else out.answer(`${isDryRun ? 'would be cleared' : 'cleared'}: ${shortly(one, data)} — ${whyOf(one)}`);
  }
  if (!out.json && left.length === 0) out.answer('everything in the data directory is somebody’s: nothing to clear');
  return kept === 0 ? EXIT.done : EXIT.failed;
}

function find(context: CommandContext): Promise<Leftover[]> {
  return findLeftovers({
    data: context.config().data,
    async exists(addresses) {
      const kinds = new Set(addresses.map((address) => address.slice(0, address.indexOf('/'))));
      const found = new Set<string>();
      for (const kind of kinds) for (const address of await all(context, kind)) found.add(address);
      return found;
    },
  });
}

async function all({ ask }: CommandContext, kind: string): Promise<string[]> {
  const addresses: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: object = cursor === '' ? {} : { cursor };
    const page = (await ask('list', { kind, limit: PAGE, ...from })) as { items: IndexRow[]; next: string | null };
    addresses.push(...page.items.map(({ address }) => address));
    cursor = page.next;
  }
  return addresses;
}

const shortly = ({ path }: Leftover, data: string): string =>
  path.startsWith(data) ? path.slice(data.length + 1) : path;

const whyOf = ({ why, process }: Leftover): string =>
  process === null ? why : `${why}; its process ${process.pid ?? '(without a leader)'} is alive`;
