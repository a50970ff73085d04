/** Questions as a NATS service: `<ns>.ask.<question>`, seen by `nats micro` tools, errors in its headers. */
import type { Service, ServiceMsg } from 'nats';
import type { Logger } from '../log.ts';
import type { Answer, Bus } from './bus.ts';
import { busError } from './connection.ts';
import type { Connection } from './connection.ts';

/** Version of the questions, not of the program: NATS wants one. */
const VERSION = '1.0.0';

export async function serveQuestions(
  connection: Connection,
  questions: Parameters<Bus['serve']>[0],
  log: Logger,
): Promise<{ stop(): Promise<void> }> {
  const { nc, namespace } = connection;
  const service: Service = await nc.services
    .add({
      name: namespace.replace(/[^A-Za-z0-9_-]/g, '-'),
      version: VERSION,
      description: 'Questions to the actors of this namespace',
    })
    .catch((error: unknown) => {
      throw busError(error, 'the questions');
    });
  const group = service.addGroup(`${namespace}.ask`);
  for (const [question, handle] of Object.entries(questions)) {
    group.addEndpoint(question, {
      handler: (error, msg) => {
        if (error !== null) return;
        void handle(msg.data)
          .catch((cause: unknown): Answer => {
            log.error({ err: cause, question }, 'a question could not be answered');
            return { error: 503, message: `the question ${question} failed; the log says why` };
          })
          .then((answer) => respond(msg, answer, nc.info?.max_payload ?? Infinity))
          .catch((cause: unknown) => log.debug({ err: cause, question }, 'an answer could not be sent'));
      },
    });
  }
  // Only when the server knows of the endpoints may the caller say that it serves.
  await nc.flush().catch(() => {});
  return {
    async stop() {
      await service.stop();
    },
  };
}

function respond(msg: ServiceMsg, answer: Answer, bytesMax: number): void {
  if ('error' in answer) {
    const body = Buffer.from(JSON.stringify({ error: answer.message }));
    return void msg.respondError(answer.error, oneLine(answer.message), body);
  }
  if (Buffer.byteLength(answer.body) > bytesMax) {
    return void msg.respondError(400, `the answer is larger than ${bytesMax} bytes; ask for less`);
  }
  msg.respond(answer.body);
}

/** A header holds one line. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 1_000);
