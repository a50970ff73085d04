/**
 * `attach` to a session: a person takes it over. The run in progress is ended, the agent's own program is opened in the
 * worktree, in the conversation that was going on, and when that leaves the session is handed back.
 */
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Receipt } from '../../actor/receipt.ts';
import { loadRoles, roleOf, secretEnvironmentOf } from '../../config/roles.ts';
import { openDrivers } from '../../drivers/opening.ts';
import type { Driver, TerminalProgram } from '../../drivers/driver.ts';
import type { CommandContext } from '../context.ts';
import { envelopeTo, receiptFor, waitFor } from '../context.ts';
import { CommandError, EXIT, exitOf } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { leftIn } from '../unpublished.ts';
import type { ProgramAtTerminal } from '../terminal.ts';

export interface TakeOverFlags {
  /** A shell instead of the agent's program. */
  shell?: boolean;
  /** For whoever goes on. */
  note?: string;
  timeout: number;
}

interface Session {
  address: string;
  final: boolean;
  phase: string;
  owner: string | null;
  outbox: { act: string }[];
  context: {
    taken: { by: string } | null;
    lastOwner: string | null;
    owner: string | null;
    conversation: { agent: string; id: string } | null;
    worktree: { path: string; fresh: boolean } | null;
  };
}
interface Agent {
  context: { driver: string; role: string; env: Record<string, string> };
}

type Opening = ProgramAtTerminal & Pick<TerminalProgram, 'prepare'>;

/** What is done in a worktree by the session itself. */
const IN_WORKTREE = new Set(['worktree.prepare', 'run.verify']);
const POLL_MS = 200;

export async function takeOver(context: CommandContext, address: string, flags: TakeOverFlags): Promise<Exit> {
  const { out, ask, terminal } = context;
  if (!address.startsWith('session/') && !address.includes('#')) {
    throw new CommandError(EXIT.misuse, `${address} is neither a chat nor a session`, 'see: chartroom ps');
  }
  const before = await look(context, address);
  if (before.final)
    throw new CommandError(EXIT.refused, `${before.address} is ${before.phase}: there is nothing to take over`);
  const worktree = before.context.worktree?.path;
  if (worktree === undefined) {
    const todo = `see: chartroom why ${before.address}`;
    throw new CommandError(EXIT.refused, `nobody has worked on ${before.address} yet: it has no worktree`, todo);
  }
  if (!existsSync(worktree)) {
    const todo = 'attach on the machine where the runtime runs';
    throw new CommandError(EXIT.refused, `the worktree ${worktree} is not on this machine`, todo);
  }
  // Before anything is ended: what cannot be opened is not taken over.
  await programFor(context, before, flags);

  const { address: session } = before;
  await correct('correct.takeover', {});
  let note = flags.note;
  let exit: Exit = EXIT.done;
  try {
    const deadlineMs = context.clock.now() + flags.timeout * 1_000;
    exit = await waitFor(context, session, true, deadlineMs);
    if (exit !== EXIT.done) return exit;
    const now = await untilAtRest(deadlineMs);
    const { worktree: place } = now.context;
    if (place === null || place.fresh) {
      throw new CommandError(
        EXIT.failed,
        `the process of the last run may still be in ${worktree}`,
        'it was handed back',
      );
    }
    const program = await programFor(context, now, flags);
    out.say(`${session} is yours: ${[program.file, ...program.args].join(' ')}\n  in ${place.path}`);
    out.say('  when you leave it, the session is handed back and agents go on from what you left');
    program.prepare?.();
    const { failed, code = 0 } = await terminal.open({ ...program, cwd: place.path });
    if (code !== 0) out.say(`  it left with ${code}`);
    if (failed !== undefined) {
      exit = EXIT.failed;
      out.say(`✗ ${program.file} could not be opened: ${failed}`);
    }
    const left = await leftIn(place.path);
    if (left !== null) {
      out.say(`  ${left}`);
      note = note === undefined ? `${left}: finish, commit and push it.` : `${note} (${left})`;
    }
  } finally {
    await correct('correct.handback', note === undefined ? {} : { note });
    out.say(`${session} is handed back`);
  }
  return exit;

  async function correct(type: string, data: Record<string, unknown>): Promise<Receipt> {
    const receipt = await receiptFor(context, envelopeTo(context, session, type, data, {}));
    const code = exitOf(receipt);
    if (code !== EXIT.done) {
      const reason = receipt.reason ?? receipt.code ?? '';
      const todo = type === 'correct.handback' ? `do it by hand: chartroom correct ${session} handback` : '';
      throw new CommandError(code, `${type} was ${receipt.outcome}: ${reason}`, todo);
    }
    return receipt;
  }

  /** Nothing of the session's own is under way in the worktree. */
  async function untilAtRest(deadlineMs: number): Promise<Session> {
    for (;;) {
      const shown = (await ask('show', { actor: session })) as Session;
      if (!shown.outbox.some(({ act }) => IN_WORKTREE.has(act))) return shown;
      if (context.clock.now() >= deadlineMs) {
        throw new CommandError(
          EXIT.failed,
          `the worktree of ${session} is still being prepared or looked at`,
          'try again',
        );
      }
      await new Promise<void>((resolve) => context.clock.after(POLL_MS, resolve));
    }
  }
}

const look = async ({ ask }: CommandContext, actor: string): Promise<Session> =>
  (await ask('show', { actor })) as Session;

/** The person's own surroundings, in the agent's home: there its conversations and its credentials lie. */
async function programFor(context: CommandContext, session: Session, flags: TakeOverFlags): Promise<Opening> {
  const { env } = context.terminal;
  if (flags.shell === true) return { file: env['SHELL'] ?? '/bin/sh', args: [], env: {} };
  const { conversation, lastOwner, owner } = session.context;
  const agent = conversation?.agent ?? owner ?? lastOwner;
  const elsewise = `a shell in its worktree: chartroom attach ${session.address} --shell`;
  if (agent?.startsWith('agent/') !== true) {
    throw new CommandError(EXIT.refused, `no agent has worked on ${session.address} yet`, elsewise);
  }
  const { driver: name, role, env: own } = ((await context.ask('show', { actor: agent })) as Agent).context;
  const config = context.config();
  const driver: Driver | undefined = (await openDrivers(config))[name];
  if (driver === undefined) {
    throw new CommandError(EXIT.refused, `the driver ${name} is not in the configuration`, elsewise);
  }
  const home = path.resolve(config.data, 'homes', agent.slice('agent/'.length));
  const roles = loadRoles({
    directory: config.roles === undefined ? undefined : path.resolve(config.directory, config.roles),
  });
  const secrets = secretEnvironmentOf(
    config.agents.find((known) => `agent/${known.name}` === agent),
    roleOf(roles, role),
    env,
  );
  const agentEnv = { ...own, ...secrets };
  const seat = { home, cwd: session.context.worktree!.path, conversation: conversation?.id, env: agentEnv };
  const launch = driver.takeOver?.(seat);
  if (launch === undefined) {
    throw new CommandError(EXIT.refused, `${agent} is run by ${name}, which has no program for a terminal`, elsewise);
  }
  return { ...launch, env: { ...agentEnv, HOME: home, ...gitOf(env) } };
}

/** Git asks whoever sits there for name and credentials, not the agent. */
function gitOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const own = env['GIT_CONFIG_GLOBAL'] ?? path.join(env['HOME'] ?? os.homedir(), '.gitconfig');
  return existsSync(own) ? { GIT_CONFIG_GLOBAL: own } : {};
}
