/** Fleets of real programs for the journeys: their configuration, and a model whose story each journey tells. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';
import type { Receipt } from '../../src/actor/receipt.ts';
import { QUICK_TIMERS, REPO } from '../../src/demo/world.ts';
import { createModel } from '../../src/demo/model.ts';
import type { Model, ModelStep, Occasion } from '../../src/demo/model.ts';
import { MODEL_KEY, claudeAt, codexAt } from '../../src/demo/model/settings.ts';
import type { Journey } from '../journeys/journey.ts';
import { findProgram } from './programs.ts';

export type Kind = 'codex' | 'claude';

/** Why a journey with these programs cannot be played here. */
export function missing(...kinds: Kind[]): string | false {
  const found = kinds.map((kind) => findProgram(kind));
  const lacks = found.find((program) => 'missing' in program);
  return lacks === undefined ? false : lacks.missing;
}

/** A model that lives as long as the tests of this file. */
export async function storyteller(next: (occasion: Occasion) => ModelStep): Promise<Model> {
  const model = await createModel({ next });
  after(() => model.close());
  return model;
}

/** Agents by name, each run by one kind of program against this model. */
export function fleetOf(model: Model, agents: Record<string, Kind>, timers: Record<string, number> = {}) {
  const programOf = (kind: Kind): string => {
    const program = findProgram(kind);
    return 'path' in program ? program.path : kind;
  };
  return {
    agents: Object.entries(agents).map(([name, driver]) => ({
      name,
      role: 'implementer',
      driver,
      env: driver === 'codex' ? { MODEL_KEY } : claudeAt(model.url),
    })),
    drivers: {
      codex: { program: programOf('codex'), config: codexAt(model.url) },
      claude: { program: programOf('claude') },
    },
    roles: './roles',
    timers: { ...QUICK_TIMERS, startSeconds: 60, ...timers },
  };
}

/** Roles of the world: the shipped ones, and an implementer that may do so much without asking. */
export function roles(directory: string, allow: 'everything' | 'nothing'): void {
  mkdirSync(path.join(directory, 'roles'));
  const role = {
    name: 'implementer',
    means: 'Writes code.',
    kinds: ['implement', 'test', 'docs', 'design'],
    actions: ['read', 'pull.open'],
    allow,
  };
  writeFileSync(path.join(directory, 'roles', 'implementer.yaml'), JSON.stringify(role));
}

let count = 0;

export async function send({ ask }: Journey, subject: string, type: string, data: object): Promise<Receipt> {
  count += 1;
  return ask<Receipt>('send', { specversion: '1.0', id: `fleet-${count}`, source: 'page/alice', type, subject, data });
}

/** A piece of work that ends in a report. */
export const report = (title: string, pin: string) => ({
  title,
  body: 'Look at it and report.',
  source: { kind: 'manual' },
  repo: REPO,
  kind: 'implement',
  deliver: 'report',
  pin: `agent/${pin}`,
});

/** How an agent delivers a report. */
export const reporting = (text: string): string =>
  `printf '%s' '${JSON.stringify({ report: text })}' > "$CHARTROOM_RESULT"`;

interface Shown {
  phase: string;
  owner: string | null;
  waitingOn: { gate: string; on: string | null; detail: string }[];
  context: {
    report: string | null;
    conversation: { id: string; parent: string | null; filled: number | null } | null;
    questions: { id: string; text: string }[];
    worktree: { path: string } | null;
    runs: { agent: string; outcome: string; summary: string | null }[];
  };
}
export const show = ({ ask }: Journey, actor: string): Promise<Shown> => ask<Shown>('show', { actor });
