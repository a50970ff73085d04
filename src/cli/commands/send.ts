/** Commands that change something: send, say, answer, fyi, correct, assign, and the short forms of corrections. */
import type { Command } from 'commander';
import { addressFor, dataFrom, sendTo } from '../context.ts';
import type { CommandContext, SendOptions } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { fieldsFrom } from '../fields.ts';
import { seconds, wholeNumber } from '../options.ts';
import type { Run } from '../run.ts';
import { resumeEffects } from './care.ts';

export interface ChangeFlags {
  id?: string;
  data?: string;
  reason?: string;
  expectEpoch?: number;
  dryRun?: boolean;
  wait?: string | true;
  timeout?: number;
  urgent?: boolean;
}

const REASON = 'why: kept in its history';
const URGENT = 'an agent is shown it before other mail, also in a turn that is on';
const EXPECT_EPOCH = 'only if the assignment is at this epoch, else superseded';

/** Options of every command that changes something. */
export function changing(command: Command): Command {
  return command
    .option('--dry-run', 'say what would happen; nothing is done')
    .option('--id <key>', 'idempotency key of the envelope')
    .option('--wait [state]', 'wait until it is so')
    .option('--timeout <seconds>', 'how long to wait', seconds);
}

export const sendOptions = (flags: ChangeFlags, waitByDefault = false): SendOptions => ({
  id: flags.id,
  expectEpoch: flags.expectEpoch,
  dryRun: flags.dryRun,
  wait: flags.wait ?? (waitByDefault ? true : undefined),
  timeoutSeconds: flags.timeout,
  urgent: flags.urgent,
});

/** Short forms: the verb is the correction. Those in `waits` wait by default until it is so. */
const SHORT_FORMS = ['pause', 'resume', 'stop', 'restart', 'offboard', 'archive', 'restore', 'retry'] as const;
const WAITS = new Set<string>(['stop', 'offboard', 'archive']);
/** Those that take their steps on the store alone where the runtime is down. */
const ALONE = new Set<string>(['stop', 'offboard', 'archive']);

const ANY_FIELD = '--key value: any field of its data, e.g. --runs true (see: chartroom chart KIND --events)';

/** Flags of `correct` that become fields of `data`, with what each means. */
const FIELD_MEANS = {
  to: 'whom: agent/x, lane/x, role/x, person/x',
  agent: 'adopt: who adopts it',
  head: 'the commit meant',
  name: 'the check meant',
  number: 'the pull request’s number',
  kind: 'the kind of obligation or budget',
  limit: 'budget.set: how much at most',
  outcome: 'close: done, failed or cancelled',
  pull: 'close: keep or close the pull request',
  title: 'edit: the new title',
  body: 'edit: the new text',
  lane: 'edit: the new lane',
  driver: 'driver.set: what runs a chat from its next process on',
  key: 'memory.set, memory.delete: which',
  value: 'memory.set: what',
  repo: 'owner/repo',
  'item-key': 'of a mission: which item is changed',
  obligation: 'obligation.drop: its id',
} as const;
const FIELDS = Object.keys(FIELD_MEANS) as (keyof typeof FIELD_MEANS)[];

export function addSendCommands(program: Command, run: Run): void {
  changing(
    program
      .command('send')
      .argument('<actor>')
      .argument('<type>')
      .argument('[fields...]', ANY_FIELD)
      .description('send any typed event'),
  )
    .option('--data <json>', 'its data', '{}')
    .option('--urgent', URGENT)
    .option('--expect-epoch <n>', EXPECT_EPOCH, wholeNumber)
    .allowUnknownOption()
    .action((name: string, type: string, words: string[], flags: ChangeFlags) =>
      run(async (context) => {
        const actor = await addressFor(context, name);
        const fields = await fieldsFrom(words, { ...context, actor, type });
        return sendTo(context, actor, type, dataFrom(fields, flags.data), sendOptions(flags));
      }),
    );

  for (const [verb, means] of [
    ['say', 'say something to whoever works there'],
    ['fyi', 'leave a note; it wakes nobody and is never lost'],
    ['answer', 'answer an open question'],
  ] as const) {
    const command = changing(program.command(verb).argument('<actor>').argument('<text>').description(means));
    if (verb === 'answer')
      command
        .option('--question <id>', 'which one, where several are open')
        .option('--choice <choice>', 'one it offers');
    if (verb === 'say') command.option('--urgent', URGENT);
    if (verb === 'fyi') command.option('--about <what>', 'what the note is about');
    command.action(
      (name: string, text: string, flags: ChangeFlags & { question?: string; choice?: string; about?: string }) =>
        run(async (context) => {
          const { question, choice, about } = flags;
          return sendTo(
            context,
            await addressFor(context, name),
            verb,
            dataFrom({ text, question, choice, about }, undefined),
            sendOptions(flags),
          );
        }),
    );
  }

  const correct = changing(
    program
      .command('correct')
      .argument('<actor>')
      .argument('<verb>', 'reassign, unassign, retry, close, … (see: chartroom chart session --events)')
      .argument('[fields...]', ANY_FIELD)
      .description('correct an actor; --dry-run says beforehand what it would do'),
  )
    .option('--data <json>', 'its data, whole')
    .option('--reason <text>', REASON)
    .option('--expect-epoch <n>', EXPECT_EPOCH, wholeNumber)
    .option('--item <key>', 'of a mission: the item meant')
    .option('--skip', 'unpark: drop the envelope that parked it');
  for (const field of FIELDS) correct.option(`--${field} <${field}>`, FIELD_MEANS[field]);
  correct
    .allowUnknownOption()
    .action((name: string, verb: string, words: string[], flags: ChangeFlags & Record<string, unknown>) =>
      run((context) => correctActor(context, { name, verb, words }, flags)),
    );

  changing(
    program.command('assign').argument('<agent>').argument('<session>').description('give a session to an agent'),
  )
    .option('--reason <text>', REASON)
    .option('--expect-epoch <n>', EXPECT_EPOCH, wholeNumber)
    .action((agent: string, session: string, flags: ChangeFlags) =>
      run(async (context) => {
        const to = await addressFor(context, agent, 'agent');
        return sendTo(
          context,
          await addressFor(context, session, 'session'),
          'correct.reassign',
          dataFrom({ to, reason: flags.reason }, undefined),
          sendOptions(flags),
        );
      }),
    );

  for (const verb of SHORT_FORMS) {
    const means = verb === 'resume' ? '; resume effects: perform what a restored store holds back' : '';
    changing(
      program
        .command(verb)
        .argument('<actor>')
        .argument('[fields...]', ANY_FIELD)
        .description(`correct ACTOR ${verb}${means}`),
    )
      .option('--reason <text>', REASON)
      .option('--expect-epoch <n>', EXPECT_EPOCH, wholeNumber)
      .allowUnknownOption()
      .action((name: string, words: string[], flags: ChangeFlags) => {
        // Not an actor: one of this name is agent/effects.
        if (verb === 'resume' && name === 'effects' && words.length === 0)
          return run(resumeEffects, { reach: 'reading' });
        return run(
          async (context) => {
            const actor = await addressFor(context, name);
            const type = `correct.${verb}`;
            const data = { ...(await fieldsFrom(words, { ...context, actor, type })), reason: flags.reason };
            return sendTo(context, actor, type, dataFrom(data, undefined), sendOptions(flags, WAITS.has(verb)));
          },
          { reach: ALONE.has(verb) ? 'changing' : 'runtime' },
        );
      });
  }

  for (const verb of ['subscribe', 'unsubscribe'] as const) {
    changing(
      program.command(verb).argument('<agent>').argument('<repo>', 'owner/repo').description(`correct AGENT ${verb}`),
    )
      .option('--reason <text>', REASON)
      .action((agent: string, repo: string, flags: ChangeFlags) =>
        run(async (context) => {
          const address = await addressFor(context, agent, 'agent');
          return sendTo(
            context,
            address,
            `correct.${verb}`,
            dataFrom({ repo, reason: flags.reason }, undefined),
            sendOptions(flags),
          );
        }),
      );
  }
}

async function correctActor(
  context: CommandContext,
  { name, verb, words }: { name: string; verb: string; words: readonly string[] },
  flags: ChangeFlags & Record<string, unknown>,
): Promise<Exit> {
  // What changes the graph is the mission's: there the item is what it is about.
  const isOfGraph = verb.startsWith('item.');
  const item = isOfGraph ? undefined : (flags['item'] as string | undefined);
  const actor = await addressFor(
    context,
    item === undefined ? name : `${name.includes('/') ? name : `mission/${name}`}#${item}`,
  );
  const fields: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = flags[field.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    if (value === undefined) continue;
    const key = field === 'item-key' ? 'item' : field === 'obligation' ? 'id' : field;
    fields[key] = key === 'number' || key === 'limit' ? numberOf(field, value as string) : value;
  }
  if (isOfGraph && flags['item'] !== undefined) fields['item'] ??= flags['item'];
  if (flags['skip'] === true) fields['skip'] = true;
  const reason = verb === 'unpark' ? undefined : flags.reason;
  const type = `correct.${verb}`;
  const others = await fieldsFrom(words, { ...context, actor, type });
  return sendTo(context, actor, type, dataFrom({ ...fields, ...others, reason }, flags.data), sendOptions(flags));
}

function numberOf(field: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number))
    throw new CommandError(EXIT.misuse, `--${field} ${text} is not a number`);
  return number;
}
