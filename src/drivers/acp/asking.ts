/** A permission an agent asks for, as people are asked, and the option that their answer picks. */
import { CHOICES } from '../approval.ts';
import type { Allowance, Ruling } from '../approval.ts';
import type { DriverEvent } from '../driver.ts';
import type { Json, RpcId } from '../rpc.ts';
import type { Permission } from './frames.ts';

/** Best first; an agent need not offer all. */
const OPTIONS: Record<Ruling['grant'], string[]> = {
  once: ['allow_once', 'allow_always'],
  always: ['allow_always', 'allow_once'],
  no: ['reject_once', 'reject_always'],
};
const EDITS = new Set(['read', 'edit', 'delete', 'move', 'search', 'think']);

export const CANCELLED: Json = { outcome: { outcome: 'cancelled' } };

export function askOf(id: RpcId, { toolCall: { title, rawInput } }: Permission): Extract<DriverEvent, { type: 'ask' }> {
  const input = rawInput == null ? '' : `\n\n${JSON.stringify(rawInput, null, 2)}`;
  return {
    type: 'ask',
    question: String(id),
    kind: 'approval',
    text: `May it do this?\n\n${title ?? '(not named)'}${input}`,
    choices: CHOICES,
  };
}

export function outcomeOf({ options }: Permission, grant: Ruling['grant']): Json {
  const option = OPTIONS[grant].flatMap((kind) => options.filter((one) => one.kind === kind))[0];
  return option === undefined ? CANCELLED : { outcome: { outcome: 'selected', optionId: option.optionId } };
}

export const isAllowed = ({ toolCall: { kind } }: Permission, allow: Allowance): boolean =>
  allow === 'everything' || (allow === 'edits' && kind != null && EDITS.has(kind));
