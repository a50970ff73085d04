/** Reading values of which only the machine that wrote them knows the form. */

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const textOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

export const recordsOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];
