/**
 * An audit in a file: one record per line, each with the hash of all before it, so that a line that was changed, taken
 * out, put in or moved is found.
 */
import { createHash } from 'node:crypto';
import type { Audit } from '../actor/audit.ts';

/** What a file begins from: two audits of different agents share no hash. */
const seedOf = (agent: string): string => `chartroom audit of ${agent}`;
const chained = (before: string, record: string): string =>
  createHash('sha256').update(`${before}\n${record}`).digest('hex');

export function auditLines(audit: Audit, at: string): string[] {
  const { agent, memory, cost, ...lists } = audit;
  const records: object[] = [{ record: 'audit', agent, at, memory, cost }];
  for (const [record, list] of Object.entries(lists))
    for (const one of list) records.push({ record: NAMES[record as keyof typeof NAMES], ...one });
  records.push({ record: 'end', records: records.length });
  let before = seedOf(agent);
  return records.map((record) => {
    const text = JSON.stringify(record);
    before = chained(before, text);
    return `${before} ${text}`;
  });
}

const NAMES = {
  actions: 'action',
  reviews: 'review',
  runs: 'run',
  corrections: 'correction',
  claims: 'claim',
} as const;

export type Checked =
  | { ok: true; agent: string; records: number; hash: string }
  | { ok: false; line: number; why: string };

/** Whether a file is as it was written; else the first line that is not. */
export function checkAudit(text: string): Checked {
  const lines = text.split('\n').filter((line) => line !== '');
  let before: string | null = null;
  let agent = '';
  for (const [index, line] of lines.entries()) {
    const [, hash, record] = /^([0-9a-f]{64}) (\{.*\})$/.exec(line) ?? [];
    if (hash === undefined || record === undefined)
      return { ok: false, line: index + 1, why: 'it is no record of an audit' };
    const about = parsed(record);
    if (before === null) {
      agent = String(about?.['agent']);
      before = seedOf(agent);
    }
    before = chained(before, record);
    if (before !== hash) return { ok: false, line: index + 1, why: 'it, or a line before it, is not what was written' };
    if (about?.['record'] === 'end' && index + 1 === lines.length)
      return { ok: true, agent, records: lines.length, hash };
  }
  return { ok: false, line: lines.length + 1, why: 'the end is missing' };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
