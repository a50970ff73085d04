/** Any value as JSON, folded until somebody wants it. */
import { useState } from 'react';

/** Longer than this a person searches elsewhere: `chartroom show --json`. */
const CHARACTERS_MAX = 40_000;

export function Json({ value, label }: { value: unknown; label: string }) {
  // A large context is not written out again at every step, for nobody to read.
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="json" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{label}</summary>
      {isOpen ? <JsonText value={value} label={label} /> : null}
    </details>
  );
}

export function JsonText({ value, label }: { value: unknown; label: string }) {
  const text = JSON.stringify(value, null, 2) ?? '';
  return (
    <pre tabIndex={0} aria-label={label}>
      {text.slice(0, CHARACTERS_MAX)}
      {text.length > CHARACTERS_MAX ? `\n… ${text.length - CHARACTERS_MAX} characters more` : null}
    </pre>
  );
}
