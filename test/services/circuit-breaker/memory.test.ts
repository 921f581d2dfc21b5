import test from 'ava';
import { memoryGround } from './grounds.ts';
import { breakerSuite } from './suite.ts';
import { messageOf, openWorld } from './world.ts';
import { encode } from '#shared/bus/envelope.ts';
import { parked } from '#shared/bus/topology/topology.ts';

breakerSuite(test, memoryGround, 100);

test('what was parked without the breaker knowing, by a publish that came late, is put back within a minute', async (t) => {
  const world = await openWorld(memoryGround);
  t.teardown(() => world.close());
  await world.breaker();
  const handled = await world.handle('payment');
  await world.until(() => world.view('payment')?.state === 'closed');
  // Until it has seen that nothing is parked.
  await world.during(world.clock.sleep(10_000));
  const late = await world.during(world.administrator());
  await world.during(late.publish(parked('payment'), encode(messageOf('payment', 'late'))));
  await world.until(() => handled.at.has('late'), 60_000);
  await world.until(() => world.view('payment')?.parked === 0);
  t.is(handled.at.size, 1);
});
