/**
 * Frames of real programs, recorded by `npm run test:agents` with `CHARTROOM_FRAMES=<folder>`: what each wrote, one
 * line as it came, with this machine's own words taken out. The ordinary tests read them again.
 */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ProcessSite } from '../effects/process-site.ts';

/** A list of all commands and skills is of no use to anybody who reads frames. */
const LINE_MAX = 4_000;

export const RECORDS = process.env['CHARTROOM_FRAMES'];

/** Keeps what the first run of this site wrote. */
export async function record(site: ProcessSite, folder: string, name: string): Promise<void> {
  const runs = path.join(site.directory, 'data', 'runs');
  const [run = ''] = (await readdir(runs)).sort();
  const lines = (await readFile(path.join(runs, run, 'frames.jsonl'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '');
  const written = lines.flatMap((line) => {
    const { in: text } = JSON.parse(line) as { in?: string };
    return text === undefined ? [] : [shortened(text)];
  });
  const clean = written
    .join('\n')
    .replaceAll(site.directory, '/site')
    .replaceAll(site.directory.replaceAll('/', '-'), '-site')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:1')
    .replaceAll(/"(serverName|installationId|kernel)":"[^"]*"/g, '"$1":"x"');
  await mkdir(folder, { recursive: true });
  // The first case of a behaviour is the plain one.
  await writeFile(path.join(folder, `${name}.jsonl`), `${clean}\n`, { flag: 'wx' }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
}

/** What a program offers beside its work. */
const OFFERS = new Set(['availableCommands', 'configOptions']);

/** Offers and long lists inside a frame are cut out, the frame stays whole. */
function shortened(line: string): string {
  const hasOffers = [...OFFERS].some((name) => line.includes(`"${name}"`));
  if ((line.length <= LINE_MAX && !hasOffers) || !line.startsWith('{')) return line;
  return JSON.stringify(JSON.parse(line), (key, value: unknown) => {
    if (OFFERS.has(key)) return [];
    if (line.length <= LINE_MAX) return value;
    if (Array.isArray(value) && JSON.stringify(value).length > LINE_MAX / 4) return [];
    return typeof value === 'string' && value.length > LINE_MAX / 4 ? value.slice(0, 100) : value;
  });
}
