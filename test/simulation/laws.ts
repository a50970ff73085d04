/**
 * What must hold after every event. `stepped` looks at the one step that was taken; `atRest` at the whole, when no word
 * of one actor to another is on its way: then every picture must be true, and every wait must have its end.
 */
import { kindOf } from '../../src/actor/address.ts';
import type { Projection, StateValue, WaitingOn } from '../../machines/contract.ts';
import type { AgentContext } from '../../machines/agent/index.ts';
import { changed } from '../../machines/agent/project.ts';
import type { DispatcherContext } from '../../machines/dispatcher/index.ts';
import { match } from '../../machines/dispatcher/match.ts';
import type { MissionContext } from '../../machines/mission/index.ts';
import type { SessionContext } from '../../machines/session/index.ts';
import type { Stood } from '../../src/actor/decide.ts';
import { broken } from './broken.ts';
import type { Broken } from './broken.ts';
import { countBudgets } from './budgets.ts';
import { AHEAD_MS_MAX } from './kernel.ts';
import type { Taken } from './kernel.ts';
import { obligationsEndByLaw } from './obligations.ts';
import type { World } from './world.ts';

export interface Laws {
  stepped(taken: Taken): Broken | null;
  atRest(): Broken | null;
}

type Regions = Record<string, string>;

const DISPATCHER = 'dispatcher/main';
/** Wishes by which a session makes somebody work. */
const DELIVERIES = new Set([
  'run.offered',
  'run.begun',
  'worktree.prepare',
  'pull.merge',
  'review.wanted',
  'work.wanted',
]);
const ENDED = new Set(['done', 'failed', 'cancelled']);
/** Lives in which an agent holds no claim (law 13). */
const INACTIVE = new Set(['stopped', 'archived', 'offboarded']);

export function createLaws(world: World): Laws {
  const { kernel } = world;
  const budgets = countBudgets();
  const at = <Context>(address: string): Context => world.contextOf<Context>(address);

  // ── one step

  function stepped(taken: Taken): Broken | null {
    const { actor, decision, door, envelope } = taken;
    if (decision.step === null) {
      const { code, reason } = decision.receipt;
      if (door === 'inside' && code === 'schema')
        return broken('what actors tell each other has its schema', `${envelope.source} ${envelope.type}: ${reason}`);
      return null;
    }
    const kind = kindOf(actor);
    const after = kernel.actors.get(actor)!;
    return claimsAreHeld(actor, after) ?? (kind === 'session' ? sessionStepped(taken, after) : null) ?? offers(kind);
  }

  function sessionStepped({ actor, before, decision, envelope }: Taken, after: Stood): Broken | null {
    const now = after.live.state.context as unknown as SessionContext;
    if (decision.step !== null) {
      const { effects } = decision.step;
      const wrong =
        deliversNothing(actor, after, effects) ??
        preparesWhatIsFree(actor, after, effects) ??
        mergesJudged(actor, after, effects);
      if (wrong !== null) return wrong;
    }
    if (before === null) return null;
    const was = before.live.state.context as unknown as SessionContext;
    if (now.epoch < was.epoch) return broken('the epoch never goes back', `${actor}: ${was.epoch} → ${now.epoch}`);
    return (
      epochsMove(actor, was, now) ??
      waitsForItsOwn(actor, was, now) ??
      obligationsEndByLaw(was, now, envelope as never) ??
      budgets.check(was, now, envelope)
    );
  }

  /** Law 2: an offer and every end of an assignment but the run's own has a new epoch. */
  function epochsMove(actor: string, was: SessionContext, now: SessionContext): Broken | null {
    const rule = 'every assignment has an epoch of its own';
    if (now.epoch > was.epoch) return null;
    if (now.offer !== null && was.offer !== now.offer) return broken(rule, `${actor} offers again under ${now.epoch}`);
    const isOver = was.run !== null && was.run.ended === null && now.run === null;
    const byItself = now.runs.at(-1)?.outcome;
    if (isOver && (byItself === 'cancelled' || byItself === 'lost'))
      return broken(rule, `${actor} ends a run and stays at ${now.epoch}`);
    if (was.offer !== null && now.offer === null && now.run === null)
      return broken(rule, `${actor} ends an offer and stays at ${now.epoch}`);
    return null;
  }

  /** While a process we ended may live, nobody else is wanted. */
  function waitsForItsOwn(actor: string, was: SessionContext, now: SessionContext): Broken | null {
    if (now.want === null || now.want === was.want || !now.unreleased.some(({ ours }) => ours)) return null;
    return broken('an ended process is waited for', `${actor} wants an agent while an ended process may live`);
  }

  /** A worktree is made ready only when the process of every earlier run is known to be gone, or was left behind. */
  function preparesWhatIsFree(actor: string, after: Stood, effects: readonly object[]): Broken | null {
    if (!wishesFor('worktree.prepare', effects)) return null;
    const { unreleased, epoch } = after.live.state.context as unknown as SessionContext;
    const other = unreleased.find((entry) => entry.epoch !== epoch);
    if (other === undefined) return null;
    return broken('an ended process is waited for', `${actor} prepares while ${other.agent} may be at ${other.epoch}`);
  }

  /** Law 9: what we merge is judged, for this very head or for one that only we moved since. */
  function mergesJudged(actor: string, after: Stood, effects: readonly object[]): Broken | null {
    if (!wishesFor('pull.merge', effects)) return null;
    const { brief, reviewing, pull, heads } = after.live.state.context as unknown as SessionContext;
    if (pull === null) return broken('a verdict belongs to a head', `${actor} merges what it has not seen`);
    if (brief.gates.review === 'none' || reviewing.waived || reviewing.waivedHeads.includes(pull.head)) return null;
    const isJudged = reviewing.verdicts.some(({ verdict, head }) => {
      if (verdict !== 'approve') return false;
      const later = heads.slice(heads.findLastIndex((known) => known.head === head) + 1);
      return head === pull.head || (brief.gates.review !== 'everyHead' && later.every(({ by }) => by === 'us'));
    });
    return isJudged ? null : broken('a verdict belongs to a head', `${actor} merges ${pull.head}, which nobody judged`);
  }

  /** Law 11: paused, withdrawn, held and final are guards on everything. */
  function deliversNothing(actor: string, after: Stood, effects: readonly object[]): Broken | null {
    const holds = holdsOf(after);
    if (holds === null) return null;
    for (const effect of effects as { kind: string; act?: string; type?: string }[]) {
      const name = effect.act ?? effect.type ?? '';
      if (effect.kind !== 'cancel' && DELIVERIES.has(name))
        return broken('nothing is delivered while held back', `${actor} is ${holds} and wishes ${name}`);
    }
    return null;
  }

  function holdsOf({ live }: Stood): string | null {
    if (live.view.final) return 'final';
    const { open } = live.state.value as unknown as { open?: Regions };
    if (open === undefined) return null;
    if (open['hold'] !== 'free') return open['hold']!;
    if (open['authority'] === 'withdrawn') return 'withdrawn';
    return open['start'] === 'held' ? 'held' : null;
  }

  /** Law 13: who is active holds what it claims, alone; who is not holds nothing. */
  function claimsAreHeld(actor: string, { live, projection }: Stood): Broken | null {
    const rule = 'a claim has one holder, and an active one';
    const { claims } = live.state;
    const active = !live.view.final && !INACTIVE.has(projection.phase);
    if (!active && claims.length > 0) return broken(rule, `${actor} is ${projection.phase} and holds ${claims.join()}`);
    const foreign = claims.find((claim) => kernel.holderOf(claim) !== actor);
    return foreign === undefined ? null : broken(rule, `${actor} and ${kernel.holderOf(foreign)} hold ${foreign}`);
  }

  /** At most one open offer per session and per agent; never more processes than slots. */
  function offers(kind: string): Broken | null {
    if (kind === 'mission') return null;
    const rule = 'one open offer per session and agent';
    const desk = kernel.actors.get(DISPATCHER);
    if (desk !== undefined && kind === 'dispatcher') {
      const open = (desk.live.state.context as unknown as DispatcherContext).offers;
      const twice = repeated(open.map(({ session }) => session)) ?? repeated(open.map(({ agent }) => agent));
      if (twice !== undefined) return broken(rule, `the dispatcher has two offers for ${twice}`);
    }
    if (kind !== 'session') return null;
    const offered = world.all('session').flatMap((address) => at<SessionContext>(address).offer?.agent ?? []);
    const twice = repeated(offered);
    return twice === undefined ? null : broken(rule, `two sessions offer to ${twice}`);
  }

  // ── the whole, at rest

  function atRest(): Broken | null {
    for (const [address, stood] of kernel.actors) {
      const wrong = actorAtRest(address, stood);
      if (wrong !== null) return wrong;
    }
    return deskIsTrue();
  }

  function actorAtRest(address: string, stood: Stood): Broken | null {
    switch (kindOf(address)) {
      case 'session':
        return sessionAtRest(address, stood);
      case 'agent':
        return agentAtRest(address, stood);
      case 'mission':
        return missionAtRest(address, stood);
      default:
        return null;
    }
  }

  function sessionAtRest(address: string, stood: Stood): Broken | null {
    if (stood.live.view.final) return null;
    const context = at<SessionContext>(address);
    const { waitingOn } = stood.projection;
    if (waitingOn.length === 0) return broken('every wait names its gate', `${address} waits for nothing`);
    for (const wait of waitingOn) {
      const why = hasNoEnd(address, wait, context);
      if (why !== null)
        return broken(
          'every wait has an end or a person',
          `${address} ${wait.gate} on ${wait.on}: ${why} (${wait.detail})`,
        );
    }
    const { run } = context;
    if (run === null || run.ended !== null) return null;
    const agent = kernel.actors.get(run.agent);
    const theirs = (agent?.live.state.context as unknown as AgentContext | undefined)?.run;
    if (theirs?.session === address && theirs.epoch === run.epoch) return null;
    return broken('no agent is lost', `${address} waits for a run that ${run.agent} does not have`);
  }

  /** Law 3 and 4: until when, or whose move it is, and that he can make it. null = all is well. */
  function hasNoEnd(address: string, { gate, on, until }: WaitingOn, context: SessionContext): string | null {
    if (until !== null) return null;
    // A review gate shows whom the review session waits for.
    const asker = gate === 'review' ? (context.reviewing.picture?.address ?? address) : address;
    if (on === null) return context.brief.mission !== null || hasTimer(asker) ? null : 'nobody, and no help is asked';
    const [kind] = on.split('/');
    if (kind === 'person' || kind === 'cli' || kind === 'external')
      return kind === 'external' ? external(address, on) : null;
    if (on === address) return hasTimer(address) || hasAct(address) ? null : 'itself, with nothing under way';
    if (on === DISPATCHER && !deskKnows(asker)) return 'the dispatcher, which was not asked';
    if (on === DISPATCHER)
      return asker !== address || asksForHelp(address, context) ? null : 'nobody, and no help is asked';
    const stood = kernel.actors.get(on);
    if (stood === undefined) return gate === 'agent' && hasTimer(DISPATCHER) ? null : 'it does not exist';
    if (kind === 'mission' || kind === 'session') return stood.live.view.final ? 'it has ended' : null;
    if (!INACTIVE.has(stood.projection.phase)) return null;
    return gate === 'paused' || hasTimer(DISPATCHER) || fleetIsHeld() ? null : `it is ${stood.projection.phase}`;
  }

  /** Law 4: where nobody fits, help is asked, by the session itself or by its mission. */
  function asksForHelp(address: string, { unmatched, brief }: SessionContext): boolean {
    if (unmatched === null || unmatched.slot || brief.mission !== null) return true;
    return kernel.actors.get(address)!.live.state.timers['open.work.unassigned:help'] !== undefined;
  }

  /** The outside is looked at by a watch; or an act of ours is on its way there. */
  function external(address: string, on: string): string | null {
    const watches = kernel.watches(address);
    if (watches['pull'] !== undefined || watches['issue'] !== undefined || hasAct(address)) return null;
    return `nothing looks at ${on}`;
  }

  function hasTimer(address: string): boolean {
    const timers = Object.values(kernel.actors.get(address)?.live.state.timers ?? {});
    return timers.some(({ due }) => Date.parse(due) <= kernel.nowMs + AHEAD_MS_MAX);
  }
  function hasAct(address: string): boolean {
    for (const { actor } of kernel.acts.values()) if (actor === address) return true;
    return false;
  }
  const desk = (): DispatcherContext => at<DispatcherContext>(DISPATCHER);
  const deskKnows = (session: string): boolean => desk().wants.some((want) => want.session === session);
  const fleetIsHeld = (): boolean => kernel.actors.get(DISPATCHER)?.projection.phase !== 'open';

  /** An agent and its session agree; a process works for a run that is still wanted, or is being ended. */
  function agentAtRest(address: string, stood: Stood): Broken | null {
    const { run } = at<AgentContext>(address);
    const { phase } = stood.projection;
    if (stood.live.view.final) {
      return run === null ? null : broken('no agent is lost', `${address} is ${phase} and has a run`);
    }
    if (['starting', 'busy', 'stopping', 'offboarding', 'coolingDown'].includes(phase) && !hasTimer(address))
      return broken('every wait has an end or a person', `${address} is ${phase} without an end`);
    if (run === null) return null;
    const session = kernel.actors.get(run.session);
    const theirs = session?.live.state.context as unknown as SessionContext | undefined;
    const isTheirs = theirs?.run?.epoch === run.epoch && theirs.run.agent === address && theirs.run.ended === null;
    if (isTheirs && session?.live.view.final === false) return null;
    // Whoever is no longer wanted has been told: what is left is only for its process to go.
    if (phase === 'stopping' || phase === 'offboarding') return null;
    return broken('a superseded run is ended', `${address} is ${phase} for ${run.session} epoch ${run.epoch}`);
  }

  function missionAtRest(address: string, stood: Stood): Broken | null {
    if (stood.live.view.final) return null;
    const { items } = at<MissionContext>(address);
    if (stood.projection.waitingOn.length === 0)
      return broken('every wait names its gate', `${address} waits for nothing`);
    const ended = new Set(items.filter(({ state }) => ENDED.has(state)).map(({ session }) => session));
    const asksPeople = stood.projection.waitingOn.some(({ gate }) => gate === 'human');
    for (const { session, picture, spec, closing, linked, refused, heldBy } of items) {
      if (
        !asksPeople &&
        stood.projection.phase === 'running' &&
        !ended.has(session) &&
        heldBy.some((by) => ended.has(by))
      )
        return broken('every wait has an end or a person', `${address}: ${spec.key} waits for what has ended`);
      if (refused !== null || (linked && closing)) continue;
      const own = kernel.actors.get(session);
      const rule = 'a mission shows what its sessions say';
      if (own === undefined || picture === null) return broken(rule, `${address} has no picture of ${spec.key}`);
      const difference = differs(picture, own.live.state.value, own.projection);
      if (difference !== null) return broken(rule, `${address} shows ${spec.key}: ${difference}`);
    }
    return null;
  }

  function differs(
    picture: NonNullable<MissionContext['items'][number]['picture']>,
    value: StateValue,
    own: Projection,
  ): string | null {
    const work = typeof value === 'string' ? value : (value['open'] as Regions)['work']!;
    const shown = [picture.phase, picture.owner, picture.epoch, picture.work, gates(picture.waitingOn)].join(' ');
    const real = [own.phase, own.owner, own.epoch, work, gates(own.waitingOn)].join(' ');
    return shown === real ? null : `${shown}, it is ${real}`;
  }

  const gates = (waits: readonly WaitingOn[]): string => waits.map(({ gate, on }) => `${gate}:${on}`).join();

  /** What the dispatcher shows is what agents and sessions are; and nobody waits who could be served. */
  function deskIsTrue(): Broken | null {
    const rule = 'the dispatcher shows what agents and sessions say';
    const stood = kernel.actors.get(DISPATCHER);
    if (stood === undefined) return null;
    const { agents, wants, offers: open, maxRuns } = desk();
    for (const address of world.all('agent')) {
      const own = changed(kernel.actors.get(address)!.live.view as never);
      const row = agents.find(({ agent }) => agent === address);
      if (row?.life !== own.life || row.door !== own.door || row.session !== own.session)
        return broken(
          rule,
          `${address} is ${own.life}/${own.door}/${own.session}, shown ${row?.life}/${row?.door}/${row?.session}`,
        );
    }
    for (const address of world.all('session')) {
      const { want, offer } = at<SessionContext>(address);
      const known = wants.find(({ session }) => session === address);
      if ((known?.want ?? null) !== (want?.number ?? null))
        return broken(rule, `${address} wants ${want?.number ?? 'nobody'}, shown ${known?.want ?? 'nothing'}`);
      const shown = open.find(({ session, accepted }) => session === address && !accepted);
      if ((shown?.agent ?? null) !== (offer?.agent ?? null))
        return broken(rule, `${address} offers to ${offer?.agent ?? 'nobody'}, shown ${shown?.agent ?? 'nobody'}`);
    }
    const stale = open.find(({ agent, accepted }) => accepted && at<AgentContext>(agent).run === null);
    if (stale !== undefined) return broken('a slot comes back', `${stale.agent} has no run and holds a slot`);
    if (fleetIsHeld()) return null;
    const [missed] = match({ wants, agents, offers: open, maxRuns, held: null }).matched;
    return missed === undefined
      ? null
      : broken('no work waits that could be done', `${missed.session} and ${missed.agent}`);
  }

  return { stepped, atRest };
}

function repeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

const wishesFor = (name: string, effects: readonly object[]): boolean =>
  (effects as { kind: string; act?: string }[]).some(({ kind, act }) => kind === 'act' && act === name);
