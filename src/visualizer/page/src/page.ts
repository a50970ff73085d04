/**
 * The page without its looks: the link to the runtime, the fleet, the actor in focus, the address bar and the token,
 * put together. What it needs of the browser are arguments.
 */
import { createAtom, createStore } from '@xstate/store';
import type { Clock } from '../../../clock.ts';
import type { Fact } from './answers.ts';
import { createAsk } from './ask.ts';
import type { Ask } from './ask.ts';
import type { Layout } from './drawing/layout.ts';
import { createFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { createFocus } from './focus.ts';
import type { Focus } from './focus.ts';
import { followFacts } from './follow.ts';
import type { Link } from './follow.ts';
import { routeOf } from './route.ts';
import type { Route } from './route.ts';
import { createTicker } from './ticker.ts';
import type { Ticker } from './ticker.ts';

export interface Page {
  fleet: Fleet;
  link: { get(): Link; subscribe(tell: () => void): { unsubscribe(): void } };
  route: { get(): Route; subscribe(tell: () => void): { unsubscribe(): void } };
  /** The actor of the present view, null where the view is of none. */
  focus(): Focus | null;
  ticker: Ticker;
  ask: Ask;
  /** Lays charts out, away from the page's own thread. */
  layout: Layout;
  /** Told of every fact as it comes. */
  onFact(tell: (fact: Fact) => void): () => void;
  /** Goes to an address of the page; `replace` leaves no step to go back to (a filter being typed). */
  go(href: string, options?: { replace: boolean }): void;
  unlock(token: string): void;
  /** Asks again for what could not be read. */
  retry(): void;
  stop(): void;
}

export interface Browser {
  fetch: typeof globalThis.fetch;
  clock: Clock;
  layout: Layout;
  url(): URL;
  /** Moves the address bar. */
  move(href: string, replace: boolean): void;
  /** Told when somebody goes back or forward. */
  onMoved(tell: () => void): () => void;
  /** Told when the network is there again or the page is looked at again. */
  onAwake(tell: () => void): () => void;
  /** Kept as long as the tab is open. */
  token: { get(): string; set(token: string): void };
}

export function createPage(browser: Browser): Page {
  const headers = (): Record<string, string> => {
    const token = browser.token.get();
    return token === '' ? {} : { authorization: `Bearer ${token}` };
  };
  const ask = createAsk({ fetch: browser.fetch, headers });
  const fleet = createFleet({ ask });
  const link = createAtom<Link>({ state: 'connecting' });
  const place = createStore({
    context: { route: routeOf(browser.url()) },
    on: { moved: (_context, event: { route: Route }) => ({ route: event.route }) },
  });
  let focus: Focus | null = null;
  const listeners = new Set<(fact: Fact) => void>();

  function arrive(): void {
    const route = routeOf(browser.url());
    if (route.view !== 'actor') focus = null;
    else if (focus?.store.getSnapshot().context.address !== route.address) {
      focus = createFocus({ ask, address: route.address });
      void focus.refresh();
    }
    if (route.view === 'actor') {
      const { at } = focus!.store.getSnapshot().context;
      if (at !== route.at) void focus!.visit(route.at);
    }
    place.trigger.moved({ route });
  }

  /** Whatever was known may be of another life of the store. */
  function startAfresh(): void {
    focus = null;
    arrive();
    void fleet.load();
  }

  function readMissing(): void {
    const { known, problem } = fleet.store.getSnapshot().context;
    if (!known || problem !== null) void fleet.load();
    void focus?.refresh();
  }

  const leaveMoves = browser.onMoved(arrive);
  const following = followFacts({
    fetch: browser.fetch,
    headers,
    clock: browser.clock,
    onHello(resumed) {
      if (!resumed) startAfresh();
      else readMissing();
    },
    onFacts(facts) {
      fleet.told(facts);
      for (const fact of facts) {
        focus?.told(fact);
        for (const tell of listeners) tell(fact);
      }
    },
    onLink: (state) => link.set(state),
  });
  const leaveAwake = browser.onAwake(() => following.retry());

  return {
    fleet,
    link,
    route: {
      get: () => place.getSnapshot().context.route,
      subscribe: (tell) => place.subscribe(tell),
    },
    focus: () => focus,
    ticker: createTicker(browser.clock),
    ask,
    layout: browser.layout,
    onFact(tell) {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    go(href, { replace } = { replace: false }) {
      browser.move(href, replace);
      arrive();
    },
    unlock(token) {
      browser.token.set(token);
      following.retry();
    },
    retry() {
      following.retry();
      readMissing();
    },
    stop() {
      leaveMoves();
      leaveAwake();
      following.stop();
    },
  };
}
