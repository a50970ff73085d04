/** The frame of every view: where one is, how the link stands, and the view. */
import { useEffect } from 'react';
import type { Page } from '../page.ts';
import { actorHref } from '../route.ts';
import { ActorView } from './actor.tsx';
import { Anchor } from './anchor.tsx';
import { Connection, LinkNotice } from './connection.tsx';
import { FleetView } from './fleet.tsx';
import { PageContext, usePage, useRoute } from './use.ts';

export function App({ page }: { page: Page }) {
  return (
    <PageContext value={page}>
      <Frame />
    </PageContext>
  );
}

function Frame() {
  const page = usePage();
  const route = useRoute();
  const focus = page.focus();
  const title = route.view === 'actor' ? route.address : 'Actors';
  useEffect(() => {
    document.title = `${title} · Chartroom`;
  }, [title]);
  return (
    <>
      <header className="top">
        <nav aria-label="Where you are">
          <Anchor href="/" className="top__mark">
            Chartroom
          </Anchor>
          {route.view === 'actor' ? (
            <Anchor href={actorHref(route.address)} className="top__here name" isCurrent>
              {route.address}
            </Anchor>
          ) : null}
        </nav>
        <Connection />
      </header>
      <LinkNotice />
      <main>
        {route.view === 'fleet' ? <FleetView filter={route.filter} /> : null}
        {focus === null ? null : <ActorView key={focus.store.getSnapshot().context.address} focus={focus} />}
        {route.view === 'nowhere' ? (
          <div className="notice" role="alert">
            <h1>There is nothing at {route.path}</h1>
            <p>
              <Anchor href="/">All actors</Anchor>
            </p>
          </div>
        ) : null}
      </main>
    </>
  );
}
