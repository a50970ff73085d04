/**
 * The world of one schedule: the four machines on the simulation's kernel, with a GitHub, a tracker, processes, acts and
 * a transport beside them, and everything that could happen next by name.
 */
import type { Projection } from '../../machines/contract.ts';
import type { WatchParams } from '../../machines/effects.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import { createEffects } from './effects.ts';
import type { Effects } from './effects.ts';
import { createGithub } from './github.ts';
import type { Github, Pull } from './github.ts';
import type { Kernel } from './kernel.ts';
import { createProcesses } from './processes.ts';
import type { Processes } from './processes.ts';
import type { Random } from './random.ts';
import type { Shape } from './shape.ts';
import { observeIssue } from './tracker.ts';
import type { Issue } from './tracker.ts';
import { createTransport } from './transport.ts';
import type { Transport } from './transport.ts';

/** Something that could happen next. */
export interface Move {
  name: string;
  go: () => void;
}

export interface World {
  kernel: Kernel;
  github: Github;
  issues: Issue[];
  processes: Processes;
  transport: Transport;
  effects: Effects;
  all(kind: string): string[];
  open(kind: string): string[];
  isOpen(address: string): boolean;
  contextOf<Context>(address: string): Context;
  projectionOf(address: string): Projection;
  /** A person's letter, by the transport. */
  mail(to: string, type: string, data: Record<string, unknown>, sending?: Partial<Envelope>): void;
  /** A watch's word, by the transport. */
  tell(to: string, type: string, data: Record<string, unknown>): void;
  hire(name: string, role: string): void;
  /** The runtime ends and starts again: memory is gone, watches start anew, what was begun is looked up. */
  crash(random: Random): void;
  /** What could happen next, by sort; a sort without moves is left out. */
  moves(random: Random, calm: boolean): { name: string; moves: Move[] }[];
  /** How many letters people have sent. */
  letters(): number;
}

export function createWorld(kernel: Kernel, shape: Shape): World {
  const github = createGithub();
  const transport = createTransport(kernel);
  const processes = createProcesses(kernel, github, transport);
  const effects = createEffects(kernel, github, processes);
  /** What each watch last told: the version of what it looks at. */
  const looked = new Map<string, string>();
  /** Comments each session was told of. */
  const heard = new Set<string>();
  let people = 0;
  let words = 0;

  const isOpen = (address: string): boolean => kernel.actors.get(address)?.live.view.final === false;
  const all = (kind: string): string[] => {
    const names: string[] = [];
    for (const address of kernel.actors.keys()) if (address.startsWith(`${kind}/`)) names.push(address);
    return names;
  };

  function mail(to: string, type: string, data: Record<string, unknown>, sending: Partial<Envelope> = {}): void {
    const id = `mail-${++people}`;
    const source = `cli/person${people}`;
    const envelope: Envelope = { specversion: '1.0', id, source, type, subject: to, data, ...sending };
    transport.send({ envelope, door: 'outside', lane: null, volatile: false });
  }

  function tell(to: string, type: string, data: Record<string, unknown>, id = `watch-${++words}`): void {
    const envelope: Envelope = { specversion: '1.0', id, source: 'watch/world', type, subject: to, data };
    transport.send({ envelope, door: 'trusted', lane: null, volatile: true });
  }

  /** Each watch that has something new to tell. */
  function looks(): Move[] {
    const moves: Move[] = [];
    const look = (name: string, version: string, go: () => void): void => {
      if (looked.get(name) === version) return;
      moves.push({
        name: `look ${name}`,
        go: () => {
          looked.set(name, version);
          go();
        },
      });
    };
    for (const issue of issues) {
      const watching = all('session').filter((address) => issueOf(address) === issue.ref);
      // Nobody's yet: the router opens its session.
      if (watching.length === 0 && !kernel.actors.has(issue.session)) watching.push(issue.session);
      for (const address of watching) {
        look(`issue ${address}`, String(issue.version), () =>
          tell(address, 'issue.observed', { ...observeIssue(issue) }),
        );
      }
    }
    for (const address of all('session')) {
      const params = kernel.watches(address)['pull'] as WatchParams<'pull'> | undefined;
      const pull = params === undefined ? undefined : github.find(params);
      if (params === undefined || pull === undefined) continue;
      // As the real watch: named by the facts, so that the same facts told again after a restart are nothing new.
      const version = `${pull.number}:${pull.version}:${JSON.stringify(params.gates)}`;
      look(`pull ${address} ${pull.number}`, version, () =>
        tell(address, 'pull.observed', { ...github.observe(pull, params.gates) }, `pull ${version}`),
      );
    }
    for (const address of all('agent')) {
      const params = kernel.watches(address)['repository'] as WatchParams<'repository'> | undefined;
      if (params === undefined || params.repos.length === 0) continue;
      const version = github.pulls.map((pull) => `${pull.head}${pull.state}`).join();
      look(`repository ${address}`, version, () =>
        tell(address, 'pulls.observed', { repo: params.repos[0]!, pulls: github.pulls.map(listed) }),
      );
    }
    return moves;
  }

  const issueOf = (address: string): string | undefined =>
    (kernel.watches(address)['issue'] as WatchParams<'issue'> | undefined)?.ref;

  const listed = ({ number, head, draft, state }: Pull) => ({ number, head, author: 'bot', draft, state });

  /** A comment is told by a hook, by the watch, or by both, under one id. */
  function comments(): Move[] {
    const moves: Move[] = [];
    for (const { id, on, about, author } of github.comments) {
      for (const address of all('session')) {
        const pull = kernel.watches(address)['pull'] as WatchParams<'pull'> | undefined;
        const concerns = on === 'pull' ? pull?.branch === about : issueOf(address) === about;
        if (!concerns || heard.has(`${address} ${id}`)) continue;
        moves.push({
          name: `comment ${id} ${address}`,
          go: () => {
            heard.add(`${address} ${id}`);
            const data = { comment: id, on, author, text: 'Why so?', url: 'https://github.test/c' };
            tell(address, 'comment.observed', data, id);
          },
        });
      }
    }
    return moves;
  }

  /** Checks report, the queue goes on. */
  function hubMoves(random: Random, calm: boolean): Move[] {
    const moves: Move[] = [];
    for (const pull of github.pulls) {
      if (pull.state !== 'open') continue;
      const change = (changes: Partial<Pull>): void => github.change(pull, changes, kernel.nowMs);
      const waiting = Object.keys(pull.checks).find((name) => pull.checks[name] === null);
      if (waiting !== undefined) {
        const conclusion = calm || random.chance(0.85) ? ('success' as const) : ('failure' as const);
        moves.push({
          name: `check ${pull.number} ${waiting}`,
          go: () => change({ checks: { ...pull.checks, [waiting]: conclusion } }),
        });
      }
      if (pull.conflict === null)
        moves.push({ name: `mergeable ${pull.number}`, go: () => change({ conflict: false }) });
      const queued = queueMove(pull, random, calm);
      if (queued !== null) moves.push({ name: `queue ${pull.number}`, go: () => change(queued) });
    }
    return moves;
  }

  /** Green pull requests of a session that merges by the queue enter it; then they are merged, or thrown out. */
  function queueMove(pull: Pull, random: Random, calm: boolean): Partial<Pull> | null {
    const isGreen = Object.values(pull.checks).every((conclusion) => conclusion === 'success');
    if (pull.queue === 'waiting') return calm || random.chance(0.8) ? { queue: 'merging' } : { queue: 'evicted' };
    if (pull.queue === 'merging') {
      return calm || random.chance(0.8) ? { queue: 'out', state: 'closed', merged: true } : { queue: 'evicted' };
    }
    if (pull.queue !== 'out' || !isGreen || pull.draft || pull.conflict === true) return null;
    const session = kernel.actors.get(pull.session)?.live;
    const value = session?.view.value as { open?: { queue?: string } } | undefined;
    return value?.open?.queue === 'waiting' ? { queue: 'waiting' } : null;
  }

  function crash(random: Random): void {
    kernel.forget();
    effects.crash();
    transport.crash();
    looked.clear();
    heard.clear();
    for (const process of processes.alive.values()) if (random.chance(0.5)) processes.die(process, 'ended');
    // Now and then it was down for long.
    if (random.chance(0.3)) kernel.nowMs += 3_600_000 * (1 + random.below(5));
  }

  const { issues } = shape;
  return {
    kernel,
    github,
    issues,
    processes,
    transport,
    effects,
    all,
    open: (kind) => all(kind).filter(isOpen),
    isOpen,
    contextOf: <Context>(address: string) => kernel.actors.get(address)!.live.state.context as Context,
    projectionOf: (address) => kernel.actors.get(address)!.projection,
    mail,
    tell,
    hire: (name, role) => mail(`agent/${name}`, 'hire', { role, driver: 'scripted', mode: 'worker' }),
    crash,
    letters: () => people,
    moves(random, calm) {
      const told: Move[] = [];
      for (const subject of kernel.mailboxes.keys()) {
        told.push({ name: `mail ${subject}`, go: () => void kernel.deliver(subject) });
      }
      const letters = transport
        .deliverable()
        .map((letter) => ({ name: letter.name, go: () => transport.deliver(letter, random, calm) }));
      const acts: Move[] = [];
      for (const act of kernel.acts.values()) {
        acts.push({ name: `act ${act.actor} ${act.act}`, go: () => effects.perform(act, random, calm) });
      }
      const processing: Move[] = [];
      for (const process of processes.alive.values()) {
        const isIdle =
          process.state === 'asking' || (process.begun === null && process.state === 'up' && !process.turn);
        if (isIdle && !process.ending) continue;
        processing.push({ name: process.name, go: () => processes.move(process, random, calm) });
      }
      return [
        { name: 'told', moves: told },
        { name: 'told too', moves: told },
        { name: 'letters', moves: letters },
        { name: 'acts', moves: acts },
        { name: 'processes', moves: processing },
        { name: 'looks', moves: looks() },
        { name: 'comments', moves: comments() },
        { name: 'github', moves: hubMoves(random, calm) },
      ].filter(({ moves }) => moves.length > 0);
    },
  };
}
