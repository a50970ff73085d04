/** Webhook deliveries that lie in the stream: listed, and sent again by hand. */
import type { Command } from 'commander';
import type { HookLine, HookLog } from '../../bridge/hook-log.ts';
import { natsAccess } from '../connection.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import { wholeNumber } from '../options.ts';
import type { Run } from '../run.ts';

export function addHookCommands(program: Command, run: Run): void {
  const hooks = program.command('hooks').description('webhook deliveries');
  hooks
    .command('list')
    .description('the newest that are kept, oldest first')
    .option('--limit <n>', 'how many', wholeNumber, 100)
    .action(({ limit }: { limit: number }) =>
      run((context) => withHookLog(context, async (log) => print(context, await log.list({ limit })))),
    );
  hooks
    .command('redeliver')
    .argument('<id>', 'the delivery’s id')
    .description('take a delivery once more')
    .action((id: string) =>
      run(async (context) => {
        const known = await withHookLog(context, (log) => redelivered(context, log, id));
        return print(context, [known]);
      }),
    );
}

async function redelivered({ ask }: CommandContext, log: HookLog, id: string): Promise<HookLine> {
  // Nobody would take it while the runtime is down.
  await ask('health', {});
  try {
    return await log.redeliver(id);
  } catch (error) {
    if ((error as { code?: string }).code !== 'HOOK_UNKNOWN') throw error;
    throw new CommandError(EXIT.unknown, (error as Error).message, 'see: chartroom hooks list');
  }
}

function print({ out }: CommandContext, lines: HookLine[]): 0 {
  if (out.json) for (const line of lines) out.object(line);
  else {
    out.table(
      ['SEQ', 'RECEIVED', 'SUBJECT', 'DELIVERY'],
      lines.map(({ seq, receivedAt, subject, delivery }) => [
        String(seq),
        receivedAt.slice(0, 19).replace('T', ' '),
        subject,
        delivery,
      ]),
    );
  }
  return EXIT.done;
}

/** The stream of hooks is the runtime's to read: an operator's password does not open it. */
async function withHookLog<T>({ config, clock }: CommandContext, use: (log: HookLog) => Promise<T>): Promise<T> {
  const { createHookLog } = await import('../../bridge/hook-log.ts');
  const { connectBus } = await import('../../bus/nats-bus.ts');
  const { createLog } = await import('../../log.ts');
  const settings = config();
  const bus = await connectBus({
    ...(await natsAccess(settings, 'runtime')),
    namespace: settings.namespace,
    clock,
    log: createLog({ level: 'silent' }),
  });
  try {
    return await use(createHookLog(bus));
  } finally {
    await bus.close();
  }
}
