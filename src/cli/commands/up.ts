/** `up`: the runtime in the foreground. `demo`: the main job, watched live. */
import type { Command } from 'commander';
import { readBootId } from '../../effects/process/group.ts';
import { livingRuns } from '../../effects/process/living.ts';
import { RejectedInput, TerminalError } from '../../errors.ts';
import { createLog } from '../../log.ts';
import { StoreError } from '../../store/store.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT, VERSION_TODO, damageTodo } from '../exit.ts';
import type { Exit } from '../exit.ts';
import type { Run } from '../run.ts';

interface UpFlags {
  webhooks?: string;
  operator?: string;
}

export function addUpCommands(program: Command, run: Run): void {
  program
    .command('up')
    .description('run: runtime, bridge and page; with a nats-server of its own where none is configured')
    .option('--webhooks <host:port>', 'where webhooks come in')
    .option('--operator <host:port>', 'where the page and the questions are')
    .action((flags: UpFlags) => run((context) => up(context, flags)));

  program
    .command('demo')
    .description('the main job on real parts, from an issue to a merged pull request, watched live')
    .option('--stay', 'keep everything running afterwards, until interrupted')
    .action(({ stay = false }: { stay?: boolean }) => run((context) => demo(context, stay)));
}

async function up(context: CommandContext, { webhooks, operator }: UpFlags): Promise<Exit> {
  const { out, terminal, clock } = context;
  const config = context.config({ 'webhooks.listen': webhooks, 'operator.listen': operator });
  const log = createLog({ level: config.log, secrets: config.secrets(), to: terminal.stderr });
  let interrupts = 0;
  let interrupt = (): void => {};
  const interrupted = new Promise<'interrupted'>((resolve) => {
    interrupt = () => resolve('interrupted');
  });
  const listening = terminal.onInterrupt(() => {
    interrupts += 1;
    if (interrupts > 1) terminal.leave(EXIT.failed);
    out.say('stopping: what is under way ends; once more to end at once');
    interrupt();
  });
  try {
    // Loaded here alone: the other commands start faster without the whole runtime.
    const { startRuntime } = await import('../../runtime.ts');
    const runtime = await startRuntime({ config, env: terminal.env, clock, log }).catch((error: unknown) => {
      throw endError(error, config.data);
    });
    const { webhooks, operator, nats } = runtime;
    if (out.json) out.object({ ready: true, webhooks, operator, nats });
    else out.answer(`${out.paint('green', 'ready')}  page ${operator}  webhooks ${webhooks}  nats ${nats}`);
    try {
      await Promise.race([interrupted, runtime.failed]);
    } catch (error) {
      throw endError(error, config.data);
    } finally {
      await runtime.stop();
      await nameLiving(context, config.data);
    }
    return EXIT.done;
  } finally {
    listening();
  }
}

/** Processes of drivers that are taken up again go on: whoever stops the runtime is told of each. */
async function nameLiving({ out }: CommandContext, data: string): Promise<void> {
  const alive = await livingRuns(data, await readBootId());
  if (alive.length === 0) return;
  const which = alive.map(({ run, agent, pid }) => `${agent} ${run} (process ${pid})`).join(', ');
  out.say(`left to be taken up by the next start: ${which}; to end them now: chartroom stop AGENT`);
}

async function demo({ out, terminal }: CommandContext, stay: boolean): Promise<Exit> {
  const { runDemo } = await import('../../demo/main.ts');
  let listening = (): void => {};
  const interrupted = new Promise<void>((resolve) => {
    listening = terminal.onInterrupt(resolve);
  });
  try {
    const { stdout, stderr, env } = terminal;
    return await runDemo({ json: out.json, stay, interrupted, stdout, stderr, env });
  } finally {
    listening();
  }
}

/** What kept it from starting or ended it, with what to do about it. */
function endError(error: unknown, data: string): unknown {
  if (error instanceof StoreError) return storeError(error, data);
  if (error instanceof RejectedInput && (error.code === 'LISTEN' || error.code === 'PORT_TAKEN')) {
    return new CommandError(EXIT.failed, error.message, error.issues.join('; '));
  }
  if (error instanceof TerminalError && error.code === 'NATS_MISSING') {
    return new CommandError(
      EXIT.failed,
      error.message,
      'install it (apt-get install nats-server, brew install nats-server), name it with CHARTROOM_NATS_SERVER, or set nats.url',
    );
  }
  if (error instanceof TerminalError && error.code === 'LEASE_LOST') {
    return new CommandError(
      EXIT.failed,
      error.message,
      'what this one took is in its store and nothing more was done; stop the other before it is started again, or choose another namespace',
    );
  }
  return error;
}

function storeError(error: StoreError, data: string): CommandError {
  switch (error.code) {
    case 'STORE_LOCKED':
      return new CommandError(EXIT.failed, error.message, 'stop it first, or choose another directory with --data');
    case 'STORE_VERSION':
      return new CommandError(EXIT.failed, error.message, VERSION_TODO);
    case 'STORE_DAMAGED':
      return new CommandError(EXIT.failed, error.message, damageTodo(data));
    case 'STORE_POISONED':
    case 'STORE_FAILED':
      return new CommandError(
        EXIT.failed,
        error.message,
        `see whether ${data} can be written and its disk has room, then start again: what was acknowledged is on it`,
      );
  }
}
