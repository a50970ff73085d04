/** Views have addresses, so that they can be shared, kept and gone back to. */
import type { Filter } from './rows.ts';

export type Route =
  | { view: 'fleet'; filter: Filter }
  /** `at`: the step whose moment is looked at; null = now. `run`: whose output is open. */
  | { view: 'actor'; address: string; at: number | null; run: string | null }
  /** `version`: that alone will do; null = whichever is here. */
  | { view: 'machine'; kind: string; version: string | null }
  | { view: 'bus' }
  | { view: 'nowhere'; path: string };

export function routeOf(url: URL): Route {
  if (url.pathname === '/') {
    const { searchParams: query } = url;
    return {
      view: 'fleet',
      filter: {
        text: query.get('text') ?? '',
        kind: query.get('kind'),
        phase: query.get('phase'),
        gate: query.get('gate'),
      },
    };
  }
  const actor = /^\/actor\/([^/]+)\/([^/]+)\/?$/.exec(url.pathname);
  if (actor !== null) {
    const at = url.searchParams.get('at');
    // Shown as of now it would be taken for the moment that was asked for.
    if (at !== null && !/^\d{1,15}$/.test(at)) return { view: 'nowhere', path: `${url.pathname}?at=${at}` };
    return {
      view: 'actor',
      address: `${decoded(actor[1]!)}/${decoded(actor[2]!)}`,
      at: at === null ? null : Number(at),
      run: url.searchParams.get('run'),
    };
  }
  const machine = /^\/machine\/([^/]+)\/?$/.exec(url.pathname);
  if (machine !== null)
    return { view: 'machine', kind: decoded(machine[1]!), version: url.searchParams.get('version') };
  if (url.pathname === '/bus') return { view: 'bus' };
  return { view: 'nowhere', path: url.pathname };
}

/** A broken escape in an address somebody typed is just a name that does not exist. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const actorHref = (address: string): string => `/actor/${address.split('/').map(encodeURIComponent).join('/')}`;

/** The moment after a step. */
export const momentHref = (address: string, seq: number): string => `${actorHref(address)}?at=${seq}`;

/** The output of a run, on the page of its agent or session. */
export const runHref = (address: string, run: string): string => `${actorHref(address)}?run=${encodeURIComponent(run)}`;

export const machineHref = (kind: string): string => `/machine/${encodeURIComponent(kind)}`;
export const BUS_HREF = '/bus';

export function fleetHref({ text, kind, phase, gate }: Filter): string {
  const query = new URLSearchParams();
  if (text !== '') query.set('text', text);
  if (kind !== null) query.set('kind', kind);
  if (phase !== null) query.set('phase', phase);
  if (gate !== null) query.set('gate', gate);
  return query.size === 0 ? '/' : `/?${query.toString()}`;
}
