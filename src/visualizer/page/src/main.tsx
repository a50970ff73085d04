/** Entry of the page: the only place that touches the browser's globals. */
import { createRoot } from 'react-dom/client';
import { createLayout } from './drawing/layout.ts';
import { createPage } from './page.ts';
import './style.css';
import { App } from './view/app.tsx';

const TOKEN_KEY = 'chartroom.token';

const page = createPage({
  fetch: (input, init) => fetch(input, init),
  clock: {
    now: () => Date.now(),
    after(ms, call) {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
  },
  layout: createLayout(),
  url: () => new URL(window.location.href),
  move(href, replace) {
    if (replace) window.history.replaceState(null, '', href);
    else window.history.pushState(null, '', href);
  },
  onMoved(tell) {
    window.addEventListener('popstate', tell);
    return () => window.removeEventListener('popstate', tell);
  },
  onAwake(tell) {
    const whenVisible = (): void => {
      if (document.visibilityState === 'visible') tell();
    };
    window.addEventListener('online', tell);
    document.addEventListener('visibilitychange', whenVisible);
    return () => {
      window.removeEventListener('online', tell);
      document.removeEventListener('visibilitychange', whenVisible);
    };
  },
  token: {
    get: () => sessionStorage.getItem(TOKEN_KEY) ?? '',
    set: (token) => sessionStorage.setItem(TOKEN_KEY, token),
  },
});

createRoot(document.getElementById('page')!).render(<App page={page} />);
