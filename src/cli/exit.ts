/** Exit codes (docs/protocol.md §6), and the one error a command ends with. */
import { BusError } from '../bus/bus.ts';
import type { Receipt } from '../actor/receipt.ts';
import { RejectedInput } from '../errors.ts';
import { StoreError } from '../store/store.ts';

export const EXIT = { done: 0, failed: 1, misuse: 2, unreachable: 3, refused: 4, superseded: 5, unknown: 6 } as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** What went wrong, why, and what to do, with the code to leave with. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: Exit;
  readonly hint: string;

  constructor(exit: Exit, message: string, hint = '') {
    super(message);
    this.exit = exit;
    this.hint = hint;
  }
}

export function exitOf(receipt: Receipt): Exit {
  switch (receipt.outcome) {
    case 'taken':
    case 'recorded':
      return EXIT.done;
    case 'refused':
      return EXIT.refused;
    case 'superseded':
      return EXIT.superseded;
    case 'unknown':
      return EXIT.unknown;
  }
}

/** Any error as what a person reads: `✗ what — why; what to do`. */
export function explain(error: unknown): { text: string; exit: Exit } {
  if (error instanceof CommandError) return { text: line(error.message, error.hint), exit: error.exit };
  if (error instanceof RejectedInput) {
    return { text: [line(error.message), ...error.issues.map((issue) => `  ${issue}`)].join('\n'), exit: EXIT.misuse };
  }
  if (error instanceof BusError) return explainBus(error);
  if (error instanceof StoreError)
    return {
      text: line(error.message, storeHint(error)),
      exit: error.code === 'STORE_LOCKED' ? EXIT.unreachable : EXIT.failed,
    };
  return { text: line((error as Error).message ?? String(error)), exit: EXIT.failed };
}

function explainBus(error: BusError): { text: string; exit: Exit } {
  switch (error.code) {
    case 'BUS_REFUSED':
      // Without a status it was not the runtime that refused but NATS itself: the user, the password, a permission.
      if (error.status === undefined) {
        return { text: line(error.message, 'correct nats in the configuration'), exit: EXIT.unreachable };
      }
      return {
        text: line(error.message),
        exit: error.status === 404 ? EXIT.unknown : error.status === 400 ? EXIT.misuse : EXIT.failed,
      };
    case 'BUS_NO_RESPONDER':
      return {
        text: line('the runtime does not answer', 'nothing was sent; start it with: chartroom up'),
        exit: EXIT.unreachable,
      };
    case 'BUS_UNREACHABLE':
    case 'BUS_CLOSED':
      return {
        text: line(error.message, 'start it with: chartroom up, or: nats-server -c nats.conf'),
        exit: EXIT.unreachable,
      };
    case 'BUS_TIMEOUT':
      return { text: line(error.message, 'ask for the receipt by its id'), exit: EXIT.unreachable };
    default:
      return { text: line(error.message), exit: EXIT.unreachable };
  }
}

/** Of a store that another build wrote. */
export const VERSION_TODO =
  'nothing was touched; use the build that wrote it (see: chartroom upgrade --check), or name another directory with --data';

/** Of a store in whose files a byte is not what was written. */
export const damageTodo = (data: string): string =>
  `nothing was changed; keep a copy of ${data}, and begin in another directory from a backup: chartroom restore-store FILE --data DIR`;

const storeHint = (error: StoreError): string =>
  error.code === 'STORE_VERSION'
    ? VERSION_TODO
    : error.code === 'STORE_LOCKED'
      ? 'the runtime holds it: use the command while it answers, or stop it first'
      : error.code === 'STORE_DAMAGED'
        ? 'see: chartroom doctor'
        : '';

const line = (what: string, todo = ''): string => `✗ ${what}${todo === '' ? '' : ` — ${todo}`}`;
