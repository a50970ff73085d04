/** Where an actor's pull request and issue are, by its context. Pure. */

/** Addresses outside that a person may want to open; only ones that a browser fetches, never a script. */
export function linksOf(context: Record<string, unknown>): [name: string, url: string][] {
  const found = new Map<string, string>();
  for (const name of ['pull', 'issue', 'source', 'brief']) {
    const part = context[name] as { url?: unknown; number?: unknown; source?: { url?: unknown } } | null | undefined;
    const url = part?.url ?? part?.source?.url;
    if (typeof url !== 'string' || !/^https?:\/\//.test(url)) continue;
    const label =
      name === 'pull' ? `pull request ${typeof part?.number === 'number' ? `#${part.number}` : ''}`.trim() : 'issue';
    if (!found.has(url)) found.set(url, label);
  }
  return [...found].map(([url, label]) => [label, url]);
}
