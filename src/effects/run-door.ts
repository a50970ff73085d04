/**
 * The run door (docs/protocol.md §7): the only way an agent's process speaks to Chartroom. Every request carries the
 * token of its run; it is refused once the run's epoch is over, and every request, allowed or not, is audited.
 */
import { Hono } from 'hono';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { explainIssues, payloadSchema } from '../actor/envelope.ts';
import type { Envelope } from '../actor/envelope.ts';
import type { Receipt } from '../actor/receipt.ts';
import type { Clock } from '../clock.ts';
import { RejectedInput, sentences, TerminalError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Logger } from '../log.ts';
import type { RunIdentity } from './process/watch.ts';
import { deedOf, mayDo } from './run-actions.ts';
import type { Deed } from './run-actions.ts';
import { createTokenStore } from './run-tokens.ts';
import type { TokenStore } from './run-tokens.ts';

/** An action is a few words; a report goes home with the run's end, not through here. */
const BODY_BYTES_MAX = 1_048_576;

export interface AuditEntry {
  at: string;
  /** Unique: a repeated request has its own. */
  id: string;
  agent: string;
  run: string;
  session?: string;
  epoch?: number;
  action: string;
  /** Whom it was about, where not the own session. */
  actor?: string;
  allowed: boolean;
  /** Why not, or what became of it. */
  outcome: string;
}

export interface RunDoorOptions {
  dataDir: string;
  /** Takes an envelope; its receipt after the commit. */
  send: (envelope: Envelope) => Promise<Receipt>;
  /** The receipt it would get; nothing is done. */
  preview: (envelope: Envelope) => Promise<unknown>;
  /** Answers a question (`show`). */
  ask: (question: 'show', input: { actor: string }) => Promise<unknown>;
  /** Opens the pull request of a branch, or gives the open one it has. */
  openPull: (pull: {
    repo: string;
    branch: string;
    base: string;
    title: string;
    body: string;
    draft: boolean;
    agent: string;
  }) => Promise<{ number: number; url: string }>;
  repos: Record<string, { clone: string; base?: string | undefined }>;
  /** What git is given to push to a repository. */
  credential: (repo: string, agent: string) => Promise<{ username: string; password: string }>;
  /** Written before the answer is given. */
  audit: (entry: AuditEntry) => Promise<void>;
  /** An unguessable text. */
  random: () => string;
  /** Ids of requests without one. */
  newId: () => string;
  clock: Clock;
  log: Logger;
}

export interface RunDoor {
  app: Hono;
  tokens: TokenStore;
}

const request = z.strictObject({
  action: z.string().min(1).max(128),
  data: payloadSchema.default({}),
  /** Another actor than the run's own session. */
  actor: z.string().max(200).optional(),
  expectepoch: z.number().int().min(0).optional(),
  /** Only the receipt that it would get. */
  dryRun: z.boolean().optional(),
  /** The same id again is the same request. */
  id: z.string().min(1).max(128).optional(),
});
type Request = z.infer<typeof request>;

const wanted = z.object({ protocol: z.string(), host: z.string(), path: z.string().default('') });

export function createRunDoor(options: RunDoorOptions): RunDoor {
  const { send, preview, ask, openPull, repos, credential, newId, clock, log } = options;
  const tokens = createTokenStore(options);
  const app = new Hono();
  app.use('/act', bodyLimit({ maxSize: BODY_BYTES_MAX }));
  app.use('/credential', bodyLimit({ maxSize: BODY_BYTES_MAX }));

  app.post('/act', async (c) => {
    const body = await readJson(c);
    const parsed = request.safeParse(body.value);
    const asked: Request = parsed.success ? parsed.data : { action: '(malformed)', data: {} };
    const caller = await callerOf(c, asked.action);
    if ('error' in caller) return c.json({ error: caller.error }, 401);
    if (!parsed.success) return c.json({ error: body.fault ?? explainIssues(parsed.error).join('; ') }, 400);
    const run = caller.identity;
    const to = asked.actor ?? run.session;
    if (!mayDo(run.actions, asked.action, to)) {
      const error = `the role ${run.role} may not ${asked.action}${to === undefined || to === run.session ? '' : ` ${to}`}`;
      await audit(run, asked, false, error);
      return c.json({ error }, 403);
    }
    try {
      const deed = deedOf(run, asked);
      if ('refused' in deed) {
        await audit(run, asked, false, deed.refused);
        return c.json({ error: deed.refused }, 403);
      }
      const answer = await doDeed(run, asked, deed);
      await audit(run, asked, true, outcomeOf(answer));
      return c.json(answer);
    } catch (error) {
      const [status, reason] = failureOf(error);
      await audit(run, asked, true, `failed: ${reason}`);
      if (status === 502) log.warn({ run: run.run, action: asked.action, err: reason }, 'an action of a run failed');
      return c.json({ error: reason }, status);
    }
  });

  app.post('/credential', async (c) => {
    const caller = await callerOf(c, 'credential');
    if ('error' in caller) return c.json({ error: caller.error }, 401);
    const run = caller.identity;
    const body = await readJson(c);
    const parsed = wanted.safeParse(body.value);
    if (!parsed.success) return c.json({ error: body.fault ?? explainIssues(parsed.error).join('; ') }, 400);
    const why = whyNoCredential(run, parsed.data);
    if (why !== undefined) {
      await audit(run, { action: 'credential' }, false, why);
      return c.json({ error: why }, 403);
    }
    const given = await credential(run.repo!, run.agent);
    await audit(run, { action: 'credential' }, true, `${run.repo} ${run.branch ?? ''}`.trim());
    return c.json(given, 200, { 'cache-control': 'no-store' });
  });

  /** Whose request this is; the epoch is looked at anew every time. */
  async function callerOf(c: Context, action: string): Promise<{ identity: RunIdentity } | { error: string }> {
    const token = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1];
    const bearer = token === undefined ? undefined : await tokens.bearer(token);
    if (bearer === undefined) {
      log.warn({ action }, 'the run door refused a token it does not know');
      await audit({ run: '-', agent: '-', role: '-', actions: [] }, { action }, false, 'unknown token');
      return { error: 'this token is not known, or it was revoked' };
    }
    const { identity } = bearer;
    const left = bearer.revoked ? 'this token is not known, or it was revoked' : await whyLeft(identity);
    if (left !== undefined) {
      await audit(identity, { action }, false, left);
      return { error: left };
    }
    if (await isSuperseded(identity)) {
      const error = `epoch ${identity.epoch} of ${identity.session} is over`;
      await audit(identity, { action }, false, error);
      return { error };
    }
    return { identity };
  }

  /** From the step in which an agent leaves or is stopped it does nothing more, whatever its process still tries. */
  async function whyLeft({ agent }: RunIdentity): Promise<string | undefined> {
    const { phase } = (await ask('show', { actor: agent })) as { phase?: string };
    return phase !== undefined && LEFT.has(phase) ? `${agent} is ${phase}` : undefined;
  }

  async function isSuperseded({ session, epoch }: RunIdentity): Promise<boolean> {
    if (session === undefined) return false;
    const shown = (await ask('show', { actor: session })) as { epoch?: number | null; final?: boolean };
    return shown.epoch !== epoch || shown.final === true;
  }

  async function doDeed(run: RunIdentity, asked: Request, deed: Deed): Promise<unknown> {
    switch (deed.do) {
      case 'read':
        return ask('show', { actor: deed.actor });
      case 'send':
        return (asked.dryRun === true ? preview : send)({
          specversion: '1.0',
          id: `${run.run}/act/${asked.id ?? newId()}`,
          source: run.agent,
          type: deed.type,
          subject: deed.to,
          data: deed.data,
          ...(asked.expectepoch === undefined ? {} : { expectepoch: asked.expectepoch }),
        });
      case 'openPull': {
        if (asked.dryRun === true) throw new RejectedInput('NO_DRY_RUN', `${asked.action} has no dry run`);
        const { repo, branch, agent } = run;
        if (repo === undefined || branch === undefined || run.kind === 'review') {
          throw new RejectedInput('NO_BRANCH', 'this run has no branch to open a pull request from');
        }
        const { title, body, draft } = deed;
        const base = deed.base ?? repos[repo]?.base ?? 'main';
        const { number, url } = await openPull({ repo, branch, base, title, body, draft, agent });
        return { number, url };
      }
    }
  }

  function whyNoCredential({ repo, kind }: RunIdentity, { protocol, host, path }: z.infer<typeof wanted>) {
    if (repo === undefined) return 'this run works in no repository';
    if (kind === 'review') return 'a review publishes nothing';
    const clone = repos[repo]?.clone;
    const url = clone === undefined || !URL.canParse(clone) ? undefined : new URL(clone);
    if (url === undefined || url.protocol !== `${protocol}:` || url.host !== host)
      return `${host} is not where ${repo} lies`;
    if (path !== '' && plain(path) !== plain(url.pathname)) return `${path} is not ${repo}`;
    return undefined;
  }

  async function audit(
    { run, agent, session, epoch }: RunIdentity,
    { action, actor }: { action: string; actor?: string | undefined },
    allowed: boolean,
    outcome: string,
  ): Promise<void> {
    await options.audit({
      at: new Date(clock.now()).toISOString(),
      id: newId(),
      agent,
      run,
      ...(session === undefined ? {} : { session }),
      ...(epoch === undefined ? {} : { epoch }),
      action,
      ...(actor === undefined ? {} : { actor }),
      allowed,
      outcome,
    });
  }

  return { app, tokens };
}

/** Phases of an agent in which it may do nothing. */
const LEFT = new Set(['offboarding', 'offboarded', 'stopped', 'archived']);

const plain = (path: string): string => path.replace(/^\/+|\/+$|(?:\.git)?\/*$/g, '').toLowerCase();

/** `fault`: why there is no value. */
async function readJson(c: Context): Promise<{ value?: unknown; fault?: string }> {
  try {
    return { value: parseJson(new Uint8Array(await c.req.arrayBuffer())) };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}

function outcomeOf(answer: unknown): string {
  const { outcome, number } = answer as { outcome?: string; number?: number };
  if (typeof outcome === 'string') return outcome;
  return number === undefined ? 'read' : `pull request #${number}`;
}

function failureOf(error: unknown): [400 | 404 | 422 | 502, string] {
  if (error instanceof z.ZodError) return [400, explainIssues(error, 'data').join('; ')];
  if (error instanceof RejectedInput) return [400, sentences(error)];
  if (error instanceof TerminalError) return [422, error.message];
  if ((error as { status?: number }).status === 404) return [404, (error as Error).message];
  return [502, (error as Error).message];
}
