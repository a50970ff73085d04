/** A form for one event: filled in, previewed, sent, receipted. Nothing is sent that was not previewed as it stands. */
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Foretold, JsonSchema, Receipt, Shown } from '../answers.ts';
import type { Failure } from '../ask.ts';
import { dataOf, fieldsOf } from '../forms.ts';
import type { Field, Typed } from '../forms.ts';
import { letterOf } from '../letters.ts';
import { movesOf } from '../moment.ts';
import { spoken } from '../rows.ts';
import { Notice } from './notice.tsx';
import { isThrough, Outcome } from './outcome.tsx';
import { usePage } from './use.ts';

/** Shows on the chart what would be left and entered; null takes it away. */
export type Foretell = (move: { left: string[]; entered: string[] } | null) => void;

interface LetterFormProps {
  shown: Pick<Shown, 'address' | 'epoch' | 'value'>;
  type: string;
  schema: JsonSchema;
  foretell: Foretell;
  /** What is filled in at first. */
  given?: Typed;
}

export function LetterForm({ shown, type, schema, foretell, given = {} }: LetterFormProps) {
  const { ask } = usePage();
  const [typed, setTyped] = useState<Typed>(given);
  const [mistakes, setMistakes] = useState<Record<string, string>>({});
  const [preview, setPreview] = useState<{ foretold: Foretold; of: string } | null>(null);
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
    const answer = await ask.foretell(letter(data));
    setBusy(false);
    setReceipt(null);
    setProblem(answer.ok ? null : answer);
    if (!answer.ok) return;
    setPreview({ foretold: answer.value, of: current });
    const { before, after, outcome } = answer.value.receipt;
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
          disabled={isBusy || !isPreviewed || !isThrough(preview.foretold.receipt)}
          onClick={() => void send()}
        >
          Send
        </button>
        {preview !== null && !isPreviewed ? <span className="quiet">changed since the preview</span> : null}
      </div>
      {problem === null ? null : <Notice problem={problem} />}
      {isPreviewed ? (
        <Outcome receipt={preview.foretold.receipt} foretold={preview.foretold} address={shown.address} />
      ) : null}
      {receipt === null ? null : <Outcome receipt={receipt} foretold={null} address={shown.address} />}
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
