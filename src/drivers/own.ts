/** A driver of the user's own: a module that the configuration names (`drivers.own`), loaded before anything is started. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { RejectedInput } from '../errors.ts';
import type { Driver } from './driver.ts';

export interface OwnDriver {
  module: string;
  options?: Record<string, unknown> | undefined;
}

const capabilities = z.strictObject({
  steer: z.boolean(),
  resume: z.boolean(),
  approvals: z.boolean(),
  cost: z.boolean(),
  review: z.boolean(),
  readopt: z.boolean(),
  chat: z.boolean(),
});
const call = z.custom((value) => typeof value === 'function', 'must be a function');
const shape = z.looseObject({ capabilities, launch: call, open: call, resume: call, takeOver: call.optional() });

/** @throws RejectedInput `DRIVER`: the module cannot be loaded, or what it brings is no driver, with every reason */
export async function loadOwnDriver(name: string, { module, options = {} }: OwnDriver): Promise<Driver> {
  const wrong = (issues: string[]): RejectedInput =>
    new RejectedInput('DRIVER', `the driver ${name} (${module}) cannot be used`, issues);
  let found: unknown;
  try {
    const loaded = (await import(pathToFileURL(path.resolve(module)).href)) as { default?: unknown };
    const { default: brought } = loaded;
    found = typeof brought === 'function' ? await (brought as (given: unknown) => unknown)(options) : brought;
  } catch (error) {
    throw wrong([(error as Error).message]);
  }
  if (found === undefined) {
    throw wrong([
      'its default export is missing: a driver, or a function of `options` that gives one (docs/drivers.md)',
    ]);
  }
  const parsed = shape.safeParse(found);
  if (!parsed.success)
    throw wrong(parsed.error.issues.map(({ path: keys, message }) => `${keys.join('.')}: ${message}`));
  return found as Driver;
}
