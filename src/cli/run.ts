/** Runs a command: gives it its context, closes what it opened, and remembers the exit code to leave with. */
import path from 'node:path';
import { loadConfig } from '../config/config.ts';
import type { Config } from '../config/config.ts';
import { connectLink } from './connection.ts';
import type { Connect, Link, Reach } from './connection.ts';
import { personSource } from './context.ts';
import type { CommandContext } from './context.ts';
import { explain } from './exit.ts';
import type { Exit } from './exit.ts';
import { createOutput } from './output.ts';
import type { Terminal } from './terminal.ts';

/** Hands the command a context that connects at its first question; errors become lines on stderr and an exit code. */
export type Run = (command: (context: CommandContext) => Promise<Exit>, options?: { reach?: Reach }) => Promise<void>;

/** Options every command takes. */
export interface GlobalFlags {
  config?: string;
  json?: boolean;
  nats?: string;
  namespace?: string;
  data?: string;
}

export interface RunParts {
  terminal: Terminal;
  flags: () => GlobalFlags;
  connect?: Connect | undefined;
  leaveWith: (exit: Exit) => void;
}

export function createRun({ terminal, flags, connect = connectLink, leaveWith }: RunParts): Run {
  return async (command, { reach = 'runtime' } = {}) => {
    const { json = false, ...global } = flags();
    const { clock, env } = terminal;
    const out = createOutput({ json, stdout: terminal.stdout, stderr: terminal.stderr, env, nowMs: clock.now() });
    let config: Config | null = null;
    let link: Promise<Link> | null = null;
    const configure = (more: Record<string, unknown> = {}): Config => (config ??= configFrom(global, more, terminal));
    const linked = (): Promise<Link> => (link ??= connect({ config: configure(), reach, clock, say: out.say }));
    const context: CommandContext = {
      out,
      clock,
      terminal,
      source: personSource(env),
      config: configure,
      flags: flags(),
      ask: async (question, body, options) => (await linked()).ask(question, body, options),
      link: linked,
    };
    try {
      leaveWith(await command(context));
    } catch (error) {
      const { text, exit } = explain(error);
      out.say(text);
      leaveWith(exit);
    } finally {
      await closing(link);
    }
  };
}

function configFrom(global: Omit<GlobalFlags, 'json'>, more: Record<string, unknown>, { env, cwd }: Terminal): Config {
  // In the file a path is relative to the file; what a person types, to where they stand.
  const data = global.data === undefined ? undefined : path.resolve(cwd, global.data);
  const flags = { namespace: global.namespace, data, 'nats.url': global.nats, ...more };
  return loadConfig({ path: global.config, env, cwd, flags });
}

/** What could not be opened was said already. */
async function closing(link: Promise<Link> | null): Promise<void> {
  if (link === null) return;
  const open = await link.catch(() => null);
  await open?.close();
}
