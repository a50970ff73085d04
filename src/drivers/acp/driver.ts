/** Any agent that speaks the Agent Client Protocol, version 1, over its standard streams. */
import type { Driver } from '../driver.ts';
import { converse } from './conversation.ts';

export interface AcpOptions {
  program: string;
  args?: readonly string[] | undefined;
  /** The program for a terminal that goes on with a session: a command line, `{conversation}` is filled in. */
  takeover?: readonly string[] | undefined;
}

export function createAcpDriver({ program, args = [], takeover }: AcpOptions): Driver {
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
    takeOver({ conversation }) {
      const [file, ...words] = takeover ?? [];
      if (file === undefined || conversation === undefined) return undefined;
      return { file, args: words.map((word) => word.replaceAll('{conversation}', conversation)) };
    },
  };
}
