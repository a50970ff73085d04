/** The disk's own sync time: what no commit can be faster than. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { percentile } from './figure.ts';
import type { Figure } from './figure.ts';

const WRITES = 400;
const BYTES = 16_384;

export function measureDisk(directory: string): Figure[] {
  const file = openSync(path.join(directory, 'sync'), 'w');
  const block = Buffer.alloc(BYTES, 'x');
  const samples: number[] = [];
  for (let write = 0; write < WRITES; write++) {
    writeSync(file, block);
    const mark = performance.now();
    fdatasyncSync(file);
    samples.push(performance.now() - mark);
  }
  closeSync(file);
  return [
    { name: 'disk sync p50', measured: percentile(samples, 0.5), unit: 'ms', note: 'figures hold up to 0.5 ms' },
    { name: 'disk sync p99', measured: percentile(samples, 0.99), unit: 'ms' },
  ];
}
