/** Schemas for editors, of `chartroom.yaml`, a role's and a mission's file; the `*.schema.json` here are these, kept true by a test. */
import { z } from 'zod';
import { MISSION_EVENTS, missionItem } from '../../machines/events/mission.ts';
import { roleSchema } from './roles.ts';
import { DRIVERS, configSchema } from './schema.ts';

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

/** What a file may leave out of an item is filled in from the repository's configuration. */
const FILLED_IN = { body: true, dependsOn: true, kind: true, repo: true, deliver: true } as const;

export function missionJsonSchema(): Record<string, unknown> {
  const file = MISSION_EVENTS.open.data.extend({
    kind: z.literal('mission').optional(),
    id: z.string().optional(),
    items: z.array(missionItem.partial(FILLED_IN)).min(1),
  });
  const schema = z.toJSONSchema(file, { io: 'input', target: 'draft-7' });
  return { ...schema, title: 'A mission', description: 'What chartroom mission start --file takes' };
}

export function roleJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(roleSchema.extend({ driver: z.enum(DRIVERS).default('scripted') }), {
    io: 'input',
    target: 'draft-7',
  });
  return { ...schema, title: 'A role', description: 'A file in the folder that roles names in chartroom.yaml' };
}
