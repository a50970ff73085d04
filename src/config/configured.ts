/**
 * What an envelope may name of the configuration: roles and drivers. Looked up before the step, so that a machine
 * decides about a name without reading a file.
 */
import type { Configured } from '../../machines/contract.ts';
import type { HiredRole } from '../../machines/events/agent.ts';
import { missingRole, roleOf } from './roles.ts';
import type { Role, Roles } from './roles.ts';
import { DRIVERS } from './schema.ts';

export interface ConfiguredOptions {
  roles: Roles;
  /** Names of the user's own drivers. */
  own?: readonly string[];
}

export function createConfigured({ roles, own = [] }: ConfiguredOptions): (kind: string, name: string) => Configured {
  return (kind, name) => {
    switch (kind) {
      case 'role': {
        const role = roleOf(roles, name);
        return role === undefined ? { missing: missingRole(name, roles) } : { found: settingsOf(role) };
      }
      case 'driver': {
        const missing = unknownDriver(name, own);
        return missing === null ? { found: name } : { missing };
      }
    }
    return { missing: `there is no ${kind} “${name}”` };
  };
}

/** What is wrong with the name itself; null = it is one. A driver may be set up after somebody was hired for it. */
function unknownDriver(name: string, own: readonly string[]): string | null {
  const known = [...DRIVERS, ...own];
  return known.includes(name) ? null : `there is no driver “${name}”; drivers: ${known.join(', ')}`;
}

/** Why no agent of the configuration can be run by this driver here; null = it can. */
export function missingDriver(
  name: string,
  drivers: { scripted?: unknown; command?: unknown; acp?: unknown; own?: unknown },
): string | null {
  const unknown = unknownDriver(name, Object.keys(drivers.own ?? {}));
  if (unknown !== null) return unknown;
  if (name === 'scripted' && drivers.scripted === undefined)
    return 'the driver scripted needs drivers.scripted.script, the file that says what it does';
  if (name === 'command' && drivers.command === undefined)
    return 'the driver command needs drivers.command.run, the command line to run';
  if (name === 'acp' && drivers.acp === undefined)
    return 'the driver acp needs drivers.acp.program, an agent that speaks the Agent Client Protocol';
  return null;
}

function settingsOf({ name, kinds, actions, aliases, limits }: Role): HiredRole {
  return { name, kinds, actions, aliases, ...(limits === undefined ? {} : { limits }) };
}
