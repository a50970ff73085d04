import { JOB } from './job.ts';
import { sample } from './sample.ts';

sample(JOB, { singles: 8, chains: 3 });
