/** The command line as a person has it: a process of its own, against the runtime of a journey. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { programArgs } from '../../src/package.ts';
import type { World } from '../../src/demo/world.ts';

export interface Said {
  exit: number | null;
  stdout: string;
  stderr: string;
  /** Lines of `--json`. */
  objects: Record<string, unknown>[];
}

function begin({ configFile, env }: World, args: readonly string[]) {
  return spawn(process.execPath, [...programArgs('src/cli/main'), ...args, '--json', '--config', configFile], {
    env: { ...env, CHARTROOM_USER: 'alice' },
    cwd: path.dirname(configFile),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export async function cli(world: World, ...args: string[]): Promise<Said> {
  const child = begin(world, args);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const [exit] = (await once(child, 'close')) as [number | null];
  const objects = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { exit, stdout, stderr, objects };
}

/** A command that goes on until it is interrupted. */
export function following(world: World, ...args: string[]) {
  const child = begin(world, args);
  const exited = once(child, 'close') as Promise<[number | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** The next line that is the wanted one. */
    async until(wanted: (object: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error('it ended before that');
        const object = JSON.parse(value) as Record<string, unknown>;
        if (wanted(object)) return object;
      }
    },
    async interrupt(): Promise<number | null> {
      child.kill('SIGINT');
      return (await exited)[0];
    },
  };
}
