/** Roles: what an agent of a role takes and may do. YAML files; a user's folder replaces or joins the shipped ones. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { workKind } from '../../machines/events/common.ts';
import { agentLimits } from '../../machines/events/agent.ts';
import type { Hire } from '../../machines/events/index.ts';
import { ALLOWANCES } from '../drivers/approval.ts';
import { explainIssues } from '../actor/envelope.ts';
import { RejectedInput } from '../errors.ts';
import { packageFile } from '../package.ts';
import type { Env } from './expand.ts';
import type { AgentConfig, RepoConfig } from './schema.ts';

export const roleSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  means: z.string().describe('what it is for, one sentence'),
  aliases: z.array(z.string()).default([]).describe('other words for it'),
  kinds: z.array(workKind).describe('kinds of work it is offered'),
  actions: z.array(z.string()).describe('what it may do through the run door; correct.* stands for every correction'),
  driver: z.string().default('scripted').describe('of an agent that names none'),
  limits: agentLimits.optional().describe('of each run, or of each turn of a chat'),
  env: z
    .array(z.string())
    .default([])
    .describe('names of environment variables its processes get besides PATH and HOME'),
  allow: z
    .enum(ALLOWANCES)
    .default('everything')
    .describe('what it may do without asking a person; drivers without approvals do not ask'),
  sandbox: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'the program, with arguments, that its processes run in: {worktree}, {home}, {run}, {data} are filled in',
    ),
  prompt: z.string().default('').describe('what its prompt says of the role'),
});
export type Role = z.infer<typeof roleSchema>;
export type Roles = ReadonlyMap<string, Role>;

/** @throws RejectedInput `ROLES` with one sentence per mistake */
export function loadRoles({ directory }: { directory?: string | undefined } = {}): Roles {
  const roles = new Map<string, Role>();
  const mistakes: string[] = [];
  for (const folder of [packageFile('src/config/roles'), ...(directory === undefined ? [] : [directory])]) {
    if (!existsSync(folder)) {
      mistakes.push(`roles: there is no folder ${folder}`);
      continue;
    }
    for (const file of readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()) {
      const role = readRole(path.join(folder, file));
      if ('mistakes' in role)
        mistakes.push(...role.mistakes.map((mistake) => `${path.join(folder, file)}: ${mistake}`));
      else roles.set(role.name, role);
    }
  }
  if (mistakes.length > 0) throw new RejectedInput('ROLES', 'the roles have mistakes', mistakes);
  return roles;
}

function readRole(file: string): Role | { mistakes: string[] } {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return { mistakes: [(error as Error).message.split('\n')[0]!.replace(/:$/, '')] };
  }
  const parsed = roleSchema.safeParse(content);
  return parsed.success ? parsed.data : { mistakes: explainIssues(parsed.error) };
}

/** A role by its name or an alias. */
export function roleOf(roles: Roles, name: string): Role | undefined {
  const wanted = name.toLowerCase();
  return roles.get(wanted) ?? [...roles.values()].find((role) => role.aliases.includes(wanted));
}

export const missingRole = (name: string, roles: Roles): string =>
  `there is no role “${name}”; roles: ${[...roles.keys()].join(', ')}`;

/**
 * What an agent's processes get besides the environment its hire names: the variables of the runtime that its role
 * lists, and those of its configuration that are secrets. For the performer that starts processes; never in an event.
 */
export function secretEnvironmentOf(
  agent: { secretEnv: Record<string, string> } | undefined,
  role: Role | undefined,
  env: Env,
): Record<string, string> {
  const passed = (role?.env ?? []).flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(passed), ...agent?.secretEnv };
}

/** An agent of the configuration as the data of its `hire`. @throws RejectedInput `ROLES` for a role nobody knows */
export function hireOf(agent: Omit<AgentConfig, 'name'>, roles: Roles): Hire {
  const role = roleOf(roles, agent.role);
  if (role === undefined) {
    throw new RejectedInput('ROLES', missingRole(agent.role, roles));
  }
  const limits = { ...role.limits, ...agent.limits };
  return {
    role: role.name,
    user: agent.user,
    driver: agent.driver ?? role.driver,
    mode: agent.mode,
    settings: { kinds: role.kinds, actions: role.actions, aliases: role.aliases },
    ...(agent.lanes === undefined ? {} : { lanes: agent.lanes }),
    ...(agent.env === undefined || Object.keys(agent.env).length === 0 ? {} : { env: agent.env }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(agent.github?.login === undefined ? {} : { github: { login: agent.github.login } }),
  };
}

/** What a session of this repository is opened with where its opener says nothing. */
export function openSettingsOf(repo: RepoConfig) {
  const { name, base, user, kind, deliver, role, lane, gates, merge, reviewers, budgets } = repo;
  const { mergeMethod, queueCheck, branchPrefix, protectedPaths, rerun } = repo;
  return {
    repo: name,
    base,
    user,
    kind,
    deliver,
    gates: { checks: gates?.checks ?? ('required' as const), review: gates?.review ?? ('required' as const) },
    merge,
    reviewers,
    branchPrefix,
    ...(role === undefined ? {} : { role }),
    ...(lane === undefined ? {} : { lane }),
    ...(budgets === undefined ? {} : { budgets }),
    ...(mergeMethod === undefined ? {} : { mergeMethod }),
    ...(queueCheck === undefined ? {} : { queueCheck }),
    ...(protectedPaths === undefined ? {} : { protectedPaths }),
    ...(rerun === undefined ? {} : { rerun }),
  };
}
