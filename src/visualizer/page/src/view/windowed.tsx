/** A long list of which only what is near the screen is there: the rest is room of its height. */
import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';

/** Rows come and go in portions, so that their heights may differ. */
const PORTION = 40;
/** Before a portion was ever drawn: its rows on a wide screen. */
const ROW_HEIGHT = 61;

interface WindowedProps<Item> {
  items: readonly Item[];
  row: (item: Item) => ReactNode;
  label: string;
}

export function Windowed<Item>({ items, row, label }: WindowedProps<Item>) {
  const portions = Array.from({ length: Math.ceil(items.length / PORTION) }, (_, index) => index);
  return (
    <div role="list" aria-label={label}>
      {portions.map((index) => (
        <Portion
          key={index}
          items={items.slice(index * PORTION, (index + 1) * PORTION)}
          row={row}
          isFirst={index === 0}
        />
      ))}
    </div>
  );
}

function Portion<Item>({
  items,
  row,
  isFirst,
}: {
  items: readonly Item[];
  row: (item: Item) => ReactNode;
  isFirst: boolean;
}) {
  const place = useRef<HTMLDivElement>(null);
  const [isNear, setNear] = useState(isFirst);
  const [height, setHeight] = useState<number | null>(null);
  useEffect(() => {
    const element = place.current!;
    const observer = new IntersectionObserver(
      (crossings) => {
        // Scrolled past in one go, it came and went: what holds is the last word.
        const near = crossings.at(-1)?.isIntersecting ?? false;
        // Its height is kept while it is still there.
        if (!near && element.childElementCount > 0) setHeight(element.offsetHeight);
        setNear(near);
      },
      { rootMargin: '800px 0px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div
      ref={place}
      role="presentation"
      className="portion"
      style={isNear ? undefined : { height: height ?? items.length * ROW_HEIGHT }}
    >
      {isNear ? items.map(row) : null}
    </div>
  );
}
