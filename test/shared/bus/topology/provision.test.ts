import { connect } from 'amqplib';
import test from 'ava';
import { ProvisionError, provision } from '#shared/bus/topology/provision.ts';
import { partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { amqpUrl, collect, packet } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';
import { startTcpProxy } from '#test/support/tcp-proxy.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';
import { table, timing, fresh, everything, asAdministrator } from './provision-world.ts';

test('provisioning again changes nothing', async (t) => {
  const vhost = await fresh(t);
  const before = await everything(vhost);
  t.true(before.includes('order.002') && before.includes(`${vhost.vhost}.circuit-breaker`));
  await vhost.provision();
  t.is(await everything(vhost), before);
});

test('a service that waits to be let in finds everything that it needs', async (t) => {
  const vhost = provisionedVhost(table, timing);
  t.teardown(() => vhost.remove());
  const provisioned = vhost.provision();
  let letIn = false;
  for (const until = systemClock.now() + 60_000; !letIn && systemClock.now() < until;) {
    const model = await connect(vhost.urlOf('wallet')).catch(() => undefined);
    if (model === undefined) continue;
    letIn = true;
    model.on('error', () => {});
    const channel = await model.createChannel();
    await t.notThrowsAsync(Promise.all(partitionQueues(table, 'wallet').map((queue) => channel.checkQueue(queue))));
    await model.close().catch(() => {});
  }
  t.true(letIn);
  await provisioned;
});

test('other times and another password take effect, everything else stays', async (t) => {
  const vhost = await fresh(t);
  await vhost.provision({ timing: { ttlMs: 100, delayMs: 300 }, passwords: { ...vhost.passwords, wallet: 'other' } });
  const gateway = await vhost.connect('gateway');
  await gateway.publish('order.in', packet('m', { key: 'k' }));
  const breaker = await vhost.connect('circuit-breaker');
  const { got } = await collect(breaker, 'order.expired');
  await untilTrue(() => got.length === 1);
  await t.throwsAsync(connect(vhost.urlOf('wallet')), { message: /ACCESS_REFUSED|ACCESS-REFUSED|403/ });
});

test('another number of partitions than the broker has is refused, and nothing is changed', async (t) => {
  const vhost = await fresh(t);
  const before = await everything(vhost);
  for (const partitions of [2, 4]) {
    const error = await t.throwsAsync(vhost.provision({ table: { ...table, partitions } }), {
      instanceOf: ProvisionError,
    });
    t.regex(error?.message ?? '', new RegExp(`3 partitions on the broker, the route table says ${partitions}`));
  }
  t.is(await everything(vhost), before);
});

test('a queue that exists with other arguments is named, with what to do', async (t) => {
  const vhost = await fresh(t);
  await asAdministrator(vhost, async (channel) => {
    await channel.deleteQueue('order.dead');
    await channel.assertQueue('order.dead', {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-max-length': 7 },
    });
  });
  await t.throwsAsync(vhost.provision(), {
    instanceOf: ProvisionError,
    message: /queue order\.dead: .*drain and delete/,
  });
});

test('a broker user that others use is not taken over', async (t) => {
  const vhost = await fresh(t);
  const user = `${vhost.vhost}.wallet`;
  await vhost.api.put(`/permissions/%2F/${user}`, { configure: '', write: '', read: '^shared$' });
  await t.throwsAsync(vhost.provision(), { instanceOf: ProvisionError, message: new RegExp(`${user}.*rights in /`) });
  await vhost.api.remove(`/permissions/%2F/${user}`);
  await vhost.api.put(`/users/${user}`, { password: 'x', tags: 'administrator' });
  await t.throwsAsync(vhost.provision(), { instanceOf: ProvisionError, message: /is an administrator/ });
});

test('errors say what is wrong and never the password', async (t) => {
  const vhost = provisionedVhost(table, timing);
  t.teardown(() => vhost.remove());
  const options = {
    amqpUrl: amqpUrl ?? '',
    vhost: vhost.vhost,
    topology: topologyOf(table, timing, vhost.vhost),
    passwords: vhost.passwords,
    log: silentLog,
    waitMs: 0,
  };
  const wrong = new URL(process.env['SWITCHYARD_TEST_MANAGEMENT_URL'] ?? '');
  wrong.password = 'sesame';
  const refused = await t.throwsAsync(provision({ ...options, managementUrl: wrong.toString() }), {
    instanceOf: ProvisionError,
  });
  t.regex(refused?.message ?? '', /refuses the user/);
  t.notRegex(refused?.message ?? '', /sesame/);
  const away = await t.throwsAsync(provision({ ...options, managementUrl: 'http://a:sesame@127.0.0.1:9' }), {
    instanceOf: ProvisionError,
  });
  t.regex(away?.message ?? '', /does not answer/);
  t.notRegex(away?.message ?? '', /sesame/);
  const { wallet: _, ...others } = vhost.passwords;
  await t.throwsAsync(vhost.provision({ passwords: others }), {
    instanceOf: ProvisionError,
    message: /password is given for wallet/,
  });
  await t.throwsAsync(provision({ ...options, managementUrl: wrong.toString(), vhost: 'a/b' }), {
    instanceOf: ProvisionError,
    message: /a vhost is named/,
  });
});

test('a policy of someone else that takes our TTL away is reported', async (t) => {
  const vhost = await fresh(t);
  await vhost.api.put(`/policies/${vhost.vhost}/theirs`, {
    pattern: '.*',
    priority: 99,
    definition: { 'max-length': 5 },
    'apply-to': 'queues',
  });
  const warned: object[] = [];
  await vhost.provision({ log: { ...silentLog, warn: (_text, fields = {}) => warned.push(fields) } });
  t.like(warned[0], { policy: 'theirs' });
});

test('a broker that breaks off in the middle of it is asked again', async (t) => {
  const many = { ...table, partitions: 100 };
  const vhost = provisionedVhost(many, timing);
  t.teardown(() => vhost.remove());
  const broker = new URL(amqpUrl ?? '');
  const relay = await startTcpProxy(broker.hostname, Number(broker.port));
  t.teardown(() => relay.close());
  broker.host = `127.0.0.1:${relay.port}`;
  const warned: string[] = [];
  const provisioning = provision({
    amqpUrl: broker.toString(),
    managementUrl: process.env['SWITCHYARD_TEST_MANAGEMENT_URL'] ?? '',
    vhost: vhost.vhost,
    topology: topologyOf(many, timing, vhost.vhost),
    passwords: vhost.passwords,
    log: { ...silentLog, warn: (text) => warned.push(text) },
  });
  await untilTrue(async () => (await vhost.api.get(`/queues/${vhost.vhost}/order.000`)) !== undefined);
  relay.cut();
  await provisioning;
  t.deepEqual(warned, ['the broker does not answer, or broke off; it is asked again']);
  const queues = await vhost.api.get<readonly unknown[]>(`/queues/${vhost.vhost}?columns=name`);
  t.true((queues?.length ?? 0) > 2 * many.partitions);
});
