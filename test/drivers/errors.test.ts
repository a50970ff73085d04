/** Typed errors of each protocol, as what a session hears of them. One table per protocol: error → event. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endingOf as acpEnding, faultOf } from '../../src/drivers/acp/ending.ts';
import { endingOf as claudeEnding } from '../../src/drivers/claude/ending.ts';
import { eventOf } from '../../src/drivers/codex/errors.ts';
import type { DriverEvent } from '../../src/drivers/driver.ts';

/** `limited`, `auth`, or how the turn ended. */
function heard(event: DriverEvent): string {
  if (event.type === 'rate.limited') return 'limited';
  if (event.type === 'auth.failed') return 'auth';
  return event.type === 'turn.ended' ? event.outcome : event.type;
}

const CODEX: Record<string, string> = {
  usageLimitExceeded: 'limited',
  rateLimitExceeded: 'limited',
  serverOverloaded: 'limited',
  unauthorized: 'auth',
  sessionBudgetExceeded: 'budget',
  cyberPolicy: 'refused',
  tooManyDenials: 'refused',
  sandboxError: 'failed',
  contextWindowExceeded: 'failed',
  other: 'failed',
};

test('codex: each of its typed errors is heard as what it is, and a failure by its name', () => {
  for (const [codexErrorInfo, wanted] of Object.entries(CODEX)) {
    const event = eventOf('t', { message: 'it says why', codexErrorInfo }, '2030-01-01T00:00:00.000Z');
    assert.equal(heard(event), wanted, codexErrorInfo);
    if (event.type === 'rate.limited') assert.equal(event.until, '2030-01-01T00:00:00.000Z');
  }
  const sandbox = eventOf('t', { message: 'no writing there', codexErrorInfo: 'sandboxError' }, undefined);
  assert.equal(sandbox.type === 'turn.ended' && sandbox.reason, 'sandboxError: no writing there');
  for (const [httpStatusCode, wanted] of [
    [401, 'auth'],
    [429, 'limited'],
    [503, 'limited'],
    [500, 'failed'],
  ] as const) {
    const codexErrorInfo = { httpConnectionFailed: { httpStatusCode } };
    assert.equal(heard(eventOf('t', { message: 'm', codexErrorInfo }, undefined)), wanted, String(httpStatusCode));
  }
});

test('claude: only what its result says decides, a success that is an error included', () => {
  const ended = (result: object, error?: string, isInterrupted = false): string =>
    heard(
      claudeEnding({
        turn: 't',
        result: {
          type: 'result',
          subtype: 'success',
          is_error: true,
          modelUsage: {},
          permission_denials: [],
          ...result,
        },
        error,
        isInterrupted,
        until: undefined,
      }),
    );
  assert.equal(ended({ is_error: false }), 'completed');
  assert.equal(ended({}), 'failed');
  assert.equal(ended({ api_error_status: 429 }), 'limited');
  assert.equal(ended({ api_error_status: 529 }), 'limited');
  assert.equal(ended({ api_error_status: 401 }), 'auth');
  assert.equal(ended({}, 'authentication_failed'), 'auth');
  assert.equal(ended({}, 'overloaded'), 'limited');
  assert.equal(ended({ subtype: 'error_max_budget_usd' }), 'budget');
  assert.equal(ended({ subtype: 'error_during_execution' }, undefined, true), 'interrupted');
  assert.equal(ended({ subtype: 'error_during_execution' }), 'failed');
});

test('acp: reasons to stop, the one typed error, and of the others the agent’s own words', () => {
  for (const [reason, wanted] of Object.entries({
    end_turn: 'completed',
    max_tokens: 'budget',
    max_turn_requests: 'budget',
    refusal: 'refused',
    cancelled: 'interrupted',
    exploded: 'failed',
  })) {
    assert.equal(heard(acpEnding('t', reason)), wanted, reason);
  }
  assert.equal(heard(faultOf('t', -32_000, 'Authentication required')), 'auth');
  assert.equal(heard(faultOf('t', -32_603, 'status 401')), 'auth');
  assert.equal(heard(faultOf('t', -32_603, 'usage limit reached')), 'limited');
  assert.equal(heard(faultOf('t', -32_603, 'overloaded')), 'limited');
  assert.equal(heard(faultOf('t', -32_603, 'Internal error')), 'failed');
});
