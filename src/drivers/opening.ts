/** The drivers that the configuration names, by the name `driver` has in it. */
import path from 'node:path';
import type { Config } from '../config/config.ts';
import { createAcpDriver } from './acp/driver.ts';
import { createClaudeDriver } from './claude/driver.ts';
import { createCodexDriver } from './codex/driver.ts';
import { createCommandDriver } from './command/driver.ts';
import type { Driver } from './driver.ts';
import { loadOwnDriver } from './own.ts';
import { createScriptedDriver } from './scripted/driver.ts';

/** @throws RejectedInput a driver of the user's own that cannot be used */
export async function openDrivers({
  drivers,
  directory,
}: Pick<Config, 'drivers' | 'directory'>): Promise<Record<string, Driver>> {
  const opened: Record<string, Driver> = {};
  if (drivers.scripted !== undefined) {
    const script = path.resolve(directory, drivers.scripted.script);
    opened['scripted'] = createScriptedDriver({ script, node: process.execPath });
  }
  if (drivers.command !== undefined) opened['command'] = createCommandDriver(drivers.command);
  opened['codex'] = createCodexDriver(drivers.codex);
  if (drivers.acp !== undefined) opened['acp'] = createAcpDriver(drivers.acp);
  opened['claude'] = createClaudeDriver(drivers.claude);
  for (const [name, own] of Object.entries(drivers.own ?? {})) opened[name] = await loadOwnDriver(name, own);
  return opened;
}
