import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { connectManagement } from '#shared/bus/topology/management.ts';

/** Answers with these statuses in turn, the last one for ever; counts what it was asked. */
async function api(t: { teardown(run: () => void): void }, ...statuses: number[]) {
  let asked = 0;
  const server = createServer((_request, response) => {
    response.statusCode = statuses[Math.min(asked, statuses.length - 1)]!;
    asked += 1;
    response.end('[]');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { management: connectManagement(`http://a:b@127.0.0.1:${port}`), asked: () => asked };
}

test('a list that met a deletion is read again', async (t) => {
  const { management, asked } = await api(t, 500, 500, 200);
  t.deepEqual(await management.get('/users'), []);
  t.is(asked(), 3);
});

test('an API that always fails is given up', async (t) => {
  const { management, asked } = await api(t, 500);
  await t.throwsAsync(management.get('/users'), { message: /answered 500 to GET \/users/ });
  t.is(asked(), 5);
});

test('other failures are not tried again', async (t) => {
  const { management, asked } = await api(t, 400);
  await t.throwsAsync(management.get('/users'), { message: /answered 400/ });
  t.is(asked(), 1);
});
