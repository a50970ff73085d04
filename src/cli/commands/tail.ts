/** `tail`: facts as they are committed, one line each, until interrupted. */
import type { Command } from 'commander';
import type { Fact, FactEnvelope } from '../../actor/fact.ts';
import { addressFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { wholeNumber } from '../options.ts';
import { factLine } from '../fact.ts';
import type { Run } from '../run.ts';

export function addTailCommand(program: Command, run: Run): void {
  program
    .command('tail')
    .argument('[actor]')
    .description('what happens, as it happens')
    .option('--from <seq>', 'from this place in the stream of facts on (1: all that is kept)', wholeNumber)
    .action((name: string | undefined, { from }: { from?: number }) =>
      run((context) => tail(context, name, from), { reach: 'nats' }),
    );
}

async function tail(context: CommandContext, name: string | undefined, fromSeq: number | undefined): Promise<0> {
  const { out, terminal } = context;
  const actor = name === undefined ? undefined : await addressFor(context, name);
  const { follow } = await context.link();
  const abort = new AbortController();
  const listening = terminal.onInterrupt(() => abort.abort());
  try {
    const filter = { ...(actor === undefined ? {} : { actor }), ...(fromSeq === undefined ? {} : { fromSeq }) };
    for await (const { seq, body } of follow(filter, abort.signal)) {
      const fact = (JSON.parse(body) as FactEnvelope).data;
      if (out.json) out.object({ stream: seq, ...fact });
      else out.answer(factLine(out, fact satisfies Fact));
    }
  } finally {
    listening();
  }
  return EXIT.done;
}
