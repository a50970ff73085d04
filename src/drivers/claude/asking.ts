/** What Claude Code asks its client before it uses a tool, as the agent is told of it, and the answers it understands. */
import { z } from 'zod';
import { CHOICES, rulingOf } from '../approval.ts';
import type { Decision, DriverEvent } from '../driver.ts';
import type { Json } from '../rpc.ts';
import type { Request } from './frames.ts';

type Ask = Extract<DriverEvent, { type: 'ask' }>;
export interface Asking {
  asks: Ask[];
  answer: (decisions: ReadonlyMap<string, Decision>) => Json;
}

/** Its tool by which a model asks people. */
export const QUESTIONS = 'AskUserQuestion';
const questions = z.looseObject({
  questions: z.array(
    z.looseObject({ question: z.string(), options: z.array(z.looseObject({ label: z.string() })).default([]) }),
  ),
});

export function askingOf({ request_id: id, request }: Request): Asking {
  const { tool_name: tool, input } = request;
  const wanted = tool === QUESTIONS ? questions.safeParse(input) : undefined;
  if (wanted?.success === true) return questioning(id, input, wanted.data.questions);
  return {
    asks: [
      {
        type: 'ask',
        question: id,
        kind: 'approval',
        text: `May it use ${tool}?\n\n${wordsOf(input)}`,
        choices: CHOICES,
      },
    ],
    answer(decisions) {
      const { grant, words } = rulingOf(decisions.get(id) ?? {});
      if (grant === 'no') return { behavior: 'deny', message: words ?? 'A person said no.' };
      const forever = (request.permission_suggestions ?? []).map((rule) => ({ ...rule, destination: 'session' }));
      return { behavior: 'allow', updatedInput: input, ...(grant === 'always' ? { updatedPermissions: forever } : {}) };
    },
  };
}

export const permission = ({ request }: Request): Json => ({ behavior: 'allow', updatedInput: request.input });

function questioning(id: string, input: Json, wanted: z.infer<typeof questions>['questions']): Asking {
  const name = (n: number): string => `${id}-${n}`;
  return {
    asks: wanted.map(({ question, options }, n) => ({
      type: 'ask',
      question: name(n),
      kind: 'question',
      text: question,
      ...(options.length === 0 ? {} : { choices: options.map(({ label }) => label) }),
    })),
    answer(decisions) {
      const answers = wanted.map(({ question }, n) => {
        const { choice, text } = decisions.get(name(n)) ?? {};
        return [question, choice ?? text ?? ''];
      });
      return { behavior: 'allow', updatedInput: { ...input, answers: Object.fromEntries(answers) } };
    },
  };
}

/** A command as it is; anything else as it would be passed. */
const wordsOf = (input: Json): string =>
  typeof input['command'] === 'string' ? input['command'] : JSON.stringify(input, null, 2);
