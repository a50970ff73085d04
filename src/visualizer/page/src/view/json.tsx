/** Any value as JSON, folded until somebody wants it. */
/** Longer than this a person searches elsewhere: `chartroom show --json`. */
const CHARACTERS_MAX = 40_000;

export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    <details className="json">
      <summary>{label}</summary>
      <JsonText value={value} label={label} />
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
