/** A person at a terminal takes a session over, in the real program, in its conversation, and agents go on after. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { execa, execaSync } from 'execa';
import { programArgs } from '../../src/package.ts';
import { journey } from '../journeys/journey.ts';
import { fleetOf, missing, report, reporting, roles, send, show, storyteller } from './fleet.ts';
import type { Kind } from './fleet.ts';

const noTerminal =
  execaSync('tmux', ['-V'], { reject: false }).failed && 'tmux, which has a terminal for it, is not here';
const LOOK_MS = 300;

for (const kind of ['codex', 'claude'] as const satisfies Kind[]) {
  const skip = missing(kind) || noTerminal;
  const model = await storyteller(({ texts, outputs }) => {
    const last = texts.at(-1) ?? '';
    if (last.includes('are you there')) return { say: 'I am here, and I know the conversation.' };
    if (!last.includes('by hand from')) return { run: 'touch ../begun; sleep 600', saying: 'I begin.' };
    const all = texts.join('\n');
    const said = all.includes('are you there') ? 'I was there.' : 'I know nothing of it.';
    return outputs.length === 0 ? { run: reporting(said) } : { say: 'Done.' };
  });

  journey(
    `a person goes on in the conversation of the real ${kind} at a terminal, and hands it back`,
    { skip, config: fleetOf(model, { ada: kind }) },
    async (it) => {
      roles(it.directory, 'everything');
      await it.start();
      const session = 'session/taken';
      await send(it, session, 'open', report('Take it over', 'ada'));
      await it.until('the run', ({ actor, type }) => actor === session && type === 'run.started');
      const { worktree, conversation } = (await show(it, session)).context;
      const begun = path.join(worktree!.path, '..', 'begun');
      while (!existsSync(begun)) await new Promise((resolve) => setImmediate(resolve));

      const { env, configFile } = it.world;
      const socket = path.join(it.directory, 'tmux');
      const tmux = (...args: string[]) =>
        execa('tmux', ['-S', socket, ...args], { env: { ...env, TERM: 'xterm-256color' } });
      const line = [process.execPath, ...programArgs('src/cli/main'), 'attach', session, '--config', configFile];
      await tmux('new-session', '-d', '-s', 'person', '-x', '160', '-y', '50', ...line);
      // tmux tells of no change on its screen: it is looked at.
      const shows = async (pattern: RegExp): Promise<void> => {
        for (;;) {
          const { stdout } = await tmux('capture-pane', '-p', '-t', 'person');
          if (pattern.test(stdout)) return;
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        }
      };
      const types = async (text: string): Promise<void> => {
        await tmux('send-keys', '-t', 'person', text);
        await shows(new RegExp(text));
        await tmux('send-keys', '-t', 'person', 'Enter');
      };
      await shows(/I begin\.|Take it over/);
      const taken = await show(it, session);
      assert.match(taken.owner ?? '', /^person\//);
      await types('are you there');
      await shows(/I am here, and I know the conversation/);
      await types(kind === 'codex' ? '/quit' : '/exit');
      await it.until('it to be handed back', ({ actor, type }) => actor === session && type === 'correct.handback');
      await it.ended(session);
      const after = (await show(it, session)).context;
      assert.deepEqual([after.report, after.conversation?.id], ['I was there.', conversation?.id]);
      await tmux('kill-server').catch(() => {});
    },
  );
}
