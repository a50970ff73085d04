/** A real nats-server for one test: private, on a free port, in a temporary directory. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connect } from 'nats';
import { connectClient } from '../../src/bus/client.ts';
import { connectBus } from '../../src/bus/nats-bus.ts';
import { startNatsServer } from '../../src/bus/server.ts';
import type { NatsServer } from '../../src/bus/server.ts';
import { streamName } from '../../src/bus/subject.ts';
import { realClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import type { BusWorld, Limits } from './contract.ts';

export const quiet = createLog({ level: 'silent' });

export async function openNatsWorld(
  limits: Limits = {},
  namespace = 'chartroom',
): Promise<BusWorld & { server(): NatsServer }> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'chartroom-nats-'));
  let server = await startNatsServer({ directory, namespace });
  const opened: { close(): Promise<void> }[] = [];
  const runtime = () => server.access('runtime');
  const connectRuntime = () => connectBus({ ...runtime(), namespace, clock: realClock, log: quiet, limits });
  return {
    server: () => server,
    async connect() {
      const bus = await connectRuntime();
      opened.push(bus);
      return bus;
    },
    async client() {
      const client = await connectClient({ ...server.access('operator'), namespace });
      opened.push(client);
      return client;
    },
    async stop() {
      process.kill(server.pid, 'SIGKILL');
    },
    async start() {
      server = await startNatsServer({ directory, namespace });
    },
    async replace(stream) {
      const nc = await connect({ ...runtime() });
      const jsm = await nc.jetstreamManager();
      await jsm.streams.delete(streamName(namespace, stream));
      await nc.close();
    },
    async dispose() {
      for (const one of opened) await one.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
