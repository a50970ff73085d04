import { JOB } from './job.ts';
import { LAMPS } from './lamps.ts';
import { MISSION_MOVED } from './mission.ts';
import type { Scenario } from './run.ts';

export const SCENARIOS: readonly Scenario[] = [...LAMPS, JOB, MISSION_MOVED];
