/**
 * What an agent's process is given of the environment: its role's own, a PATH, a home of its own, its git identity, and
 * the way to the run door. Nothing else is inherited, above all no credential.
 */
import type { Person } from '../git.ts';
import { programArgs } from '../../package.ts';

/** Git asks for a URL like this before it asks for anything of a network: a judging run publishes nothing. */
export const NO_PUSH_URL = 'file:///dev/null/a-review-does-not-push';

export interface EnvironmentOptions {
  /** The role's own. */
  role: Record<string, string>;
  /** Its PATH, and other words of this machine that are no secrets (LANG, TZ, proxies). */
  machine: Record<string, string>;
  home: string;
  person: Person;
  /** Run door. */
  url: string;
  token: string;
  node: string;
  resultFile: string;
  promptFile: string;
  run: string;
  /** Whether this run may publish. */
  pushes: boolean;
}

/** What every process of a run has in its environment, and no process of another run. */
export const resultWord = (folder: string): string => `CHARTROOM_RESULT=${folder}/result.json`;

export function environmentOf(options: EnvironmentOptions): Record<string, string> {
  const { role, machine, home, person, url, token, node, resultFile, promptFile, run, pushes } = options;
  const helper = [node, ...programArgs('src/effects/git-credential')].map(quoted).join(' ');
  const settings: [string, string][] = [
    // Empty first: whatever helper the machine knows is not asked.
    ['credential.helper', ''],
    ['credential.helper', `!${helper}`],
    ['credential.useHttpPath', 'true'],
    ...(pushes ? [] : ([['remote.origin.pushurl', NO_PUSH_URL]] as [string, string][])),
  ];
  return {
    LANG: 'C.UTF-8',
    ...machine,
    ...role,
    HOME: home,
    GIT_AUTHOR_NAME: person.name,
    GIT_AUTHOR_EMAIL: person.email,
    GIT_COMMITTER_NAME: person.name,
    GIT_COMMITTER_EMAIL: person.email,
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], n) => [
        [`GIT_CONFIG_KEY_${n}`, key],
        [`GIT_CONFIG_VALUE_${n}`, value],
      ]),
    ),
    CHARTROOM_URL: url,
    CHARTROOM_TOKEN: token,
    CHARTROOM_RUN: run,
    CHARTROOM_RESULT: resultFile,
    CHARTROOM_PROMPT: promptFile,
  };
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
