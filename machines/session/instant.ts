/**
 * ISO times as numbers, without a clock and without `Date`: a machine reads no clock, and a test may forbid `Date`
 * altogether to prove it.
 */

const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** Milliseconds since 1970 (UTC); NaN where the text is no ISO time. */
export function msOf(iso: string): number {
  const part = FORM.exec(iso);
  if (part === null) return Number.NaN;
  const [, year, month, day, hour, minute, second = '0', fraction = '0', zone = 'Z'] = part;
  const days = daysSinceEpoch(Number(year), Number(month), Number(day));
  const ms = Number(fraction.padEnd(3, '0'));
  const local = ((days * 24 + Number(hour)) * 60 + Number(minute)) * 60_000 + Number(second) * 1_000 + ms;
  return local - offsetMinutes(zone) * 60_000;
}

/** Whether `a` is before `b`; unreadable times are never before. */
export function isBefore(a: string, b: string | null): boolean {
  return b !== null && msOf(a) < msOf(b);
}

function offsetMinutes(zone: string): number {
  if (zone === 'Z') return 0;
  const digits = zone.slice(1).replace(':', '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return zone.startsWith('-') ? -minutes : minutes;
}

/** Days from the civil date; the year begins in March, so that leap days come last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
