/** Care for the store as a whole: backup, restore-store, compact, upgrade --check, and the end of a hold. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { heldOf } from '../../actor/hold.ts';
import type { Held } from '../../actor/hold.ts';
import { BackupError } from '../../care/backup-error.ts';
import type { writeBackup } from '../../care/backup.ts';
import type { Compacted } from '../../care/compaction.ts';
import { policyOf } from '../../care/policy.ts';
import type { CompactionPolicy } from '../../care/policy.ts';
import type { ArchivedStore } from '../../store/archive.ts';
import { syncDirectory, syncFile } from '../../store/durable.ts';
import { hasStore } from '../../store/format.ts';
import { KEYS } from '../../store/keys.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { moment, wholeNumber } from '../options.ts';
import type { Run } from '../run.ts';

/** A store of many gigabytes takes minutes; what takes longer than this hangs. */
const CARE_MS_MAX = 3_600_000;

export function addCareCommands(program: Command, run: Run): void {
  program
    .command('backup')
    .argument('<file>')
    .description('the whole store in one file, as it is at one moment; the runtime goes on meanwhile')
    .action((file: string) => run((context) => backup(context, file), { reach: 'reading' }));

  program
    .command('restore-store')
    .argument('<file>')
    .description('make the store of a backup, where there is none; proven by replay before it is put in its place')
    .option('--with-mail', 'take the mail that NATS still holds from where the backup was (default: only what comes)')
    .action((file: string, { withMail }: { withMail?: true }) =>
      run((context) => restore(context, file, withMail === true)),
    );

  program
    .command('compact')
    .description('move old journal entries to compressed archives; history, at and replay still read them')
    .option('--before <time>', 'what was written before this moment (ISO)', moment)
    .option('--keep <n>', 'all but the last n entries of each journal', wholeNumber)
    .option('--dry-run', 'only say how much it would be')
    .action((flags: CompactFlags) => run((context) => compaction(context, flags), { reach: 'reading' }));

  program
    .command('upgrade')
    .description('whether this build opens the store')
    .option('--check', 'say what of it would open and what not; nothing is touched')
    .action(({ check }: { check?: true }) => run((context) => upgrade(context, check)));
}

async function backup({ out, terminal, clock, link }: CommandContext, name: string): Promise<Exit> {
  const file = path.resolve(terminal.cwd, name);
  if (existsSync(file)) {
    throw new CommandError(EXIT.misuse, `${file} is there already`, 'nothing was changed; name another file');
  }
  const { store, ask } = await link();
  const written =
    store === null
      ? await fetched((await ask('backup', {}, { timeoutMs: CARE_MS_MAX })) as Written & { file: string }, file)
      : await backupAlone(store, file, new Date(clock.now()).toISOString());
  if (out.json) out.object({ file, ...written });
  else {
    const { header, content, bytes } = written;
    const archives = content.archives === 0 ? '' : ` and ${content.archives} archives`;
    out.answer(
      `${out.paint('green', '✓')} ${file}: ${content.rows} rows${archives} up to batch ${header.batch}, ${bytes} bytes`,
    );
  }
  return EXIT.done;
}

type Written = Awaited<ReturnType<typeof writeBackup>>;

// The kernel is loaded only where it is needed: where the runtime answers it does these.
async function backupAlone(store: ArchivedStore, file: string, at: string): Promise<Written> {
  const care = await import('../../care/backup.ts');
  const { thisBuild } = await import('../../care/build.ts');
  return care.writeBackup(store, file, { build: thisBuild(), at });
}

/** From where the runtime has put it to where it is wanted, whole or not at all. */
async function fetched({ file: made, ...written }: Written & { file: string }, file: string): Promise<Written> {
  if (!existsSync(made)) {
    throw new CommandError(EXIT.failed, 'the runtime is on another machine', `the backup is there: ${made}`);
  }
  try {
    await rename(made, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw unwritable(error, file, made);
    const partial = `${file}.${randomUUID().slice(0, 8)}.partial`;
    try {
      await copyFile(made, partial);
      await syncFile(partial);
      await rename(partial, file);
    } catch (cause) {
      await rm(partial, { force: true });
      throw unwritable(cause, file, made);
    }
    await rm(made);
  }
  await syncDirectory(path.dirname(file));
  return written;
}

const unwritable = (error: unknown, file: string, made: string): CommandError =>
  new CommandError(EXIT.failed, `${file} cannot be written: ${(error as Error).message}`, `the backup is in ${made}`);

async function restore(
  { out, terminal, clock, config }: CommandContext,
  name: string,
  withMail: boolean,
): Promise<Exit> {
  const file = path.resolve(terminal.cwd, name);
  const directory = path.join(config().data, 'store');
  const at = new Date(clock.now()).toISOString();
  const { thisBuild } = await import('../../care/build.ts');
  const { restoreStore } = await import('../../care/restore.ts');
  const { header, verified } = await restoreStore({ file, directory, build: thisBuild(), at, withMail }).catch(
    (error: unknown) => {
      throw error instanceof BackupError ? new CommandError(EXIT.failed, error.message, TODO[error.code]) : error;
    },
  );
  if (out.json) out.object({ directory, header, verified, effects: 'held', withMail });
  else {
    const { entries, actors, batches } = verified;
    out.answer(
      `${out.paint('green', '✓')} ${directory}: ${entries} steps of ${actors} actors in ${batches} batches, as of ${header.at}`,
    );
    out.say('nothing is performed until you say so: chartroom up, look around, then chartroom resume effects');
  }
  return EXIT.done;
}

const TODO: Record<BackupError['code'], string> = {
  BACKUP_FOREIGN: 'nothing was changed; name a file that chartroom backup has written',
  BACKUP_VERSION: 'nothing was changed; use the build that wrote it',
  BACKUP_TRUNCATED: 'nothing was changed; take another backup, or copy this one again',
  BACKUP_DAMAGED: 'nothing was changed; take another backup, or copy this one again',
  RESTORE_TAKEN: 'move it away, or name another directory with --data',
};

interface CompactFlags {
  before?: string;
  keep?: number;
  dryRun?: true;
}

async function compaction({ out, link }: CommandContext, { before, keep, dryRun }: CompactFlags): Promise<Exit> {
  const policy = policyOf(before, keep);
  if (policy === null) {
    throw new CommandError(EXIT.misuse, 'say what is old: either --before or --keep', 'chartroom compact --keep 100');
  }
  const { store, ask } = await link();
  const done =
    store === null
      ? ((await ask('compact', { ...policy, dryRun: dryRun === true }, { timeoutMs: CARE_MS_MAX })) as Compacted)
      : await compactAlone(store, policy, dryRun === true);
  if (out.json) out.object(done);
  else {
    const what = `${done.entries} entries of ${done.actors} actors and ${done.batches} batches (${done.chars} bytes)`;
    out.answer(
      dryRun === true
        ? `${what} would be archived`
        : `${out.paint('green', '✓')} ${what} archived in ${done.archives.length} files (${done.bytes} bytes)`,
    );
    for (const { actor, why } of done.left) out.answer(`${out.paint('red', '✗')} ${actor} was left as it is: ${why}`);
  }
  return done.left.length === 0 ? EXIT.done : EXIT.failed;
}

async function compactAlone(store: ArchivedStore, policy: CompactionPolicy, dryRun: boolean): Promise<Compacted> {
  const { compact } = await import('../../care/compaction.ts');
  return compact({
    store,
    policy,
    dryRun,
    write: (rows) =>
      store.rows.write(rows.map(({ key, value }) => (value === null ? { del: key } : { put: key, value }))),
  });
}

async function upgrade({ out, config }: CommandContext, check: true | undefined): Promise<Exit> {
  if (check !== true) {
    throw new CommandError(
      EXIT.misuse,
      'this build converts no store',
      'see whether it opens: chartroom upgrade --check',
    );
  }
  const directory = path.join(config().data, 'store');
  if (!hasStore(directory)) {
    throw new CommandError(EXIT.unreachable, `there is no store in ${directory}`, 'name the directory with --data');
  }
  const { thisBuild } = await import('../../care/build.ts');
  const { upgradeFindings } = await import('../../care/upgrade.ts');
  const { findings, note } = await upgradeFindings(directory, thisBuild());
  if (out.json) for (const finding of findings) out.object(finding);
  else {
    out.table(
      ['WHAT', 'WRITTEN BY', 'HERE', 'OPENS'],
      findings.map(({ what, written, here, opens }) => [what, written, here ?? '–', opens ? 'yes' : 'no']),
    );
  }
  if (note !== null) out.say(note);
  return findings.every(({ opens }) => opens) ? EXIT.done : EXIT.failed;
}

/** `resume effects`: what a restored store wishes is performed from now on. */
export async function resumeEffects({ out, ask, link }: CommandContext): Promise<Exit> {
  const { store } = await link();
  const held =
    store === null
      ? ((await ask('resume', { what: 'effects' })) as { resumed: Held | null }).resumed
      : heldOf((key) => store.get(key));
  if (store !== null && held !== null) await store.rows.write([{ del: KEYS.meta('held') }]);
  if (out.json) out.object({ resumed: held });
  else if (held === null) out.answer('nothing was held');
  else {
    const when = store === null ? 'are performed again' : 'will be performed by the next chartroom up';
    out.answer(`${out.paint('green', '✓')} effects held since ${held.since} ${when}`);
  }
  return EXIT.done;
}
