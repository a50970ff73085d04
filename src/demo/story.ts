/**
 * The demo's story: a greeting that is first unnamed (the reviewer sends it back), then not enthusiastic enough (the
 * repository's own test says so), then right. What the agents do is a script; everything around them is real.
 */

export const ISSUE = {
  title: 'Greet people by name',
  description: 'Add `greet(name)` in src/greet.js that says hello to somebody.',
};

/** The repository as it is when the story begins. Its test is there before the code. */
export const FILES: Record<string, string> = {
  'README.md': '# hello\n\nSays hello.\n',
  'package.json': `${JSON.stringify({ name: 'hello', private: true, type: 'module', scripts: { test: 'node --test' } }, null, 2)}\n`,
  'test/greet.test.js': [
    "import assert from 'node:assert/strict';",
    "import { existsSync } from 'node:fs';",
    "import { test } from 'node:test';",
    '',
    "const there = existsSync(new URL('../src/greet.js', import.meta.url));",
    '',
    "test('a greeting is enthusiastic', { skip: !there && 'nobody has written it yet' }, async () => {",
    "  const { greet } = await import('../src/greet.js');",
    "  assert.equal(greet('Ada'), 'Hello, Ada!');",
    '});',
    '',
  ].join('\n'),
};

export const greet = (body: string): string =>
  `/** Says hello to somebody. */\nexport function greet(name) {\n  ${body}\n}\n`;
const writeGreet = (body: string) => ({ write: { path: 'src/greet.js', text: greet(body) } });

export const SCRIPT = {
  runs: [
    {
      when: { for: 'implement', attempt: 1 },
      steps: [
        { print: 'writing the greeting' },
        writeGreet("return 'Hello';"),
        { commit: 'Greet people' },
        { push: true },
        { pullRequest: { title: 'Greet people by name', body: 'Adds greet(name).' } },
        { usage: { inputTokens: 1_200, outputTokens: 340, costUsd: 0.02 } },
        { summary: 'Added greet(name) and opened a pull request.' },
      ],
    },
    {
      when: { for: 'verdict', epoch: 1 },
      steps: [
        {
          review: {
            verdict: 'request_changes',
            body: 'The greeting does not use the name.',
            comments: [{ path: 'src/greet.js', line: 3, body: 'Put the name in here.' }],
          },
        },
        { usage: { inputTokens: 800, outputTokens: 120, costUsd: 0.01 } },
      ],
    },
    {
      when: { for: 'review' },
      steps: [
        { print: 'the reviewer is right: using the name' },
        writeGreet('return `Hello, ${name}`;'),
        { commit: 'Use the name in the greeting' },
        { push: true },
        { usage: { inputTokens: 1_500, outputTokens: 200, costUsd: 0.02 } },
        { summary: 'The greeting uses the name now.' },
      ],
    },
    {
      when: { for: 'verdict' },
      steps: [
        { review: { verdict: 'approve', body: 'Good.', comments: [] } },
        { usage: { inputTokens: 700, outputTokens: 40, costUsd: 0.01 } },
      ],
    },
    {
      when: { for: 'checks' },
      steps: [
        { print: 'the test wants more enthusiasm' },
        writeGreet('return `Hello, ${name}!`;'),
        { commit: 'Greet with enthusiasm, as the test demands' },
        { push: true },
        { usage: { inputTokens: 900, outputTokens: 150, costUsd: 0.01 } },
        { summary: 'Tests pass now.' },
      ],
    },
    { steps: [{ exit: 0 }] },
  ],
};
