/**
 * The public status page (docs/protocol.md §7): what somebody without an account here may know of one actor. It is
 * written on the server, has no script and no control, and tells neither what people wrote to the actor (what a wait is
 * about may quote them) nor who else is at work.
 */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { html, raw } from 'hono/html';
import { z } from 'zod';
import { isAddress } from '../actor/address.ts';
import { duration } from '../actor/duration.ts';
import { QuestionError } from '../actor/questions.ts';
import type { Clock } from '../clock.ts';
import { STATUS_DAYS, statusEndMs } from './status-link.ts';
import type { StatusSite } from './status-link.ts';

export interface StatusPageOptions {
  site: StatusSite;
  /** The question `show`. @throws QuestionError 404 */
  show: (address: string) => Promise<unknown>;
  ready: () => Promise<{ ready: boolean }>;
  /** Replaces secrets in what others wrote. */
  redact: (text: string) => string;
  clock: Clock;
}

/** What is taken of an actor; all else of it stays here. */
const shown = z.object({
  title: z.string(),
  phase: z.string(),
  updatedAt: z.string(),
  /** State → since when. */
  since: z.record(z.string(), z.string()),
  waitingOn: z.array(
    z.object({ gate: z.string(), on: z.string().nullable(), since: z.string(), until: z.string().nullable() }),
  ),
  context: z.object({
    brief: z
      .object({ source: z.object({ url: z.string().nullable() }) })
      .optional()
      .catch(undefined),
    issue: z.object({ url: z.string() }).nullish().catch(undefined),
    pull: z.object({ url: z.string(), number: z.number() }).nullish().catch(undefined),
  }),
});
type Shown = z.infer<typeof shown>;

/** Until then a runtime that starts, or has lost its bus, may be back. */
const RETRY_AFTER_SECONDS = 30;

/** Answers `GET /status/:kind/:id`. A link that is not ours, and an actor that is not there, look the same. */
export function createStatusPage({ site, show, ready, redact, clock }: StatusPageOptions) {
  return async (c: Context): Promise<Response> => {
    const address = `${c.req.param('kind')}/${c.req.param('id')}`;
    const endMs = isAddress(address) ? statusEndMs(site, address, c.req.query()) : undefined;
    if (endMs === undefined) return c.notFound();
    if (clock.now() >= endMs) {
      const why = `This link has expired: links to this page hold for ${STATUS_DAYS} days. Ask for a new one.`;
      return c.html(page('Expired', html`<p>${why}</p>`), 410, HEADERS);
    }
    if (!(await ready()).ready) {
      const headers = { ...HEADERS, 'retry-after': String(RETRY_AFTER_SECONDS) };
      return c.html(page('Not now', html`<p>The status cannot be read right now. Try again soon.</p>`), 503, headers);
    }
    try {
      const actor = shown.parse(await show(address));
      return c.html(page(redact(actor.title), bodyOf(address, actor, clock.now())), 200, HEADERS);
    } catch (error) {
      if (error instanceof QuestionError && error.status === 404) return c.notFound();
      throw error;
    }
  };
}

/** Byte for byte what stands in its element: the policy allows this text alone. */
const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}dt{color:#666}dd{margin:0 0 1rem}';
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex, nofollow',
  'x-content-type-options': 'nosniff',
  // The address is the key to the page: it does not travel along its links.
  'referrer-policy': 'no-referrer',
};

type Html = ReturnType<typeof html>;

const page = (title: string, body: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="robots" content="noindex" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <h1>${title}</h1>
        ${body}
      </body>
    </html>`;

function bodyOf(address: string, actor: Shown, nowMs: number): Html {
  const since = Object.values(actor.since).sort().at(-1) ?? actor.updatedAt;
  const waits = actor.waitingOn.map((wait) => html`<li>${sentenceFor(wait, address, nowMs)}</li>`);
  const links = linksOf(actor).map(([label, url]) => html`<li><a href="${url}" rel="noreferrer">${label}</a></li>`);
  return html`<dl>
    <dt>Phase</dt>
    <dd>${actor.phase.replaceAll('_', ' ')}, in this state since ${since}</dd>
    <dt>Waits on</dt>
    <dd>
      ${
        waits.length === 0
          ? 'nothing'
          : html`<ul>
              ${waits}
            </ul>`
      }
    </dd>
    ${
      links.length === 0
        ? ''
        : html`<dt>Links</dt>
            <dd>
              <ul>
                ${links}
              </ul>
            </dd>`
    }
    <dt>Read</dt>
    <dd>${new Date(nowMs).toISOString()}</dd>
  </dl>`;
}

function linksOf({ context: { brief, issue, pull } }: Shown): [string, string][] {
  const links: [string, string | null | undefined][] = [
    ['Issue', issue?.url ?? brief?.source.url],
    [`Pull request #${pull?.number}`, pull?.url],
  ];
  return links.filter((link): link is [string, string] => /^https?:\/\//i.test(link[1] ?? ''));
}

/** `review: an agent, for 5 min, until … at the latest`: who it is by kind alone, and nothing anybody wrote. */
function sentenceFor({ gate, on, since, until }: Shown['waitingOn'][number], address: string, nowMs: number): string {
  const kind = on?.slice(0, on.indexOf('/'));
  const who = kind === undefined ? 'nobody yet' : on === address ? 'itself' : (WHO[kind] ?? 'a person or a program');
  const end = until === null ? '' : `, until ${until} at the latest`;
  return `${gate.replaceAll('_', ' ')}: ${who}, for ${duration(nowMs - Date.parse(since))}${end}`;
}

const WHO: Readonly<Record<string, string>> = {
  agent: 'an agent',
  person: 'a person',
  external: 'a service outside',
  dispatcher: 'the dispatcher',
  mission: 'its mission',
  session: 'other work',
};
