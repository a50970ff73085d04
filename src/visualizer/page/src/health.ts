/** What of the runtime's health a person has to know at once. Pure. */
import type { Health } from './answers.ts';

/** Why nothing moves, and sources of which something is missing; that one could not be asked for a moment is no trouble. */
export function troublesOf({ reasons = [], sources = {} }: Health): string[] {
  const gaps = Object.entries(sources).flatMap(([name, sight]) =>
    sight?.state === 'gap' ? [`${name}: ${sight.reason ?? 'something that was sent did not come'}`] : [],
  );
  return [...reasons, ...gaps];
}
