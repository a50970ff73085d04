/** Filters and pages of Linear's connections: comparators by field, newest first, cursors that are ids. */
import { invalid } from './refusals.ts';

export interface PageArgs {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
  orderBy?: 'createdAt' | 'updatedAt' | null;
  filter?: Filter | null;
  includeArchived?: boolean | null;
}

type Comparator = Record<string, unknown>;
export interface Filter {
  [field: string]: unknown;
}
/** What a filter's field looks at: a plain value, or another record with its own fields. */
export type Lens<Row> = Record<string, (row: Row) => unknown>;
export class Nested {
  readonly row: unknown;
  readonly lens: Lens<never>;
  constructor(row: unknown, lens: Lens<never>) {
    this.row = row;
    this.lens = lens;
  }
}

/** Linear answers this many where `first` is not given. */
const PAGE_DEFAULT = 50;
const PAGE_MAX = 250;

interface Pageable {
  id: string;
  createdAt: string;
  updatedAt: string;
  archivedAt?: string | null;
}

export function connection<Row extends Pageable>(rows: Iterable<Row>, args: PageArgs, lens: Lens<Row> = {}) {
  const order = args.orderBy ?? 'createdAt';
  const all = [...rows]
    .map((row, index) => ({ row, index }))
    .filter(({ row }) => args.includeArchived === true || (row.archivedAt ?? null) === null)
    .filter(({ row }) => passes(row, args.filter ?? {}, lens))
    .sort((a, b) => b.row[order].localeCompare(a.row[order]) || b.index - a.index)
    .map(({ row }) => row);
  const size = args.first ?? args.last ?? PAGE_DEFAULT;
  if (size < 1 || size > PAGE_MAX) throw invalid(args.last ? 'last' : 'first', `must not be greater than ${PAGE_MAX}`);
  const from = args.after ? all.findIndex((row) => row.id === args.after) + 1 : 0;
  const to = args.before ? all.findIndex((row) => row.id === args.before) : all.length;
  const window = all.slice(from, to < 0 ? all.length : to);
  const nodes = args.last ? window.slice(-size) : window.slice(0, size);
  return {
    nodes,
    edges: nodes.map((node) => ({ cursor: node.id, node })),
    pageInfo: {
      startCursor: nodes[0]?.id ?? null,
      endCursor: nodes.at(-1)?.id ?? null,
      hasNextPage: args.last ? to < all.length && to >= 0 : window.length > nodes.length,
      hasPreviousPage: args.last ? window.length > nodes.length : from > 0,
    },
  };
}

function passes(row: unknown, filter: Filter, lens: Lens<never>): boolean {
  return Object.entries(filter).every(([field, wanted]) => {
    if (wanted === null || wanted === undefined) return true;
    if (field === 'and') return (wanted as Filter[]).every((part) => passes(row, part, lens));
    if (field === 'or') return (wanted as Filter[]).some((part) => passes(row, part, lens));
    if (field === 'null') return wanted === (row === undefined || row === null);
    if (row === undefined || row === null) return false;
    const look = lens[field];
    if (look === undefined) throw invalid(`filter.${field}`, 'is not known to this stand-in');
    const value = look(row as never);
    return value instanceof Nested
      ? passes(value.row, wanted as Filter, value.lens)
      : fits(value, wanted as Comparator);
  });
}

function fits(value: unknown, comparator: Comparator): boolean {
  return Object.entries(comparator).every(([operator, wanted]) => {
    if (wanted === null || wanted === undefined) return true;
    switch (operator) {
      case 'eq':
        return compare(value, wanted) === 0;
      case 'neq':
        return compare(value, wanted) !== 0;
      case 'in':
        return (wanted as unknown[]).some((one) => compare(value, one) === 0);
      case 'nin':
        return !(wanted as unknown[]).some((one) => compare(value, one) === 0);
      case 'gt':
        return compare(value, wanted) > 0;
      case 'gte':
        return compare(value, wanted) >= 0;
      case 'lt':
        return compare(value, wanted) < 0;
      case 'lte':
        return compare(value, wanted) <= 0;
      case 'contains':
        return text(value).includes(text(wanted));
      case 'containsIgnoreCase':
        return text(value).toLowerCase().includes(text(wanted).toLowerCase());
      case 'startsWith':
        return text(value).startsWith(text(wanted));
      case 'endsWith':
        return text(value).endsWith(text(wanted));
      case 'eqIgnoreCase':
        return text(value).toLowerCase() === text(wanted).toLowerCase();
      case 'null':
        return wanted === (value === null || value === undefined);
      default:
        throw invalid(`filter.${operator}`, 'is not known to this stand-in');
    }
  });
}

const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** Times compare as times: `2026-01-01T00:00:00Z` and `2026-01-01T00:00:00.000Z` are one. */
function compare(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string' && ISO.test(a) && ISO.test(b))
    return Date.parse(a) - Date.parse(b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a === b) return 0;
  return text(a) < text(b) ? -1 : 1;
}

const ISO = /^\d{4}-\d{2}-\d{2}T/;
