/**
 * A chat: what was said, answers as they come, and a line to write on. While it is looked at the chat knows that somebody
 * is there and stays awake, as with `chartroom attach`.
 */
import { useEffect, useRef, useState } from 'react';
import type { FormEvent, KeyboardEvent } from 'react';
import type { HistoryEntry, Receipt, Shown } from '../answers.ts';
import type { Failure } from '../ask.ts';
import { conversationOf } from '../conversation.ts';
import type { Line } from '../conversation.ts';
import { letterOf } from '../letters.ts';
import { Moment } from './age.tsx';
import { Notice } from './notice.tsx';
import { isThrough } from './outcome.tsx';
import { useCompany } from './company.ts';
import { usePage } from './use.ts';

/** A chat in these is read, not talked to. */
const AWAY = new Set(['archived', 'offboarding', 'offboarded']);

export const isChat = ({ address, context }: Pick<Shown, 'address' | 'context'>): boolean =>
  address.startsWith('agent/') && context['mode'] === 'chat';

export function Conversation({ shown, entries }: { shown: Shown; entries: readonly HistoryEntry[] }) {
  const { address, phase, context } = shown;
  const isAway = AWAY.has(phase);
  const [isHere, setHere] = useState(true);
  const me = useCompany(address, isHere && !isAway);
  const lines = conversationOf(context, entries);
  const others = (Array.isArray(context['consumers']) ? (context['consumers'] as { consumer: string }[]) : [])
    .map(({ consumer }) => consumer)
    .filter((consumer) => consumer !== me);
  return (
    <section className="conversation" aria-label="Conversation">
      <div className="conversation__head">
        <h2>Conversation</h2>
        {isAway ? null : (
          <>
            <span className="quiet">
              {isHere ? 'You are here: it stays awake while you look.' : 'You only read: it does not know of you.'}
              {others.length === 0 ? '' : ` Also here: ${others.join(', ')}.`}
            </span>
            <button type="button" aria-pressed={isHere} onClick={() => setHere(!isHere)}>
              {isHere ? 'Only read' : 'Be here'}
            </button>
          </>
        )}
      </div>
      <Said lines={lines} />
      {isAway ? <p className="quiet">It is {phase}: this is what was said.</p> : <Writing address={address} />}
    </section>
  );
}

function Said({ lines }: { lines: Line[] }) {
  const box = useRef<HTMLDivElement>(null);
  const { length } = lines;
  useEffect(() => {
    // Whoever reads further up is left there.
    const element = box.current;
    if (element !== null && element.scrollHeight - element.scrollTop - element.clientHeight < 300)
      element.scrollTop = element.scrollHeight;
  }, [length]);
  if (length === 0) return <p className="quiet">Nothing was said yet.</p>;
  return (
    <div ref={box} className="said" role="log" aria-label="What was said" tabIndex={0}>
      <ol>
        {lines.map((line) => (
          <li
            key={`${line.kind} ${line.id}`}
            className="said__line"
            data-kind={line.kind}
            data-final={line.kind === 'answer' && !line.isFinal ? 'not-yet' : undefined}
          >
            {line.kind === 'said' ? <span className="said__by">{line.by}</span> : null}
            <span className="said__text">{line.text}</span>
            {line.kind === 'said' && line.stands !== null ? <span className="said__stands">{line.stands}</span> : null}
            <Moment at={line.at} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function Writing({ address }: { address: string }) {
  const { ask } = usePage();
  const [text, setText] = useState('');
  const [refusal, setRefusal] = useState<Receipt | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const [isBusy, setBusy] = useState(false);
  async function send(type: string, data: Record<string, unknown>): Promise<boolean> {
    setBusy(true);
    const answer = await ask.send(letterOf({ subject: address, type, data }));
    setBusy(false);
    setProblem(answer.ok ? null : answer);
    setRefusal(answer.ok && !isThrough(answer.value) ? answer.value : null);
    return answer.ok && isThrough(answer.value);
  }
  async function say(): Promise<void> {
    const said = text.trim();
    // What was not taken stays on the line.
    if (said !== '' && !isBusy && (await send('say', { text: said }))) setText('');
  }
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    void say();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void say();
  };
  return (
    <form className="writing" onSubmit={onSubmit} aria-label="Write to it">
      <textarea
        rows={2}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        aria-label="Message"
        placeholder="Message; Enter sends, Shift and Enter begin a line"
      />
      <div className="letter__acts">
        <button type="submit" className="letter__send" disabled={isBusy || text.trim() === ''}>
          Send
        </button>
        <button type="button" disabled={isBusy} onClick={() => void send('correct.interrupt', {})}>
          Interrupt its turn
        </button>
      </div>
      {problem === null ? null : <Notice problem={problem} />}
      {refusal === null ? null : (
        <p role="status" className="parked">
          {refusal.outcome}: {refusal.reason ?? refusal.code ?? ''}
        </p>
      )}
    </form>
  );
}
