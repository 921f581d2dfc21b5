import test from 'ava';
import { createOutside, portsOf } from './outside.ts';
import { residents } from './residents.ts';
import { startTown } from './town.ts';
import { services } from '#services/services.ts';

test('every service of the list that keeps documents lives in every town, at work', async (t) => {
  const expected = services.filter(({ documents }) => documents !== undefined).map(({ name }) => name);
  t.deepEqual(
    residents.map(({ name }) => name),
    expected,
  );
  const { homes } = await startTown();
  t.deepEqual([...homes.keys()], expected);
  for (const { entity } of homes.values()) t.true(entity.handlers.length > 0);
});

test('a service that wants something from outside that the town does not have is told by name', (t) => {
  const payment = residents.find(({ name }) => name === 'payment')!;
  const { provider: _gone, ...ports } = portsOf(
    createOutside(() => 0),
    new Map(),
  );
  t.throws(() => payment.entity(ports), { message: /^payment wants provider from outside/ });
});
