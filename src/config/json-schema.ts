/** The schema of `chartroom.yaml` for editors; `chartroom.schema.json` is this, kept true by a test. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** Any value may come from the environment or a file, so a placeholder may stand where a number is wanted. */
const PLACEHOLDER = { type: 'string', pattern: '^\\$\\{.+\\}$' };

export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      const { type } = jsonSchema;
      if (type !== 'number' && type !== 'integer' && type !== 'boolean') return;
      const plain = { ...jsonSchema };
      for (const key of Object.keys(jsonSchema)) delete (jsonSchema as Record<string, unknown>)[key];
      Object.assign(jsonSchema, { anyOf: [plain, PLACEHOLDER] });
    },
  });
  return { ...schema, title: 'chartroom.yaml', description: 'Configuration of Chartroom' };
}
