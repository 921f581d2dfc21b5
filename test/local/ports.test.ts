import { createServer } from 'node:net';
import test from 'ava';
import { anyFreePort, freePort, portFor } from '#local/ports.ts';

test('a taken port is passed over, and that is told', async (t) => {
  const server = createServer();
  const taken = await anyFreePort();
  await new Promise<void>((resolve) => server.listen(taken, '0.0.0.0', resolve));
  t.teardown(() => server.close());
  const told: string[] = [];
  const port = await portFor('the API', taken, (text) => told.push(text));
  t.true(port > taken);
  t.deepEqual(told, [`Port ${taken} is taken: the API is on ${port}.`]);
});

test('the same port is not given twice', async (t) => {
  const first = await anyFreePort();
  t.true((await freePort(first)) > first);
});
