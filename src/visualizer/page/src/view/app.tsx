/** The frame of every view: where one is, how the link stands, and the view. */
import { useEffect } from 'react';
import type { Page } from '../page.ts';
import { actorHref, BUS_HREF, machineHref } from '../route.ts';
import type { Route } from '../route.ts';
import { ActorView } from './actor.tsx';
import { Anchor } from './anchor.tsx';
import { Connection, HealthNotice, LinkNotice } from './connection.tsx';
import { BusView } from './bus.tsx';
import { FleetView } from './fleet.tsx';
import { MachineView } from './machine.tsx';
import { PageContext, usePage, useRoute } from './use.ts';

export function App({ page }: { page: Page }) {
  return (
    <PageContext value={page}>
      <Frame />
    </PageContext>
  );
}

function titleOf(route: Route): string {
  if (route.view === 'actor') return route.address;
  if (route.view === 'machine') return `machine ${route.kind}`;
  return route.view === 'bus' ? 'Bus' : 'Actors';
}

function Frame() {
  const page = usePage();
  const route = useRoute();
  const focus = page.focus();
  const title = titleOf(route);
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
          {route.view === 'machine' ? <span className="top__here name">machine {route.kind}</span> : null}
        </nav>
        <span className="top__ways">
          <Anchor href={machineHref('session')} isCurrent={route.view === 'machine'}>
            Machines
          </Anchor>
          <Anchor href={BUS_HREF} isCurrent={route.view === 'bus'}>
            Bus
          </Anchor>
        </span>
        <Connection />
      </header>
      <LinkNotice />
      {route.view === 'bus' ? null : <HealthNotice />}
      <main>
        {route.view === 'fleet' ? <FleetView filter={route.filter} /> : null}
        {focus === null || route.view !== 'actor' ? null : (
          <ActorView key={focus.store.getSnapshot().context.address} focus={focus} run={route.run} />
        )}
        {route.view === 'machine' ? (
          <MachineView key={`${route.kind} ${route.version}`} kind={route.kind} version={route.version} />
        ) : null}
        {route.view === 'bus' ? <BusView /> : null}
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
