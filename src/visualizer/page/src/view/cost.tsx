/** What an actor's runs have used: a session's own figures, an agent's by its audit. */
import { useEffect, useState } from 'react';
import { isRecord, numberOf, recordsOf } from '../value.ts';
import { kindOf } from '../rows.ts';
import type { Stood } from './actor.tsx';
import { Part } from './particulars.tsx';
import { usePage } from './use.ts';

interface Used {
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
}

export function Cost({ stood }: { stood: Stood }) {
  if (kindOf(stood.address) === 'agent') return <AgentCost address={stood.address} />;
  const { context } = stood;
  if (!isRecord(context['usage'])) return null;
  const used = usedOf(context['usage']);
  const epochs = recordsOf(context['usageByEpoch']);
  return (
    <Part title="Cost" count={used.inputTokens + used.outputTokens > 0 ? 1 : 0}>
      <li>{spentText(used)}</li>
      {epochs.length < 2
        ? null
        : epochs.map(({ epoch, usage }) => (
            <li key={numberOf(epoch)} className="quiet">
              epoch {numberOf(epoch)}: {spentText(usedOf(isRecord(usage) ? usage : {}))}
            </li>
          ))}
    </Part>
  );
}

/** Read once: its journal is gone through for it. */
function AgentCost({ address }: { address: string }) {
  const { ask } = usePage();
  const [cost, setCost] = useState<(Used & { runs: number }) | null>(null);
  useEffect(() => {
    let isWanted = true;
    void ask.audit(address).then((answer) => {
      if (isWanted && answer.ok) setCost(answer.value.cost);
    });
    return () => {
      isWanted = false;
    };
  }, [ask, address]);
  return (
    <Part title="Cost" count={cost?.runs ?? 0}>
      <li>{cost === null ? null : `${cost.runs} ${cost.runs === 1 ? 'run' : 'runs'}, ${spentText(cost)}`}</li>
    </Part>
  );
}

const usedOf = (usage: Record<string, unknown>): Used => ({
  inputTokens: numberOf(usage['inputTokens']),
  outputTokens: numberOf(usage['outputTokens']),
  costUsd: numberOf(usage['costUsd']),
});

const grouped = (count: number): string => count.toLocaleString('en');

/** `12,300 tokens in, 4,100 out, $0.31`; many programs do not say what it cost. */
const spentText = ({ inputTokens, outputTokens, costUsd }: Used): string =>
  `${grouped(inputTokens)} tokens in, ${grouped(outputTokens)} out${costUsd === 0 ? '' : `, $${costUsd.toFixed(2)}`}`;
