/** `link`: a signed link to an actor's public status page, for somebody who has no access here. */
import type { Command } from 'commander';
import { statusLink } from '../../bridge/status-link.ts';
import { addressFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import type { Run } from '../run.ts';

export function addLinkCommand(program: Command, run: Run): void {
  program
    .command('link')
    .argument('<actor>')
    .description('a link to its public status page, for seven days')
    .action((name: string) => run((context) => link(context, name), { reach: 'reading' }));
}

async function link(context: CommandContext, name: string): Promise<Exit> {
  const { out, ask, clock } = context;
  const { status } = context.config();
  if (status === undefined) {
    throw new CommandError(
      EXIT.failed,
      'there is no public status page',
      'set status.url and status.secret in chartroom.yaml, then start the runtime again',
    );
  }
  const { address } = (await ask('show', { actor: await addressFor(context, name) })) as { address: string };
  const { url, until } = statusLink(status, address, clock.now());
  if (out.json) out.object({ actor: address, url, until: new Date(until * 1_000).toISOString() });
  else out.answer(url);
  return EXIT.done;
}
