import test from 'ava';
import { encode } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import type { Engine } from '#shared/entity/engine.ts';
import { add, createWorld, type World } from '#test/support/engine-world.ts';

/** What is told of messages that were published `agoMs` before. */
function publish({ broker, clock }: World, agoMs: readonly (number | undefined)[], key = 'a'): void {
  for (const [n, ms] of agoMs.entries()) {
    const message = { id: `${key}:${n}`, type: add.name, key, body: { tally: key, n }, correlationId: key };
    broker.put(hash('tally'), encode(message, ms === undefined ? undefined : clock.now() - ms));
  }
}

const told = (engine: Engine): number[] => [...engine.figures().values()].flatMap(({ waitedMs }) => waitedMs ?? []);

async function startedWorld(...args: Parameters<typeof createWorld>) {
  const world = createWorld(...args);
  const engine = world.engine();
  await world.clock.during(engine.start());
  await world.clock.advance(1000);
  t0(engine);
  return { world, engine };
}
/** Begins a window. */
const t0 = (engine: Engine): void => void engine.figures();

test('how long messages waited is told as the average of the last window, by queue, then forgotten', async (t) => {
  const { world, engine } = await startedWorld();
  publish(world, [100, 200, 600]);
  await world.clock.advance(1000);
  t.deepEqual(told(engine), [300]);
  await world.clock.advance(1000);
  t.deepEqual(told(engine), []);
});

test('one message that was held up for very long does not count like hundreds, a clock that is ahead like none', async (t) => {
  const { world, engine } = await startedWorld();
  publish(world, [3_600_000, -3_600_000]);
  await world.clock.advance(1000);
  t.deepEqual(told(engine), [1000]);
});

test('what its handler took is not waiting; what those behind it in the line took is', async (t) => {
  const { world, engine } = await startedWorld((_n, context) => world.clock.sleep(400, context.signal));
  publish(world, [100]);
  await world.clock.advance(1000);
  t.deepEqual(told(engine), [100]);
  publish(world, [0, 0], 'b');
  await world.clock.advance(1000);
  t.deepEqual(told(engine), [200]);
});

test('waiting for the commit is waiting', async (t) => {
  const { world, engine } = await startedWorld();
  const { commit } = world.store;
  world.store.commit = async (documents) => {
    await world.clock.sleep(250);
    return commit(documents);
  };
  publish(world, [50]);
  await world.clock.advance(1000);
  t.deepEqual(told(engine), [300]);
});

test('messages of which nobody knows, that failed or that came again say nothing', async (t) => {
  let fails = true;
  const { world, engine } = await startedWorld(() => {
    if (fails) throw new Error('not yet');
  });
  publish(world, [0]);
  await world.clock.advance(20);
  fails = false;
  publish(world, [undefined], 'b');
  await world.clock.advance(1000);
  t.is(world.total('a'), 0);
  t.is(world.total('b'), 0);
  t.deepEqual(told(engine), []);
});
