/** How views read the page: stores by a selector, the second hand by the text it gives. */
import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { Focus, FocusContext } from '../focus.ts';
import type { FleetContext } from '../fleet.ts';
import type { Link } from '../follow.ts';
import type { Page } from '../page.ts';
import type { Route } from '../route.ts';

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (page === null) throw new Error('a view stands outside of the page');
  return page;
}

interface Readable<Value> {
  get(): Value;
  subscribe(tell: () => void): { unsubscribe(): void };
}

function useReadable<Value>({ get, subscribe }: Readable<Value>): Value {
  const follow = useCallback(
    (tell: () => void) => {
      const subscription = subscribe(tell);
      return () => subscription.unsubscribe();
    },
    [subscribe],
  );
  return useSyncExternalStore(follow, get);
}

export const useRoute = (): Route => useReadable(usePage().route);
export const useLink = (): Link => useReadable(usePage().link);

/** Thousands of rows are drawn anew at most this often: soon enough to be seen as it happens, and no busy machine. */
const FLEET_EVERY_MS = 50;

export function useFleet(): FleetContext {
  const { store } = usePage().fleet;
  const follow = useCallback(
    (tell: () => void) => {
      let later: ReturnType<typeof setTimeout> | null = null;
      const subscription = store.subscribe(() => {
        later ??= setTimeout(() => {
          later = null;
          tell();
        }, FLEET_EVERY_MS);
      });
      return () => {
        if (later !== null) clearTimeout(later);
        subscription.unsubscribe();
      };
    },
    [store],
  );
  return useSyncExternalStore(follow, store.get).context;
}

export function useFocus({ store }: Focus): FocusContext {
  return useReadable(store).context;
}

/** A text that depends on what time it is; drawn again only when it reads differently. */
export function useTimed(text: (nowMs: number) => string): string {
  const { ticker } = usePage();
  return useSyncExternalStore(ticker.subscribe, () => text(ticker.nowMs()));
}
