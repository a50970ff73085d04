/** Reads a test log: which lines of which files it blames, and its end. */

export interface Blame {
  path: string;
  line: number;
  message: string;
}

/** More than a person would read; GitHub takes 50 in one call. */
const BLAMES_MAX = 20;
/** A line that says what went wrong, as test runners and shells write it. */
const COMPLAINT = /(?:error|assert|expected|fail|not ok|✖|✗)/i;
const PLACE = /(?:file:\/\/)?((?:\/|\.{0,2}\/)?[\w@.-]+(?:\/[\w@.-]+)*\.[A-Za-z]\w*):(\d+)/g;
const MESSAGE_LENGTH_MAX = 500;

/** Places in the checkout that the log names, each with the complaint before it. `exists` says which paths are ours. */
export function blamesIn(log: string, checkout: string, exists: (path: string) => boolean): Blame[] {
  const found = new Map<string, Blame>();
  let complaint = 'The tests failed here.';
  for (const line of log.replaceAll(`${checkout}/`, '').split('\n')) {
    const places = [...line.matchAll(PLACE)];
    if (COMPLAINT.test(line) && !/^\s*at /.test(line)) complaint = line.trim().slice(0, MESSAGE_LENGTH_MAX);
    for (const [, file = '', number = ''] of places) {
      const path = file.replace(/^\.\//, '');
      if (path.startsWith('/') || path.startsWith('..') || !exists(path) || Number(number) < 1) continue;
      const key = `${path}:${number}`;
      if (!found.has(key)) found.set(key, { path, line: Number(number), message: complaint });
    }
    if (found.size >= BLAMES_MAX) break;
  }
  return [...found.values()].slice(0, BLAMES_MAX);
}

/** The last lines of a log, at most so many characters, beginning with a whole line. */
export function tailOf(log: string, lengthMax: number): string {
  if (log.length <= lengthMax) return log;
  const tail = log.slice(-lengthMax);
  return tail.slice(tail.indexOf('\n') + 1);
}

/** Colours and cursor movements are for terminals. */
export function plain(log: string): string {
  // oxlint-disable-next-line no-control-regex -- the escape character is what is looked for
  return log.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r\n', '\n');
}
