/** Forms out of the events' JSON schemas: which fields there are, and what was typed as the data of an envelope. Pure. */
import type { JsonSchema } from './answers.ts';

export type Control =
  | { kind: 'text' | 'long' | 'number' | 'json' }
  | { kind: 'yesno' }
  | { kind: 'lines' }
  | { kind: 'choice'; choices: string[] };

export interface Field {
  name: string;
  isRequired: boolean;
  control: Control;
}

/** Free text that may be long is given room. */
const LONG_NAMES = new Set(['body', 'text', 'reason', 'objective']);

/** Required ones first, the reason last, as one says it. */
export function fieldsOf(schema: JsonSchema): Field[] {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]): Field => ({
    name,
    isRequired: required.has(name),
    control: controlOf(name, property),
  }));
  const rank = ({ name, isRequired }: Field): number => (name === 'reason' ? 2 : isRequired ? 0 : 1);
  return fields.sort((a, b) => rank(a) - rank(b));
}

function controlOf(name: string, schema: JsonSchema): Control {
  const choices = choicesOf(schema);
  if (choices !== null) return { kind: 'choice', choices };
  if (schema.type === 'string') return { kind: LONG_NAMES.has(name) ? 'long' : 'text' };
  if (schema.type === 'number' || schema.type === 'integer') return { kind: 'number' };
  if (schema.type === 'boolean') return { kind: 'yesno' };
  if (schema.type === 'array' && schema.items?.type === 'string') return { kind: 'lines' };
  return { kind: 'json' };
}

/** null: other values than a few strings are possible too. */
function choicesOf({ enum: values, const: only, anyOf }: JsonSchema): string[] | null {
  if (typeof only === 'string') return [only];
  if (values !== undefined) return values.every((value) => typeof value === 'string') ? values : null;
  if (anyOf === undefined) return null;
  const parts = anyOf.map(choicesOf);
  return parts.includes(null) ? null : parts.flatMap((part) => part!);
}

export type Typed = Record<string, string>;

/** What was typed, as data; what cannot be read is said by field. Empty fields are left out. */
export function dataOf(
  fields: readonly Field[],
  typed: Typed,
): { data: Record<string, unknown>; mistakes: Record<string, string> } {
  const data: Record<string, unknown> = {};
  const mistakes: Record<string, string> = {};
  for (const { name, isRequired, control } of fields) {
    const text = (typed[name] ?? '').trim();
    if (text === '') {
      if (isRequired) mistakes[name] = 'is needed';
      continue;
    }
    const read = valueOf(control, text);
    if ('mistake' in read) mistakes[name] = read.mistake;
    else data[name] = read.value;
  }
  return { data, mistakes };
}

function valueOf(control: Control, text: string): { value: unknown } | { mistake: string } {
  switch (control.kind) {
    case 'text':
    case 'long':
    case 'choice':
      return { value: text };
    case 'yesno':
      return { value: text === 'yes' };
    case 'number':
      return Number.isFinite(Number(text)) ? { value: Number(text) } : { mistake: 'must be a number' };
    case 'lines':
      return {
        value: text
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== ''),
      };
    case 'json':
      try {
        return { value: JSON.parse(text) as unknown };
      } catch (error) {
        return { mistake: `must be JSON: ${(error as Error).message}` };
      }
  }
}
