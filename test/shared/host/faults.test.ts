import test from 'ava';
import { createWorld, TTL_MS } from '#test/support/engine-world.ts';
import { createFaults } from '#shared/host/faults.ts';
import { silentLog } from '#shared/log.ts';

test('a service that stopped answering handles what comes, and answers neither it nor its copies until it is healed', async (t) => {
  const world = createWorld();
  const { clock, broker } = world;
  const control = broker.connect('gateway');
  const bus = broker.connect('tally');
  const faults = createFaults('tally', { clock, log: silentLog, exit: () => t.fail(), handles: () => ['tally.add'] });
  await clock.during(faults.listen(bus, async () => {}));
  const set = async (wanted: object): Promise<void> => {
    const content = Buffer.from(JSON.stringify({ id: '1', service: 'tally', faults: wanted }));
    await clock.during(control.publish('control', { content, headers: {} }, 'faults.tally'));
    await clock.settle();
  };
  const engine = world.engine('tally', { bus: faults.mute(bus), intercept: faults.intercept });
  await clock.during(engine.start());

  await set({ stopAnswering: true });
  world.put('a', 1);
  await clock.until(() => world.total('a') === 1 && world.waiting() === 0);
  world.put('a', 1);
  await clock.advance(TTL_MS);
  t.is(world.waiting(), 0);
  t.deepEqual(world.runs, ['a:1']);
  t.deepEqual(world.answers(), []);

  await set({});
  world.put('a', 1);
  await clock.until(() => world.answers().length === 1);
  t.is(world.answers()[0]?.id, 'a:1>tally.added');
  t.is(world.total('a'), 1);
});

test('faults at messages that a service does not handle are refused with those that it does, and it tells what it has', async (t) => {
  const { clock, broker } = createWorld();
  const control = broker.connect('gateway');
  const handles = () => ['tally.add', 'tally.clear'];
  const faults = createFaults('tally', { clock, log: silentLog, exit: () => t.fail(), handles });
  await clock.during(faults.listen(broker.connect('tally'), async () => {}));
  const replies: unknown[] = [];
  const hear = control.subscribe('control', ['faults-applied'], ({ content }) =>
    replies.push(JSON.parse(content.toString())),
  );
  await clock.during(hear);
  const say = async (question: object): Promise<unknown> => {
    const content = Buffer.from(JSON.stringify({ id: '1', service: 'tally', ...question }));
    await clock.during(control.publish('control', { content, headers: {} }, 'faults.tally'));
    await clock.settle();
    return replies.at(-1);
  };
  const told = { id: '1', service: 'tally' };
  t.deepEqual(await say({ faults: { latencyMs: 5 } }), { ...told, faults: { latencyMs: 5 } });
  t.deepEqual(await say({ faults: { crashAt: ['tally.ad'], exitAt: ['tally.add'] } }), {
    ...told,
    faults: { latencyMs: 5 },
    problem: 'tally handles no tally.ad; it handles tally.add, tally.clear',
  });
  t.deepEqual(await say({}), { ...told, faults: { latencyMs: 5 } }, 'as it was');
});
