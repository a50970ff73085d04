/** Options that name a field of an event's data: `--maxParallel 3` fills `maxParallel`, as the event's schema has it. */
import { kindOf } from '../actor/address.ts';
import type { CommandContext } from './context.ts';
import { CommandError, EXIT } from './exit.ts';

interface Field {
  type?: string;
}
type Schemas = Record<string, { schema: { properties?: Record<string, Field> } }>;

/** What these words, left over by the options that a command has itself, fill. @throws CommandError misuse */
export async function fieldsFrom(
  words: readonly string[],
  { ask, actor, type }: Pick<CommandContext, 'ask'> & { actor: string; type: string },
): Promise<Record<string, unknown>> {
  if (words.length === 0) return {};
  const schemas = (await ask('chart', { kind: kindOf(actor), events: true })) as Schemas;
  // What no event has is answered by its receipt, which names the events there are.
  if (!Object.hasOwn(schemas, type)) return {};
  return read(words, { type, fields: schemas[type]!.schema.properties ?? {} });
}

function read(
  words: readonly string[],
  { type, fields }: { type: string; fields: Record<string, Field> },
): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (let at = 0; at < words.length; at++) {
    const [option = '', ...inline] = words[at]!.split('=');
    if (!option.startsWith('--')) throw new CommandError(EXIT.misuse, `“${option}” belongs to no option`);
    const key = fieldOf(option.slice(2), fields);
    if (key === undefined) {
      const names = Object.keys(fields).map((name) => `--${name}`);
      const takes = names.length === 0 ? `${type} takes none` : `${type} takes ${names.join(', ')}`;
      throw new CommandError(EXIT.misuse, `unknown option '${option}'`, takes);
    }
    const field = fields[key]!;
    let text = inline.length > 0 ? inline.join('=') : words[at + 1];
    if (inline.length === 0) {
      const isBare = field.type === 'boolean' && text !== 'true' && text !== 'false';
      if (isBare) text = 'true';
      else at += 1;
    }
    if (text === undefined) throw new CommandError(EXIT.misuse, `${option} has no value`);
    const value = valueOf(option, text, field);
    data[key] = field.type === 'array' ? [...((data[key] as unknown[]) ?? []), ...(value as unknown[])] : value;
  }
  return data;
}

/** `--max-parallel` means `maxParallel`, too. */
function fieldOf(name: string, fields: Record<string, Field>): string | undefined {
  const camel = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return [name, camel].find((key) => Object.hasOwn(fields, key));
}

function valueOf(option: string, text: string, { type }: Field): unknown {
  switch (type) {
    case 'string':
      return text;
    case 'integer':
    case 'number': {
      const number = Number(text);
      if (text.trim() === '' || !Number.isFinite(number))
        throw new CommandError(EXIT.misuse, `${option} ${text} is not a number`);
      return number;
    }
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw new CommandError(EXIT.misuse, `${option} is true or false`);
      return text === 'true';
    case 'array':
      return text.split(',').filter((part) => part !== '');
    default:
      return jsonOf(option, text);
  }
}

function jsonOf(option: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(EXIT.misuse, `${option} is not JSON: ${(error as Error).message}`);
  }
}
