import { JOB } from './job.ts';
import { sample } from './sample.ts';

sample(JOB, { singles: 16, chains: 6 });
