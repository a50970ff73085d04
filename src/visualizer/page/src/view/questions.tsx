/** Questions an actor has open, with their choices: answered where they are read. */
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Receipt, Shown } from '../answers.ts';
import type { Failure } from '../ask.ts';
import { letterOf } from '../letters.ts';
import { Age } from './age.tsx';
import { Name } from './anchor.tsx';
import { Notice } from './notice.tsx';
import { usePage } from './use.ts';

interface OpenQuestion {
  id: string;
  text: string;
  choices: string[];
  agent: string | null;
  at: string | null;
}

export function Questions({ shown }: { shown: Shown }) {
  const open = questionsOf(shown.context['questions']);
  return open.map((question) => <Question key={question.id} question={question} shown={shown} />);
}

function Question({ question, shown }: { question: OpenQuestion; shown: Shown }) {
  const { ask } = usePage();
  const [text, setText] = useState('');
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  async function answer(data: Record<string, unknown>): Promise<void> {
    const sent = await ask.send(
      letterOf({ subject: shown.address, type: 'answer', data: { question: question.id, ...data } }),
    );
    setProblem(sent.ok ? null : sent);
    if (sent.ok) setReceipt(sent.value);
  }
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (text.trim() !== '') void answer({ text: text.trim() });
  };
  return (
    <form className="question" onSubmit={onSubmit} aria-label="Open question">
      <p className="question__text">{question.text}</p>
      <p className="quiet">
        asked
        {question.agent === null ? null : (
          <>
            {' '}
            by <Name of={question.agent} />
          </>
        )}
        {question.at === null ? null : (
          <>
            {' '}
            <Age since={question.at} /> ago
          </>
        )}
      </p>
      <div className="question__ways">
        {question.choices.map((choice) => (
          <button key={choice} type="button" onClick={() => void answer({ choice })}>
            {choice}
          </button>
        ))}
        <input
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-label="Answer"
          placeholder="Answer"
        />
        <button type="submit" disabled={text.trim() === ''}>
          Answer
        </button>
      </div>
      {problem === null ? null : <Notice problem={problem} />}
      {receipt === null ? null : (
        <p role="status">
          {receipt.outcome}
          {receipt.reason === null ? '' : `: ${receipt.reason}`}
        </p>
      )}
    </form>
  );
}

function questionsOf(value: unknown): OpenQuestion[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((part: unknown): OpenQuestion[] => {
    if (typeof part !== 'object' || part === null) return [];
    const { id, text, choices, agent, at } = part as Record<string, unknown>;
    if (typeof id !== 'string' || typeof text !== 'string') return [];
    return [
      {
        id,
        text,
        choices: Array.isArray(choices) ? choices.filter((choice) => typeof choice === 'string') : [],
        agent: typeof agent === 'string' ? agent : null,
        at: typeof at === 'string' ? at : null,
      },
    ];
  });
}
