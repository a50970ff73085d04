/** What a model on loopback says so that a real program behaves as the contract asks. */
import type { ModelStep, Occasion } from '../../src/demo/model.ts';
import type { Behaviour } from '../drivers/contract.ts';

const left = (result: object): string => `printf '%s' '${JSON.stringify(result)}' > "$CHARTROOM_RESULT"`;

/** The tool by which models ask people, as Claude Code has it. */
const ASK: ModelStep = {
  tool: 'AskUserQuestion',
  input: {
    questions: [
      {
        question: 'Which colour?',
        header: 'Colour',
        multiSelect: false,
        options: [
          { label: 'red', description: 'warm' },
          { label: 'blue', description: 'cold' },
        ],
      },
    ],
  },
};

/** The second question to the model of this turn. */
const answering = (outputs: string[], run: string): ModelStep => (outputs.length === 1 ? { run } : { say: 'done' });

/** What the model says of each behaviour; agents run it with their own tool for shell commands. */
export function playing(behaviour: Behaviour, { outputs, texts }: Occasion): ModelStep {
  const once = (run: string): ModelStep => (outputs.length === 0 ? { run } : { say: 'done' });
  switch (behaviour) {
    case 'works':
      return once('echo work > work.txt');
    case 'worksAndFails':
      return outputs.length === 0 ? { run: 'echo work > work.txt' } : { status: 400 };
    case 'hangs':
      return once('touch begun.txt; sleep 600');
    case 'listens':
      // What is said meanwhile reaches the model with its next question.
      return texts.at(-1)?.includes('be quick') === true
        ? once(`printf 'be quick' > steered.txt`)
        : { run: 'sleep 0.2' };
    case 'asks':
      return outputs.length === 0
        ? ASK
        : answering(outputs, `printf ${/="(\w+)"/.exec(outputs[0]!)?.[1]} > answer.txt`);
    case 'asksApproval':
      return once('printf yes > answer.txt');
    case 'isLimited':
      return { limitUntil: '2030-01-01T00:00:00.000Z' };
    case 'isUnauthorised':
      return { status: 401 };
    case 'floods':
      return once('head -c "$CHARTROOM_FLOOD" /dev/zero | tr "\\0" x | fold -w 1000; echo');
    case 'dies':
      return once('kill -KILL $PPID');
    case 'judges':
      return once(left({ verdict: { verdict: 'approve' } }));
    case 'handsBack':
      return once(left({ handedBack: 'not mine' }));
    default:
      return { say: 'done' };
  }
}
