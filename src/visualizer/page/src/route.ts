/** Views have addresses, so that they can be shared, kept and gone back to. */
import type { Filter } from './rows.ts';

export type Route =
  | { view: 'fleet'; filter: Filter }
  | { view: 'actor'; address: string }
  | { view: 'nowhere'; path: string };

export function routeOf(url: URL): Route {
  if (url.pathname === '/') {
    const { searchParams: query } = url;
    return {
      view: 'fleet',
      filter: { text: query.get('text') ?? '', kind: query.get('kind'), phase: query.get('phase') },
    };
  }
  const actor = /^\/actor\/([^/]+)\/([^/]+)\/?$/.exec(url.pathname);
  if (actor !== null) return { view: 'actor', address: `${decoded(actor[1]!)}/${decoded(actor[2]!)}` };
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

export function fleetHref({ text, kind, phase }: Filter): string {
  const query = new URLSearchParams();
  if (text !== '') query.set('text', text);
  if (kind !== null) query.set('kind', kind);
  if (phase !== null) query.set('phase', phase);
  return query.size === 0 ? '/' : `/?${query.toString()}`;
}
