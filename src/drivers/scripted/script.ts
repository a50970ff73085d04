/** The script of a scripted agent: a list of runs, each with what it is for and the steps it does. */
import { z } from 'zod';
import { parse } from 'yaml';
import { runOutcome } from '../outcome.ts';

const one = z.union([z.string(), z.number()]).transform(String);

/** Every key given must match; `title` and `mail` are regular expressions. */
const when = z.strictObject({
  kind: one.optional(),
  for: one.optional(),
  agent: one.optional(),
  session: one.optional(),
  title: z.string().optional(),
  attempt: z.number().int().optional(),
  epoch: z.number().int().optional(),
  head: z.string().optional(),
  mode: z.enum(['worker', 'chat']).optional(),
  mail: z.string().optional(),
});
export type When = z.infer<typeof when>;

const text = z.string();
const file = z.strictObject({ path: text, text });
const verdict = runOutcome.shape.verdict.unwrap();

/** A step is an object with exactly one of these keys. */
const STEPS = {
  write: file,
  append: file,
  remove: z.union([text, z.strictObject({ path: text })]),
  /** A shell command in the worktree; a failure ends the turn as failed unless `allowFailure`. */
  run: z.union([text, z.strictObject({ command: text, allowFailure: z.boolean().optional() })]),
  commit: text,
  push: z.union([z.boolean(), z.strictObject({ force: z.boolean().optional() })]),
  pullRequest: z.strictObject({
    title: text,
    body: text.optional(),
    base: text.optional(),
    draft: z.boolean().optional(),
  }),
  review: verdict,
  report: text,
  summary: text,
  ask: z.union([text, z.strictObject({ text, choices: z.array(text).optional(), approval: z.boolean().optional() })]),
  print: text,
  plan: z.array(text),
  usage: runOutcome.shape.usage.unwrap(),
  sleep: z.strictObject({ ms: z.number().min(0) }),
  /** `deaf`: it does not hear the interrupt or SIGTERM either. */
  hang: z.union([z.boolean(), z.strictObject({ deaf: z.boolean().optional() })]),
  /** Waits until a text reaches the running turn; later steps see it as `{steered}`. */
  steered: z.boolean(),
  limit: z.strictObject({ until: text.optional(), reason: text.optional() }),
  auth: z.strictObject({ reason: text.optional() }),
  refuse: text,
  contention: z.union([z.boolean(), text]),
  crash: z.union([z.boolean(), z.strictObject({ signal: text.optional(), code: z.number().int().optional() })]),
  /** Code 0: a worker's turn counts as completed. Any other: the process ends in mid-turn. */
  exit: z.union([z.number().int(), z.strictObject({ code: z.number().int() })]),
  garbage: z.union([z.boolean(), text]),
  handBack: z.union([text, z.strictObject({ reason: text })]),
  reply: z.union([text, z.strictObject({ text, part: z.boolean().optional() })]),
  act: z.strictObject({
    action: text,
    data: z.record(z.string(), z.unknown()).optional(),
    actor: text.optional(),
    expectepoch: z.number().int().optional(),
    dryRun: z.boolean().optional(),
    /** What later steps see as `{acted}`; a refusal ends the turn as failed unless `allowFailure`. */
    allowFailure: z.boolean().optional(),
  }),
} as const;

type Steps = typeof STEPS;
export type StepName = keyof Steps;
export type Step = { [Name in StepName]: { do: Name; with: z.infer<Steps[Name]> } }[StepName];

const step = z.record(z.string(), z.unknown()).transform((value, context): Step => {
  const names = Object.keys(value);
  const [name = ''] = names;
  if (names.length !== 1 || !Object.hasOwn(STEPS, name)) {
    const known = Object.keys(STEPS).join(', ');
    context.addIssue({
      code: 'custom',
      message: `a step has exactly one of the keys ${known}; this one has ${names.join(', ') || 'none'}`,
    });
    return z.NEVER;
  }
  const parsed = STEPS[name as StepName].safeParse(value[name]);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      context.addIssue({ code: 'custom', message: issue.message, path: [name, ...issue.path] });
    }
    return z.NEVER;
  }
  return { do: name, with: parsed.data } as Step;
});

export const script = z.strictObject({
  runs: z.array(z.strictObject({ when: when.optional(), steps: z.array(step).default([]) })),
});
export type Script = z.infer<typeof script>;

/** YAML or JSON. @throws Error with the place of each mistake. */
export function parseScript(source: string): Script {
  const parsed = script.safeParse(parse(source));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`the script of the scripted agent is not valid:\n${issues.join('\n')}`);
}

export interface Occasion {
  kind?: string;
  for?: string;
  agent: string;
  session?: string;
  title?: string;
  attempt?: number;
  epoch?: number;
  head?: string;
  mode: 'worker' | 'chat';
  /** The texts of this turn's mail. */
  mail?: string;
}

/** The steps of the first entry that matches; undefined where none does. */
export function stepsFor({ runs }: Script, occasion: Occasion): Step[] | undefined {
  return runs.find((entry) => matches(entry.when ?? {}, occasion))?.steps;
}

function matches(when: When, occasion: Occasion): boolean {
  return (Object.keys(when) as (keyof When)[]).every((key) => {
    const wanted = when[key];
    const found = occasion[key];
    if (wanted === undefined) return true;
    if (found === undefined) return false;
    switch (key) {
      case 'title':
      case 'mail':
        return new RegExp(String(wanted), 'u').test(String(found));
      case 'agent':
      case 'session':
        return named(String(wanted)) === named(String(found));
      case 'head':
        return String(found).startsWith(String(wanted));
      default:
        return wanted === found;
    }
  });
}

/** `agent/ada` may be written `ada`. */
const named = (name: string): string => name.slice(name.indexOf('/') + 1);
