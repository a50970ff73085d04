/** What codex asks its client: approvals and questions, as the agent is told of them, and the answers it understands. */
import { z } from 'zod';
import { CHOICES, rulingOf } from '../approval.ts';
import type { Allowance, Ruling } from '../approval.ts';
import type { Decision, DriverEvent } from '../driver.ts';
import type { Json, RpcId } from '../rpc.ts';

type Ask = Extract<DriverEvent, { type: 'ask' }>;
/** One request: what is asked of people, and its answer once all of it was answered. */
export interface Asking {
  asks: Ask[];
  answer: (decisions: ReadonlyMap<string, Decision>) => Json;
}

const command = z.looseObject({ command: z.string().nullish(), reason: z.string().nullish() });
const change = z.looseObject({ reason: z.string().nullish(), grantRoot: z.string().nullish() });
const permissions = z.looseObject({ reason: z.string().nullish(), permissions: z.record(z.string(), z.unknown()) });
const elicitation = z.looseObject({
  serverName: z.string(),
  message: z.string(),
  requestedSchema: z.looseObject({ properties: z.record(z.string(), z.unknown()).optional() }).optional(),
});
const questions = z.looseObject({
  questions: z.array(
    z.looseObject({
      id: z.string(),
      question: z.string(),
      options: z.array(z.looseObject({ label: z.string() })).nullish(),
    }),
  ),
});

/** Undefined: codex asks for something that nobody here knows. */
export function askingOf(id: RpcId, method: string, params: Json): Asking | undefined {
  switch (method) {
    case 'item/commandExecution/requestApproval': {
      const { command: line, reason } = command.parse(params);
      return approval(id, `May it run this command?\n\n${line ?? '(not named)'}${because(reason)}`, decisionOf);
    }
    case 'item/fileChange/requestApproval': {
      const { reason, grantRoot } = change.parse(params);
      const where = grantRoot == null ? '' : ` below ${grantRoot}`;
      return approval(id, `May it change files${where}?${because(reason)}`, decisionOf);
    }
    case 'item/permissions/requestApproval': {
      const { reason, permissions: wanted } = permissions.parse(params);
      return approval(
        id,
        `May it have these permissions?\n\n${JSON.stringify(wanted)}${because(reason)}`,
        (ruling) => ({
          permissions: ruling.grant === 'no' ? {} : wanted,
          scope: ruling.grant === 'always' ? 'session' : 'turn',
        }),
      );
    }
    case 'mcpServer/elicitation/request': {
      const { serverName, message, requestedSchema } = elicitation.parse(params);
      // A form has fields that a yes does not fill.
      const isForm = Object.keys(requestedSchema?.properties ?? {}).length > 0;
      return approval(id, `${serverName} asks: ${message}`, ({ grant }) =>
        grant === 'no' || isForm
          ? { action: 'decline', content: null, _meta: null }
          : { action: 'accept', content: {}, _meta: null },
      );
    }
    case 'item/tool/requestUserInput':
      return questioning(id, questions.parse(params).questions);
    default:
      return undefined;
  }
}

/** Whether the policy of the role answers this by itself. */
export function isAllowed(method: string, allow: Allowance): boolean {
  if (method === 'item/tool/requestUserInput') return false;
  return allow === 'everything' || (allow === 'edits' && method === 'item/fileChange/requestApproval');
}

function approval(id: RpcId, text: string, answer: (ruling: Ruling) => Json): Asking {
  const question = String(id);
  return {
    asks: [{ type: 'ask', question, kind: 'approval', text, choices: CHOICES }],
    answer: (decisions) => answer(rulingOf(decisions.get(question) ?? {})),
  };
}

function questioning(id: RpcId, wanted: z.infer<typeof questions>['questions']): Asking {
  const name = (one: string): string => `${id}-${one}`;
  return {
    asks: wanted.map(({ id: one, question, options }) => ({
      type: 'ask',
      question: name(one),
      kind: 'question',
      text: question,
      ...(options == null || options.length === 0 ? {} : { choices: options.map(({ label }) => label) }),
    })),
    answer: (decisions) => ({
      answers: Object.fromEntries(
        wanted.map(({ id: one }) => {
          const { choice, text } = decisions.get(name(one)) ?? {};
          return [one, { answers: [choice ?? text ?? ''] }];
        }),
      ),
    }),
  };
}

const because = (reason: string | null | undefined): string => (reason == null ? '' : `\n\n${reason}`);

function decisionOf({ grant }: Ruling): Json {
  return { decision: { once: 'accept', always: 'acceptForSession', no: 'decline' }[grant] };
}
