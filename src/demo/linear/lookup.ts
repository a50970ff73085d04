/** Finding records by the ids that clients send, and taking the ids that clients choose. */
import { conflict, invalid, notFound } from './refusals.ts';

export function need<Row>(table: Map<string, Row>, id: string, entity: string): Row {
  const row = table.get(id);
  if (row === undefined) throw notFound(entity);
  return row;
}

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The id the client chose, if it is one and still free. */
export function chosenId(
  table: Map<string, unknown>,
  entity: string,
  id: string | null | undefined,
): string | undefined {
  if (id === null || id === undefined) return undefined;
  if (!UUID_V4.test(id)) throw invalid('id', 'must be a UUID');
  if (table.has(id)) throw conflict(entity, id);
  return id;
}
