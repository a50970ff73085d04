/** The raw bytes of a request, up to a limit. */

/**
 * @returns undefined where there are more than `bytesMax`, by the declared length or by counting while they come: a
 * sender need not declare one. (Hono's body limit makes a second Request of the first, which the Node adapter's own
 * requests cannot be made into.)
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
