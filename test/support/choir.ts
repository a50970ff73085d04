/** A machine for tests of the kernel whose outcome depends on the order of its regions: voices that answer one cue. */
import { assign, setup } from 'xstate';
import { z } from 'zod';
import type { Birth, EventsOf, MachineDefinition, Timers } from '../../machines/contract.ts';
import { WISHES } from '../../machines/effects.ts';

/** In the order of the machine's text, which is not the alphabet's. */
export const VOICES = ['tenor', 'alto', 'bass'] as const;
type Voice = (typeof VOICES)[number];

const CHOIR_EVENTS = {
  open: { data: z.strictObject({}), means: 'Gather.', creates: 'always' },
  stand: { data: z.strictObject({ voice: z.enum(VOICES) }), means: 'One voice stands up or sits down.' },
  cue: { data: z.strictObject({}), means: 'The cue: each voice answers by itself.' },
  sing: { data: z.strictObject({}), means: 'All sing at once.' },
} as const;

interface ChoirContext extends Record<string, unknown> {
  /** Voices that owe an answer. */
  owing: string[];
  sung: string[];
  timers: Timers;
}

const choir = setup({
  types: { context: {} as ChoirContext, events: {} as EventsOf<typeof CHOIR_EVENTS>, input: {} as Birth },
  actions: {
    ...WISHES,
    cue: assign({ owing: [...VOICES] }),
    sing: assign(({ context }, { voice }: { voice: Voice }) => ({
      owing: context.owing.filter((other) => other !== voice),
      sung: [...context.sung, voice],
    })),
  },
  guards: {
    owes: ({ context }, { voice }: { voice: Voice }) => context.owing.includes(voice),
    isMeant: ({ event }, { voice }: { voice: Voice }) => event.type === 'stand' && event.data.voice === voice,
  },
});

const region = (voice: Voice) => {
  const sing = { type: 'sing', params: { voice } } as const;
  const place = (other: 'seated' | 'standing') => ({
    description: 'Waits for the cue.',
    meta: { waitsFor: 'human' },
    always: { guard: { type: 'owes', params: { voice } }, actions: sing } as const,
    on: {
      stand: { target: other, guard: { type: 'isMeant', params: { voice } } } as const,
      sing: { actions: sing },
    },
  });
  return { initial: 'seated', states: { seated: place('standing'), standing: place('seated') } } as const;
};

const machine = choir.createMachine({
  id: 'choir',
  type: 'parallel',
  context: ({ input }) => ({ owing: [], sung: [], timers: input.timers }),
  on: { open: {}, cue: { actions: 'cue' } },
  states: { tenor: region('tenor'), alto: region('alto'), bass: region('bass') },
});

export const choirDefinition: MachineDefinition<ChoirContext> = {
  kind: 'choir',
  version: '1',
  logic: machine,
  events: CHOIR_EVENTS,
  reasons: { owes: 'the voice has answered', isMeant: 'another voice is meant' },
  recordKeys: [],
  claims: () => [],
  watch: () => ({}),
  project: () => ({
    phase: 'singing',
    epoch: 0,
    owner: null,
    waitingOn: [],
    title: 'choir',
    user: null,
    mission: null,
    refs: [],
    tags: {},
  }),
  whenFinal: () => null,
};
