/** Being company to a chat: regular beats while the page is looked at, a last word when it is not. */
import { useEffect, useState } from 'react';
import { nameOfConsumer } from '../letters.ts';
import { usePage } from './use.ts';

/** The runtime wants to hear of whoever is there at least every five seconds. */
const BEAT_TICKS = 4;

/** Attends while `isHere` and the page is seen; returns the name it is known by there. */
export function useCompany(agent: string, isHere: boolean): string {
  const { ask, ticker } = usePage();
  const [consumer] = useState(nameOfConsumer);
  useEffect(() => {
    if (!isHere) return undefined;
    let isSeen = false;
    let ticks = 0;
    const look = (): void => {
      const wasSeen = isSeen;
      isSeen = document.visibilityState === 'visible';
      if (isSeen) void ask.attend(agent, consumer, false);
      else if (wasSeen) void ask.attend(agent, consumer, true);
    };
    const leave = (): void => {
      if (isSeen) void ask.attend(agent, consumer, true);
      isSeen = false;
    };
    look();
    document.addEventListener('visibilitychange', look);
    window.addEventListener('pagehide', leave);
    const leaveTicker = ticker.subscribe(() => {
      ticks += 1;
      if (isSeen && ticks % BEAT_TICKS === 0) void ask.attend(agent, consumer, false);
    });
    return () => {
      document.removeEventListener('visibilitychange', look);
      window.removeEventListener('pagehide', leave);
      leaveTicker();
      leave();
    };
  }, [ask, ticker, agent, consumer, isHere]);
  return consumer;
}
