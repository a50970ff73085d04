/** A user's own machines: whatever a module exports that is a `MachineDefinition`, alone or in a list. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Definition } from '../actor/state.ts';
import { RejectedInput } from '../errors.ts';

/** @throws RejectedInput what cannot be loaded, or brings no machine */
export async function definitionsIn(file: string, cwd: string): Promise<Definition[]> {
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(path.resolve(cwd, file)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new RejectedInput('MODULE', `${file} cannot be loaded`, [(error as Error).message, ...hints(file)]);
  }
  const found = new Set(
    Object.values(module)
      .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
      .filter(isDefinition),
  );
  if (found.size === 0) {
    const exports = Object.keys(module).join(', ') || 'nothing';
    throw new RejectedInput('MODULE', `${file} brings no machine`, [
      `it exports ${exports}; a machine is a MachineDefinition (docs/machines.md) with kind, version, logic and events`,
    ]);
  }
  return [...found];
}

function isDefinition(value: unknown): value is Definition {
  const { kind, logic, events, reasons, recordKeys } = (value ?? {}) as Partial<Definition>;
  if (typeof kind !== 'string' || typeof events !== 'object' || typeof reasons !== 'object') return false;
  return Array.isArray(recordKeys) && typeof (logic as { root?: unknown } | undefined)?.root === 'object';
}

const hints = (file: string): string[] =>
  /\.[cm]?tsx?$/.test(file) ? ['Node below 22.18 reads JavaScript only: compile it first, or run with tsx'] : [];
