/** Work on a site without anything outside: what its runtime and its drivers would tell is told by hand. */
import assert from 'node:assert/strict';
import { letter } from '../support/letter.ts';
import type { Site } from './site.ts';

/** Opens a session, lets this agent take it, and brings its run up to where its process has started. */
export async function startRun({ node }: Site, { session, agent }: { session: string; agent: string }): Promise<void> {
  const send = async (subject: string, type: string, data: Record<string, unknown>): Promise<void> => {
    const { outcome, reason } = await node.send(letter(subject, type, data));
    assert.equal(outcome, 'taken', `${type} to ${subject}: ${reason}`);
  };
  const settings = { kinds: ['implement'], actions: [] };
  await send('dispatcher/main', 'fleet.configured', { maxRuns: 4 });
  await send(agent, 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker', settings });
  await send(session, 'open', {
    title: 'Greet people by name',
    body: 'Say hello to whoever asks.',
    source: { kind: 'manual' },
    repo: 'acme/api',
    kind: 'implement',
    deliver: 'pull_request',
  });
  await node.quiet();
  const [prepare] = node.outbox.of(session).filter(({ act }) => act === 'worktree.prepare');
  assert.ok(prepare !== undefined, 'the session prepares a worktree');
  const prepared = { path: `/worktrees/${session}`, branch: 'chartroom/greet', head: '1a2b3c4d5e6f' };
  await node.answer(prepare.key, 'worktree.prepared', prepared);
  await node.quiet();
  await send(agent, 'driver.started', { pid: 4711, startedAt: '2026-01-01T00:00:00.000Z', conversation: 'c1' });
  await node.quiet();
}

/** Hires a chat and lets its process wake. */
export async function startChat({ node }: Site, agent: string): Promise<void> {
  await node.send(letter('dispatcher/main', 'fleet.configured', { maxRuns: 4 }));
  await node.send(letter(agent, 'hire', { role: 'conductor', driver: 'scripted', mode: 'chat' }));
  await node.quiet();
}
