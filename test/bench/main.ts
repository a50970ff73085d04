/**
 * `npm run bench`: measures what docs/architecture.md promises of speed, on this machine, and says beside each figure
 * what it must and should be. A program, not a test: nothing fails by being slow.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../../src/package.ts';
import { startCompanion } from './companion.ts';
import { measureDisk } from './disk.ts';
import { keeps, sinceMs } from './figure.ts';
import type { Bound, Figure } from './figure.ts';
import { PARTS } from './parts.ts';
import type { Part } from './parts.ts';

// Both libraries and machines are twice as fast so; read by them when they are loaded, so set before they are.
process.env['NODE_ENV'] = 'production';
const { measureMachine } = await import('./calibrate.ts');

interface Report {
  at: string;
  machine: Record<string, string | number>;
  figures: Figure[];
}

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    compare: { type: 'string' },
  },
});
const wanted = flags.only ?? Object.keys(PARTS);
const unknown = wanted.filter((name) => PARTS[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`✗ there is no part “${unknown.join(', ')}”; parts: ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}
const earlier = flags.compare === undefined ? null : (JSON.parse(readFileSync(flags.compare, 'utf8')) as Report);

const directory = mkdtempSync(path.join(os.tmpdir(), 'chartroom-bench-'));
try {
  const loadBefore = os.loadavg()[0]!;
  const figures = measureDisk(directory);
  const syncMs = figures[0]!.measured;
  figures.push(...measureMachine());
  for (const name of wanted) {
    const mark = performance.now();
    process.stderr.write(`${name} … `);
    const part = startCompanion<Part, Figure[]>('test/bench/part');
    figures.push(...(await part.perform({ name, directory, syncMs })));
    await part.end();
    process.stderr.write(`${Math.round(sinceMs(mark) / 1_000)} s\n`);
  }
  const report: Report = { at: new Date().toISOString(), machine: machineOf(loadBefore), figures };
  const file = keep(report);
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : tableOf(report, earlier));
  process.stderr.write(`kept in ${path.relative(process.cwd(), file)}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The load of others before the bench began: with more than a little of it, rates and times say nothing. */
function machineOf(loadBefore: number): Report['machine'] {
  const cpus = os.cpus();
  return {
    processor: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memoryMb: Math.round(os.totalmem() / 1e6),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    loadBefore: Number(loadBefore.toFixed(2)),
  };
}

function keep(report: Report): string {
  const folder = path.join(PACKAGE_ROOT, 'bench-results');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${report.at.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}

function tableOf({ machine, figures }: Report, before: Report | null): string {
  const head = ['FIGURE', 'MEASURED', 'MUST', 'AIM', ...(before === null ? [] : ['CHANGE']), ''];
  const rows = figures.map((figure) => [
    figure.name,
    `${amount(figure.measured)} ${figure.unit}`,
    figure.must === undefined ? '' : `${keeps(figure.must, figure.measured) ? '✓' : '✗'} ${boundText(figure.must)}`,
    figure.aim === undefined ? '' : `${keeps(figure.aim, figure.measured) ? '✓' : '–'} ${boundText(figure.aim)}`,
    ...(before === null ? [] : [changeText(figure, before)]),
    figure.note ?? '',
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => (column === 1 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  const facts = Object.entries(machine).map(([name, value]) => `${name} ${value}`);
  return `${[facts.join(' · '), '', line(head), ...rows.map(line)].join('\n')}\n`;
}

function boundText({ at, value }: Bound): string {
  return `${at === 'least' ? '≥' : '≤'} ${amount(value)}`;
}

function changeText({ name, measured }: Figure, before: Report): string {
  const old = before.figures.find((figure) => figure.name === name);
  if (old === undefined) return 'new';
  const percent = Math.round((measured / old.measured - 1) * 100);
  return `${percent > 0 ? '+' : ''}${percent} %`;
}

function amount(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
