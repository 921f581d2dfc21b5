import { type Channel, connect } from 'amqplib';
import test, { type ExecutionContext } from 'ava';
import { ProvisionError, provision } from '#shared/bus/topology/provision.ts';
import { gate, partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { readBindings, wiringOf } from '#shared/bus/topology/wiring.ts';
import { systemClock } from '#shared/clock.ts';
import { type Log, silentLog } from '#shared/log.ts';
import { smallTable, smallTiming } from './small-table.ts';
import { amqpUrl, collect, packet } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';
import { startTcpProxy } from '#test/support/tcp-proxy.ts';
import { type Provisioned, provisionedVhost } from '#test/support/provisioned.ts';

const table = smallTable;
const timing = smallTiming;

async function fresh(t: ExecutionContext, given = table, times = timing): Promise<Provisioned> {
  const vhost = provisionedVhost(given, times);
  t.teardown(() => vhost.remove());
  await vhost.provision();
  return vhost;
}

/** Everything that the broker knows of the vhost, and its users, in a stable order. */
async function everything({ api, vhost }: Provisioned): Promise<string> {
  const definitions = (await api.get<Record<string, unknown>>(`/definitions/${vhost}`)) ?? {};
  const users = ((await api.get<readonly { readonly name: string }[]>('/users')) ?? []).filter(({ name }) =>
    name.startsWith(vhost),
  );
  const lists = ['queues', 'exchanges', 'bindings', 'policies', 'permissions', 'topic_permissions'].map((name) =>
    ((definitions[name] as readonly unknown[] | undefined) ?? []).map((item) => JSON.stringify(item)).toSorted(),
  );
  return JSON.stringify([lists, users.map((user) => JSON.stringify(user)).toSorted()]);
}

/** Runs with the administrator's rights in the vhost. */
async function asAdministrator<Answer>(
  { vhost }: Provisioned,
  run: (channel: import('amqplib').Channel) => Promise<Answer>,
): Promise<Answer> {
  const url = new URL(amqpUrl ?? '');
  url.pathname = `/${vhost}`;
  const model = await connect(url.toString());
  try {
    return await run(await model.createChannel());
  } finally {
    await model.close();
  }
}

const bindGate = gate('order').direct;

async function gateBindings({ api, vhost }: Provisioned): Promise<number> {
  const bindings = await api.get<readonly unknown[]>(`/exchanges/${vhost}/${bindGate.source}/bindings/source`);
  return bindings?.length ?? 0;
}

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

test('once the state queue exists the gate is left alone; before, it is made', async (t) => {
  const vhost = await fresh(t);
  t.is(await gateBindings(vhost), 1);
  await asAdministrator(vhost, (channel) => channel.unbindExchange(bindGate.destination, bindGate.source, ''));
  await vhost.provision();
  t.is(await gateBindings(vhost), 0);
  await asAdministrator(vhost, (channel) => channel.deleteQueue('order.state'));
  await vhost.provision();
  t.is(await gateBindings(vhost), 1);
  const breaker = await vhost.connect('circuit-breaker');
  const session = await breaker.session();
  await session.publish('order.state', packet('s1'));
  await session.publish('order.state', packet('s2'));
  t.is((await session.get('order.state'))?.packet.messageId, 's2');
});

test('an interrupted provisioning, or an older one, is completed', async (t) => {
  const vhost = await fresh(t);
  const complete = await everything(vhost);
  await asAdministrator(vhost, async (channel) => {
    await channel.deleteQueue('order.state');
    await channel.deleteQueue('order.002');
    await channel.deleteQueue('order.delay');
    await channel.deleteExchange('workers');
  });
  await vhost.api.remove(`/topic-permissions/${vhost.vhost}/${vhost.vhost}.wallet/workers`);
  await vhost.provision();
  t.is(await everything(vhost), complete);
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

/** Which partition has which key: published, looked up, taken away again. */
async function homes(vhost: Provisioned): Promise<string> {
  return asAdministrator(vhost, async (channel) => {
    const found = new Map<string, string>();
    const taken = Promise.withResolvers<void>();
    for (const queue of partitionQueues(table, 'order'))
      await channel.consume(
        queue,
        (message) => {
          found.set(message?.properties.messageId as string, queue);
          if (found.size === 120) taken.resolve();
        },
        { noAck: true },
      );
    for (let n = 0; n < 120; n += 1)
      channel.publish('order.hash', '', Buffer.from('{}'), { headers: { key: `k${n}` }, messageId: `k${n}` });
    await taken.promise;
    return JSON.stringify([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** In the partitions that the damage leaves. */
async function depthsOf(channel: Channel): Promise<number> {
  const all = await Promise.all(['order.000', 'order.002'].map((queue) => channel.checkQueue(queue)));
  return all.reduce((sum, { messageCount }) => sum + messageCount, 0);
}

function listening(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const say = (text: string, fields: object = {}): void => void said.push(`${text} ${JSON.stringify(fields)}`);
  return { said, log: { ...silentLog, warn: say, error: say } };
}

test('a last partition that was lost, with or without its queue, is bound again where it was', async (t) => {
  const vhost = await fresh(t);
  const before = await homes(vhost);
  const wiring = async () => wiringOf(table, 'order', await readBindings(vhost.api, vhost.vhost));
  t.like(await wiring(), { lost: [], missing: [], strays: [], direct: true, delayed: true });
  for (const [lost, lose] of [
    [[], (channel: Channel) => channel.unbindQueue('order.002', 'order.hash', '1')],
    [['order.002'], (channel: Channel) => channel.deleteQueue('order.002')],
  ] as const) {
    await asAdministrator(vhost, async (channel) => void (await lose(channel)));
    t.deepEqual((await wiring()).lost, lost);
    const { log, said } = listening();
    await vhost.provision({ log });
    t.regex(said.join(), /bound again where they were.*order\.hash -> order\.002 is missing/);
    t.is(await homes(vhost), before);
  }
});

test('a damaged ring is made anew when nothing waits, and left alone with what to do when something does', async (t) => {
  const vhost = await fresh(t);
  const before = await homes(vhost);
  for (const damage of [
    (channel: Channel) => channel.unbindQueue('order.000', 'order.hash', '1'),
    (channel: Channel) => channel.bindQueue('order.001', 'order.hash', '2'),
    (channel: Channel) => channel.deleteQueue('order.001'),
  ]) {
    await asAdministrator(vhost, async (channel) => {
      await damage(channel);
      for (let n = 0; n < 20; n += 1)
        channel.publish('order.hash', '', Buffer.from('{}'), { headers: { key: `k${n}` } });
      await untilTrue(async () => (await depthsOf(channel)) > 0);
    });
    const first = listening();
    await vhost.provision({ log: first.log });
    t.regex(first.said.join(), /stays until nothing waits/);
    await asAdministrator(vhost, async (channel) => {
      for (const queue of partitionQueues(table, 'order')) await channel.purgeQueue(queue);
    });
    // The management API tells of an empty queue some seconds later.
    const then = listening();
    await untilTrue(async () => {
      await vhost.provision({ log: then.log });
      return then.said.some((text) => text.includes('made anew'));
    });
    t.is(await homes(vhost), before);
    const last = listening();
    await vhost.provision({ log: last.log });
    t.deepEqual(last.said, []);
  }
});

test('a way past a gate is removed, the gates themselves are left to the breaker', async (t) => {
  const vhost = await fresh(t);
  const complete = await everything(vhost);
  await asAdministrator(vhost, async (channel) => {
    await channel.bindExchange('wallet.hash', 'order.in', '');
    await channel.bindExchange('order.hash', 'events', 'nobody.asked');
    await channel.assertQueue('tap', { durable: true });
    await channel.bindQueue('tap', 'order.in', '', { any: 'thing' });
    await channel.unbindExchange(bindGate.destination, bindGate.source, '');
  });
  const { log, said } = listening();
  await vhost.provision({ log });
  t.is(said.length, 3);
  t.is(await gateBindings(vhost), 0);
  await asAdministrator(vhost, async (channel) => {
    await channel.deleteQueue('tap');
    await channel.bindExchange(bindGate.destination, bindGate.source, '');
  });
  t.is(await everything(vhost), complete);
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

test('10,000 order ids spread evenly over the partitions, and news reach the route that hears them', async (t) => {
  const eight = { ...table, partitions: 8 };
  const vhost = await fresh(t, eight);
  const [order, wallet] = await Promise.all([vhost.connect('order'), vhost.connect('wallet')]);
  const counts = new Map<string, number>();
  for (const queue of partitionQueues(eight, 'order')) {
    const consumer = await order.consume(queue, {
      prefetch: 500,
      onChannelLost() {},
      onDelivery(delivery) {
        counts.set(queue, (counts.get(queue) ?? 0) + 1);
        consumer.ack([delivery]);
      },
    });
  }
  const total = (): number => [...counts.values()].reduce((sum, count) => sum + count, 0);
  await Promise.all(
    Array.from({ length: 10_000 }, (_, index) =>
      wallet.publish('order.hash', packet(`m${index}`, { key: systemClock.id() })),
    ),
  );
  await untilTrue(() => total() === 10_000, 30_000);
  t.is(counts.size, 8);
  t.true(Math.max(...counts.values()) / 1250 <= 1.15, JSON.stringify([...counts]));
  await wallet.publish('events', packet('news', { key: 'k' }), 'wallet.held');
  await untilTrue(() => total() === 10_001);
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
  t.deepEqual(warned, ['the broker broke off; it is asked again']);
  const queues = await vhost.api.get<readonly unknown[]>(`/queues/${vhost.vhost}?columns=name`);
  t.true((queues?.length ?? 0) > 2 * many.partitions);
});
