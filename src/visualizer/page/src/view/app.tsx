/** The frame of every view: where one is, how the link stands, and the view. */
import { useEffect, useMemo } from 'react';
import type { Page } from '../page.ts';
import { actorHref, BUS_HREF, machineHref } from '../route.ts';
import type { Route } from '../route.ts';
import { neededSince } from '../wait.ts';
import { ActorView } from './actor.tsx';
import { Anchor } from './anchor.tsx';
import { Connection, HealthNotice, LinkNotice } from './connection.tsx';
import { BusView } from './bus.tsx';
import { FleetView } from './fleet.tsx';
import { MachineView } from './machine.tsx';
import { PageContext, useFleet, usePage, useRoute } from './use.ts';

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

/** Of the tab: how many need a person is seen without looking at the page. */
function Title({ route }: { route: Route }) {
  const { rows } = useFleet();
  const needed = useMemo(() => [...rows.values()].filter((row) => neededSince(row) !== null).length, [rows]);
  const title = `${needed === 0 ? '' : `(${needed}) `}${titleOf(route)} · Chartroom`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return null;
}

function Frame() {
  const page = usePage();
  const route = useRoute();
  const focus = page.focus();
  return (
    <>
      <Title route={route} />
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
