/** The raw bytes of a request, up to a limit. */
import type { IncomingMessage } from 'node:http';

/**
 * @returns undefined where there are more than `bytesMax`, by the declared length or by counting while they come: a
 * sender need not declare one. (Hono's body limit makes a second Request of the first, which the Node adapter's own
 * requests cannot be made into.) Rejects when the sender breaks off.
 */
export async function rawBody(request: Request, bytesMax: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) return undefined;
  const reader = request.body?.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > bytesMax) {
      // Not awaited: the sender may never stop, and the answer must not wait for that.
      reader.cancel().catch(() => {});
      return undefined;
    }
    parts.push(value);
  }
  return Buffer.concat(parts, size);
}

/** The same of a request as Node has it: without the streams of the web, which cost more than all else at the door. */
export function rawBodyOf(incoming: IncomingMessage, bytesMax: number): Promise<Uint8Array | undefined> {
  if (Number(incoming.headers['content-length'] ?? 0) > bytesMax) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    const take = (part: Uint8Array): void => {
      size += part.length;
      if (size > bytesMax) leave(() => resolve(undefined));
      else parts.push(part);
    };
    const end = (): void => leave(() => resolve(parts.length === 1 ? parts[0] : Buffer.concat(parts, size)));
    const breakOff = (): void => leave(() => reject(new Error('the sender broke off')));
    const leave = (settle: () => void): void => {
      incoming.off('data', take).off('end', end).off('close', breakOff);
      settle();
    };
    // An error is told before the close, and needs somebody who hears it also when all is settled.
    incoming.on('data', take).once('end', end).once('close', breakOff).on('error', breakOff);
  });
}
