import { MISSION_MOVED } from './mission.ts';
import { sample } from './sample.ts';

sample(MISSION_MOVED, { singles: 4, chains: 1 });
