/**
 * What the command line prints: the answer on stdout, the conversation on stderr; tables for people, JSON for
 * programs. Colour only on a terminal, and never with NO_COLOR.
 */
import { styleText } from 'node:util';
import type { WaitingOn } from '../../machines/contract.ts';
import { duration } from '../actor/duration.ts';
import type { Writer } from './terminal.ts';

export interface Output {
  json: boolean;
  /** One line of the answer. */
  answer(text: string): void;
  /** One object of the answer, for programs. */
  object(value: unknown): void;
  /** A line of the conversation. */
  say(text: string): void;
  paint(style: Paint, text: string): string;
  table(header: string[], rows: string[][]): void;
  nowMs: number;
}

type Paint = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

export interface OutputOptions {
  json: boolean;
  stdout: Writer;
  stderr: Writer;
  env: NodeJS.ProcessEnv;
  nowMs: number;
}

/** A column wider than this is cut: a table is an overview, `show` has the whole. */
const COLUMN_MAX = 60;

export function createOutput({ json, stdout, stderr, env, nowMs }: OutputOptions): Output {
  const coloured = stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && !json;
  const paint = (style: Paint, text: string): string =>
    coloured ? styleText(style, text, { validateStream: false }) : text;
  const answer = (text: string): void => void stdout.write(`${text}\n`);
  return {
    json,
    nowMs,
    paint,
    answer,
    object: (value) => answer(JSON.stringify(value)),
    say: (text) => void stderr.write(`${text}\n`),
    table(header, rows) {
      const cut = rows.map((row) =>
        row.map((cell, index) => (index === row.length - 1 ? cell : clip(cell, COLUMN_MAX))),
      );
      const widths = header.map((title, index) => Math.max(title.length, ...cut.map((row) => row[index]?.length ?? 0)));
      const lay = (row: string[]): string =>
        row
          .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index]!)))
          .join('  ')
          .trimEnd();
      answer(paint('dim', lay(header)));
      for (const row of cut) answer(lay(row));
    },
  };
}

const clip = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1)}…`);

/** `review by agent/susan, 5 min` */
export function waitText(wait: WaitingOn, nowMs: number): string {
  const who = wait.on === null ? 'nobody' : wait.on;
  return `${wait.gate}: ${who} ${duration(nowMs - Date.parse(wait.since))} (${wait.detail})`;
}

/** XState's value on one line: `work.running review.requested …`. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || typeof value !== 'object') return String(value);
  const parts: string[] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'string') parts.push(`${key}.${inner}`);
    else parts.push(key === 'open' ? valueText(inner) : `${key}(${valueText(inner)})`);
  }
  return parts.join(' ');
}
