/**
 * A mission's items: as a graph of what waits for what, as a board by state, as a table, or as the ledger of all that
 * happened to it and its sessions; each item can be corrected.
 */
import { useEffect, useState } from 'react';
import type { EventSchemas, Shown } from '../answers.ts';
import { itemsOf } from '../missions.ts';
import type { MissionItem } from '../missions.ts';
import { actorHref } from '../route.ts';
import { spoken } from '../rows.ts';
import { Anchor } from './anchor.tsx';
import { Board, Graph, ItemWait, Table } from './items.tsx';
import { Ledger } from './ledger.tsx';
import { LetterForm } from './letter-form.tsx';
import { usePage } from './use.ts';

const LOOKS = ['graph', 'board', 'table', 'ledger'] as const;

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
