import { createCommandDriver } from '../../src/drivers/command/driver.ts';
import { driverContract } from './contract.ts';
import type { Behaviour } from './contract.ts';

const result = (outcome: object): string => `echo '${JSON.stringify(outcome)}' > "$CHARTROOM_RESULT"`;
const SILENT = 'a program that is not spoken to asks nothing';
const LINES: Partial<Record<Behaviour, string>> = {
  works: 'cat > work.txt',
  idles: 'true',
  worksAndFails: 'cat {prompt} > work.txt; echo no tests ran >&2; exit 1',
  hangs: 'touch begun.txt; exec sleep 600',
  uses: result({ usage: { inputTokens: 11, outputTokens: 7 } }),
  isLimited: `${result({ until: '2030-01-01T00:00:00.000Z' })}; exit 75`,
  isUnauthorised: 'exit 77',
  dies: 'kill -KILL $$',
  babbles: `echo '{"type":"turn.ended"'; echo not json > "$CHARTROOM_RESULT"`,
  floods: 'head -c "$CHARTROOM_FLOOD" /dev/zero | tr "\\0" x | fold -w 1000; echo',
  cannotReach: 'git ls-remote http://127.0.0.1:9/nobody.git',
  judges: result({ verdict: { verdict: 'approve' } }),
  handsBack: result({ handedBack: 'not mine' }),
};

const driver = (behaviour: Behaviour) => createCommandDriver({ run: LINES[behaviour] ?? 'true' });

driverContract({
  name: 'command',
  capabilities: driver('works').capabilities,
  play: (behaviour, use) => use({ driver: driver(behaviour) }),
  cannot: { asks: SILENT, asksApproval: SILENT, listens: SILENT },
});
