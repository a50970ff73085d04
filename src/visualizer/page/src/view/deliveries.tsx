/** Deliveries of webhooks: what each was, what was decided, which envelopes it led to and what became of those. */
import { useState } from 'react';
import type { HookLine, HookWhole } from '../answers.ts';
import type { Answered } from '../ask.ts';
import { momentHref } from '../route.ts';
import { Moment } from './age.tsx';
import { Anchor, Name } from './anchor.tsx';
import { Part, useAsked } from './asked.tsx';
import { JsonText } from './json.tsx';
import { usePage } from './use.ts';

export function Deliveries() {
  const { ask } = usePage();
  const { value, problem, again } = useAsked(ask.hooks);
  const hooks = value?.hooks ?? [];
  return (
    <Part title="Deliveries" problem={problem}>
      {value !== null && hooks.length === 0 ? <p className="quiet">None lies in the stream.</p> : null}
      <ul>
        {hooks.map((hook) => (
          <Hook key={hook.seq} hook={hook} onSent={again} />
        ))}
      </ul>
    </Part>
  );
}

function Hook({ hook, onSent }: { hook: HookLine; onSent: () => void }) {
  const { ask } = usePage();
  const [whole, setWhole] = useState<Answered<HookWhole> | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  async function redeliver(): Promise<void> {
    const answer = await ask.redeliver(hook.delivery);
    setSaid(answer.ok ? `delivered again as ${answer.value.delivery}` : answer.message);
    onSent();
  }
  return (
    <li className="line" data-hook={hook.seq}>
      <Moment at={hook.receivedAt} />
      <span className="name">{hook.subject}</span>
      <span className="name quiet">{hook.delivery}</span>
      <span data-decision="">{decisionOf(hook)}</span>
      <span className="line__acts">
        <button type="button" onClick={() => void redeliver()}>
          Redeliver
        </button>
      </span>
      {said === null ? null : (
        <p role="status" className="line__whole">
          {said}
        </p>
      )}
      <details
        className="json line__whole"
        onToggle={(event) => {
          // What it led to may have grown since it was opened last.
          if (event.currentTarget.open) void ask.hook(hook.seq).then(setWhole);
        }}
      >
        <summary>Led to, and payload</summary>
        {whole === null ? null : whole.ok ? <HookInside hook={whole.value} /> : <p>{whole.message}</p>}
      </details>
    </li>
  );
}

/** In a few words, as one reads down the list. */
function decisionOf({ caused }: HookLine): string {
  if (caused === null) return 'not taken yet, or long ago';
  const { sent, poked } = caused;
  const parts = [
    ...(sent.length === 0 ? [] : [`${sent.length} ${sent.length === 1 ? 'envelope' : 'envelopes'}`]),
    ...(poked.length === 0 ? [] : [`${poked.length} ${poked.length === 1 ? 'watch' : 'watches'} told to look`]),
  ];
  return parts.join(', ') || 'concerned nobody';
}

function HookInside({ hook: { caused, led, body } }: { hook: HookWhole }) {
  const sent = caused?.sent ?? [];
  const steps = new Map(led.map((step) => [`${step.actor} ${step.id}`, step]));
  const others = led.filter((step) => !sent.some(({ to, id }) => to === step.actor && id === step.id));
  return (
    <>
      <ul className="led">
        {sent.map(({ to, type, id }) => {
          const step = steps.get(`${to} ${id}`);
          return (
            <li key={`${to} ${id}`}>
              <span className="name">{type}</span> to <Name of={to} />{' '}
              {step === undefined ? (
                <span className="quiet">no step among the newest: it was not taken, or is still on its way</span>
              ) : (
                <Step step={step} />
              )}
            </li>
          );
        })}
        {others.map((step) => (
          <li key={`${step.actor} ${step.seq}`}>
            <span className="name">{step.type}</span> to <Name of={step.actor} /> <Step step={step} />
          </li>
        ))}
        {(caused?.poked ?? []).map(({ actor, watch }) => (
          <li key={`${actor} ${watch}`}>
            the watch <span className="name">{watch}</span> of <Name of={actor} /> was told to look
          </li>
        ))}
        {sent.length + led.length + (caused?.poked.length ?? 0) === 0 ? (
          <li className="quiet">
            {caused === null
              ? 'Not taken yet, or so long ago that what was decided is not kept; nothing among the newest facts names it as its cause.'
              : 'It concerned no actor: nothing followed.'}
          </li>
        ) : null}
      </ul>
      <JsonText value={body} label="Payload" />
    </>
  );
}

const Step = ({ step: { actor, seq, outcome } }: { step: HookWhole['led'][number] }) => (
  <Anchor href={momentHref(actor, seq)}>
    {outcome} as step {seq}
  </Anchor>
);
