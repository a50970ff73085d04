/** A TCP line that passes so many bytes a second in each direction, and no more. Ends with the process. */
import net from 'node:net';
import { Transform } from 'node:stream';

export async function slowLine(url: string, { bytesPerSecond }: { bytesPerSecond: number }): Promise<string> {
  const to = new URL(url);
  const slow = (): Transform =>
    new Transform({
      highWaterMark: 4_096,
      transform(chunk: Buffer, _encoding, done) {
        setTimeout(() => done(null, chunk), (chunk.length / bytesPerSecond) * 1_000);
      },
    });
  const server = net.createServer((near) => {
    const far = net.connect({ host: to.hostname, port: Number(to.port) });
    near.pipe(slow()).pipe(far);
    far.pipe(slow()).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `nats://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}
