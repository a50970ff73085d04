/**
 * The program of the example: a coding agent as small as one can be. It reads lines of JSON, `{"do": "…", "turn": "…"}`, lets a shell do
 * each in the directory it was started in, and says what it does on lines of JSON. A real one would ask a model what to do.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const say = (word) => process.stdout.write(`${JSON.stringify(word)}\n`);
let running;

say({ is: 'ready' });
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const { do: task, turn, stop } = JSON.parse(line);
  if (stop) return running?.kill('SIGTERM');
  say({ is: 'working', turn });
  running = spawn('/bin/sh', ['-c', process.env.AGENT_DOES ?? task], { stdio: ['ignore', 'inherit', 'pipe'] });
  let complaint = '';
  running.stderr.on('data', (text) => (complaint += text));
  running.on('close', (code, signal) => {
    say({ is: 'done', turn, ok: code === 0, stopped: signal !== null, why: complaint.trim(), tokens: [11, 7] });
    running = undefined;
  });
});
