/** A second process of the bench: given one task at a time, and ended with it. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { programArgs } from '../../src/package.ts';

export interface Companion<Task extends object, Result> {
  /** Resolves with what it measured. */
  perform(task: Task): Promise<Result>;
  end(): Promise<void>;
}

export function startCompanion<Task extends object, Result>(module: string): Companion<Task, Result> {
  const args = programArgs(module);
  const child: ChildProcess = fork(args.at(-1)!, [], {
    execArgv: args.slice(0, -1),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return {
    async perform(task) {
      const failed = once(child, 'exit').then(() => Promise.reject(new Error(`${module} ended`)));
      failed.catch(() => {});
      child.send(task);
      const [result] = (await Promise.race([once(child, 'message'), failed])) as [Result];
      return result;
    },
    async end() {
      if (child.exitCode !== null) return;
      const gone = once(child, 'exit');
      if (child.connected) child.disconnect();
      await gone;
    },
  };
}
