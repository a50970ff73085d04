/** Trouble on demand: the next matching requests fail as GitHub fails, before or after they did their work. */

export interface Fault {
  /** The answer's status; `hangUp` cuts the connection instead. */
  status: number | 'hangUp';
  /** How many matching requests; default 1. */
  times?: number;
  match?: { method?: string; path?: RegExp | string; login?: string };
  /** Seconds, told as `retry-after`. */
  retryAfter?: number;
  /** A secondary rate limit: its own message, with `retry-after` (60 unless given). */
  secondary?: boolean;
  /** The request is performed first, only its answer is lost. */
  performed?: boolean;
  message?: string;
}

export interface LostDeliveries {
  times?: number;
  event?: string;
  action?: string;
}

export interface Faults {
  next(fault: Fault): void;
  /** The next matching webhook deliveries never arrive (and are logged so). */
  loseDeliveries(lost?: LostDeliveries): void;
  clear(): void;
}

export interface FaultBook extends Faults {
  take(request: { method: string; path: string; login: string | undefined }): Fault | undefined;
  takeDelivery(delivery: { event: string; action: string | null }): boolean;
}

export function createFaults(): FaultBook {
  let faults: (Fault & { left: number })[] = [];
  let lost: (LostDeliveries & { left: number })[] = [];
  return {
    next(fault) {
      faults.push({ ...fault, left: fault.times ?? 1 });
    },
    loseDeliveries(wish = {}) {
      lost.push({ ...wish, left: wish.times ?? 1 });
    },
    clear() {
      faults = [];
      lost = [];
    },
    take(request) {
      const found = faults.find(({ match }) => fits(match, request));
      if (found === undefined) return undefined;
      found.left -= 1;
      faults = faults.filter((fault) => fault.left > 0);
      return found;
    },
    takeDelivery({ event, action }) {
      const found = lost.find(
        (wish) =>
          (wish.event === undefined || wish.event === event) && (wish.action === undefined || wish.action === action),
      );
      if (found === undefined) return false;
      found.left -= 1;
      lost = lost.filter((wish) => wish.left > 0);
      return true;
    },
  };
}

function fits(match: Fault['match'], request: { method: string; path: string; login: string | undefined }): boolean {
  if (match === undefined) return true;
  if (match.method !== undefined && match.method.toUpperCase() !== request.method) return false;
  if (match.login !== undefined && match.login !== request.login) return false;
  if (match.path === undefined) return true;
  return typeof match.path === 'string' ? request.path.includes(match.path) : match.path.test(request.path);
}
