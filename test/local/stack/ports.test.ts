import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import test from 'ava';
import { anyFreePort, freePort, portFor, releasePort } from '#local/stack/ports.ts';

const ASK = `import { freePort } from ${JSON.stringify(import.meta.resolve('#local/stack/ports.ts'))};
console.log(await freePort(Number(process.argv[1])));`;

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

test('a port that was given is not given by another process, until it is released', async (t) => {
  const port = await anyFreePort();
  const elsewhere = (): number => Number(execFileSync(process.execPath, ['--input-type=module', '-e', ASK, `${port}`]));
  t.true(elsewhere() > port);
  releasePort(port);
  t.is(elsewhere(), port);
});
