/**
 * One run of a scenario: people and programs outside who go on while the process lives, dies and lives again. The parts
 * of the process are put together as the runtime does it; store, bus and clock are those of one life.
 */
import { createLetterbox } from '../../src/actor/letterbox.ts';
import { createNode } from '../../src/actor/node.ts';
import type { Node } from '../../src/actor/node.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import { createOutbox } from '../../src/actor/outbox.ts';
import { createPublisher } from '../../src/actor/publisher.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Definition } from '../../src/actor/state.ts';
import { createWatches } from '../../src/actor/watches.ts';
import type { Watches } from '../../src/actor/watches.ts';
import type { Letter } from '../../src/bus/bus.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import type { MemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { FakeClock } from '../../src/clock.ts';
import type { ActPerformer, WatchPerformer } from '../../src/effects/effect.ts';
import { createLog } from '../../src/log.ts';
import { completeness } from './completeness.ts';
import { KEYS, SPACES, keyParts } from '../../src/store/keys.ts';
import { createDisk } from './disk.ts';
import type { Disk } from './disk.ts';
import { startLife, turn } from './life.ts';
import type { Death, Life, Point } from './life.ts';
import { createOutside } from './outside.ts';
import type { Outside } from './outside.ts';
import { soundness } from './soundness.ts';
import { createWitness } from './witness.ts';

export interface Scenario {
  name: string;
  definitions: readonly Definition[];
  /** Actors kept in memory; 0 evicts after every step. */
  activeMax?: number;
  /** Steps after which a batch is closed: letters are then read long before they are stepped. */
  batchSteps?: number;
  /** What the process does outside, made anew for each life. */
  effects(life: Life, run: Run): { acts: Record<string, ActPerformer>; watches: Record<string, WatchPerformer> };
  /** What people and programs do, in order; each waits for what it started to come to rest. */
  play(run: Run): Promise<void>;
  /** Sentences about what should be so at the end and is not. */
  judge(run: Run): string[];
}

/** Something sent by somebody who remembers it, until a receipt has come. */
export interface Sending {
  envelope: Envelope;
  door: 'mail' | 'ask' | 'hook';
  receipts: Receipt[];
}

export interface Run {
  disk: Disk;
  server: MemoryServer;
  clock: FakeClock;
  outside: Outside;
  sendings: Sending[];
  definitions: readonly Definition[];
  /** What the scenario keeps of its own world. */
  world: Map<string, unknown>;
  /** Puts an envelope into the stream and goes on. */
  mail(subject: string, type: string, data?: Record<string, unknown>): void;
  hook(subject: string, type: string, data?: Record<string, unknown>): Promise<void>;
  /** Asks, again and again with the same id if need be, until there is a receipt: `rest` waits for it. */
  ask(subject: string, type: string, data?: Record<string, unknown>): void;
  poke(): void;
  /** Until the process does nothing any more; starts it anew when it died. Time passes only for what is tried again. */
  rest(): Promise<void>;
  wait(seconds: number): Promise<void>;
  /** The process is ended at rest, people go on, time passes, and it starts again. */
  down(seconds: number, meanwhile: () => void): Promise<void>;
  node(): Node;
}

export interface Ended {
  /** Sentences about what is not as it must be. */
  wrong: string[];
  lives: (readonly Point[])[];
  /** Deaths that came. */
  died: number;
  story: string[];
}

interface Standing {
  life: Life;
  node: Node;
  watches: Watches;
}

const START_MS = Date.parse('2026-01-05T10:00:00.000Z');
/** Turns of the event loop without anything done: it rests. */
const STILL_TURNS = 7;
/** Turns within which everything comes to rest. */
const TURNS_MAX = 5_000;
/** Seconds that a retry may take altogether until it is called stuck. */
const PATIENCE_SECONDS = 60;
/** Turns until a failing store has ended the process: what it would let out comes out in them. */
const DYING_TURNS = 12;
const SOURCE = 'test/people';
const NAMESPACE = 'chartroom';

export async function runScenario(scenario: Scenario, deaths: readonly Death[]): Promise<Ended> {
  const story: string[] = [];
  const wrong: string[] = [];
  const lives: (readonly Point[])[] = [];
  const clock = createFakeClock(START_MS);
  const tell = (line: string): void => {
    story.push(`${new Date(clock.now()).toISOString().slice(11, 23)} ${line}`);
  };
  const disk = createDisk();
  const server = createMemoryServer({ clock });
  const client = server.client();
  const outer = server.bus();
  const outside = createOutside({ disk, clock, tell });
  const witness = createWitness(disk, wrong);
  const sendings: Sending[] = [];
  const log = createLog({ level: 'warn', to: { write: (line) => tell(`  ! ${line.trim().slice(0, 1_500)}`) } });
  let died = 0;
  let asking = 0;
  let sent = 0;
  let current: Standing | null = null;

  function note(envelope: Envelope, door: Sending['door']): Sending {
    const sending: Sending = { envelope, door, receipts: [] };
    sendings.push(sending);
    tell(`→ ${door} ${envelope.subject} ${envelope.type} as ${envelope.id}`);
    return sending;
  }

  function got(sending: Sending, receipt: Receipt): void {
    sending.receipts.push(receipt);
    tell(`← ${receipt.id} ${receipt.outcome}${receipt.duplicate ? ' (duplicate)' : ''} ${receipt.reason ?? ''}`);
  }

  const envelopeOf = (subject: string, type: string, data: Record<string, unknown>): Envelope => ({
    specversion: '1.0',
    id: `${String(++sent).padStart(3, '0')}-${type}`,
    source: SOURCE,
    type,
    subject,
    data,
  });

  async function live(): Promise<void> {
    const death = deaths[lives.length] ?? null;
    tell(`● the process starts for the ${lives.length + 1}. time`);
    const life = startLife({ disk, bus: server.bus(), clock, death, witness, tell });
    lives.push(life.points());
    const { definitions, activeMax, batchSteps } = scenario;
    const node = createNode({
      store: life.store,
      definitions,
      clock: life.clock,
      log,
      ...(activeMax === undefined ? {} : { activeMax }),
      ...(batchSteps === undefined ? {} : { batchSteps }),
    });
    node.failed.catch(async () => {
      for (let turns = DYING_TURNS; turns > 0; turns--) await turn();
      life.end('its store failed');
    });
    const publisher = createPublisher({ node, bus: life.bus, clock: life.clock, log, namespace: NAMESPACE });
    const { acts, watches: performers } = scenario.effects(life, run);
    createOutbox({ node, performers: acts, clock: life.clock, log });
    const watches = createWatches({ node, performers, log, clock });
    const letterbox = createLetterbox({ node, bus: life.bus, clock: life.clock, log, takeHook });
    current = { life, node, watches };

    async function takeHook({ seq, body }: Letter): Promise<void> {
      const sending = sendings.find(({ envelope }) => envelope.id === (JSON.parse(text(body)) as Envelope).id)!;
      const receipt = await node.send(sending.envelope, { door: 'hook' });
      if (life.pass(`hook ${seq} is routed`)) got(sending, receipt);
    }

    const starting = (async () => {
      await node.load();
      publisher.start();
      await letterbox.start();
      node.releaseTimers();
    })();
    await Promise.race([starting, life.died]);
  }

  async function standing(): Promise<Standing> {
    while (current === null || current.life.isDead()) {
      if (current !== null) {
        died += 1;
        for (const sentence of await soundness(disk, server, scenario.definitions)) {
          wrong.push(`after the ${died}. death: ${sentence}`);
        }
      }
      await live();
    }
    return current;
  }

  /** Until nothing moves, or it died. */
  async function still({ life }: Standing): Promise<void> {
    let turns = 0;
    let seen = -1;
    for (let all = 0; turns < STILL_TURNS && !life.isDead(); all++) {
      if (all === TURNS_MAX) throw new Error(`it never rests:\n${story.slice(-40).join('\n')}`);
      await turn();
      turns = life.activity() === seen && !life.isWriting() ? turns + 1 : 0;
      seen = life.activity();
    }
  }

  async function rest(): Promise<void> {
    for (let seconds = 0; ;) {
      const now = await standing();
      await still(now);
      if (now.life.isDead()) continue;
      // What a parked actor wished is answered, and the answer waits with its mail.
      const acts = [...disk.entries(SPACES.outbox)].filter(
        ([key]) => disk.get(KEYS.parked(keyParts(key, 3)[0]!)) === undefined,
      );
      if (asking === 0 && acts.length === 0) return;
      if (seconds++ === PATIENCE_SECONDS) {
        wrong.push(`it is stuck: ${asking} questions and ${acts.length} acts without an answer`);
        asking = 0;
        return;
      }
      clock.advance(1_000);
    }
  }

  /** Asks again and again with the same id until an answer comes. */
  async function asked(sending: Sending): Promise<Receipt> {
    asking += 1;
    for (;;) {
      const { life, node } = await standingLater();
      const door = sending.door === 'hook' ? 'hook' : 'ask';
      const receipt = await Promise.race([
        node.send(sending.envelope, { door }).catch(() => null),
        life.died.then(() => null),
      ]);
      if (receipt === null) {
        await life.died;
        continue;
      }
      witness.replied(JSON.stringify(receipt));
      if (!life.pass(`answer ${sending.envelope.id}`)) continue;
      got(sending, receipt);
      asking -= 1;
      return receipt;
    }
  }

  const run: Run = {
    disk,
    server,
    clock,
    outside,
    sendings,
    definitions: scenario.definitions,
    world: new Map(),
    mail(subject, type, data = {}) {
      const sending = note(envelopeOf(subject, type, data), 'mail');
      const days = 30 * 24 * 3_600_000;
      void client.mail(subject, sending.envelope, { timeoutMs: days }).then(({ receipt }) =>
        receipt.then(
          (come) => got(sending, come as Receipt),
          () => {},
        ),
      );
    },
    async hook(subject, type, data = {}) {
      const { envelope } = note(envelopeOf(subject, type, data), 'hook');
      await outer.publish('hook', 'github.push', JSON.stringify(envelope), { msgId: envelope.id });
    },
    ask: (subject, type, data = {}) => void asked(note(envelopeOf(subject, type, data), 'ask')),
    poke() {
      if (current === null || current.life.isDead()) return;
      for (const { envelope } of sendings) {
        for (const name of current.watches.standing(envelope.subject)) current.watches.poke(envelope.subject, name);
      }
    },
    rest,
    async wait(seconds) {
      await rest();
      tell(`⧖ ${seconds} s pass`);
      clock.advance(seconds * 1_000);
      await rest();
    },
    async down(seconds, meanwhile) {
      await rest();
      // A store that failed a moment ago ends the process by itself.
      for (let turns = DYING_TURNS; turns >= 0; turns--) await turn();
      await rest();
      (await standing()).life.end('it is stopped');
      current = null;
      meanwhile();
      tell(`⧖ ${seconds} s pass`);
      clock.advance(seconds * 1_000);
      await rest();
    },
    node: () => current!.node,
  };

  /** Whoever asks does not start the process; it waits until somebody has. */
  async function standingLater(): Promise<Standing> {
    while (current === null || current.life.isDead()) await turn();
    return current;
  }

  await scenario.play(run);
  await rest();
  // Whoever has no receipt, or wants it once more, asks again with the same id.
  for (const sending of sendings) {
    void asked(sending).then(({ id, duplicate }) => {
      if (!duplicate) wrong.push(`${id} was never taken before it was asked for again`);
    });
  }
  await rest();
  wrong.push(...outside.wrong, ...(await soundness(disk, server, scenario.definitions)));
  wrong.push(...(await completeness(run)), ...scenario.judge(run));
  (await standing()).life.end('the run is over');
  await client.close();
  await outer.close();
  return { wrong, lives, died, story };
}

const text = (body: Uint8Array): string => Buffer.from(body).toString('utf8');
