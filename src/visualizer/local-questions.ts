/**
 * What only the machine of a runtime can be asked, for the page: the deliveries that lie in the stream and what each
 * caused, the logs of runs, how often a machine's ways were taken; and that somebody looks at a chat.
 */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Fact } from '../actor/fact.ts';
import type { Publisher } from '../actor/publisher.ts';
import type { Decisions } from '../bridge/decisions.ts';
import type { HookLine, HookLog } from '../bridge/hook-log.ts';
import { beat } from '../bus/presence.ts';
import type { Beat } from '../bus/presence.ts';
import { answer, parsed } from './answer.ts';
import { newestFacts } from './newest.ts';
import type { RunLogs } from './run-logs.ts';
import type { Ways } from './ways.ts';

export interface Deliveries {
  log: HookLog;
  /** What was made of them. */
  decisions: Decisions;
}

/** A step that a delivery led to, or that was there already for what it told. */
export interface LedTo {
  actor: string;
  seq: number;
  id: string;
  type: string;
  outcome: Fact['outcome'];
}

const HOOKS_SHOWN = 200;
const hookAsked = z.strictObject({ seq: z.coerce.number().int().min(1) });
const deliveryAsked = z.strictObject({ delivery: z.string().min(1).max(300) });

/** Bodies come from others and may hold what is ours to keep. */
export function serveHooks(
  app: Hono,
  { log, decisions }: Deliveries,
  { publisher, redact }: { publisher: Pick<Publisher, 'since' | 'position'>; redact: (text: string) => string },
): void {
  app.on(['GET', 'POST'], '/api/hooks', (c) =>
    answer(c, async () => {
      const lines = (await log.list({ limit: HOOKS_SHOWN })).toReversed();
      return c.json({ hooks: lines.map((line) => ({ ...line, caused: decisions.of(line) })) });
    }),
  );
  app.on(['GET', 'POST'], '/api/hook', (c) =>
    answer(c, async (input) => {
      const hook = await log.read(parsed(hookAsked, input).seq);
      if (hook === undefined) return c.json({ error: 'this delivery lies in the stream no more' }, 404);
      const caused = decisions.of(hook);
      // The same fact told by two deliveries is one step, which names the first: it is what the second led to as well.
      const sent = new Set(caused?.sent.map(({ to, id }) => `${to} ${id}`));
      const led: LedTo[] = [];
      for await (const { fact } of newestFacts(publisher)) {
        const { actor, seq, envelope, type, outcome } = fact;
        if (envelope.causationid === causeOf(hook) || sent.has(`${actor} ${envelope.id}`))
          led.push({ actor, seq, id: envelope.id, type, outcome });
      }
      const whole = { ...hook, caused, led };
      return c.body(redact(JSON.stringify(whole)), 200, { 'content-type': 'application/json' });
    }),
  );
  app.post('/api/redeliver', (c) =>
    answer(c, async (input) => c.json(await log.redeliver(parsed(deliveryAsked, input).delivery))),
  );
}

/** What envelopes name as their cause. */
const causeOf = ({ subject, delivery }: HookLine): string => `${subject.slice(0, subject.indexOf('.'))}:${delivery}`;

const runsAsked = z.strictObject({ actor: z.string().max(200) });
const outputAsked = z.strictObject({ run: z.string().max(300), from: z.coerce.number().int().min(0).default(0) });

export function serveRuns(app: Hono, runs: RunLogs): void {
  app.on(['GET', 'POST'], '/api/runs', (c) =>
    answer(c, async (input) => c.json({ runs: await runs.list(parsed(runsAsked, input).actor) })),
  );
  app.on(['GET', 'POST'], '/api/output', (c) =>
    answer(c, async (input) => {
      const { run, from } = parsed(outputAsked, input);
      const output = await runs.read(run, from);
      return output === undefined ? c.json({ error: `there is no run ${run}` }, 404) : c.json(output);
    }),
  );
}

const waysAsked = z.strictObject({ kind: z.string().max(100) });

export function serveWays(app: Hono, ways: Ways): void {
  app.on(['GET', 'POST'], '/api/ways', (c) =>
    answer(c, async (input) => c.json(await ways.of(parsed(waysAsked, input).kind))),
  );
}

const attendance = z.strictObject({
  ...beat.omit({ kind: true }).shape,
  agent: z.string().regex(/^agent\/[a-z0-9][a-z0-9_-]{0,127}$/, 'must be the address of an agent'),
});

export function servePresence(app: Hono, attend: (agent: string, beat: Beat) => void): void {
  app.post('/api/attend', (c) =>
    answer(c, async (input) => {
      const { agent, ...rest } = parsed(attendance, input);
      attend(agent, { kind: 'page', ...rest });
      return c.json({ told: agent });
    }),
  );
}
