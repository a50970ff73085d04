/**
 * The mission: a graph of sessions. Every item's session exists from the start and is held until it may run; what the
 * mission shows of an item is what its session last told. There is no state *blocked*: what holds it is computed.
 */
import { setup } from 'xstate';
import type {
  ActorView,
  Birth,
  MachineDefinition,
  MachineEvent,
  Projection,
  StateValue,
  WaitingOn,
} from '../contract.ts';
import { perform } from '../decision.ts';
import { WISHES } from '../effects.ts';
import { MISSION_EVENTS } from '../events/mission.ts';
import type { MissionEvent, MissionPolicy } from '../events/mission.ts';
import { isFull, withNote, withRead } from '../notes.ts';
import type { NoteTaken } from '../notes.ts';
import { announce } from './announce.ts';
import * as conduct from './conduct.ts';
import type { Handler } from './conduct.ts';
import type { Item, MissionContext } from './context.ts';
import { hasEnded, newMission } from './context.ts';
import { isCalledOff, isEmpty, isFruitless, isInTheWay, isLost, isOver } from './items.ts';
import { remembered } from './remembered.ts';

export type { MissionContext } from './context.ts';

const base = setup({
  types: { context: {} as MissionContext, events: {} as MissionEvent, input: {} as Birth },
  actions: { ...WISHES },
});

const decides = (handler: Handler) =>
  base.enqueueActions(({ context, event, enqueue }) => {
    perform(handler(context, event), enqueue);
  });

/** No plea is due: the timer is set far away and set anew when one is. */
const NEVER_MS = 365 * 86_400_000;

const mission = base.extend({
  actions: {
    open: decides(conduct.open),
    go: decides(conduct.go),
    hold: decides(conduct.hold),
    observe: decides(conduct.observe),
    openRefused: decides(conduct.openRefused),
    pause: decides(conduct.pause),
    pauseRuns: decides(conduct.pauseRuns),
    resume: decides(conduct.resume),
    stop: decides(conduct.stop),
    lose: decides(conduct.lose),
    closeItems: decides(conduct.closeItems),
    report: decides(conduct.report),
    setPolicy: decides(conduct.setPolicy),
    addItem: decides(conduct.addItem),
    removeItem: decides(conduct.removeItem),
    setDepends: decides(conduct.setDepends),
    restartItem: decides(conduct.restartItem),
    armHelp: base.assign(({ context }) => ({ helpArmed: context.helpDue })),
    note: decides(conduct.note),
    noteRead: decides(conduct.noteRead),
  },
  delays: {
    help: ({ context, event }) =>
      context.helpDue === null ? NEVER_MS : Math.max(0, Date.parse(context.helpDue) - Date.parse(event.at)),
  },
  guards: {
    hasOtherHelp: ({ context }) => context.helpDue !== context.helpArmed,
    isCalledOff: ({ context }) => isCalledOff(context),
    isFruitless: ({ context }) => isFruitless(context),
    isOver: ({ context }) => isOver(context),
    isLost: ({ context }) => isLost(context),
    isEmptyAndFailed: ({ context }) => isEmpty(context.items) && context.ending === 'failed',
    isEmpty: ({ context }) => isEmpty(context.items),
  },
});

const refused = (reason: string) => ({ actions: { type: 'refuse', params: { code: 'guard', reason } } }) as const;
const ends = refused('the mission is being stopped');

const logic = mission.createMachine({
  id: 'mission',
  context: ({ input }) => newMission(input),
  initial: 'planning',
  on: {
    fyi: { actions: 'note' },
    'note.read': { actions: 'noteRead' },
    'help.ask.done': {},
    'help.ask.failed': {},
    'query.answered': {},
  },
  states: {
    planning: {
      description: 'Its items are checked and their sessions opened; it runs at once.',
      meta: { waitsFor: 'nothing' },
      on: { open: { target: 'running', actions: ['open', 'go'] } },
    },
    running: {
      description: 'Items start as their dependencies are done and slots are free.',
      meta: { waitsFor: 'dependency' },
      always: [
        { guard: 'isLost', target: 'stopping', actions: ['lose', 'hold', 'closeItems'] },
        { guard: 'isCalledOff', target: 'cancelled' },
        { guard: 'isFruitless', target: 'failed' },
        { guard: 'isOver', target: 'completed' },
        { guard: 'hasOtherHelp', target: 'running', reenter: true },
      ],
      entry: 'armHelp',
      after: { help: { actions: 'go' } },
      on: {
        'session.changed': { actions: ['observe', 'go'] },
        'mail.refused': { actions: ['openRefused', 'go'] },
        'correct.item.add': { actions: ['addItem', 'go'] },
        'correct.item.remove': { actions: ['removeItem', 'go'] },
        'correct.item.depends': { actions: ['setDepends', 'go'] },
        'correct.item.restart': { actions: ['restartItem', 'go'] },
        'correct.policy.set': { actions: ['setPolicy', 'go'] },
        'correct.pause': { target: 'paused', actions: ['pause', 'hold'] },
        'correct.resume': {},
        'correct.stop': { target: 'stopping', actions: ['stop', 'hold', 'closeItems'] },
      },
    },
    paused: {
      description: 'No new run of any kind; runs in progress go on unless they were paused too.',
      meta: { waitsFor: 'paused' },
      on: {
        'session.changed': { actions: 'observe' },
        'mail.refused': { actions: 'openRefused' },
        'correct.item.add': { actions: ['addItem', 'hold'] },
        'correct.item.remove': { actions: 'removeItem' },
        'correct.item.depends': { actions: 'setDepends' },
        'correct.item.restart': { actions: ['restartItem', 'hold'] },
        'correct.policy.set': { actions: 'setPolicy' },
        'correct.pause': { actions: 'pauseRuns' },
        'correct.resume': { target: 'running', actions: ['resume', 'go'] },
        'correct.stop': { target: 'stopping', actions: ['stop', 'closeItems'] },
      },
    },
    stopping: {
      description: 'Nothing new begins; items without a run are closed, the others when their run has ended.',
      meta: { waitsFor: 'stopping', unbounded: 'Every session ends its run by deadlines of its own.' },
      always: [
        { guard: 'isEmptyAndFailed', target: 'failed' },
        { guard: 'isEmpty', target: 'cancelled' },
      ],
      on: {
        'session.changed': { actions: ['observe', 'closeItems'] },
        'mail.refused': { actions: 'openRefused' },
        'correct.item.add': ends,
        'correct.item.remove': ends,
        'correct.item.depends': ends,
        'correct.item.restart': ends,
        'correct.policy.set': ends,
        'correct.pause': ends,
        'correct.resume': ends,
        'correct.stop': { actions: ['stop', 'closeItems'] },
      },
    },
    completed: { type: 'final', entry: 'report', description: 'Every item has ended as it should; with a report.' },
    failed: {
      type: 'final',
      entry: 'report',
      description: 'An item failed and the policy ends the mission with it, or it went on and nothing was done.',
    },
    cancelled: { type: 'final', entry: 'report', description: 'Stopped by a person, or every item was cancelled.' },
  },
});

const phaseOf = (value: StateValue): string => (typeof value === 'string' ? value : '');

/** A mission of thousands shows the oldest of what holds it; each session says the rest of itself. */
const WAITS_SHOWN = 100;

function waitingOn({ value, since, at, context }: ActorView<MissionContext>): WaitingOn[] {
  const { items, policy, conductor, cause } = context;
  const waits = waitsOf(items, policy.onItemFailed, conductor);
  const state = phaseOf(value);
  if (state !== 'paused') return waits;
  const detail = `the mission is paused${cause === null ? '' : ` by ${cause.by}`}`;
  const paused: WaitingOn = {
    gate: 'paused',
    on: null,
    since: since[state] ?? at,
    until: null,
    detail,
    moves: ['correct.resume'],
  };
  return [paused, ...waits].slice(0, WAITS_SHOWN);
}

type Waits = (
  items: readonly Item[],
  onItemFailed: MissionPolicy['onItemFailed'],
  conductor: string | null,
) => WaitingOn[];

const waitsOf: Waits = remembered((items, onItemFailed, conductor) => {
  const waits: WaitingOn[] = [];
  for (const item of items) {
    if (waits.length >= WAITS_SHOWN) break;
    const { spec, session, picture } = item;
    if (isInTheWay(item, items, onItemFailed)) {
      const detail = `${spec.key}: ${item.state}${item.refused === null ? '' : `: ${item.refused}`}; restart or remove it`;
      const moves = ['correct.item.restart', 'correct.item.remove', 'correct.policy.set'];
      waits.push({ gate: 'human', on: conductor, since: item.since, until: null, detail, moves });
    } else if (!hasEnded(item) && picture !== null) {
      waits.push(...picture.waitingOn.map((wait) => ({ ...wait, detail: `${spec.key}: ${wait.detail}` })));
    } else if (!hasEnded(item)) {
      const detail = `${spec.key}: its session is being opened`;
      waits.push({ gate: 'agent', on: session, since: item.since, until: null, detail, moves: ['session.changed'] });
    }
  }
  return waits.slice(0, WAITS_SHOWN);
});

const doneOf = remembered((items) => items.filter(({ state }) => state === 'done').length);

function project(view: ActorView<MissionContext>): Projection {
  const { context } = view;
  return {
    phase: phaseOf(view.value),
    epoch: null,
    owner: context.conductor,
    waitingOn: view.final ? [] : waitingOn(view),
    title: context.objective,
    user: null,
    mission: null,
    refs: [],
    tags: { items: String(context.items.length), done: String(doneOf(context.items)) },
  };
}

function whenFinal({ context, value }: ActorView<MissionContext>, event: MachineEvent): MissionContext | null {
  switch (event.type) {
    case 'fyi':
      return isFull(context.notes)
        ? null
        : { ...context, notes: withNote(context.notes, event as unknown as NoteTaken) };
    case 'note.read': {
      const { ids, by } = event.data as { ids: string[]; by: string };
      return { ...context, notes: withRead(context.notes, ids, by) };
    }
    case 'session.changed':
    case 'mail.refused':
    case 'help.ask.done':
    case 'help.ask.failed':
    case 'query.answered':
      return context;
    case 'correct.stop':
      return value === 'cancelled' ? context : null;
    default:
      return null;
  }
}

export const missionDefinition: MachineDefinition<MissionContext> = {
  kind: 'mission',
  version: '2',
  logic,
  events: MISSION_EVENTS,
  reasons: {
    hasOtherHelp: 'help is asked for as planned',
    isCalledOff: 'not every item was cancelled',
    isFruitless: 'an item is done or still open',
    isOver: 'not every item has ended',
    isLost: 'no item has failed, or the policy is not to fail with it',
    isEmptyAndFailed: 'items are still open, or none has failed',
    isEmpty: 'items are still open',
  },
  recordKeys: ['notes'],
  claims: () => [],
  watch: () => undefined,
  project,
  part: ({ context }, key) => context.items.find(({ spec }) => spec.key === key)?.session ?? null,
  announce,
  whenFinal,
};
