/** Which deaths a run can have: each point it passed, with what may become of the write that is under way there. */
import type { Death, Point } from './life.ts';

export function deathsAt(points: readonly Point[]): Death[] {
  return points.flatMap(({ point, inFlight, isWrite }): Death[] => [
    { point, fate: 'lost', fails: false },
    ...(inFlight ? [{ point, fate: 'happened' as const, fails: false }] : []),
    ...(isWrite
      ? [
          { point, fate: 'lost' as const, fails: true },
          { point, fate: 'happened' as const, fails: true },
        ]
      : []),
  ]);
}

/** `12`, `12+` (the write under way happened), `12!` (the write fails), `12!+`; several lives: `12,7+`. */
export const nameOf = (deaths: readonly Death[]): string =>
  deaths.map(({ point, fate, fails }) => `${point}${fails ? '!' : ''}${fate === 'happened' ? '+' : ''}`).join(',');

/** @throws Error when it is not such a name */
export function deathsNamed(name: string): Death[] {
  return name.split(',').map((part) => {
    const [, point, fails, happened] = /^(\d+)(!?)(\+?)$/.exec(part) ?? [];
    if (point === undefined) throw new Error(`“${part}” is not a point: 12, 12+, 12! or 12!+`);
    return { point: Number(point), fate: happened === '+' ? 'happened' : 'lost', fails: fails === '!' };
  });
}
