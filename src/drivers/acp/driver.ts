/** Any agent that speaks the Agent Client Protocol, version 1, over its standard streams. */
import type { Driver } from '../driver.ts';
import { converse } from './conversation.ts';

export interface AcpOptions {
  program: string;
  args?: readonly string[] | undefined;
}

export function createAcpDriver({ program, args = [] }: AcpOptions): Driver {
  return {
    name: 'acp',
    // Version 1 has one prompt in flight and no way to add to it.
    capabilities: {
      steer: false,
      resume: true,
      approvals: true,
      cost: false,
      review: true,
      readopt: false,
      chat: true,
    },
    launch: () => ({ file: program, args: [...args], stdin: 'pipe' }),
    open: (opening) => converse(opening),
    resume: (session, opening) => converse(opening, session),
  };
}
