import { busContract } from './contract.ts';
import { openNatsWorld } from './nats-world.ts';

busContract('nats', openNatsWorld);
