/** The keyboard of this process: lines from stdin, with what is printed meanwhile above the line being typed. */
import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline';
import type { Keyboard } from './terminal.ts';

export function openKeyboard(prompt: string): Keyboard {
  const { stdin, stdout } = process;
  const isTTY = stdin.isTTY && stdout.isTTY;
  const reading = createInterface({ input: stdin, ...(isTTY ? { output: stdout, prompt } : {}) });
  // Without this Ctrl-C would only end the line: the person means the command.
  reading.on('SIGINT', () => process.emit('SIGINT'));
  if (isTTY) reading.prompt();
  return {
    isTTY,
    lines: reading,
    above(text) {
      if (!isTTY) {
        stdout.write(`${text}\n`);
        return;
      }
      moveCursor(stdout, 0, -reading.getCursorPos().rows);
      cursorTo(stdout, 0);
      clearScreenDown(stdout);
      stdout.write(`${text}\n`);
      reading.prompt(true);
    },
    close: () => reading.close(),
  };
}
