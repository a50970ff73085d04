/** Ages and countdowns that count by themselves. */
import { duration } from '../wait.ts';
import { useTimed } from './use.ts';

/** `12 min`; the moment itself as title. */
export function Age({ since }: { since: string }) {
  const text = useTimed((nowMs) => duration(nowMs - Date.parse(since)));
  return (
    <time dateTime={since} title={since}>
      {text}
    </time>
  );
}

/** `in 25 s`; `over` is said when it is past. */
export function Until({ until, over }: { until: string; over: string }) {
  const text = useTimed((nowMs) => {
    const leftMs = Date.parse(until) - nowMs;
    return leftMs > 0 ? `in ${duration(leftMs)}` : over;
  });
  return (
    <time dateTime={until} title={until}>
      {text}
    </time>
  );
}

/** The time of day where it is today, the day before it otherwise. */
export function Moment({ at }: { at: string }) {
  const text = useTimed((nowMs) => {
    const date = new Date(at);
    const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
    const isToday = date.toDateString() === new Date(nowMs).toDateString();
    return isToday ? time : `${date.toLocaleDateString([], { month: 'short', day: 'numeric' })} ${time}`;
  });
  return (
    <time dateTime={at} title={at}>
      {text}
    </time>
  );
}
