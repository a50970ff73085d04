/**
 * The dispatcher: who gets what. It knows agents and sessions only through their own events; its regions are *fleet*
 * (whether anything is handed out), *pins* (how long a pinned agent may be down), *chats* (how many are awake at once)
 * and *day* (what may be used of it).
 */
import { raise, setup } from 'xstate';
import type { ActorView, Birth, MachineDefinition, Projection, WaitingOn } from '../contract.ts';
import { perform } from '../decision.ts';
import { WISHES } from '../effects.ts';
import { DISPATCHER_EVENTS } from '../events/dispatcher.ts';
import type { DispatcherContext } from './context.ts';
import { isStopped, newDispatcher } from './context.ts';
import { countSpent, setDayLimit } from './day.ts';
import * as desk from './desk.ts';
import type { Handler, Taken } from './desk.ts';
import { explain } from './explain.ts';
import { handOut, tellFleet, wakeFleet } from './hand-out.ts';
import { slotsTaken } from './match.ts';
import { givePlaces, placeReturned, placesWaitedFor, queueOf } from './places.ts';

export type { DispatcherContext } from './context.ts';

const base = setup({
  types: { context: {} as DispatcherContext, events: {} as Taken, input: {} as Birth },
  actions: { ...WISHES },
});

const decides = (handler: Handler) =>
  base.enqueueActions(({ context, event, enqueue }) => {
    perform(handler(context, event), enqueue);
  });

const dispatcher = base.extend({
  actions: {
    configured: decides(desk.configured),
    countSpent: decides(countSpent),
    setDayLimit: decides(setDayLimit),
    wanted: decides(desk.wanted),
    unwanted: decides(desk.unwanted),
    settled: decides(desk.settled),
    agentChanged: decides(desk.agentChanged),
    refusedMatch: decides(desk.refusedMatch),
    givePlaces: decides(givePlaces),
    placeReturned: decides(placeReturned),
    note: decides(desk.note),
    noteRead: decides(desk.noteRead),
    remember: base.assign(({ event }) => {
      const { reason } = event.data as { reason?: string };
      return { cause: { by: event.source, reason: reason ?? null, at: event.at } };
    }),
    sayChanged: raise(({ event }) => ({
      type: 'desk.changed',
      data: {},
      at: event.at,
      id: event.id,
      source: event.source,
      seq: event.seq,
    })),
    handOut: decides(handOut(null)),
    holdPaused: decides(handOut('the fleet is paused')),
    holdDraining: decides(handOut('the fleet is being drained')),
    holdStopped: decides(handOut('the fleet is stopped')),
    drainFleet: decides(tellFleet('correct.drain')),
    stopFleet: decides(tellFleet('correct.stop')),
    wakeFleet: decides(wakeFleet),
    /** Whoever was only told to finish its run is now told to stop. */
    forgetTold: base.assign(({ context }) => ({ agents: context.agents.map((row) => ({ ...row, told: false })) })),
    armPins: base.assign(({ context }) => ({ pinsArmed: context.pinsDue })),
  },
  guards: {
    hasPins: ({ context }) => context.pinsDue !== null,
    hasNoPins: ({ context }) => context.pinsDue === null,
    dayIsSpent: ({ context }) => context.spent !== null,
    dayIsNotSpent: ({ context }) => context.spent === null,
    isCrowded: ({ context }) => queueOf(context).length > 0,
    isRoomy: ({ context }) => queueOf(context).length === 0,
    hasOtherPins: ({ context }) => context.pinsDue !== context.pinsArmed,
    isFleetStopped: ({ context }) => context.agents.every(({ life }) => isStopped(life)),
  },
  delays: {
    day: ({ context, event }) =>
      context.spent === null ? 0 : Math.max(0, Date.parse(context.spent.until) - Date.parse(event.at)),
    pin: ({ context, event }) =>
      context.pinsDue === null ? 0 : Math.max(0, Date.parse(context.pinsDue) - Date.parse(event.at)),
  },
});

const held = (reason: string) => ({ actions: { type: 'refuse', params: { code: 'guard', reason } } }) as const;

const logic = dispatcher.createMachine({
  id: 'dispatcher',
  context: ({ input }) => newDispatcher(input),
  type: 'parallel',
  meta: { endless: true },
  on: {
    'fleet.configured': { actions: ['configured', 'sayChanged'] },
    'work.wanted': { actions: ['wanted', 'sayChanged'] },
    'work.unwanted': { actions: ['unwanted', 'sayChanged'] },
    'offer.settled': { actions: ['settled', 'sayChanged'] },
    'agent.changed': { actions: ['agentChanged', 'sayChanged'] },
    'usage.spent': { actions: ['countSpent', 'sayChanged'] },
    'correct.budget.set': { actions: ['setDayLimit', 'sayChanged'] },
    'place.returned': { actions: ['placeReturned', 'sayChanged'] },
    'mail.refused': { actions: ['refusedMatch', 'placeReturned', 'sayChanged'] },
    fyi: { actions: 'note' },
    'note.read': { actions: 'noteRead' },
  },
  states: {
    fleet: {
      initial: 'open',
      on: { 'correct.stop': { target: '.stopped', actions: ['remember', 'forgetTold'] } },
      states: {
        open: {
          description: 'Work is handed out as agents and slots allow.',
          meta: { waitsFor: 'nothing' },
          on: {
            'desk.changed': { actions: 'handOut' },
            'correct.pause': { target: 'paused', actions: 'remember' },
            'correct.drain': { target: 'draining', actions: 'remember' },
            'correct.resume': {},
          },
        },
        paused: {
          description: 'Nothing is handed out; runs in progress go on.',
          meta: { waitsFor: 'paused' },
          entry: 'sayChanged',
          on: {
            'desk.changed': { actions: 'holdPaused' },
            'correct.pause': {},
            'correct.drain': { target: 'draining', actions: 'remember' },
            'correct.resume': { target: 'open', actions: ['remember', 'sayChanged'] },
          },
        },
        draining: {
          description: 'Runs finish, then every agent stops, those hired meanwhile too.',
          meta: { waitsFor: 'agent', unbounded: 'Every run ends by the clock of its agent.' },
          entry: 'sayChanged',
          always: { guard: 'isFleetStopped', target: 'stopped' },
          on: {
            'desk.changed': { actions: ['drainFleet', 'holdDraining'] },
            'correct.pause': held('the fleet is being drained; resume it first'),
            'correct.drain': {},
            'correct.resume': { target: 'open', actions: ['remember', 'wakeFleet', 'sayChanged'] },
          },
        },
        stopped: {
          description: 'Every agent is stopped, those hired meanwhile too.',
          meta: { waitsFor: 'paused' },
          entry: 'sayChanged',
          on: {
            'desk.changed': { actions: ['stopFleet', 'holdStopped'] },
            'correct.pause': held('the fleet is stopped; resume it first'),
            'correct.drain': {},
            'correct.stop': {},
            'correct.resume': { target: 'open', actions: ['remember', 'wakeFleet', 'sayChanged'] },
          },
        },
      },
    },
    pins: {
      initial: 'quiet',
      states: {
        quiet: {
          description: 'No pinned agent is down.',
          meta: { waitsFor: 'nothing' },
          always: { guard: 'hasPins', target: 'watching' },
        },
        watching: {
          description: 'Work waits for an agent that is down; after a while its pin is lost.',
          meta: { waitsFor: 'agent' },
          entry: 'armPins',
          always: [
            { guard: 'hasNoPins', target: 'quiet' },
            { guard: 'hasOtherPins', target: 'watching', reenter: true },
          ],
          after: { pin: { actions: 'sayChanged' } },
        },
      },
    },
    chats: {
      initial: 'roomy',
      on: { 'desk.changed': { actions: 'givePlaces' } },
      states: {
        roomy: {
          description: 'Every chat that has something to read may wake.',
          meta: { waitsFor: 'nothing' },
          always: { guard: 'isCrowded', target: 'crowded' },
        },
        crowded: {
          description: 'As many chats are awake as may be at once: more wait for their turn.',
          meta: { waitsFor: 'slot', unbounded: 'Every turn ends by the clock of its chat; one that idles makes room.' },
          always: { guard: 'isRoomy', target: 'roomy' },
        },
      },
    },
    day: {
      initial: 'within',
      states: {
        within: {
          description: 'What may be used today is not used up.',
          meta: { waitsFor: 'nothing' },
          always: { guard: 'dayIsSpent', target: 'spent' },
        },
        spent: {
          description:
            'What may be used today is used up: nothing is handed out until the next day (UTC), or a person allows more.',
          meta: { waitsFor: 'slot' },
          always: { guard: 'dayIsNotSpent', target: 'within' },
          after: { day: { actions: 'sayChanged' } },
        },
      },
    },
  },
});

function project(view: ActorView<DispatcherContext>): Projection {
  const { context } = view;
  const fleet = (view.value as { fleet: string }).fleet;
  return {
    phase: fleet,
    epoch: null,
    owner: null,
    waitingOn: waitingOn(view, fleet),
    title: `${slotsTaken(context)} of ${context.maxRuns} runs, ${context.wants.length} waiting`,
    user: null,
    mission: null,
    refs: [],
    tags: {},
  };
}

/** Waits shown are the oldest few; the sessions themselves say why each of them waits. */
const WAITS_SHOWN = 20;

function waitingOn(view: ActorView<DispatcherContext>, fleet: string): WaitingOn[] {
  const { context } = view;
  const waits: WaitingOn[] = [];
  if (fleet !== 'open') {
    const by = context.cause === null ? '' : ` by ${context.cause.by}`;
    const since = view.since[`fleet.${fleet}`] ?? view.at;
    const detail = `the fleet is ${fleet}${by}`;
    waits.push({ gate: 'paused', on: null, since, until: null, detail, moves: ['correct.resume'] });
  }
  if (context.spent !== null) {
    const since = view.since['day.spent'] ?? view.at;
    const { reason: detail, until } = context.spent;
    waits.push({ gate: 'slot', on: 'person/operator', since, until, detail, moves: ['correct.budget.set'] });
  }
  const full = context.spent !== null || slotsTaken(context) >= context.maxRuns;
  for (const want of context.wants.slice(0, WAITS_SHOWN)) {
    waits.push({
      gate: full ? 'slot' : 'agent',
      on: want.pin?.startsWith('agent/') === true ? want.pin : null,
      since: want.since,
      until: null,
      detail: `${want.session} wants ${want.role} for ${want.kind}`,
      moves: ['agent.changed', 'offer.settled'],
    });
  }
  waits.push(...placesWaitedFor(context, WAITS_SHOWN));
  return waits;
}

export const dispatcherDefinition: MachineDefinition<DispatcherContext> = {
  kind: 'dispatcher',
  version: '4',
  logic,
  events: DISPATCHER_EVENTS,
  reasons: {
    hasPins: 'no work waits for an agent that is down',
    hasNoPins: 'work waits for an agent that is down',
    hasOtherPins: 'nothing changed for work that waits for an agent that is down',
    isCrowded: 'no chat waits for a place',
    isRoomy: 'chats wait for a place',
    dayIsSpent: 'what may be used today is not used up',
    dayIsNotSpent: 'what may be used today is used up',
    isFleetStopped: 'agents are still at work',
  },
  recordKeys: ['notes'],
  claims: () => [],
  watch: () => undefined,
  project,
  explain: (view) => ({ ...explain(view) }),
  whenFinal: () => null,
};
