/** What an actor holds beside its states: obligations, notes, timers, acts on their way, claims, watches. */
import type { ReactNode } from 'react';
import type { Shown } from '../answers.ts';
import { Age, Until } from './age.tsx';
import type { Stood } from './actor.tsx';
import { isRecord, recordsOf, textOf } from '../value.ts';
import { Cost } from './cost.tsx';
import { Json } from './json.tsx';
import { Mailbox } from './mailbox.tsx';
import { Worktree } from './worktree.tsx';

/** `now`: null for a moment of the past, of which acts, watches and mail are not known. */
export function Particulars({ stood, now }: { stood: Stood; now: Shown | null }) {
  const { context, timers, claims } = stood;
  const { outbox = [], watches = [], mailbox = 0 } = now ?? {};
  const obligations = recordsOf(context['obligations']);
  const notes = notesOf(context['notes']);
  return (
    <section className="particulars" aria-label="Particulars">
      <Part title="Owed" count={obligations.length}>
        {obligations.map((owed, index) => (
          <li key={textOf(owed['id'], String(index))}>
            <strong>{textOf(owed['kind'], 'obligation')}</strong>
            {typeof owed['head'] === 'string' ? (
              <>
                {' '}
                at <code>{owed['head'].slice(0, 7)}</code>
              </>
            ) : null}
            {typeof owed['since'] === 'string' ? (
              <>
                {' '}
                for <Age since={owed['since']} />
              </>
            ) : null}
            {typeof owed['attempts'] === 'number' && owed['attempts'] > 0 ? `, attempts ${owed['attempts']}` : null}
            {isRecord(owed['voice']) ? <p>“{textOf(owed['voice']['text'], '')}”</p> : null}
            {isRecord(owed['parked']) ? <p className="parked">Parked: {textOf(owed['parked']['reason'], '')}</p> : null}
            <Json value={owed['evidence'] ?? owed} label="Evidence" />
          </li>
        ))}
      </Part>
      {mailbox === 0 ? null : <Mailbox address={stood.address} count={mailbox} />}
      <Part title="Notes" count={notes.length}>
        {notes.map((note, index) => (
          <li key={note.id ?? index}>
            {note.text.length > NOTE_LETTERS_MAX ? `${note.text.slice(0, NOTE_LETTERS_MAX)} …` : note.text}
            <p className="quiet">
              {note.author ?? ''} {note.at === null ? null : <Age since={note.at} />}
              {note.isUnread ? ', unread' : null}
            </p>
          </li>
        ))}
      </Part>
      <Part title="Timers" count={Object.keys(timers).length}>
        {Object.entries(timers).map(([key, timer]) => (
          <li key={key}>
            <span className="name">{key.slice(key.lastIndexOf(':') + 1)}</span> <Until until={timer.due} over="now" />
            <span className="quiet"> {key.slice(0, key.lastIndexOf(':'))}</span>
          </li>
        ))}
      </Part>
      <Part title="Acts on their way" count={outbox.length}>
        {outbox.map((row) => (
          <li key={row.key}>
            <span className="name">{row.act}</span> for <Age since={row.wishedAt} />
            {row.attempted ? ', attempted' : null}
            <Json value={row.params} label="Parameters" />
          </li>
        ))}
      </Part>
      <Part title="Watches" count={watches.length}>
        {watches.map((watch) => (
          <li key={watch} className="name">
            {watch}
          </li>
        ))}
      </Part>
      <Part title="Claims" count={claims.length}>
        {claims.map((claim) => (
          <li key={claim} className="name">
            {claim}
          </li>
        ))}
      </Part>
      <Worktree stood={stood} isOver={now?.final === true} />
      <Cost stood={stood} />
      <Json value={context} label="Whole context" />
    </section>
  );
}

interface PartProps {
  title: string;
  count: number;
  /** Where a link within the page leads to. */
  id?: string;
  children: ReactNode;
}

export function Part({ title, count, id, children }: PartProps) {
  if (count === 0) return null;
  return (
    <div className="part" id={id} tabIndex={id === undefined ? undefined : -1}>
      <h2>{title}</h2>
      <ul>{children}</ul>
    </div>
  );
}

/** A longer note is read in the whole context. */
const NOTE_LETTERS_MAX = 2_000;

interface NoteShown {
  id: string | null;
  text: string;
  author: string | null;
  at: string | null;
  isUnread: boolean;
}

/** Notes of any machine, newest first: a machine of a user's own may keep mere texts. */
function notesOf(value: unknown): NoteShown[] {
  if (!Array.isArray(value)) return [];
  return value
    .map((note: unknown): NoteShown => {
      if (!isRecord(note)) return { id: null, text: String(note), author: null, at: null, isUnread: false };
      const part = (name: string): string | null => (typeof note[name] === 'string' ? note[name] : null);
      return {
        id: part('id'),
        text: part('text') ?? '',
        author: part('author'),
        at: part('at'),
        isUnread: note['readBy'] === null,
      };
    })
    .toReversed();
}
