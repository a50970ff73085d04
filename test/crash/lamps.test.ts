import { LAMPS } from './lamps.ts';
import { sample } from './sample.ts';

for (const scenario of LAMPS) sample(scenario, { singles: 8, chains: 1 });
