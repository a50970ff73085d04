/** `report`: what one run of a session was for, what it did and left, and what became of it. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { Audit, AuditedRun } from '../../actor/audit.ts';
import { duration } from '../../actor/duration.ts';
import type { runEvidence } from '../../../machines/events/session.ts';
import type { PastRun, Run as LiveRun, SessionContext } from '../../../machines/session/context.ts';
import { createRunLogs } from '../../visualizer/run-logs.ts';
import { addressFor } from '../context.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { wholeNumber } from '../options.ts';
import type { Run } from '../run.ts';

export function addReportCommand(program: Command, run: Run): void {
  program
    .command('report')
    .argument('<session>')
    .description('what a run of it did: why, its words and commands, the files it changed, what it cost, how it ended')
    .option('--epoch <n>', 'of the run of this epoch (default: the newest)', wholeNumber)
    .action((name: string, { epoch }: { epoch?: number }) =>
      run((context) => report(context, name, epoch), { reach: 'reading' }),
    );
}

type Evidence = z.infer<typeof runEvidence>;

interface Report {
  session: string;
  epoch: number;
  agent: string;
  for: string | null;
  begun: string | null;
  /** null: it is not over. */
  ended: string | null;
  outcome: string | null;
  /** Whether the session found what was required. */
  verified: boolean | null;
  reason: string | null;
  summary: string | null;
  usage: AuditedRun['usage'] | null;
  evidence: Evidence | null;
  /** Lines of its log: words, commands, tools; null where the log is not on this machine. */
  log: string[] | null;
}

async function report(context: CommandContext, name: string, epoch: number | undefined): Promise<Exit> {
  const session = await addressFor(context, name, 'session');
  const shown = (await context.ask('show', { actor: session })) as { context: SessionContext };
  const { run, runs } = shown.context;
  if (!Array.isArray(runs))
    throw new CommandError(EXIT.misuse, `${session} is no session`, 'see: chartroom ps session');
  const known = [...runs.map(pastOf), ...(run === null ? [] : [liveOf(run)])];
  const wanted = epoch === undefined ? known.at(-1) : known.find((one) => one.epoch === epoch);
  if (wanted === undefined) {
    const which = epoch === undefined ? 'has had no run' : `remembers no run of epoch ${epoch}`;
    const todo =
      known.length === 0 ? `chartroom why ${session}` : `it has: ${known.map((one) => one.epoch).join(', ')}`;
    throw new CommandError(EXIT.unknown, `${session} ${which}`, todo);
  }
  const { runs: audited } = (await context.ask('audit', { agent: wanted.agent })) as Audit;
  const cost = audited.find((one) => one.session === session && one.epoch === wanted.epoch);
  const told: Report = {
    session,
    ...wanted,
    begun: cost?.begun ?? null,
    usage: cost?.usage ?? null,
    log: await logOf(context, session, wanted.epoch),
  };
  if (context.out.json) context.out.object(told);
  else print(context, told);
  return EXIT.done;
}

type Told = Omit<Report, 'session' | 'begun' | 'usage' | 'log'>;

const pastOf = (run: PastRun): Told => ({
  epoch: run.epoch,
  agent: run.agent,
  for: run.for,
  ended: run.at,
  outcome: run.outcome,
  verified: run.evidence === null ? null : run.ok,
  reason: run.reason,
  summary: run.summary,
  // As `run.verified` told it.
  evidence: run.evidence as unknown as Evidence | null,
});

const liveOf = ({ epoch, agent, for: kind, ended }: LiveRun): Told => ({
  epoch,
  agent,
  for: kind,
  ended: ended?.at ?? null,
  outcome: ended?.outcome ?? null,
  verified: null,
  reason: ended?.reason ?? null,
  summary: ended?.summary ?? ended?.report ?? null,
  evidence: null,
});

async function logOf(context: CommandContext, session: string, epoch: number): Promise<string[] | null> {
  const logs = createRunLogs(context.config().data);
  const line = (await logs.list(session)).find((one) => one.epoch === epoch);
  if (line === undefined) return null;
  let text = '';
  for (let from = 0; ;) {
    const portion = await logs.read(line.run, from);
    if (portion === undefined || portion.next === from) break;
    text += portion.text;
    from = portion.next;
  }
  return text.split('\n').filter((one) => one !== '');
}

function print({ out }: CommandContext, told: Report): void {
  const { session, epoch, agent, for: kind, begun, ended, outcome, verified, reason, usage, evidence } = told;
  out.answer(`${out.paint('bold', `${session}, epoch ${epoch}`)}  ${agent} for ${kind ?? 'nothing yet'}`);
  const row = (name: string, text: string): void => out.answer(`  ${out.paint('dim', name.padEnd(10))} ${text}`);
  if (begun !== null) {
    const took = duration((ended === null ? out.nowMs : Date.parse(ended)) - Date.parse(begun));
    row('begun', `${begun}, ${ended === null ? `at work for ${took}` : `ended after ${took}`}`);
  }
  const judged = verified === null ? '' : verified ? ', verified' : ', not enough';
  if (outcome !== null) row('outcome', `${outcome}${judged}${reason === null ? '' : `: ${reason}`}`);
  if (usage !== null) {
    const cost = usage.costUsd === undefined ? '' : `, ${usage.costUsd.toFixed(2)} USD`;
    row('cost', `${usage.inputTokens} tokens in, ${usage.outputTokens} out${cost}`);
  }
  if (evidence !== null) printEvidence(row, evidence);
  if (told.summary !== null) row('summary', told.summary.replaceAll('\n', `\n${' '.repeat(13)}`));
  if (told.log === null) out.say('its log is not in this data directory: the page of its runtime shows it');
  else for (const line of told.log) out.answer(`  ${line}`);
}

function printEvidence(row: (name: string, text: string) => void, found: Evidence): void {
  const { headBefore, headAfter, pull, dirty, unpushed, changed } = found;
  const short = (head: string | null): string => head?.slice(0, 7) ?? 'nothing';
  const moved =
    headBefore === headAfter ? `stayed at ${short(headAfter)}` : `${short(headBefore)} → ${short(headAfter)}`;
  row('head', `${moved}${pull === undefined ? '' : `, pull request #${pull}`}`);
  for (const file of changed?.files ?? []) row('changed', file);
  if (changed !== undefined && changed.count > changed.files.length)
    row('changed', `and ${changed.count - changed.files.length} more`);
  for (const file of dirty) row('left', `${file} (not committed)`);
  if (unpushed > 0) row('left', `${unpushed} commits that were not pushed`);
}
