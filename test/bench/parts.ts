/** The parts of the bench by name; what a part is made of is loaded when it is measured. */
import type { Figure } from './figure.ts';

export const PARTS: Readonly<Record<string, (directory: string, syncMs: number) => Promise<Figure[]>>> = {
  steps: async (directory) => (await import('./steps.ts')).measureSteps(directory),
  small: async (directory) => (await import('./steps.ts')).measureSmall(directory),
  bus: async (directory, syncMs) => (await import('./bus.ts')).measureBus(directory, syncMs),
  parked: async (directory) => (await import('./parked.ts')).measureParked(directory),
  start: async (directory) => (await import('./stored.ts')).measureStart(directory),
  replay: async (directory) => (await import('./stored.ts')).measureReplay(directory),
  hooks: async (directory) => (await import('./hooks.ts')).measureHooks(directory),
  missions: async (directory) => (await import('./missions.ts')).measureMissions(directory),
  corrections: async (directory) => (await import('./corrections.ts')).measureCorrections(directory),
  killed: async (directory) => (await import('./killed.ts')).measureKilled(directory),
};

export interface Part {
  name: string;
  directory: string;
  syncMs: number;
}
