/**
 * A small world of the machines alone: sessions, agents, dispatcher and mission on the pure step function, a clock, a
 * mailbox per actor, scripted acts and watches, and a seeded scheduler that picks who moves next. After the disturbed
 * part of a schedule everything calms down, and then every piece of work has to come to its end.
 */
import { MACHINES } from '../../machines/index.ts';
import type { Projection } from '../../machines/contract.ts';
import type { AgentContext } from '../../machines/agent/index.ts';
import type { MissionContext } from '../../machines/mission/index.ts';
import type { SessionContext } from '../../machines/session/index.ts';
import { createRegistry } from '../../src/actor/registry.ts';
import { createGithub } from './github.ts';
import type { Pull } from './github.ts';
import { createKernel } from './kernel.ts';
import type { PendingAct } from './kernel.ts';
import { createProcesses } from './processes.ts';
import { createRandom } from './random.ts';

export interface Outcome {
  seed: number;
  steps: number;
  /** What went wrong, or null. */
  failure: string | null;
  /** Tells that were refused by a guard: words that came too late, which is no fault by itself. */
  refused: Map<string, number>;
}

const START_MS = Date.parse('2026-01-01T00:00:00.000Z');
const DISTURBED_STEPS = 250;
/** More than this until everything is done means that something goes round in circles. */
const CALM_STEPS = 6_000;

export function simulate(seed: number, log: (line: string) => void = () => {}): Outcome {
  const random = createRandom(seed);
  const kernel = createKernel(createRegistry(MACHINES), START_MS, log);
  const github = createGithub();
  const processes = createProcesses(kernel, github, random);
  const refused = new Map<string, number>();
  const epochs = new Map<string, number>();
  /** What each pull watch last told, by session: the change number. */
  const looked = new Map<string, string>();
  let people = 0;
  let steps = 0;

  const contextOf = <Context>(address: string): Context => kernel.actors.get(address)!.live.state.context as Context;
  const projectionOf = (address: string): Projection => kernel.actors.get(address)!.projection;
  const all = (kind: string): string[] => [...kernel.actors.keys()].filter((address) => address.startsWith(`${kind}/`));
  const isOpen = (address: string): boolean => !kernel.actors.get(address)!.live.view.final;
  const person = (to: string, type: string, data: Record<string, unknown> = {}): void =>
    kernel.post(to, type, data, { source: `cli/person${++people}` });

  // ── what the world can do

  const movable: Record<string, () => (() => void)[]> = {
    mail: () => [...kernel.mailboxes.keys()].map((subject) => () => void kernel.deliver(subject)),
    acts: () => kernel.acts.map((act) => () => perform(act)),
    processes: () =>
      [...processes.alive.values()]
        .filter(({ state, ending }) => ending || state !== 'asking')
        .map((process) => () => processes.move(process, calm)),
    looks: () =>
      all('session').flatMap((address) => {
        const params = kernel.watches(address)['pull'] as { branch: string; number?: number } | undefined;
        if (params === undefined) return [];
        const pull = github.of(params.branch, params.number);
        if (pull === undefined) return [];
        const seen = `${pull.number}:${pull.changes}`;
        return looked.get(address) === seen
          ? []
          : [
              () => {
                looked.set(address, seen);
                kernel.post(address, 'pull.observed', { ...github.observe(pull, kernel.nowMs) });
              },
            ];
      }),
    checks: () =>
      github.pulls
        .filter(({ state, gate }) => state === 'open' && gate === 'pending')
        .map((pull) => () => change(pull, { gate: calm || random.chance(0.75) ? 'green' : 'red' })),
  };

  function change(pull: Pull, changes: Partial<Pull>): void {
    Object.assign(pull, changes);
    pull.changes++;
  }

  function perform(act: PendingAct): void {
    if (!calm && random.chance(0.03) && act.act !== 'process.end') {
      return kernel.answer(act, 'failed', { code: 'SIM', reason: 'the world said no' });
    }
    const { params } = act;
    switch (act.act) {
      case 'worktree.prepare': {
        const { branch, epoch, fresh, head } = params as {
          branch: string;
          epoch: number;
          fresh: boolean;
          head?: string;
        };
        const base = `/w/${act.actor.slice('session/'.length)}`;
        const pull = github.of(branch);
        const path =
          fresh || freshOf.get(act.actor) !== undefined ? `${base}-${freshFor(act.actor, fresh, epoch)}` : base;
        return kernel.answer(act, 'done', { path, branch, head: head ?? pull?.head ?? '0000000' });
      }
      case 'run.verify':
        return kernel.answer(act, 'done', verify(params));
      case 'pull.merge': {
        const pull = github.of('', params['number'] as number)!;
        const ok = pull.head === params['head'] && pull.gate === 'green' && pull.state === 'open';
        if (!ok) return kernel.answer(act, 'failed', { code: 'GITHUB_409', reason: 'head moved or not green' });
        change(pull, { state: 'closed', merged: true });
        return kernel.answer(act, 'done', { merged: true });
      }
      case 'pull.close': {
        const pull = github.of('', params['number'] as number)!;
        if (pull.state === 'open') change(pull, { state: 'closed', closedBy: 'self' });
        return kernel.answer(act, 'done', undefined);
      }
      case 'review.post': {
        const pull = github.of('', params['number'] as number)!;
        const id = `r${pull.reviews.length + 1}-${pull.number}`;
        const verdict = params['verdict'] as 'approve' | 'request_changes' | 'comment';
        const head = params['head'] as string;
        change(pull, { reviews: [...pull.reviews, { id, author: String(params['reviewer']), verdict, head }] });
        return kernel.answer(act, 'done', { posted: { as: String(params['reviewer']), id }, how: 'review' });
      }
      case 'check.rerun': {
        const pull = github.pulls.find(({ head }) => head === params['head']);
        if (pull?.state === 'open') change(pull, { gate: 'pending' });
        return kernel.answer(act, 'done', undefined);
      }
      case 'process.end': {
        const process = processes.alive.get(act.actor);
        if (process !== undefined) process.ending = true;
        return kernel.answer(act, 'done', undefined);
      }
      case 'driver.steer':
        return kernel.answer(act, 'done', {
          taken: processes.alive.get(act.actor)?.state === 'up' && random.chance(0.7),
        });
      case 'driver.answer': {
        const process = processes.alive.get(act.actor);
        if (process?.state === 'asking') process.state = 'up';
        return kernel.answer(act, 'done', undefined);
      }
      case 'driver.interrupt': {
        const process = processes.alive.get(act.actor);
        if (process !== undefined && process.state !== 'turned' && process.state !== 'starting') {
          process.state = 'turned';
          kernel.post(process.agent, 'driver.turned', {
            outcome: 'interrupted',
            usage: { inputTokens: 1, outputTokens: 1 },
          });
        }
        return kernel.answer(act, 'done', undefined);
      }
      default:
        return kernel.answer(act, 'done', undefined);
    }
  }

  const freshOf = new Map<string, number>();
  function freshFor(session: string, fresh: boolean, epoch: number): number {
    if (fresh) freshOf.set(session, epoch);
    return freshOf.get(session)!;
  }

  function verify(params: Record<string, unknown>): Record<string, unknown> {
    const {
      run,
      for: why,
      branch,
      headBefore,
      number,
      target,
      verdict,
      deliver,
      report,
    } = params as {
      run: number;
      for: string;
      branch: string;
      headBefore: string | null;
      number?: number;
      target?: string;
      verdict?: { head: string };
      deliver: string;
      report: boolean;
    };
    const ofBranch = github.of(branch);
    const pull = ofBranch?.state === 'open' || number === undefined ? ofBranch : github.of(branch, number);
    const ok =
      why === 'verdict'
        ? verdict !== undefined && verdict.head === target
        : deliver === 'report'
          ? report
          : pull !== undefined && pull.state === 'open' && pull.head !== headBefore;
    return {
      run,
      ok,
      evidence: {
        headBefore,
        headAfter: pull?.head ?? null,
        ...(pull === undefined ? {} : { pull: pull.number }),
        dirty: [],
        unpushed: 0,
        protected: [],
      },
    };
  }

  // ── what people do to it

  function disturb(): void {
    const session = random.pick(all('session').filter(isOpen));
    const agent = random.pick(all('agent'));
    const pull = github.pulls.length > 0 ? random.pick(github.pulls) : undefined;
    const hired = `agent/extra${random.below(3)}`;
    const ways: (() => void)[] = [
      () => person(agent, random.pick(['correct.stop', 'correct.pause', 'correct.drain', 'correct.interrupt'])),
      () => person(agent, random.pick(['correct.resume', 'correct.resume', 'correct.restart'])),
      () => person(hired, 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' }),
      () => (random.chance(0.3) ? person(agent, 'correct.offboard') : person(agent, 'correct.resume')),
      () => person('dispatcher/main', random.pick(['correct.pause', 'correct.resume', 'correct.resume'])),
      () =>
        random.chance(0.2) ? person('dispatcher/main', random.pick(['correct.stop', 'correct.drain'])) : undefined,
      () =>
        person('mission/m', random.pick(['correct.pause', 'correct.resume']), random.chance(0.5) ? { runs: true } : {}),
      () => {
        if (pull?.state === 'open' && random.chance(0.3)) change(pull, { conflict: true });
      },
      () => {
        if (pull?.state === 'open' && random.chance(0.15)) change(pull, { state: 'closed', closedBy: 'person' });
      },
      () => {
        for (const process of processes.alive.values()) processes.die(process, 'ended');
      },
    ];
    if (session !== undefined) {
      const fence = random.chance(0.3) ? { expectepoch: random.below(4) } : {};
      const correct = (type: string, data: Record<string, unknown> = {}): void =>
        kernel.post(session, type, data, { source: `cli/person${++people}`, ...fence });
      ways.push(
        () => correct('correct.reassign', { to: random.pick([agent, 'role/implementer', 'lane/none']) }),
        () => correct('correct.reassign', { to: agent }),
        () => correct('correct.unassign'),
        () => correct('correct.stop'),
        () => correct('correct.retry'),
        () => correct('correct.pause'),
        () => correct('correct.resume'),
        () => correct('correct.withdraw'),
        () => correct('correct.delegate'),
        () => person(session, 'say', { text: 'Please mind the tests.' }),
        () => person(session, 'say', { text: 'And the docs.' }),
        () => person(session, 'fyi', { text: 'The release is on Monday.' }),
        () => answer(session),
      );
      if (random.chance(0.1)) ways.push(() => correct('correct.close', { outcome: 'cancelled' }));
    }
    random.pick(ways)();
  }

  function answer(session: string): void {
    const { questions } = contextOf<SessionContext>(session);
    const question = questions[0];
    if (question !== undefined) person(session, 'answer', { question: question.id, text: 'That way.' });
  }

  // ── what must hold after every event

  function broken(): string | null {
    const wrong = processes.settle();
    if (wrong !== null) return wrong;
    for (const address of all('session')) {
      const { waitingOn, epoch } = projectionOf(address);
      const before = epochs.get(address) ?? 0;
      if (epoch === null || epoch < before) return `${address}: epoch ${epoch} after ${before}`;
      epochs.set(address, epoch);
      if (isOpen(address) && waitingOn.length === 0) return `${address} waits for nothing`;
      const run = contextOf<SessionContext>(address).run;
      if (run !== null && run.epoch > epoch) return `${address}: a run of epoch ${run.epoch} at ${epoch}`;
    }
    for (const { envelope, receipt } of kernel.refused.splice(0)) {
      const name = `${envelope.source.split('/')[0]}→${envelope.subject.split('/')[0]} ${envelope.type}: ${receipt.outcome} ${receipt.code ?? ''}`;
      refused.set(name, (refused.get(name) ?? 0) + 1);
      if (receipt.code === 'schema') return `${envelope.source} told ${envelope.type}: ${receipt.reason}`;
    }
    return null;
  }

  /** With nothing on its way the pictures agree with what they show. */
  function disagreement(): string | null {
    for (const address of all('agent')) {
      const { run } = contextOf<AgentContext>(address);
      if (run === null || !isOpen(address)) continue;
      const session = contextOf<SessionContext>(run.session);
      const knows = session.run?.epoch === run.epoch || session.unreleased.some(({ epoch }) => epoch === run.epoch);
      if (!knows && !processes.alive.has(address)) return `${address} holds a run that ${run.session} does not know`;
    }
    for (const address of all('session')) {
      const { run } = contextOf<SessionContext>(address);
      if (run === null || !isOpen(address) || run.ended !== null) continue;
      const agent = contextOf<AgentContext>(run.agent);
      if (agent.run?.session !== address || agent.run.epoch !== run.epoch) {
        return `${address} waits for a run that ${run.agent} does not have`;
      }
    }
    for (const address of all('mission')) {
      if (!isOpen(address)) continue;
      for (const { session, picture, spec } of contextOf<MissionContext>(address).items) {
        if (!kernel.actors.has(session) || picture === null) return `${address}: no picture of ${spec.key}`;
        const { phase, owner, epoch } = projectionOf(session);
        if (picture.phase !== phase || picture.owner !== owner || picture.epoch !== epoch) {
          return `${address} shows ${spec.key} as ${picture.phase}/${picture.owner}/${picture.epoch}, it is ${phase}/${owner}/${epoch}`;
        }
      }
    }
    return null;
  }

  // ── the schedule

  let calm = false;

  function moveOnce(): boolean {
    const kinds = Object.values(movable)
      .map((moves) => moves())
      .filter((moves) => moves.length > 0);
    const timer = kernel.nextTimer();
    const isDue = timer !== null && timer.dueMs <= kernel.nowMs;
    kernel.nowMs += random.below(calm ? 200 : 1_500);
    if (timer !== null && (kinds.length === 0 || isDue || (!calm && random.chance(0.03)))) {
      kernel.fire(timer);
      return true;
    }
    if (kinds.length === 0) return false;
    random.pick(random.pick(kinds))();
    return true;
  }

  function setUp(): void {
    kernel.post('dispatcher/main', 'fleet.configured', { maxRuns: 2 + random.below(2) });
    kernel.deliver('dispatcher/main');
    const implementers = 1 + random.below(2);
    for (let n = 0; n < implementers; n++) {
      person(`agent/impl${n}`, 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' });
    }
    person('agent/susan', 'hire', { role: 'reviewer', driver: 'scripted', mode: 'worker' });
    const item = (key: string, dependsOn: string[]) => ({
      key,
      title: `Do ${key}`,
      body: '',
      kind: 'implement',
      dependsOn,
      repo: 'acme/api',
      deliver: random.chance(0.8) ? 'pull_request' : 'report',
      merge: 'self',
      gates: { checks: ['Tests'] },
    });
    person('mission/m', 'open', {
      objective: 'All of it',
      items: [item('a', []), item('b', ['a']), item('c', [])],
      policy: { maxParallel: 1 + random.below(2), onItemFailed: 'continue' },
    });
    person('session/lone', 'open', {
      title: 'One thing',
      body: '',
      source: { kind: 'manual' },
      repo: 'acme/api',
      kind: 'implement',
      deliver: 'pull_request',
      merge: 'self',
      gates: { checks: ['Tests'], review: random.chance(0.7) ? 'required' : 'none' },
    });
    while (kernel.mailboxes.size > 0) kernel.deliver([...kernel.mailboxes.keys()][0]!);
  }

  /** Everybody means well from here on; people answer and un-park until everything is done. */
  function calmDown(): void {
    calm = true;
    log('── calm');
    person('dispatcher/main', 'correct.resume');
    person('mission/m', 'correct.resume');
    for (const name of ['agent/calm', 'agent/calm2']) {
      person(name, 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' });
    }
    for (const name of ['agent/judge', 'agent/judge2'])
      person(name, 'hire', { role: 'reviewer', driver: 'scripted', mode: 'worker' });
    for (const address of all('agent')) if (isOpen(address)) person(address, 'correct.restart');
  }

  /** What a patient person does about each thing that waits for one. Returns whether there was anything. */
  function help(): boolean {
    const before = people;
    for (const address of all('session').filter(isOpen)) {
      const context = contextOf<SessionContext>(address);
      for (const { gate } of projectionOf(address).waitingOn) {
        if (gate === 'paused') person(address, 'correct.resume');
        else if (gate === 'withdrawn') person(address, 'correct.delegate');
        else if (gate === 'human' && context.questions.length > 0) answer(address);
        else if ((gate === 'human' || gate === 'upkeep' || gate === 'merge') && context.obligations.length > 0) {
          person(address, 'correct.retry');
        } else if (gate === 'human') person(address, 'correct.close', { outcome: 'done' });
        else if (gate === 'merge') person(address, 'correct.retry');
        else if (gate === 'agent') person(address, 'correct.reassign', { to: `role/${roleFor(context)}` });
        else if (gate === 'review') person(address, 'correct.review.waive');
      }
    }
    for (const address of all('mission').filter(isOpen)) {
      if (projectionOf(address).phase === 'paused') person(address, 'correct.resume');
    }
    // Pull requests that nobody works on any more are closed, which ends their reviews.
    for (const pull of github.pulls.filter(({ state }) => state === 'open')) {
      const worker = pull.pushes.at(-1)!.session;
      if (isOpen(worker)) continue;
      people++;
      change(pull, { state: 'closed', closedBy: 'person' });
    }
    return people > before;
  }

  const roleFor = ({ brief }: SessionContext): string => (brief.kind === 'review' ? 'reviewer' : 'implementer');

  function run(): string | null {
    setUp();
    for (; steps < DISTURBED_STEPS; steps++) {
      if (random.chance(0.12)) disturb();
      moveOnce();
      const wrong = broken();
      if (wrong !== null) return wrong;
    }
    calmDown();
    let helps = 0;
    let quiet = 0;
    for (; steps < DISTURBED_STEPS + CALM_STEPS; steps++) {
      const open = [...all('session'), ...all('mission')].filter(isOpen);
      if (open.length === 0) return null;
      const isQuiet =
        kernel.mailboxes.size === 0 &&
        kernel.acts.length === 0 &&
        Object.values(movable).every((moves) => moves().length === 0);
      if (isQuiet) {
        const wrong = disagreement();
        if (wrong !== null) return wrong;
        // People come when nothing happens by itself for a while.
        if (++quiet % 4 === 0 || kernel.nextTimer() === null) {
          const helped = help();
          if (++helps > 60 || (!helped && kernel.nextTimer() === null)) return stuck(open);
        }
      }
      moveOnce();
      const wrong = broken();
      if (wrong !== null) return wrong;
    }
    return stuck([...all('session'), ...all('mission')].filter(isOpen));
  }

  function stuck(open: string[]): string {
    const waits = open.map((address) => {
      const { phase, waitingOn } = projectionOf(address);
      return `${address} ${phase} ${JSON.stringify(waitingOn.map(({ gate, on, detail }) => [gate, on, detail]))}`;
    });
    return `does not come to its end:\n  ${waits.join('\n  ')}`;
  }

  let failure: string | null;
  try {
    failure = run();
  } catch (error) {
    failure = `a step threw: ${(error as Error).stack ?? String(error)}`;
  }
  return { seed, steps, failure, refused };
}
