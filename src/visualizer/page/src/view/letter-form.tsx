/** A form for one event: filled in, previewed, sent, receipted. Nothing is sent that was not previewed as it stands. */
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Chart, JsonSchema, Receipt, Shown } from '../answers.ts';
import type { Failure } from '../ask.ts';
import { dataOf, fieldsOf } from '../forms.ts';
import type { Field, Typed } from '../forms.ts';
import { letterOf } from '../letters.ts';
import { movesOf } from '../moment.ts';
import { spoken } from '../rows.ts';
import { activePaths } from '../tree.ts';
import { Notice } from './notice.tsx';
import { usePage } from './use.ts';
import { WaitLine } from './wait-line.tsx';

/** Shows on the chart what would be left and entered; null takes it away. */
export type Foretell = (move: { left: string[]; entered: string[] } | null) => void;

interface LetterFormProps {
  shown: Pick<Shown, 'address' | 'epoch' | 'value'>;
  chart: Chart;
  type: string;
  schema: JsonSchema;
  foretell: Foretell;
  /** What is filled in at first. */
  given?: Typed;
}

export function LetterForm({ shown, chart, type, schema, foretell, given = {} }: LetterFormProps) {
  const { ask } = usePage();
  const [typed, setTyped] = useState<Typed>(given);
  const [mistakes, setMistakes] = useState<Record<string, string>>({});
  const [preview, setPreview] = useState<{ receipt: Receipt; of: string } | null>(null);
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const [isBusy, setBusy] = useState(false);
  // The epoch that was seen when the form was opened: what moved on meanwhile is not corrected by mistake.
  const [epoch] = useState(shown.epoch);
  const fields = fieldsOf(schema);
  const asksReason = type.startsWith('correct.') && fields.some(({ name }) => name === 'reason');
  const current = JSON.stringify(typed);
  const isPreviewed = preview !== null && preview.of === current;

  const written = (): Record<string, unknown> | null => {
    const read = dataOf(fields, typed);
    if (asksReason && read.data['reason'] === undefined)
      read.mistakes['reason'] = 'is asked for: whoever reads the history wants to know why';
    setMistakes(read.mistakes);
    return Object.keys(read.mistakes).length === 0 ? read.data : null;
  };
  const isSession = shown.address.startsWith('session/');
  const letter = (data: Record<string, unknown>) =>
    letterOf({ subject: shown.address, type, data, expectepoch: isSession && epoch !== null ? epoch : undefined });

  async function look(event: FormEvent): Promise<void> {
    event.preventDefault();
    const data = written();
    if (data === null) return;
    setBusy(true);
    const answer = await ask.preview(letter(data));
    setBusy(false);
    setReceipt(null);
    setProblem(answer.ok ? null : answer);
    if (!answer.ok) return;
    setPreview({ receipt: answer.value, of: current });
    const { before, after, outcome } = answer.value;
    foretell(after === null || outcome !== 'taken' ? null : movesOf(before?.value ?? shown.value, after.value));
  }

  async function send(): Promise<void> {
    const data = written();
    if (data === null) return;
    setBusy(true);
    const answer = await ask.send(letter(data));
    setBusy(false);
    foretell(null);
    setPreview(null);
    setProblem(answer.ok ? null : answer);
    if (answer.ok) setReceipt(answer.value);
  }

  return (
    <form className="letter" onSubmit={(event) => void look(event)} aria-label={`Send ${type}`}>
      {fields.length === 0 ? <p className="quiet">It takes no data.</p> : null}
      {fields.map((field) => (
        <Entry
          key={field.name}
          id={`${type}/${field.name}`}
          field={field}
          value={typed[field.name] ?? ''}
          mistake={mistakes[field.name]}
          onType={(text) => setTyped({ ...typed, [field.name]: text })}
        />
      ))}
      <div className="letter__acts">
        <button type="submit" disabled={isBusy}>
          Preview
        </button>
        <button
          type="button"
          className="letter__send"
          disabled={isBusy || !isPreviewed || preview.receipt.outcome === 'refused'}
          onClick={() => void send()}
        >
          Send
        </button>
        {preview !== null && !isPreviewed ? <span className="quiet">changed since the preview</span> : null}
      </div>
      {problem === null ? null : <Notice problem={problem} />}
      {isPreviewed ? <Outcome receipt={preview.receipt} chart={chart} address={shown.address} isPreview /> : null}
      {receipt === null ? null : <Outcome receipt={receipt} chart={chart} address={shown.address} isPreview={false} />}
    </form>
  );
}

interface EntryProps {
  id: string;
  field: Field;
  value: string;
  mistake: string | undefined;
  onType: (text: string) => void;
}

function Entry({ id, field: { name, isRequired, control }, value, mistake, onType }: EntryProps) {
  const shared = {
    id,
    value,
    'aria-invalid': mistake !== undefined,
    'aria-describedby': mistake === undefined ? undefined : `${id}/mistake`,
  };
  const choices = control.kind === 'choice' ? control.choices : control.kind === 'yesno' ? ['yes', 'no'] : null;
  return (
    <div className="entry">
      <label htmlFor={id}>
        {spoken(name)}
        {isRequired ? null : <span className="quiet"> {name === 'reason' ? '' : 'optional'}</span>}
        {control.kind === 'lines' ? <span className="quiet"> one per line</span> : null}
        {control.kind === 'json' ? <span className="quiet"> JSON</span> : null}
      </label>
      {choices !== null ? (
        <select {...shared} onChange={(event) => onType(event.target.value)}>
          <option value="">{isRequired ? 'choose' : '–'}</option>
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : control.kind === 'text' || control.kind === 'number' ? (
        <input
          {...shared}
          inputMode={control.kind === 'number' ? 'decimal' : undefined}
          onChange={(event) => onType(event.target.value)}
        />
      ) : (
        <textarea {...shared} rows={name === 'reason' ? 1 : 2} onChange={(event) => onType(event.target.value)} />
      )}
      {mistake === undefined ? null : (
        <span className="entry__mistake" id={`${id}/mistake`}>
          {spoken(name)} {mistake}
        </span>
      )}
    </div>
  );
}

interface OutcomeProps {
  receipt: Receipt;
  chart: Chart;
  address: string;
  isPreview: boolean;
}

/** A receipt for people, given or foretold. */
export function Outcome({ receipt, chart, address, isPreview }: OutcomeProps) {
  const { outcome, before, after, effects, reason, code, waitingOn } = receipt;
  const { left, entered } = after === null ? { left: [], entered: [] } : movesOf(before?.value ?? null, after.value);
  const tells = effects.filter((effect) => effect.startsWith('tell:'));
  const acts = effects.filter((effect) => !effect.startsWith('tell:') && !effect.startsWith('cancel:'));
  const timers =
    after === null
      ? []
      : timersOf(chart, before === null ? [] : [...activePaths(before.value)], [...activePaths(after.value)]);
  const isThrough = outcome === 'taken' || outcome === 'recorded';
  return (
    <div className="outcome" role="status" data-outcome={outcome} data-preview={isPreview ? '' : undefined}>
      <p>
        <strong>
          {isPreview ? `Would be ${outcome}` : `${outcome}${receipt.seq === null ? '' : ` as step ${receipt.seq}`}`}
        </strong>
        {isThrough ? null : `: ${reason ?? code ?? ''}${code === null ? '' : ` (${code})`}`}
      </p>
      {isThrough && after !== null ? (
        <dl className="facts">
          <dt>phase</dt>
          <dd>
            {before === null || before.phase === after.phase
              ? `stays ${spoken(after.phase)}`
              : `${spoken(before.phase)} → ${spoken(after.phase)}`}
          </dd>
          <dt>states</dt>
          <dd className="name">
            {left.length + entered.length === 0 ? '–' : `${left.join(', ')} → ${entered.join(', ')}`}
          </dd>
          <dt>acts</dt>
          <dd className="name">{acts.join(', ') || '–'}</dd>
          <dt>messages</dt>
          <dd className="name">{tells.map((tell) => tell.slice('tell:'.length)).join(', ') || '–'}</dd>
          <dt>timers</dt>
          <dd className="name">{timers.join(', ') || '–'}</dd>
          <dt>then waits on</dt>
          <dd>
            {waitingOn.length === 0
              ? 'nothing'
              : waitingOn.map((wait) => (
                  <p key={`${wait.gate} ${wait.on ?? ''} ${wait.detail}`}>
                    <WaitLine wait={wait} of={address} />
                  </p>
                ))}
          </dd>
        </dl>
      ) : null}
    </div>
  );
}

/** Timers that begin in the states that are entered. */
function timersOf(chart: Chart, before: string[], after: string[]): string[] {
  const entered = new Set(after.filter((path) => !before.includes(path)));
  return [
    ...new Set(chart.edges.flatMap((edge) => (edge.after !== undefined && entered.has(edge.from) ? [edge.after] : []))),
  ];
}
