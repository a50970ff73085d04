import { JOB } from './job.ts';
import { LAMPS } from './lamps.ts';
import type { Scenario } from './run.ts';

export const SCENARIOS: readonly Scenario[] = [...LAMPS, JOB];
