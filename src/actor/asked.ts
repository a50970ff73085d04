/** Questions as they are asked from outside: bytes in, JSON out, failures with their code. */
import type { Answer } from '../bus/bus.ts';
import type { Lapse } from '../bus/lease.ts';
import { parseJson } from '../json.ts';
import { questionFailure } from './questions.ts';
import type { Questions } from './questions.ts';

/** For `Bus.serve`. A runtime that may have lost its namespace answers nothing: what it knows may be old. */
export function servedQuestions(
  questions: Questions,
  lapse: Lapse = () => null,
): Record<string, (body: Uint8Array) => Promise<Answer>> {
  return Object.fromEntries(
    Object.entries(questions).map(([name, answer]) => [
      name,
      async (body: Uint8Array): Promise<Answer> => {
        try {
          await lapse();
          return { body: JSON.stringify(await answer(inputOf(body))) };
        } catch (error) {
          const { status, message } = questionFailure(error);
          return { error: status, message };
        }
      },
    ]),
  );
}

/** Nothing at all asks without parameters. @throws RejectedInput */
export const inputOf = (body: Uint8Array): unknown => (body.length === 0 ? {} : parseJson(body));
