/** A small machine for tests of the kernel: a lamp with a timer, a claim, an act, a tell and a region of its own. */
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { timerMs } from '../../machines/contract.ts';
import type { Birth, EventsOf, MachineDefinition, Timers } from '../../machines/contract.ts';
import { WISHES } from '../../machines/effects.ts';

export const LAMP_EVENTS = {
  open: { data: z.strictObject({ room: z.string() }), means: 'Put up a lamp.', creates: 'always' },
  fyi: { data: z.strictObject({ text: z.string() }), means: 'A note.' },
  press: { data: z.strictObject({ by: z.string().optional() }), means: 'Press the switch.' },
  dim: { data: z.strictObject({ to: z.number() }), means: 'Dim the light.' },
  ring: { data: z.strictObject({ to: z.string() }), means: 'Tell another lamp to be pressed.' },
  break: { data: z.strictObject({}), means: 'Throws: a bug in the machine.' },
  end: { data: z.strictObject({}), means: 'Take the lamp down.' },
  'mail.refused': {
    data: z.strictObject({
      id: z.string(),
      to: z.string(),
      type: z.string(),
      outcome: z.string(),
      code: z.string().nullable(),
      reason: z.string().nullable(),
    }),
    means: 'What was told was not taken.',
  },
  'pull.say.done': { data: z.strictObject({ key: z.string(), result: z.unknown().optional() }), means: 'Said.' },
  'pull.say.failed': {
    data: z.strictObject({ key: z.string(), code: z.string(), reason: z.string(), until: z.string().optional() }),
    means: 'Not said.',
  },
} as const;

interface LampContext extends Record<string, unknown> {
  address: string;
  room: string;
  presses: number;
  level: number;
  notes: string[];
  said: string[];
  refused: string[];
  timers: Timers;
}

const lamp = setup({
  types: {
    context: {} as LampContext,
    events: {} as EventsOf<typeof LAMP_EVENTS>,
    input: {} as Birth,
  },
  actions: {
    ...WISHES,
    place: assign(({ event }) => (event.type === 'open' ? { room: event.data.room } : {})),
    count: assign(({ context }) => ({ presses: context.presses + 1 })),
    dim: assign(({ event }) => (event.type === 'dim' ? { level: event.data.to } : {})),
    note: assign(({ context, event }) => (event.type === 'fyi' ? { notes: [...context.notes, event.data.text] } : {})),
    heard: assign(({ context, event }) =>
      event.type === 'pull.say.done' ? { said: [...context.said, event.data.key] } : {},
    ),
    rejected: assign(({ context, event }) =>
      event.type === 'mail.refused' ? { refused: [...context.refused, event.data.id] } : {},
    ),
    explode: assign(() => {
      throw new Error('a bug in the machine');
    }),
  },
  guards: {
    isBright: ({ context }) => context.level > 0,
    isTooBright: ({ event }) => event.type === 'dim' && event.data.to > 100,
  },
  delays: { offer: ({ context }) => timerMs(context, 'offer') },
});

const machine = lamp.createMachine({
  id: 'lamp',
  context: ({ input }) => ({
    address: input.address,
    room: '',
    presses: 0,
    level: 50,
    notes: [],
    said: [],
    refused: [],
    timers: input.timers,
  }),
  initial: 'up',
  on: { fyi: { actions: 'note' }, break: { actions: 'explode' }, 'mail.refused': { actions: 'rejected' } },
  states: {
    up: {
      type: 'parallel',
      on: { open: { actions: 'place' }, end: 'down', 'pull.say.done': { actions: 'heard' }, 'pull.say.failed': {} },
      states: {
        light: {
          initial: 'off',
          states: {
            off: {
              description: 'Dark.',
              meta: { waitsFor: 'human' },
              on: { press: { target: 'on', guard: 'isBright', actions: 'count' } },
            },
            on: {
              description: 'Lit; goes out by itself.',
              meta: { waitsFor: 'backoff', watches: ['consumer'] },
              on: {
                press: {
                  target: 'off',
                  actions: [
                    'count',
                    {
                      type: 'act',
                      params: { act: 'pull.say', params: { repo: 'a/b', number: 1, text: 'out' } },
                    },
                  ],
                },
              },
              after: { offer: 'off' },
            },
          },
        },
        dimmer: {
          initial: 'ready',
          states: {
            ready: {
              description: 'Turns.',
              meta: { waitsFor: 'human' },
              on: {
                dim: [
                  {
                    guard: 'isTooBright',
                    actions: { type: 'refuse', params: { code: 'limit', reason: 'brighter than 100' } },
                  },
                  { actions: 'dim' },
                ],
                ring: {
                  actions: {
                    type: 'tell',
                    params: ({ event }) => ({
                      to: event.type === 'ring' ? event.data.to : '',
                      type: 'press',
                      data: {},
                    }),
                  },
                },
              },
            },
          },
        },
      },
    },
    down: { type: 'final', description: 'Taken down.' },
  },
});

export const lampDefinition: MachineDefinition<LampContext> = {
  kind: 'lamp',
  version: '1',
  logic: machine,
  events: LAMP_EVENTS,
  reasons: { isBright: 'the lamp is dimmed to nothing', isTooBright: 'brighter than 100' },
  recordKeys: ['notes'],
  claims: (view) => (view.final || view.context.room === '' ? [] : [`room:${view.context.room}`]),
  watch: () => ({}),
  project: (view) => {
    const on = typeof view.value === 'object' && JSON.stringify(view.value).includes('"on"');
    return {
      phase: view.final ? 'down' : on ? 'on' : 'off',
      epoch: view.context.presses,
      owner: null,
      waitingOn: view.final
        ? []
        : [
            {
              gate: 'human',
              on: null,
              since: view.at,
              until: view.timers['up.light.on:offer'] ?? null,
              detail: 'a press',
              moves: ['press'],
            },
          ],
      title: `lamp of ${view.context.room}`,
      user: null,
      mission: null,
      refs: [`room:${view.context.room}`],
      tags: {},
    };
  },
  whenFinal: (view, event) =>
    event.type === 'fyi'
      ? { ...view.context, notes: [...view.context.notes, (event.data as { text: string }).text] }
      : null,
};
