/** Prometheus' text as numbers over time, for small plots. Pure. */

export interface Sample {
  atMs: number;
  /** Name, labels left out and added up → value. */
  values: Map<string, number>;
}

/** A plot holds this many samples: five minutes at one every five seconds. */
export const SAMPLES_MAX = 60;

export function sampleOf(text: string, atMs: number): Sample {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const found = /^([a-z_]+)(?:\{[^}]*\})? (-?[\d.e+]+)$/i.exec(line);
    if (found === null) continue;
    values.set(found[1]!, (values.get(found[1]!) ?? 0) + Number(found[2]));
  }
  return { atMs, values };
}

/** Points of a line in a box of 100 × 24, oldest left; a total is drawn as what was added per second. */
export function pointsOf(samples: readonly Sample[], name: string): { now: number; points: string } {
  const isTotal = name.endsWith('_total');
  const numbers = samples.map(({ values, atMs }, index) => {
    const value = values.get(name) ?? 0;
    if (!isTotal) return value;
    const before = samples[index - 1];
    if (before === undefined) return 0;
    return Math.max(0, (value - (before.values.get(name) ?? 0)) / Math.max(0.001, (atMs - before.atMs) / 1_000));
  });
  const most = Math.max(1, ...numbers);
  // One sample is a line too: that it has stood so is all there is to say.
  const drawn = numbers.length === 1 ? [numbers[0]!, numbers[0]!] : numbers;
  const points = drawn.map((number, index) => {
    const x = (index / (drawn.length - 1)) * 100;
    return `${x.toFixed(1)},${(23 - (number / most) * 22).toFixed(1)}`;
  });
  return { now: numbers.at(-1) ?? 0, points: points.join(' ') };
}
