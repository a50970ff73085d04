/** `audit`: what an agent did, was denied, reviewed and cost, and who corrected it; into a file whose lines are hashed. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { Usage } from '../../../machines/events/common.ts';
import type { Audit } from '../../actor/audit.ts';
import { addressFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { auditLines, checkAudit } from '../audit-file.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import type { Run } from '../run.ts';

export function addAuditCommand(program: Command, run: Run): void {
  program
    .command('audit')
    .argument('[agent]')
    .description('what an agent did, was denied, reviewed and cost')
    .option('--export <file>', 'write it whole, one record per line, each with the hash of all before')
    .option('--check <file>', 'whether such a file is as it was written')
    .action((name: string | undefined, flags: { export?: string; check?: string }) =>
      run(
        (context) => {
          if (flags.check !== undefined) return check(context, flags.check);
          if (name !== undefined) return tell(context, name, flags.export);
          throw new CommandError(EXIT.misuse, 'audit needs an agent, or --check FILE', 'see: chartroom audit --help');
        },
        { reach: 'reading' },
      ),
    );
}

async function tell(context: CommandContext, name: string, file: string | undefined): Promise<Exit> {
  const { out, ask, terminal, clock } = context;
  const { rows: _same, ...audit } = (await ask('audit', {
    agent: await addressFor(context, name, 'agent'),
  })) as Audit & {
    rows: unknown;
  };
  if (file !== undefined) {
    const lines = auditLines(audit, new Date(clock.now()).toISOString());
    await writeFile(path.resolve(terminal.cwd, file), `${lines.join('\n')}\n`, { mode: 0o600 });
    const hash = lines.at(-1)!.slice(0, 64);
    if (out.json) out.object({ file, records: lines.length, hash });
    else out.answer(`${file}: ${lines.length} records, ${hash}`);
  } else if (out.json) out.object(audit);
  else print(context, audit);
  return EXIT.done;
}

function print(
  { out }: CommandContext,
  { agent, memory, actions, reviews, runs, cost, corrections, claims }: Audit,
): void {
  const cell = (value: unknown): string =>
    value == null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  const part = (title: string, header: string[], rows: unknown[][]): void => {
    out.answer(`\n${out.paint('bold', title)} (${rows.length})`);
    if (rows.length > 0)
      out.table(
        header,
        rows.map((row) => row.map(cell)),
      );
  };
  out.answer(
    `${out.paint('bold', agent)}: ${cost.runs} runs, ${cost.inputTokens} tokens in, ${cost.outputTokens} out, ${cost.costUsd.toFixed(2)} USD`,
  );
  part('memory', ['KEY', 'VALUE'], Object.entries(memory));
  part(
    'actions',
    ['AT', 'RUN', 'ACTION', 'ALLOWED', 'OUTCOME'],
    actions.map((row) => [
      row['at'],
      row['run'],
      row['action'],
      row['allowed'] === true ? 'yes' : 'no',
      row['outcome'],
    ]),
  );
  part(
    'reviews',
    ['AT', 'PULL REQUEST', 'HEAD', 'VERDICT', 'AT GITHUB'],
    reviews.map((row) => [
      row.at,
      `${cell(row['repo'])}#${cell(row['number'])}`,
      cell(row['head']).slice(0, 7),
      row['verdict'],
      row['accepted'] === true ? 'accepted' : 'refused',
    ]),
  );
  part(
    'runs',
    ['BEGUN', 'SESSION', 'EPOCH', 'FOR', 'OUTCOME', 'EXIT', 'IN', 'OUT', 'WINDOW'],
    runs.map((row) => [
      row.begun,
      row.session ?? 'chat',
      row.epoch,
      row.for,
      row.outcome,
      row.exit,
      row.usage.inputTokens,
      row.usage.outputTokens,
      windowText(row.usage),
    ]),
  );
  part(
    'corrections',
    ['AT', 'WHAT', 'BY', 'REASON'],
    corrections.map((row) => [row.at, row.type, row.by, row.reason]),
  );
  part(
    'claims',
    ['AT', 'CLAIM', 'CHANGE', 'BY'],
    claims.map((row) => [row.at, row.claim, row.change, row.by]),
  );
}

async function check({ out, terminal }: CommandContext, file: string): Promise<Exit> {
  const text = await readFile(path.resolve(terminal.cwd, file), 'utf8').catch((error: Error) => {
    throw new CommandError(EXIT.misuse, `${file} cannot be read: ${error.message}`);
  });
  const checked = checkAudit(text);
  if (out.json) out.object({ file, ...checked });
  else if (checked.ok) out.answer(`✓ ${file}: ${checked.records} records of ${checked.agent}, ${checked.hash}`);
  else out.say(`✗ ${file}, line ${checked.line}: ${checked.why}`);
  return checked.ok ? EXIT.done : EXIT.failed;
}

/** How much of its model's window the conversation filled in the end. */
const windowText = ({ context }: Usage): string =>
  context === undefined ? '' : `${Math.round((100 * context.used) / context.window)}% of ${context.window}`;
