/** Values of options, read once: what is not what it must be ends with exit code 2. */
import { InvalidArgumentError } from 'commander';

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('it must be a whole number.');
  return Number(text);
}

export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('it must be a number of seconds.');
  }
  return value;
}

/** @returns the moment as it was written, if it is one */
export function moment(text: string): string {
  if (Number.isNaN(Date.parse(text))) {
    throw new InvalidArgumentError('it must be a moment, e.g. 2026-11-21T10:00:00Z.');
  }
  return text;
}
