/**
 * `chartroom machine check`: reads a machine without running it and says what breaks the rules of docs/machines.md.
 * What only a run can show (a guard that is never true, an action that throws) is left to tests.
 */
import type { Definition } from '../actor/state.ts';
import { checkBirth } from './birth.ts';
import { RULES } from './finding.ts';
import type { Finding, Say } from './finding.ts';
import { outlineOf } from './outline.ts';
import type { Outline } from './outline.ts';
import { checkUse, checkVocabulary } from './vocabulary.ts';
import { checkWays } from './ways.ts';

/** Everything that can be said of a machine. */
export function checkMachine(definition: Definition): Finding[] {
  return collect(definition, (outline, say) => {
    checkVocabulary(definition, outline, say);
    checkBirth(definition, outline, say);
    checkUse(definition, outline, say);
    checkWays(definition, outline, say);
  });
}

/** What keeps a machine from being registered: the kernel could not execute it, or nobody could read it. */
export function checkRegistration(definition: Definition): Finding[] {
  return collect(definition, (outline, say) => {
    checkVocabulary(definition, outline, say);
    checkBirth(definition, outline, say);
  });
}

function collect(definition: Definition, check: (outline: Outline, say: Say) => void): Finding[] {
  const findings: Finding[] = [];
  check(outlineOf(definition), (rule, where, what) => {
    findings.push({ machine: definition.kind, rule, where, what, ...RULES[rule] });
  });
  return findings;
}
