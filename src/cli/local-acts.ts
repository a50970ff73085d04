/**
 * The acts a command performs itself while the runtime is down: those on this machine that a stopped or offboarded
 * agent needs at once, its processes ended by pid and start time, its credential refused. All others stay in the
 * outbox for the next runtime.
 */
import { heldOf } from '../actor/hold.ts';
import type { Node } from '../actor/node.ts';
import { createOutbox } from '../actor/outbox.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { ActPerformer } from '../effects/effect.ts';
import { readBootId } from '../effects/process/group.ts';
import { createProcessWatch } from '../effects/process/watch.ts';
import { createTokenStore } from '../effects/run-tokens.ts';
import { Bug } from '../errors.ts';
import type { Logger } from '../log.ts';

const LOCAL = ['process.end', 'credential.revoke'] as const;
/** Between two looks whether a process is gone. */
const LOOK_MS = 20;

export interface LocalActs {
  /** Resolves when no step and no act of this machine is under way. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

interface LocalActsOptions {
  node: Node;
  config: Config;
  clock: Clock;
  log: Logger;
}

/** Begins with what the node loads: open it before. */
export async function openLocalActs({ node, config, clock, log }: LocalActsOptions): Promise<LocalActs> {
  const never = (): never => {
    throw new Bug('a command starts no process');
  };
  const { acts } = createProcessWatch({
    drivers: {},
    dataDir: config.data,
    runDoor: createTokenStore({ dataDir: config.data, random: never }),
    url: '',
    prompts: { render: never },
    machine: {},
    person: never,
    node: process.execPath,
    bootId: await readBootId(),
    timers: config.timers,
    clock,
    log,
  });
  const performers: Record<string, ActPerformer> = Object.fromEntries(LOCAL.map((name) => [name, acts[name]]));
  const ending = acts['process.end'];
  performers['process.end'] = {
    ...ending,
    async perform(params, doing) {
      await ending.perform(params, doing);
      await tellGone(node, doing.actor, (params as { reason: string }).reason);
    },
  };
  const outbox = createOutbox({
    node: withActs(node, performers),
    performers,
    clock,
    log,
    held: heldOf(node.read) !== null,
  });
  return {
    async settled() {
      for (;;) {
        await node.quiet();
        if (outbox.inFlight() === 0) return;
        await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
      }
    },
    stop: () => outbox.stop(),
  };
}

/**
 * A chat whose process is gone is told so here: nobody watches it, and its footprint is to be the same as online. What it
 * was saying is cut off whole. Of a worker the next runtime reads what its run brought, and tells.
 */
async function tellGone(node: Node, agent: string, reason: string): Promise<void> {
  const actor = await node.settled(agent);
  const context = actor?.stood?.live.state.context as { mode: string; chat: { up: boolean; life: number } } | undefined;
  if (context === undefined || context.mode !== 'chat' || !context.chat.up) return;
  await node.send({
    specversion: '1.0',
    id: `chat-${context.chat.life}/exited`,
    source: 'watch/process',
    type: 'driver.exited',
    subject: agent,
    data: { class: 'ended', reason, usage: { inputTokens: 0, outputTokens: 0 } },
  });
}

/** The node as an outbox sees it that knows these acts alone: it would answer for those nobody performs here. */
const withActs = (node: Node, performers: Record<string, ActPerformer>): Node => ({
  ...node,
  onCommitted: (tell) =>
    node.onCommitted((committed) =>
      tell({ ...committed, acts: committed.acts.filter(({ act }) => Object.hasOwn(performers, act)) }),
    ),
});
