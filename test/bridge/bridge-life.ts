/** A bridge as a process of its own: door, spool and bus as the runtime puts them together. Says where it listens. */
import { listenWebhooks } from '../../src/bridge/listen.ts';
import { openSpool } from '../../src/bridge/spool.ts';
import { createWebhooks } from '../../src/bridge/webhooks.ts';
import { connectBus } from '../../src/bus/nats-bus.ts';
import { privateNats } from '../../src/bus/server.ts';
import { realClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';

const [natsDirectory, spoolDirectory, secret] = process.argv.slice(2) as [string, string, string];
const log = createLog({ level: 'silent' });
const access = (await privateNats(natsDirectory, 'runtime'))!;
const bus = await connectBus({ ...access, namespace: 'chartroom', clock: realClock, log });
const webhooks = createWebhooks({
  github: { secret },
  linear: {},
  bus,
  spool: await openSpool({ directory: spoolDirectory, log }),
  taken: async () => {},
  clock: realClock,
  log,
});
const { url } = await listenWebhooks(webhooks, '127.0.0.1:0');
process.stdout.write(`${url}\n`);
