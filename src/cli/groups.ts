/** Where each command is. What it needs is loaded when it is asked for, and so that nobody waits for the rest, alone. */
import type { Command } from 'commander';
import type { Run } from './run.ts';

type Add = (program: Command, run: Run) => void;

interface Group {
  names: readonly string[];
  load: () => Promise<Add>;
}

/** In the order of the help. */
const GROUPS: readonly Group[] = [
  {
    names: ['ps', 'show', 'why', 'history', 'at', 'mail', 'receipt', 'chart', 'health'],
    load: async () => (await import('./commands/read.ts')).addReadCommands,
  },
  { names: ['link'], load: async () => (await import('./commands/link.ts')).addLinkCommand },
  { names: ['tail'], load: async () => (await import('./commands/tail.ts')).addTailCommand },
  {
    names: [
      'send',
      'say',
      'fyi',
      'answer',
      'correct',
      'assign',
      'pause',
      'resume',
      'stop',
      'restart',
      'offboard',
      'archive',
      'restore',
      'retry',
      'subscribe',
      'unsubscribe',
    ],
    load: async () => (await import('./commands/send.ts')).addSendCommands,
  },
  { names: ['attach'], load: async () => (await import('./commands/attach.ts')).addAttachCommand },
  { names: ['audit'], load: async () => (await import('./commands/audit.ts')).addAuditCommand },
  { names: ['report'], load: async () => (await import('./commands/report.ts')).addReportCommand },
  { names: ['open', 'hire'], load: async () => (await import('./commands/create.ts')).addCreateCommands },
  { names: ['mission'], load: async () => (await import('./commands/mission.ts')).addMissionCommands },
  { names: ['purge'], load: async () => (await import('./commands/purge.ts')).addPurgeCommand },
  { names: ['import'], load: async () => (await import('./commands/import.ts')).addImportCommand },
  { names: ['dead'], load: async () => (await import('./commands/dead.ts')).addDeadCommands },
  { names: ['hooks'], load: async () => (await import('./commands/hooks.ts')).addHookCommands },
  { names: ['replay'], load: async () => (await import('./commands/replay.ts')).addReplayCommand },
  {
    names: ['backup', 'restore-store', 'compact', 'upgrade'],
    load: async () => (await import('./commands/care.ts')).addCareCommands,
  },
  { names: ['up', 'demo'], load: async () => (await import('./commands/up.ts')).addUpCommands },
  { names: ['init'], load: async () => (await import('./commands/init.ts')).addInitCommand },
  { names: ['doctor'], load: async () => (await import('./commands/doctor.ts')).addDoctorCommand },
  { names: ['machine'], load: async () => (await import('./commands/machine.ts')).addMachineCommands },
  // It is about all of them.
  { names: [], load: async () => (await import('./commands/completion.ts')).addCompletionCommand },
];

/** The commands of the group that `name` belongs to; of all groups where that is none. */
export async function addCommands(program: Command, run: Run, name?: string): Promise<void> {
  const own = GROUPS.filter(({ names }) => name !== undefined && names.includes(name));
  const adding = await Promise.all((own.length > 0 ? own : GROUPS).map(({ load }) => load()));
  for (const add of adding) add(program, run);
}

/** The names that load their group alone. */
export const namesOfGroups = (): readonly (readonly string[])[] => GROUPS.map(({ names }) => names);
