/** `machine check`: reads machines, without running them, for what breaks the rules of docs/machines.md. */
import type { Command } from 'commander';
import type { Definition } from '../../actor/state.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { Exit } from '../exit.ts';
import type { Run } from '../run.ts';

export function addMachineCommands(program: Command, run: Run): void {
  program
    .command('machine')
    .description('machines, shipped and your own')
    .command('check')
    .argument('[files...]', 'modules that export machine definitions (default: the machines of Chartroom)')
    .description('find what breaks the rules of docs/machines.md; exit 1 where something does')
    .action((files: string[]) => run((context) => check(context, files)));
}

async function check({ out, terminal }: CommandContext, files: string[]): Promise<Exit> {
  const { MACHINES } = await import('../../../machines/index.ts');
  const { chartOf } = await import('../../actor/chart.ts');
  const { checkMachine } = await import('../../check/check.ts');
  const { definitionsIn } = await import('../../check/modules.ts');
  const definitions: Definition[] = files.length === 0 ? [...MACHINES] : [];
  for (const file of files) definitions.push(...(await definitionsIn(file, terminal.cwd)));
  const checked = definitions.map((definition) => {
    const { nodes, edges } = chartOf(definition);
    return {
      machine: definition.kind,
      version: definition.version,
      states: nodes.length,
      transitions: edges.length,
      events: Object.keys(definition.events).length,
      findings: checkMachine(definition),
    };
  });
  const isClean = checked.every(({ findings }) => findings.length === 0);
  if (out.json) {
    for (const one of checked) out.object(one);
    return isClean ? EXIT.done : EXIT.failed;
  }
  out.table(
    ['MACHINE', 'VERSION', 'STATES', 'TRANSITIONS', 'EVENTS', 'FINDINGS'],
    checked.map(({ machine, version, states, transitions, events, findings }) => [
      machine,
      version,
      String(states),
      String(transitions),
      String(events),
      findings.length === 0 ? 'none' : String(findings.length),
    ]),
  );
  for (const { findings } of checked) {
    for (const { machine, rule, where, what, why, todo } of findings) {
      out.answer(`\n${out.paint('red', '✗')} ${machine} ${where}: ${what} (${rule})`);
      out.answer(`  why: ${why}`);
      out.answer(`  do:  ${todo}`);
    }
  }
  return isClean ? EXIT.done : EXIT.failed;
}
