/** Linear's errors, in the shape its API answers them: a message, and `extensions` that say of which kind it is. */
import { GraphQLError } from 'graphql';

interface Kind {
  type: string;
  code: string;
  /** What Linear would have answered in REST; the HTTP status of a GraphQL answer may differ. */
  statusCode: number;
}

function refusal(message: string, kind: Kind, userPresentableMessage: string, more: Record<string, unknown> = {}) {
  return new GraphQLError(message, {
    extensions: { ...kind, userError: true, userPresentableMessage, meta: {}, ...more },
  });
}

const INPUT: Kind = { type: 'invalid input', code: 'INPUT_ERROR', statusCode: 400 };

export const notFound = (entity: string): GraphQLError =>
  refusal(`Entity not found: ${entity}`, INPUT, `Could not find referenced ${entity}.`);

export const conflict = (entity: string, id: string): GraphQLError =>
  refusal(`conflict on insert of ${entity}`, INPUT, `Entity ${entity} with id ${id} already exists.`);

/** An argument of the right GraphQL type with a value Linear does not take. */
export const invalid = (property: string, why: string): GraphQLError =>
  refusal(
    'Argument Validation Error',
    { type: 'invalid input', code: 'INVALID_INPUT', statusCode: 400 },
    `${property} ${why}.`,
    {
      validationErrors: [{ property, constraints: { custom: `${property} ${why}` } }],
    },
  );

export const forbidden = (why: string): GraphQLError =>
  refusal('Forbidden', { type: 'forbidden', code: 'FORBIDDEN', statusCode: 403 }, why);

export const unauthenticated = (): GraphQLError =>
  refusal(
    'Authentication required, not authenticated',
    { type: 'authentication error', code: 'AUTHENTICATION_ERROR', statusCode: 401 },
    'You need to authenticate to access this operation.',
  );

export const rateLimited = (limit: number): GraphQLError =>
  refusal(
    'Rate limit exceeded',
    { type: 'ratelimited', code: 'RATELIMITED', statusCode: 429 },
    `Rate limit exceeded. Only ${limit} requests are allowed per 1 hour.`,
  );
