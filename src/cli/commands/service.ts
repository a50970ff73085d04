/** `init --service`: a unit by which systemd keeps the runtime running, for the user who writes it. */
import path from 'node:path';
import { programArgs } from '../../package.ts';

export interface ServiceOf {
  node: string;
  /** The configuration, as a path from the root. */
  config: string;
  /** Where agents' own programs are looked for; systemd's own is short. */
  searchPath: string;
}

export function serviceUnit({ node, config, searchPath }: ServiceOf): string {
  const directory = path.dirname(config);
  const command = [node, ...programArgs('src/cli/main'), '--config', config, 'up']
    .map((word) => quoted(word).replaceAll('$', '$$$$'))
    .join(' ');
  return `[Unit]
Description=Chartroom: coding agents as statecharts
After=network-online.target
Wants=network-online.target

[Service]
WorkingDirectory=${escaped(directory)}
ExecStart=${command}
Environment=${quoted(`PATH=${searchPath}`)}
# Secrets, one NAME=value a line, in a file that only you can read. LoadCredential=GITHUB_TOKEN:/path works too.
EnvironmentFile=-${escaped(path.join(directory, 'chartroom.env'))}
Restart=on-failure
RestartSec=5
# Agents at their work are left as they are: the next start finds them again.
KillMode=process
TimeoutStopSec=60

[Install]
WantedBy=default.target
`;
}

/** systemd reads % as its own everywhere, */
const escaped = (text: string): string => text.replaceAll('%', '%%');
/** and in quotes what ends or escapes them; of a command line $ too. */
const quoted = (text: string): string => `"${escaped(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
