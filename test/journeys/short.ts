/** The main job without its detours: written right, approved, green, merged. For journeys that are about one moment. */
import { SCRIPT } from '../../src/demo/story.ts';
import { STORY } from './census.ts';
import type { Census } from './census.ts';

export type Step = Record<string, unknown>;

const greeting = { write: { path: 'src/greet.js', text: 'export const greet = (name) => `Hello, ${name}!`;\n' } };
const [first] = SCRIPT.runs;

/** What the implementer does. */
export const STEPS: Step[] = (first as { steps: Step[] }).steps.map((step) => ('write' in step ? greeting : step));

/** What everybody does afterwards: one approval, and nothing else. */
export const AFTERWARDS = [
  SCRIPT.runs.find(({ steps }) => JSON.stringify(steps).includes('approve')),
  SCRIPT.runs.at(-1),
];

/** The numbers of the short story when nothing goes wrong on the way. */
export const SHORT: Census = {
  ...STORY,
  reviews: ['susan-reviews APPROVED'],
  commits: ['Greet people'],
  base: ['Greet people (#1)'],
};
