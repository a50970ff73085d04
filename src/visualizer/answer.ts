/** How a question is answered over HTTP: what was asked is read, and what goes wrong becomes its status. */
import type { Context } from 'hono';
import { z } from 'zod';
import { inputOf } from '../actor/asked.ts';
import { explainIssues } from '../actor/envelope.ts';
import { QuestionError, questionFailure } from '../actor/questions.ts';

/** Reads what was asked (query, or JSON body), and turns failures into their status. */
export async function answer(c: Context, ask: (input: unknown) => Promise<Response>): Promise<Response> {
  try {
    const isPosted = c.req.method === 'POST';
    return await ask(isPosted ? inputOf(new Uint8Array(await c.req.arrayBuffer())) : c.req.query());
  } catch (error) {
    const { status, message } = questionFailure(error);
    return c.json({ error: message }, status);
  }
}

/** @throws QuestionError 400 */
export function parsed<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new QuestionError(400, explainIssues(result.error).join('; '));
}
