/** The log: pino, with identity bound once and secrets redacted by value at the writer. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

export interface LogOptions {
  level?: string;
  /** Secret values that must never be written; every occurrence becomes `[redacted]`. */
  secrets?: readonly string[];
  /** Where lines go; default stderr. */
  to?: { write(line: string): unknown };
}

/** A secret shorter than this is not redacted by value: it would hit ordinary words. */
const SECRET_LENGTH_MIN = 8;

export function createLog({ level = 'info', secrets = [], to = process.stderr }: LogOptions = {}): Logger {
  const redact = createRedactor(secrets);
  const sink = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      to.write(redact(String(chunk)));
      done();
    },
  });
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, sink);
}

/** Replaces every planted secret in a text. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const values = [...new Set(secrets.filter((secret) => secret.length >= SECRET_LENGTH_MIN))].sort(
    (a, b) => b.length - a.length,
  );
  if (values.length === 0) return (text) => text;
  return (text) => {
    let result = text;
    for (const value of values) result = result.replaceAll(value, '[redacted]');
    return result;
  };
}
