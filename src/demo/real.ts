/**
 * The demo's story with real programs: what their model says, and how they are set up. The model stands on loopback and
 * knows no more than a model does: the prompt, and what its tools gave back.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { ModelStep, Occasion } from './model.ts';
import { MODEL_KEY, claudeAt, codexAt } from './model/settings.ts';
import { greet } from './story.ts';

export const REAL_DRIVERS = ['codex', 'claude'] as const;
export type RealDriver = (typeof REAL_DRIVERS)[number];

/** Its program: from where `npm run test:agents` installs it, else from the PATH; undefined: there is none. */
export async function findRealProgram(driver: RealDriver, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const cache = env['CHARTROOM_AGENTS'] ?? path.join(env['HOME'] ?? '/', '.cache', 'chartroom', 'agents');
  const installed = path.join(cache, driver, 'node_modules', '.bin', driver);
  if (existsSync(installed)) return installed;
  const found = await execa('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', driver], { reject: false });
  return found.failed ? undefined : found.stdout;
}

/** What of the configuration is other than with scripted agents. */
export function configWith(driver: RealDriver, program: string, modelUrl: string): Record<string, unknown> {
  const env = driver === 'codex' ? { MODEL_KEY } : claudeAt(modelUrl);
  return {
    agents: [
      { name: 'ada', role: 'implementer', driver, env },
      { name: 'susan', role: 'reviewer', driver, env, github: { token: '${SUSAN_GITHUB_TOKEN}' } },
    ],
    drivers: { [driver]: { program, ...(driver === 'codex' ? { config: codexAt(modelUrl) } : {}) } },
  };
}

/** One question of a model to its story. */
export function nextOf({ texts, outputs }: Occasion): ModelStep {
  const prompt = texts.at(-1) ?? '';
  if (prompt.includes('You review the checked-out commit')) return reviewing(outputs);
  if (outputs.length > 0) return { say: outputs[0]!.includes('✗') ? 'I could not do it.' : 'Done.' };
  if (prompt.includes('Review by ')) return { run: change('return `Hello, ${name}`;', 'Use the name in the greeting') };
  if (prompt.includes('greet.test.js')) {
    return { run: change('return `Hello, ${name}!`;', 'Greet with enthusiasm, as the test demands') };
  }
  return { run: `${change("return 'Hello';", 'Greet people')} && ${OPEN}` };
}

/** It looks, it judges, it says so. */
function reviewing(outputs: string[]): ModelStep {
  if (outputs.length === 0) return { run: 'cat src/greet.js' };
  if (outputs.length > 1) return { say: 'That is my verdict.' };
  const isNamed = outputs[0]!.includes('${name}');
  const verdict = isNamed
    ? { verdict: 'approve', body: 'Good.', comments: [] }
    : {
        verdict: 'request_changes',
        body: 'The greeting does not use the name.',
        comments: [{ path: 'src/greet.js', line: 3, body: 'Put the name in here.' }],
      };
  return { run: `cat > "$CHARTROOM_RESULT" <<'END'\n${JSON.stringify({ verdict })}\nEND` };
}

const change = (body: string, subject: string): string =>
  `mkdir -p src && cat > src/greet.js <<'END'\n${greet(body)}END\n` +
  `git add -A && git commit -qm '${subject}' && git push -q origin HEAD`;

export const OPEN = `node -e '
const { CHARTROOM_URL: url, CHARTROOM_TOKEN: token } = process.env;
const data = { title: "Greet people by name", body: "Adds greet(name)." };
const headers = { authorization: "Bearer " + token, "content-type": "application/json" };
fetch(url + "/act", { method: "POST", headers, body: JSON.stringify({ action: "pull.open", data }) })
  .then(async (answer) => console.log(answer.ok ? "opened" : "✗ " + (await answer.text())));'`;
