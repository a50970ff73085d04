/**
 * JSON-RPC over lines, as coding agents speak it. A request is named by what it is for, so an answer is understood by
 * whoever reads the same output a second time and never asked.
 */
import { z } from 'zod';

export type Json = Record<string, unknown>;
const json = z.record(z.string(), z.unknown());
const id = z.union([z.string(), z.number()]);
const fault = z.looseObject({
  code: z.number().optional(),
  message: z.string().default('no reason given'),
  data: z.unknown().optional(),
});
const frame = z.union([
  z.looseObject({ id, method: z.string(), params: json.default({}) }),
  z.looseObject({ method: z.string(), params: json.default({}) }),
  z.looseObject({ id, error: fault }),
  z.looseObject({ id, result: z.unknown() }).refine((answer) => 'result' in answer),
]);

export type RpcId = z.infer<typeof id>;
export type Heard =
  | { type: 'request'; id: RpcId; method: string; params: Json }
  | { type: 'notification'; method: string; params: Json }
  | { type: 'answer'; id: RpcId; result: Json }
  | { type: 'fault'; id: RpcId; code: number | undefined; reason: string };

/** What the other side can be told of a request nobody knows. */
const METHOD_UNKNOWN = -32_601;

export interface Rpc {
  /** Undefined: noise. */
  hear: (line: string) => Heard | undefined;
  /** @throws Error with the other side's reason, or because it is gone */
  ask: (name: string, method: string, params: Json) => Promise<Json>;
  /** Says something; whether it is heard shows in what is said back. */
  tell: (method: string, params?: Json) => void;
  answer: (id: RpcId, result: Json) => void;
  refuse: (id: RpcId, method: string) => void;
  gone: () => void;
}

export interface RpcOptions {
  send: (line: string) => Promise<void>;
  /** Said with every frame: `{ jsonrpc: '2.0' }`, where the protocol has it. */
  stamp?: Json;
}

export function createRpc({ send, stamp = {} }: RpcOptions): Rpc {
  const waiting = new Map<RpcId, { resolve: (result: Json) => void; reject: (reason: Error) => void }>();
  let isGone = false;
  const write = (words: Json): Promise<void> => send(JSON.stringify({ ...stamp, ...words }));
  /** A process that does not read any more shows by its end. */
  const writeOn = (words: Json): void => void write(words).catch(() => {});

  return {
    hear(line) {
      const heard = parse(line);
      if (heard?.type !== 'answer' && heard?.type !== 'fault') return heard;
      const asked = waiting.get(heard.id);
      waiting.delete(heard.id);
      if (heard.type === 'answer') asked?.resolve(heard.result);
      else asked?.reject(new Error(heard.reason));
      return heard;
    },
    ask(name, method, params) {
      const answer = new Promise<Json>((resolve, reject) => waiting.set(name, { resolve, reject }));
      if (isGone) waiting.get(name)?.reject(new Error('the process is gone'));
      else write({ id: name, method, params }).catch((error: unknown) => waiting.get(name)?.reject(error as Error));
      // Whoever asked may not wait for the answer.
      answer.catch(() => {});
      return answer;
    },
    tell: (method, params) => writeOn({ method, ...(params === undefined ? {} : { params }) }),
    answer: (to, result) => writeOn({ id: to, result }),
    refuse: (to, method) =>
      writeOn({ id: to, error: { code: METHOD_UNKNOWN, message: `${method} is not known here` } }),
    gone() {
      isGone = true;
      for (const { reject } of waiting.values()) reject(new Error('the process ended before it answered'));
      waiting.clear();
    },
  };
}

function parse(line: string): Heard | undefined {
  if (!line.startsWith('{')) return undefined;
  let words: unknown;
  try {
    words = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { data } = frame.safeParse(words);
  if (data === undefined) return undefined;
  if ('method' in data) {
    const { method, params } = data as { method: string; params: Json };
    return 'id' in data
      ? { type: 'request', id: data.id as RpcId, method, params }
      : { type: 'notification', method, params };
  }
  if ('error' in data) {
    const { code, message, data: more } = data.error as z.infer<typeof fault>;
    // What really happened often stands beside a general word like “internal error”.
    const reason = more == null ? message : `${message}: ${typeof more === 'string' ? more : JSON.stringify(more)}`;
    return { type: 'fault', id: data.id, code, reason };
  }
  return { type: 'answer', id: data.id, result: json.safeParse(data.result).data ?? {} };
}
