/** What `chartroom.yaml` may say (docs/protocol.md §8). Everything has a default but what only the user can know. */
import { z } from 'zod';
import { TIMER_DEFAULTS } from '../../machines/contract.ts';
import { budgets, deliver, gates, mergePolicy, repoName, reviewers, workKind } from '../../machines/events/common.ts';
import { RESERVED_NAMES, agentLimits } from '../../machines/events/agent.ts';

const listen = z.string().regex(/^[^:\s]+:\d{1,5}$/, 'must be host:port, e.g. 127.0.0.1:8787');
const id = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,127}$/, 'must be lower case letters, digits, - and _');
const secret = z.string();
/** Its links are public: whoever has one may try keys at home, as fast as machines go. */
const STATUS_SECRET_MIN = 32;
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

export const repoSchema = z.strictObject({
  name: repoName.describe('GitHub owner/repo'),
  clone: z
    .string()
    .min(1)
    .optional()
    .describe('any URL or path git understands; default: the repository at github.com'),
  base: z.string().default('main'),
  linear: z
    .strictObject({ teams: z.array(z.string()).default([]) })
    .optional()
    .describe('which Linear issues belong here'),
  github: z
    .strictObject({ assignee: z.string().optional(), label: z.string().optional(), mention: z.string().optional() })
    .optional()
    .describe('what hands a GitHub issue over'),
  gates: gates.optional().describe('checks: names | required | none; review: required | everyHead | none'),
  merge: mergePolicy.default('people'),
  mergeMethod: z.enum(['merge', 'squash', 'rebase']).optional(),
  queueCheck: z.string().optional().describe('the check run by which a merge queue reports an eviction'),
  reviewers: reviewers.default('agents'),
  branchPrefix: z.string().max(60).default('chartroom'),
  user: z.string().default('default').describe('whose agents work here'),
  kind: workKind.default('implement'),
  deliver: deliver.default('pull_request'),
  role: z.string().optional(),
  lane: z.string().optional(),
  budgets: budgets.optional(),
  rerun: z
    .enum(['never', 'once'])
    .optional()
    .describe('red checks of a head are first run again, once, before anybody repairs them; default never'),
  rerequest: z
    .enum(['always', 'never'])
    .optional()
    .describe('after a pushed fix the people who judged before are asked again; default always'),
  protectedPaths: z.array(z.string()).optional().describe('paths no run may change unasked; git pathspecs'),
});
export type RepoConfig = z.infer<typeof repoSchema>;

export const agentSchema = z.strictObject({
  name: id.refine((name) => !RESERVED_NAMES.includes(name), {
    error: 'names whoever conducts a mission: choose another, e.g. boss with role: conductor',
  }),
  role: z.string().min(1),
  driver: z.string().min(1).optional().describe('default: the role’s'),
  user: z.string().default('default'),
  lanes: z.array(z.string()).optional(),
  mode: z.enum(['worker', 'chat']).default('worker'),
  env: z.record(z.string(), z.string()).optional(),
  limits: agentLimits.optional(),
  github: z.strictObject({ token: secret.default(''), login: z.string().optional() }).optional(),
  subscribe: z.array(repoName).optional(),
});
/** What `driver` may name. */
export const DRIVERS: readonly string[] = ['scripted', 'command', 'codex', 'claude', 'acp'];
export type AgentConfig = z.infer<typeof agentSchema>;

/** A coding agent's own program. */
const program = {
  program: z.string().min(1).optional().describe('a path, or a name on the PATH'),
  args: z.array(z.string()).optional().describe('more of its command line'),
  model: z.string().optional().describe('default: the program’s own'),
};

type TimerKey = `${keyof typeof TIMER_DEFAULTS}Seconds`;
const timerShape = Object.fromEntries(
  Object.keys(TIMER_DEFAULTS).map((name) => [`${name}Seconds`, z.number().min(0).optional()]),
) as Record<TimerKey, z.ZodOptional<z.ZodNumber>>;

export const configSchema = z.strictObject({
  namespace: id.default('chartroom'),
  data: z.string().default('.chartroom').describe('store, NATS store, worktrees, run logs'),
  nats: z
    .strictObject({
      url: z.string().min(1),
      user: z.string().optional(),
      password: secret.optional(),
      token: secret.optional(),
      creds: secret.optional().describe('content of a .creds file: ${file:path}'),
      tls: z
        .strictObject({ ca: z.string().optional(), cert: z.string().optional(), key: z.string().optional() })
        .optional()
        .describe('PEM files'),
    })
    .optional()
    .describe('absent: `up` starts a local nats-server'),
  webhooks: z
    .strictObject({
      listen: listen.default('127.0.0.1:8787'),
      github: z.strictObject({ secret: secret.default('') }).prefault({}),
      linear: z.strictObject({ secret: secret.default('') }).prefault({}),
      maxBytes: z.number().int().min(1_024).optional(),
    })
    .prefault({}),
  status: z
    .strictObject({
      url: httpUrl
        .refine((url) => !/[?#@]/.test(url), 'must have no query, no name and no password')
        .describe('where people outside reach the webhook listener'),
      secret: secret
        .min(
          STATUS_SECRET_MIN,
          `must have at least ${STATUS_SECRET_MIN} characters; make one with: openssl rand -hex 32`,
        )
        .describe('signs the links to the page; a new one ends all that are out'),
    })
    .optional()
    .describe('the public status page: links to it hold for seven days; absent: there is none'),
  operator: z.strictObject({ listen: listen.default('127.0.0.1:8788'), token: secret.default('') }).prefault({}),
  github: z
    .strictObject({
      apiUrl: httpUrl.default('https://api.github.com'),
      token: secret.default(''),
      app: z
        .strictObject({
          id: z.union([z.number().int(), z.string()]),
          privateKey: secret,
          installation: z.number().int(),
        })
        .optional(),
      paced: z.boolean().default(true).describe('space writes as GitHub asks of its clients'),
    })
    .prefault({}),
  linear: z
    .strictObject({
      apiUrl: httpUrl.default('https://api.linear.app/graphql'),
      token: secret.default(''),
      app: z
        .strictObject({ clientId: z.string().min(1), clientSecret: secret })
        .optional()
        .describe('an OAuth application with client credentials: its tokens are bought and renewed'),
    })
    .prefault({}),
  repos: z.array(repoSchema).default([]),
  agents: z.array(agentSchema).default([]),
  drivers: z
    .strictObject({
      scripted: z.strictObject({ script: z.string() }).optional(),
      command: z.strictObject({ run: z.string() }).optional(),
      codex: z
        .strictObject({
          ...program,
          sandbox: z.enum(['read-only', 'workspace-write', 'danger-full-access']).optional(),
          config: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
        })
        .optional()
        .describe('may be absent: `codex` on the PATH'),
      acp: z
        .strictObject({
          program: z.string().min(1),
          args: z.array(z.string()).optional(),
          takeover: z
            .array(z.string().min(1))
            .min(1)
            .optional()
            .describe(
              'how a person goes on with a session at a terminal, e.g. [opencode, --session, "{conversation}"]',
            ),
        })
        .optional()
        .describe('an agent that speaks the Agent Client Protocol, e.g. opencode with args [acp]'),
      claude: z.strictObject(program).optional().describe('may be absent: `claude` on the PATH'),
      own: z
        .record(
          id.refine((name) => !DRIVERS.includes(name), 'is the name of a driver that Chartroom has'),
          z.strictObject({
            module: z.string().min(1).describe('its file, relative to this one'),
            options: z.record(z.string(), z.unknown()).optional(),
          }),
        )
        .optional()
        .describe('drivers of your own, by name'),
    })
    .prefault({}),
  roles: z.string().optional().describe('folder of role files that replace or join the shipped ones'),
  prompts: z.string().optional().describe('folder of prompt templates that replace the shipped ones'),
  bots: z.array(z.string()).default([]).describe('bots whose comments count as a person’s'),
  people: z
    .array(z.string())
    .optional()
    .describe(
      'whose comments, reviews and mentions at GitHub count, by login; absent: everybody’s who may write there',
    ),
  limits: z
    .strictObject({
      maxRuns: z.number().int().min(0).default(4),
      maxChats: z
        .number()
        .int()
        .min(1)
        .default(16)
        .describe('chats awake at once; beyond it idle ones are put to sleep first, then others wait for their turn'),
      day: z
        .strictObject({ tokens: z.number().int().min(0).optional(), costUsd: z.number().min(0).optional() })
        .optional()
        .describe('what all agents together may use in a day (UTC), runs and chats; beyond it no run begins'),
    })
    .prefault({}),
  timers: z.strictObject(timerShape).prefault({}),
  log: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});
export type ConfigFile = z.infer<typeof configSchema>;

/** Paths whose values are secrets: they come from the environment or a file, never literally. `*` is a list's index. */
export const SECRET_PATHS: readonly string[] = [
  'nats.password',
  'nats.token',
  'nats.creds',
  'webhooks.github.secret',
  'webhooks.linear.secret',
  'status.secret',
  'operator.token',
  'github.token',
  'github.app.privateKey',
  'linear.token',
  'linear.app.clientSecret',
  'agents.*.github.token',
];
