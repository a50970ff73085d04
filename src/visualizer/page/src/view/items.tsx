/** The items of a mission as a graph of what waits for what, as a board by state, and as a table. */
import { graphOfItems, OVER } from '../missions.ts';
import type { MissionItem } from '../missions.ts';
import { spoken } from '../rows.ts';
import { foremost, gateSentence, needsPerson } from '../wait.ts';
import { Age } from './age.tsx';
import { Name } from './anchor.tsx';

const STATES = ['waiting', 'ready', 'active', 'inReview', 'done', 'failed', 'cancelled'];

export interface ItemsProps {
  items: MissionItem[];
  chosen: string | null;
  choose: (key: string) => void;
}

const CARD = { width: 208, height: 76, right: 56, below: 14 };

export function Graph({ items, chosen, choose }: ItemsProps) {
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

export function Board({ items, chosen, choose }: ItemsProps) {
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

export function Table({ items, choose }: ItemsProps) {
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

export function ItemWait({ item }: { item: MissionItem }) {
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
