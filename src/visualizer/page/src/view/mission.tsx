/**
 * A mission's items: as a graph of what waits for what, as a board by state, as a table, or as the ledger of all that
 * happened to it and its sessions; each item can be corrected.
 */
import { useEffect, useState } from 'react';
import type { EventSchemas, Shown } from '../answers.ts';
import { graphOfItems, itemsOf, OVER } from '../missions.ts';
import type { MissionItem } from '../missions.ts';
import { actorHref } from '../route.ts';
import { spoken } from '../rows.ts';
import { foremost, gateSentence, needsPerson } from '../wait.ts';
import { Age } from './age.tsx';
import { Anchor, Name } from './anchor.tsx';
import { Ledger } from './ledger.tsx';
import { LetterForm } from './letter-form.tsx';
import { usePage } from './use.ts';

const LOOKS = ['graph', 'board', 'table', 'ledger'] as const;
const STATES = ['waiting', 'ready', 'active', 'inReview', 'done', 'failed', 'cancelled'];

export function Mission({ shown }: { shown: Shown }) {
  const [look, setLook] = useState<(typeof LOOKS)[number]>('graph');
  const [chosen, setChosen] = useState<string | null>(null);
  const items = itemsOf(shown.context);
  if (items.length === 0) return null;
  const done = items.filter(({ state }) => state === 'done').length;
  const view = { items, chosen, choose: (key: string) => setChosen(key === chosen ? null : key) };
  const item = items.find(({ key }) => key === chosen);
  return (
    <section className="mission" aria-label="Items">
      <div className="mission__head">
        <h2>
          Items{' '}
          <span className="quiet">
            {done} of {items.length} done
          </span>
        </h2>
        <progress value={done} max={items.length} aria-label="Items done" />
        <div className="chart__looks" role="group" aria-label="How items are shown">
          {LOOKS.map((name) => (
            <button key={name} type="button" aria-pressed={look === name} onClick={() => setLook(name)}>
              {spoken(name)}
            </button>
          ))}
        </div>
      </div>
      {look === 'graph' ? <Graph {...view} /> : null}
      {look === 'board' ? <Board {...view} /> : null}
      {look === 'table' ? <Table {...view} /> : null}
      {look === 'ledger' ? <Ledger mission={shown.address} seq={shown.seq} /> : null}
      {item === undefined ? null : <ItemWhole key={item.key} item={item} shown={shown} />}
    </section>
  );
}

interface ItemsProps {
  items: MissionItem[];
  chosen: string | null;
  choose: (key: string) => void;
}

const CARD = { width: 208, height: 76, right: 56, below: 14 };

function Graph({ items, chosen, choose }: ItemsProps) {
  const { levels, critical } = graphOfItems(items);
  const rows = new Map<number, number>();
  const places = new Map<string, { x: number; y: number }>();
  for (const { key } of items) {
    const level = levels.get(key)!;
    const row = rows.get(level) ?? 0;
    rows.set(level, row + 1);
    places.set(key, { x: level * (CARD.width + CARD.right), y: row * (CARD.height + CARD.below) });
  }
  const width = Math.max(...[...places.values()].map(({ x }) => x)) + CARD.width;
  const height = Math.max(...[...places.values()].map(({ y }) => y)) + CARD.height;
  const ways = items.flatMap((item) =>
    item.dependsOn.flatMap((on) => (places.has(on) ? [{ from: on, to: item.key }] : [])),
  );
  return (
    <div className="items" role="region" aria-label="Graph of items" tabIndex={0}>
      <div className="items__ground" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {ways.map(({ from, to }) => {
            const start = { x: places.get(from)!.x + CARD.width, y: places.get(from)!.y + CARD.height / 2 };
            const end = { x: places.get(to)!.x, y: places.get(to)!.y + CARD.height / 2 };
            const bend = CARD.right / 2;
            return (
              <path
                key={`${from}>${to}`}
                data-way={`${from}>${to}`}
                data-critical={critical.has(from) && critical.has(to) ? '' : undefined}
                d={`M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`}
              />
            );
          })}
        </svg>
        {items.map((item) => (
          <div
            key={item.key}
            className="items__place"
            style={{
              left: places.get(item.key)!.x,
              top: places.get(item.key)!.y,
              width: CARD.width,
              height: CARD.height,
            }}
          >
            <Card item={item} isCritical={critical.has(item.key)} isChosen={chosen === item.key} choose={choose} />
          </div>
        ))}
      </div>
    </div>
  );
}

function Board({ items, chosen, choose }: ItemsProps) {
  return (
    <div className="board" role="region" aria-label="Board of items" tabIndex={0}>
      {STATES.filter((state) => !OVER.has(state) || items.some((item) => item.state === state)).map((state) => {
        const own = items.filter((item) => item.state === state);
        return (
          <section key={state} aria-label={spoken(state)}>
            <h3>
              {spoken(state)} <span className="quiet">{own.length}</span>
            </h3>
            {own.map((item) => (
              <Card key={item.key} item={item} isCritical={false} isChosen={chosen === item.key} choose={choose} />
            ))}
          </section>
        );
      })}
    </div>
  );
}

interface CardProps {
  item: MissionItem;
  isCritical: boolean;
  isChosen: boolean;
  choose: (key: string) => void;
}

function Card({ item, isCritical, isChosen, choose }: CardProps) {
  const { key, title, state, phase, owner, waitingOn } = item;
  const wait = OVER.has(state) ? null : foremost(waitingOn);
  return (
    <button
      type="button"
      className="card"
      data-item={key}
      data-item-state={state}
      data-critical={isCritical ? '' : undefined}
      aria-pressed={isChosen}
      title={title}
      onClick={() => choose(key)}
    >
      <span className="card__title">{title}</span>
      <span className="card__line">
        {phase === null ? spoken(state) : spoken(phase)}
        {owner === null ? null : `, ${owner}`}
        {isCritical ? <span className="unseen">, on the critical path</span> : null}
      </span>
      {wait === null ? null : (
        <span className="card__line" data-needed={needsPerson(wait) ? '' : undefined}>
          {gateSentence(wait).toLowerCase()}
        </span>
      )}
    </button>
  );
}

function Table({ items, choose }: ItemsProps) {
  return (
    <div className="items" role="region" aria-label="Table of items" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {['item', 'state', 'session', 'owner', 'pull request', 'waits on', 'after', 'since'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.key} data-row={item.key}>
              <th scope="row">
                <button type="button" className="event__name" onClick={() => choose(item.key)}>
                  {item.title}
                </button>
              </th>
              <td>{spoken(item.state)}</td>
              <td>
                <Name of={item.session} />{' '}
                {item.phase === null ? null : <span className="quiet">{spoken(item.phase)}</span>}
              </td>
              <td>{item.owner === null ? '–' : <Name of={item.owner} />}</td>
              <td>{item.pull === null ? '–' : `#${item.pull}`}</td>
              <td>
                <ItemWait item={item} />
              </td>
              <td className="name">{item.dependsOn.join(', ') || '–'}</td>
              <td>{item.since === null ? '–' : <Age since={item.since} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ItemWait({ item }: { item: MissionItem }) {
  if (item.refused !== null) return <span className="parked">{item.refused}</span>;
  const wait = foremost(item.waitingOn);
  if (wait !== null)
    return (
      <>
        {gateSentence(wait)}
        {wait.on === null ? null : (
          <>
            , on <Name of={wait.on} />
          </>
        )}
      </>
    );
  return item.heldBy.length === 0 ? '–' : `held by ${item.heldBy.join(', ')}`;
}

/** One item: what it waits on, its session, and the corrections that are about it, filled in for it. */
function ItemWhole({ item, shown }: { item: MissionItem; shown: Shown }) {
  const { ask } = usePage();
  const [schemas, setSchemas] = useState<EventSchemas | null>(null);
  const [type, setType] = useState<string | null>(null);
  useEffect(() => {
    void ask.events('mission').then((answer) => {
      if (answer.ok) setSchemas(answer.value);
    });
  }, [ask]);
  const corrections = Object.entries(schemas ?? {}).filter(
    ([name, { schema }]) => name.startsWith('correct.item.') && schema.properties?.['item']?.type === 'string',
  );
  return (
    <div className="meaning">
      <h3>
        {item.title} <span className="name quiet">{item.key}</span>
      </h3>
      <p>
        {spoken(item.state)}, <Anchor href={actorHref(item.session)}>{item.session}</Anchor>, <ItemWait item={item} />
      </p>
      <div className="letter__acts">
        {corrections.map(([name]) => (
          <button
            key={name}
            type="button"
            aria-pressed={type === name}
            onClick={() => setType(type === name ? null : name)}
          >
            {spoken(name.slice('correct.item.'.length))} …
          </button>
        ))}
      </div>
      {type === null || schemas?.[type] === undefined ? null : (
        <LetterForm
          key={type}
          shown={shown}
          type={type}
          schema={schemas[type].schema}
          foretell={() => {}}
          given={{ item: item.key, ...(type === 'correct.item.depends' ? { on: item.dependsOn.join('\n') } : {}) }}
        />
      )}
    </div>
  );
}
