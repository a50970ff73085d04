/** Dead letters: what was not taken, with why; sent again under a new id. */
import type { Command } from 'commander';
import type { Envelope } from '../../actor/envelope.ts';
import type { Receipt } from '../../actor/receipt.ts';
import { addressFor, sendTo } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { wholeNumber } from '../options.ts';
import type { Run } from '../run.ts';
import { changing, sendOptions } from './send.ts';
import type { ChangeFlags } from './send.ts';

interface DeadLetter {
  number: number;
  at: string;
  /** As received; what could not be parsed is anything. */
  envelope: Partial<Envelope> | null;
  receipt: Receipt;
}

const LETTERS_MAX = 1_000;

export function addDeadCommands(program: Command, run: Run): void {
  const dead = program.command('dead').description('letters nobody took');
  dead
    .command('list')
    .description('the newest first')
    .argument('[actor]', 'only those sent to it')
    .option('--limit <n>', 'at most 1000', wholeNumber)
    .action((name: string | undefined, { limit }: { limit?: number }) =>
      run((context) => list(context, name, limit), { reach: 'reading' }),
    );
  changing(
    dead.command('resend').argument('<id>', 'the letter’s number, or its envelope’s id').description('send it again'),
  )
    .option('--expect-epoch <n>', 'in place of the epoch it was sent with', wholeNumber)
    .action((id: string, flags: ChangeFlags) => run((context) => resend(context, id, flags)));
}

async function list(context: CommandContext, name: string | undefined, limit: number | undefined): Promise<0> {
  const { out } = context;
  const actor = name === undefined ? undefined : await addressFor(context, name);
  const letters = await deadLetters(context, {
    ...(actor === undefined ? {} : { actor }),
    ...(limit === undefined ? {} : { limit }),
  });
  if (out.json) for (const letter of letters) out.object(letter);
  else {
    out.table(
      ['NO', 'AT', 'ACTOR', 'TYPE', 'FROM', 'ID', 'WHY'],
      letters.map(({ number, at, envelope, receipt }) => [
        String(number),
        at.slice(0, 19).replace('T', ' '),
        receipt.actor,
        envelope?.type ?? '–',
        envelope?.source ?? '–',
        receipt.id,
        `${receipt.outcome}${receipt.code === null ? '' : ` (${receipt.code})`}${receipt.reason === null ? '' : `: ${receipt.reason}`}`,
      ]),
    );
  }
  return EXIT.done;
}

async function resend(context: CommandContext, id: string, flags: ChangeFlags): Promise<Exit> {
  const letters = await deadLetters(context, { limit: LETTERS_MAX });
  const letter = letters.find(({ number, receipt }) => String(number) === id || receipt.id === id);
  if (letter === undefined) {
    throw new CommandError(EXIT.unknown, `there is no dead letter ${id}`, 'see: chartroom dead list');
  }
  const { envelope } = letter;
  if (envelope?.type === undefined || envelope.subject === undefined) {
    throw new CommandError(EXIT.misuse, `letter ${letter.number} is no envelope`, 'send anew: chartroom send');
  }
  return await sendTo(context, envelope.subject, envelope.type, envelope.data ?? {}, {
    ...sendOptions(flags),
    expectEpoch: flags.expectEpoch ?? envelope.expectepoch,
    urgent: envelope.priority === 'urgent',
    causationId: letter.receipt.id,
  });
}

async function deadLetters({ ask }: CommandContext, filter: object): Promise<DeadLetter[]> {
  return ((await ask('dead', filter)) as { letters: DeadLetter[] }).letters;
}
