/** The part of a drawing that is seen through its frame: it can be moved, enlarged, and fitted to the whole. */
import { useEffect, useState } from 'react';
import type { RefObject } from 'react';
import type { Place } from '../drawing/drawing.ts';

export interface WindowOn {
  viewBox: string;
  /** By pixels of the screen. */
  move(x: number, y: number): void;
  zoom(factor: number): void;
  fit(): void;
}

/** Below this names cannot be read: a larger drawing begins where the actor is instead. Of letters as they usually are. */
const SCALE_LEGIBLE = 0.8;
const SCALE_FIRST_MAX = 1.2;
const LETTERS_USUAL_PX = 16;
const SCALE_MIN = 0.15;
const SCALE_MAX = 4;
const MARGIN = 8;

interface View {
  x: number;
  y: number;
  scale: number;
}

export function useWindowOn(
  frame: RefObject<HTMLElement | null>,
  drawing: { width: number; height: number },
  center: Place | undefined,
): WindowOn {
  const [size, setSize] = useState({ width: 900, height: 500 });
  const [view, setView] = useState<View | null>(null);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const measure = (): void => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);
  const whole = Math.min(size.width / (drawing.width + MARGIN), size.height / (drawing.height + MARGIN));
  const fitted = (scale: number): View => ({
    scale,
    x: (drawing.width - size.width / scale) / 2,
    y: (drawing.height - size.height / scale) / 2,
  });
  const first = (): View => {
    const larger = lettersPx() / LETTERS_USUAL_PX;
    const legible = SCALE_LEGIBLE * larger;
    const scale = Math.min(SCALE_FIRST_MAX * larger, whole);
    if (scale >= legible || center === undefined) return fitted(scale);
    const seen = { width: size.width / legible, height: size.height / legible };
    const within = (at: number, length: number, all: number): number =>
      length > all ? (all - length) / 2 : Math.max(-MARGIN, Math.min(all - length + MARGIN, at - length / 2));
    return {
      scale: legible,
      x: within(center.x + center.width / 2, seen.width, drawing.width),
      y: within(center.y + center.height / 2, seen.height, drawing.height),
    };
  };
  // Until somebody moves it, it follows what is active.
  const { x, y, scale } = view ?? first();
  return {
    viewBox: [x, y, size.width / scale, size.height / scale].map((part) => part.toFixed(2)).join(' '),
    move: (right, down) => setView({ scale, x: x + right / scale, y: y + down / scale }),
    zoom(factor) {
      const next = Math.max(SCALE_MIN, Math.min(SCALE_MAX, scale * factor));
      setView({
        scale: next,
        x: x + (size.width / scale - size.width / next) / 2,
        y: y + (size.height / scale - size.height / next) / 2,
      });
    },
    fit: () => setView(fitted(Math.min(SCALE_MAX, whole))),
  };
}

/** A large screen has larger letters, and a drawing knows no letters but its own. */
const lettersPx = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
