/**
 * One life of a process with a poison envelope (see poison.test.ts): lamps on the store of `argv[2]`, the same letters
 * at each start, as a stream gives them from its position. Who presses `lamp/poison` kills the process.
 */
import { assign } from 'xstate';
import { beginLife } from '../../src/actor/caution.ts';
import type { Definition } from '../../src/actor/state.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { lampDefinition } from '../support/lamp.ts';
import { lampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';

const store = await openLevelStore(process.argv[2]!);
const life = await beginLife(store);
const deadly = {
  ...lampDefinition,
  logic: lampDefinition.logic.provide({
    actions: {
      count: assign(({ context }) => {
        if (context['address'] === 'lamp/poison') process.kill(process.pid, 'SIGKILL');
        return {};
      }),
    },
  } as never),
};
const { node } = lampNode(store, {
  followsCrash: life.followsCrash,
  definitions: [deadly as unknown as Definition],
});
await node.load();
for (const name of ['before', 'poison', 'after']) {
  void node.send(letter(`lamp/${name}`, 'open', { room: name }, { id: `open-${name}` }), { door: 'mail' });
}
for (const name of ['before', 'poison', 'after']) {
  void node.send(letter(`lamp/${name}`, 'press', {}, { id: `press-${name}` }), { door: 'mail' });
}
await node.stop();
await life.end();
await store.close();
