/**
 * Keeps a private nats-server running: when the link to it is lost it is looked at, and started again where it was if
 * it is gone or hangs. Whoever uses it reconnects by itself and finds what was stored.
 */
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Bus } from './bus.ts';
import type { NatsServer } from './server.ts';

/** The first look is at once: a server that was killed is to be missed as little as can be. */
const AGAIN_FIRST_MS = 500;
const AGAIN_MAX_MS = 15_000;

export interface KeeperOptions {
  /** Starts it, or finds that it runs: `startNatsServer` with the directory and port of the first start. */
  revive: () => Promise<NatsServer>;
  bus: Pick<Bus, 'onStatus'>;
  clock: Clock;
  log: Logger;
}

export interface Keeper {
  /** Leaves it as it is from now on. */
  stop(): Promise<void>;
}

export function keepNatsServer({ revive, bus, clock, log }: KeeperOptions): Keeper {
  let connected = true;
  let stopped = false;
  let failures = 0;
  let looking: Promise<void> | null = null;
  let cancel = (): void => {};

  bus.onStatus((status) => {
    connected = status === 'connected';
    cancel();
    if (connected) failures = 0;
    else look();
  });

  function look(): void {
    if (stopped || connected || looking !== null) return;
    looking = lookOnce().finally(() => {
      looking = null;
      // It may run and yet not answer us: looked at until the link is back.
      if (stopped || connected) return;
      cancel = clock.after(Math.min(AGAIN_FIRST_MS * 2 ** failures, AGAIN_MAX_MS), look);
      failures += 1;
    });
  }

  async function lookOnce(): Promise<void> {
    try {
      const { pid, takenOver } = await revive();
      if (!takenOver) log.warn({ pid }, 'nats-server was gone and is started again');
    } catch (error) {
      log.error({ err: error }, 'nats-server is gone and could not be started again; it is tried again');
    }
  }

  return {
    async stop() {
      stopped = true;
      cancel();
      await looking;
    },
  };
}
