import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { topUp } from '#services/wallet/contract.ts';
import { routeTable } from '#services/services.ts';
import { decode } from '#shared/bus/envelope.ts';
import { deathsOf } from '#shared/bus/deaths.ts';
import { delay, gate, partitionQueues } from '#shared/bus/topology/topology.ts';
import { collect } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';
import { testIf } from '#test/support/test-if.ts';

const guide = readFileSync('docs/circuit-breaker.md', 'utf8');
const python = /```python\n(.*?)```/s.exec(guide)?.[1] ?? '';

/** Debian's own Python may not be the first on the path. */
const interpreter = ['python3', '/usr/bin/python3'].find((candidate) => {
  try {
    execFileSync(candidate, ['-c', 'import pika'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

const withPika = testIf(interpreter !== undefined, 'python3-pika is not there');
withPika('the publisher in Python is obeyed, delayed and refused as the guide says', async (t) => {
  const vhost = provisionedVhost(routeTable, { ttlMs: 60_000, delayMs: 2000 });
  t.teardown(() => vhost.remove());
  await vhost.provision();
  const wallet = await vhost.connect('wallet');
  const breaker = await (await vhost.connect('circuit-breaker')).session();
  const received = await Promise.all(partitionQueues(routeTable, 'wallet').map((queue) => collect(wallet, queue)));
  const arrived = () => received.flatMap(({ got }) => got);
  const env = { ...process.env, AMQP_URL: vhost.urlOf('shop') };
  const run = async () => (await promisify(execFile)(interpreter!, ['-c', python], { env })).stdout.trim();

  t.is(await run(), 'taken');
  await untilTrue(() => arrived().length === 1);
  const message = decode(arrived()[0]!.packet);
  t.is(message.type, topUp.name);
  t.is(message.key, topUp.key(topUp.body.parse(message.body)));

  const { direct, delayed } = gate('wallet');
  await breaker.unbind(direct);
  t.is(await run(), 'taken');
  await untilTrue(() => arrived().length === 2);
  const waited = deathsOf(arrived()[1]!.packet.headers).map(({ queue, reason }) => `${reason} in ${queue}`);
  t.deepEqual(waited, [`expired in ${delay('wallet')}`], 'half-open: it waits in the delay');

  await breaker.unbind(delayed);
  t.is(await run(), 'refused: the route is open');
  await breaker.bind(delayed);
  await breaker.bind(direct);
  t.is(await run(), 'taken');
  await untilTrue(() => arrived().length === 3);
});

test('every file that the guide links exists', (t) => {
  const links = [...guide.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
  t.true(links.length >= 3);
  for (const link of links) t.true(existsSync(join('docs', link)), link);
});
