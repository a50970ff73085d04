/** What a running runtime does to its store as a whole, and the end of a hold, as questions (docs/protocol.md §5). */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { explainIssues } from '../actor/envelope.ts';
import type { Hold } from '../actor/hold.ts';
import type { Node } from '../actor/node.ts';
import { QuestionError } from '../actor/questions.ts';
import type { CareName } from '../actor/questions.ts';
import type { Clock } from '../clock.ts';
import type { ArchivedStore } from '../store/archive.ts';
import type { Build } from '../store/format.ts';
import { writeBackup } from './backup.ts';
import { compact } from './compaction.ts';
import { policyOf } from './policy.ts';

const INPUTS = {
  backup: z.strictObject({}),
  compact: z.strictObject({
    before: z
      .string()
      .refine((time) => !Number.isNaN(Date.parse(time)), 'must be a time, e.g. 2026-11-21T10:00:00Z')
      .optional(),
    keep: z.number().int().min(0).optional(),
    dryRun: z.boolean().optional(),
  }),
  resume: z.strictObject({ what: z.literal('effects') }),
} as const;

interface CareOptions {
  store: ArchivedStore;
  node: Pick<Node, 'write'>;
  hold: Hold;
  build: Build;
  /** The data directory: backups are put there, and nowhere a caller names. */
  data: string;
  clock: Clock;
}

/** Backups made by a running runtime lie here until they are taken away. */
export const BACKUP_DIRECTORY = 'backups';

export function createCare({
  store,
  node,
  hold,
  build,
  data,
  clock,
}: CareOptions): Record<CareName, (input: unknown) => Promise<unknown>> {
  let compacting = false;

  async function backup(): Promise<unknown> {
    const directory = path.join(data, BACKUP_DIRECTORY);
    mkdirSync(directory, { recursive: true });
    const file = path.join(directory, `${randomUUID()}.backup`);
    const written = await writeBackup(store, file, { build, at: new Date(clock.now()).toISOString() });
    return { file, ...written };
  }

  async function compacted({ before, keep, dryRun }: z.infer<typeof INPUTS.compact>): Promise<unknown> {
    const policy = policyOf(before, keep);
    if (policy === null) throw new QuestionError(400, 'give either before or keep');
    if (compacting) throw new QuestionError(503, 'a compaction is under way');
    compacting = true;
    try {
      return await compact({ store, policy, dryRun: dryRun === true, write: (rows) => node.write(rows) });
    } finally {
      compacting = false;
    }
  }

  const checked =
    <Name extends CareName>(name: Name, answer: (input: z.infer<(typeof INPUTS)[Name]>) => Promise<unknown>) =>
    async (input: unknown): Promise<unknown> => {
      const parsed = INPUTS[name].safeParse(input);
      if (!parsed.success) throw new QuestionError(400, explainIssues(parsed.error).join('; '));
      return answer(parsed.data as z.infer<(typeof INPUTS)[Name]>);
    };

  return {
    backup: checked('backup', backup),
    compact: checked('compact', compacted),
    resume: checked('resume', async () => ({ resumed: await hold.resume() })),
  };
}
