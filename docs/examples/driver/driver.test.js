/** The driver of this folder, held to the contract: `node --test driver.test.js`. */
import { fileURLToPath } from 'node:url';
import { driverContract } from 'chartroom/driver-contract';
import createExampleDriver from './driver.js';

const agent = fileURLToPath(new URL('agent.js', import.meta.url));
const driver = createExampleDriver({ program: process.execPath, args: [agent] });

const left = (result) => `echo '${JSON.stringify(result)}' > "$CHARTROOM_RESULT"`;
const UNASKED = 'this agent asks nothing';

/** What the agent does, for each behaviour the contract looks at. */
const DOES = {
  works: 'echo work > work.txt',
  idles: 'true',
  worksAndFails: 'echo work > work.txt; echo no tests ran >&2; exit 1',
  hangs: 'touch begun.txt; exec sleep 600',
  uses: 'true',
  isLimited: 'echo usage limit until 2030-01-01T00:00:00.000Z >&2; exit 1',
  isUnauthorised: 'echo 401 >&2; exit 1',
  dies: 'kill -KILL $PPID',
  babbles: `echo '{"is":"do'; echo '{"is":"nothing"}'; printf '\\303\\050\\n'`,
  floods: 'head -c "$CHARTROOM_FLOOD" /dev/zero | tr "\\0" x | fold -w 1000; echo',
  cannotReach: 'git ls-remote http://127.0.0.1:9/nobody.git',
  judges: left({ verdict: { verdict: 'approve' } }),
  handsBack: left({ handedBack: 'not mine' }),
};

driverContract({
  name: 'example',
  capabilities: driver.capabilities,
  play: (behaviour, use) => use({ driver, env: { AGENT_DOES: DOES[behaviour] ?? 'true' } }),
  cannot: { asks: UNASKED, asksApproval: UNASKED, listens: UNASKED },
});
