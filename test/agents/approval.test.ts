/** An agent that may do nothing without asking: its questions reach people, wherever they are, and nobody's silence is lost. */
import assert from 'node:assert/strict';
import { OPEN } from '../../src/demo/real.ts';
import { cli } from '../journeys/cli.ts';
import { journey } from '../journeys/journey.ts';
import { fleetOf, missing, roles, send, show, storyteller } from './fleet.ts';
import type { Kind } from './fleet.ts';

/** As long as a person needs for one command line beside much else. */
const HOLD_SECONDS = 25;

for (const kind of ['codex', 'claude'] as const satisfies Kind[]) {
  const skip = missing(kind);
  const model = await storyteller(({ outputs }) => {
    const steps = [
      `mkdir -p src && echo hello > src/hello.txt`,
      `git add -A && git commit -qm 'Say hello' && git push -q origin HEAD && ${OPEN}`,
    ];
    const next = steps[outputs.length];
    return next === undefined ? { say: 'Done.' } : { run: next };
  });

  journey(
    `what the real ${kind} asks is held for a person, shown as waiting when nobody answers, and answered in Linear, by command and from the page`,
    { skip, config: fleetOf(model, { ada: kind }, { holdSeconds: HOLD_SECONDS }) },
    async (it) => {
      roles(it.directory, 'nothing');
      await it.start();
      const { issue, session } = it.delegate();
      const asked = (n: number) => {
        let seen = 0;
        return it.until(
          `question ${n}`,
          ({ actor, type, outcome }) =>
            actor === session && type === 'run.asked' && outcome === 'taken' && (seen += 1) === n,
        );
      };
      await asked(1);
      const [question] = (await show(it, session)).context.questions;
      assert.match(question!.text, /echo hello/);
      const { linear } = it.world;
      const elicited = (): string[] =>
        linear
          .activitiesOf(linear.sessionOf(issue)!)
          .flatMap(({ content }) => (content.type === 'elicitation' ? [content.body ?? ''] : []));

      await it.until('the run that gave up waiting', ({ actor, type }) => actor === session && type === 'run.released');
      const waiting = await show(it, session);
      assert.equal(waiting.phase, 'awaiting_input');
      assert.ok(waiting.waitingOn.some(({ gate, detail }) => gate === 'human' && /echo hello/.test(detail)));
      assert.ok(elicited().some((body) => /echo hello/.test(body)));
      const { id: conversation } = waiting.context.conversation!;

      linear.prompt(linear.sessionOf(issue)!, 'yes');
      await asked(2);
      const again = await show(it, session);
      assert.equal(again.context.conversation?.id, conversation, 'the answer goes on in the same conversation');
      const answered = await cli(it.world, 'answer', session, 'yes');
      assert.equal(answered.exit, 0, answered.stderr);

      await asked(3);
      const { context } = await show(it, session);
      const receipt = await send(it, session, 'answer', { question: context.questions[0]!.id, choice: 'yes' });
      assert.equal(receipt.outcome, 'taken');
      await it.until(
        'the pull request',
        ({ actor, after }) => actor === session && (after?.value as never as Value)?.open?.pull === 'open',
      );
      await send(it, session, 'correct.close', { outcome: 'done', pull: 'close' });
      await it.ended(session);
    },
  );
}

type Value = { open?: { pull: string } } | undefined;
