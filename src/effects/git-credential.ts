/**
 * The credential helper of an agent's git: asks the run door for the username and password of its repository. A small
 * program of its own (`credential.helper`); what it is refused, git is refused.
 */
import { askRunDoor } from '../drivers/run-door.ts';

/** The door is on this machine; the runtime behind it may be starting again. */
const DOOR_MS_MAX = 45_000;

async function main(operation: string | undefined): Promise<void> {
  // `store` and `erase` are git's to say and nobody's to keep.
  if (operation !== 'get') return;
  const { CHARTROOM_URL: url, CHARTROOM_TOKEN: token } = process.env;
  if (url === undefined || token === undefined) return;
  const body = await attributes();
  const signal = AbortSignal.timeout(DOOR_MS_MAX);
  const response = await askRunDoor({ url, token, path: '/credential', body, signal });
  const answer = (await response.json()) as { username?: string; password?: string; error?: string };
  if (!response.ok) {
    process.stderr.write(`chartroom: no credential: ${answer.error ?? response.status}\n`);
    // Git asks nobody else.
    process.stdout.write('quit=1\n');
    return;
  }
  process.stdout.write(`username=${answer.username ?? ''}\npassword=${answer.password ?? ''}\n`);
}

/** `protocol=https`, `host=github.com`, `path=acme/api.git`, one per line. */
async function attributes(): Promise<Record<string, string>> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk);
  const pairs = text.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf('=');
    return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
  });
  return Object.fromEntries(pairs);
}

await main(process.argv[2]);
