/**
 * Loaded before a runtime of a test: the process is killed, as by `kill -9`, at the n-th write of its store, counted from
 * the first that holds a value with all the given texts (one a line); before the write reaches the disk, or after.
 */
import { Level } from 'level';

interface Batch {
  _put: (key: unknown, value: unknown, options: unknown) => unknown;
  _write: (options: unknown) => Promise<unknown>;
}

const { DIE_AT = '0', DIE_SIDE = 'before', DIE_FROM = '' } = process.env;
const opened = Level.prototype as unknown as { _chainedBatch: () => Batch };
const open = opened._chainedBatch;
const texts = DIE_FROM.split('\n');
let writes = 0;

opened._chainedBatch = function chainedBatch(this: unknown): Batch {
  const batch = open.call(this);
  const { _put: put, _write: write } = batch;
  let holds = writes > 0;
  batch._put = function putting(key, value, options) {
    holds ||= texts.every((text) => String(value).includes(text));
    return put.call(this, key, value, options);
  };
  batch._write = async function writing(options) {
    const isHere = holds && ++writes === Number(DIE_AT);
    if (isHere && DIE_SIDE === 'before') await die();
    const written = await write.call(this, options);
    if (isHere) await die();
    return written;
  };
  return batch;
};

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}
