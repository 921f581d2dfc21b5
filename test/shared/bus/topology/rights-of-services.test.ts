/** Every service's broker user against exchanges and queues of the real route table, and the management API. */
import amqp, { type Channel, type ChannelModel, type ConfirmChannel } from 'amqplib';
import test from 'ava';
import { expected, expectedOf, names, services, timing, topicOf, tried } from './rights-expected.ts';
import { smallTable } from './small-table.ts';
import { routeTable } from '#services/services.ts';
import { publishRightOf } from '#shared/bus/topology/rights.ts';
import { managementUrl } from '#test/support/broker-world.ts';
import { type Provisioned, provisionedVhost } from '#test/support/provisioned.ts';

const externals = Object.entries(routeTable.services).flatMap(([name, { external, commands = [] }]) =>
  external ? [[name, commands] as const] : [],
);

test('a publisher of others may write to the inboxes that it names, behind their gates', (t) => {
  t.true(externals.length > 0);
  for (const [name, commands] of externals) t.is(String(expected[name]?.writes), `/^(${commands.join('|')})\\.in$/`);
});

let vhost: Provisioned;
let other: Provisioned;
test.before(async () => {
  vhost = provisionedVhost(routeTable, timing);
  other = provisionedVhost(smallTable, timing);
  await Promise.all([vhost.provision(), other.provision()]);
});
test.after.always(async () => {
  await Promise.all([vhost?.remove(), other?.remove()]);
});

/** On a channel of its own: `true`, or the broker's refusal. Throws for any other answer than 403. */
async function may(connection: ChannelModel, attempt: (channel: ConfirmChannel) => Promise<unknown>): Promise<boolean> {
  const channel = await connection.createConfirmChannel();
  const refused = Promise.withResolvers<Error>();
  channel.on('error', refused.resolve);
  const done = attempt(channel).then(
    () => undefined,
    (error: Error) => error,
  );
  const error = await Promise.race([done, refused.promise]);
  if (error === undefined) {
    await close(channel);
    return true;
  }
  const said = (await Promise.race([refused.promise, done])) ?? error;
  if (!/403|ACCESS[_-]REFUSED/.test(said.message)) throw said;
  return false;
}

async function close(channel: Channel): Promise<void> {
  await channel.close();
}

function publish(exchange: string, routingKey: string): (channel: ConfirmChannel) => Promise<unknown> {
  return (channel) => {
    channel.publish(exchange, routingKey, Buffer.from('{}'), { headers: { key: 'k' } });
    return channel.waitForConfirms();
  };
}

for (const service of services) {
  test(`${service} may publish, read, bind, declare and delete nothing else than it needs`, async (t) => {
    const connection = await amqp.connect(vhost.urlOf(service));
    t.teardown(() => connection.close());
    connection.on('error', () => {});
    const { writes, reads } = expectedOf(service);
    const { exchanges, queues } = tried(service);

    const written: string[] = [];
    for (const name of [...exchanges, '', 'amq.direct', 'amq.topic'])
      if (await may(connection, publish(name, name === '' ? 'order.000' : topicOf(name, service)))) written.push(name);
    t.deepEqual(
      written,
      exchanges.filter((name) => writes.test(name)),
      'publishes to',
    );

    const mayPublish = publishRightOf(routeTable, service);
    t.deepEqual(
      [...names.exchanges, ''].filter((name) => mayPublish(name, topicOf(name, service))),
      names.exchanges.filter((name) => writes.test(name)),
      'and knows it before it publishes',
    );

    const read: string[] = [];
    for (const queue of queues)
      if (await may(connection, (channel) => channel.consume(queue, () => {}))) read.push(queue);
    t.deepEqual(
      read,
      queues.filter((name) => reads.test(name)),
      'reads',
    );

    for (const queue of queues) {
      t.false(await may(connection, (channel) => channel.deleteQueue(queue, { ifEmpty: true })), `deletes ${queue}`);
      t.false(await may(connection, (channel) => channel.bindQueue(queue, 'control', '#')), `binds ${queue}`);
    }
    for (const name of exchanges)
      t.false(await may(connection, (channel) => channel.deleteExchange(name)), `deletes ${name}`);
    for (const name of ['mine', 'order.000x', 'breaker.leader.2', 'xorder.hash', 'order.hashx']) {
      t.false(await may(connection, (channel) => channel.assertQueue(name)), `declares the queue ${name}`);
      t.false(await may(connection, (channel) => channel.assertExchange(name, 'fanout')), `declares ${name}`);
    }
  });
}

test('what the broker has of each user matches what it needs, and nothing else of any route', async (t) => {
  for (const service of services) {
    const { writes, reads } = expectedOf(service);
    const user = encodeURIComponent(`${vhost.vhost}.${service}`);
    const all = await vhost.api.get<readonly Rights[]>(`/users/${user}/permissions`);
    t.is(all?.length, 1, `${service}: in its own vhost alone`);
    const { configure, write, read } = all![0]!;
    const matching = (pattern: string, what: readonly string[]): readonly string[] =>
      what.filter((name) => new RegExp(pattern).test(name));
    t.deepEqual(matching(configure, [...names.exchanges, ...names.queues]), [], `${service} declares`);
    const onlyQueues = names.queues.filter((name) => !names.exchanges.includes(name));
    t.deepEqual(
      matching(write, onlyQueues),
      onlyQueues.filter((name) => writes.test(name)),
      `${service} binds`,
    );
    t.deepEqual(
      matching(write, names.exchanges),
      names.exchanges.filter((name) => writes.test(name)),
      `${service} writes`,
    );
    t.deepEqual(
      matching(read, names.queues),
      names.queues.filter((name) => reads.test(name)),
      `${service} reads`,
    );
  }
});

interface Rights {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

test('no user of a service gets into another vhost, and only the breaker reads the management API, and only that', async (t) => {
  const { origin } = new URL(managementUrl ?? '');
  for (const service of services) {
    for (const name of ['%2f', other.vhost]) {
      const url = new URL(vhost.urlOf(service));
      url.pathname = `/${name}`;
      await t.throwsAsync(amqp.connect(url.href), undefined, `${service} connects to ${name}`);
    }
    const user = `${vhost.vhost}.${service}:${vhost.passwords[service]}`;
    const headers = { authorization: `Basic ${btoa(user)}`, 'content-type': 'application/json' };
    const ask = async (method: string, path: string, body?: object): Promise<number> => {
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      const response = await fetch(`${origin}/api/${path}`, init);
      await response.body?.cancel();
      return response.status;
    };
    const here = encodeURIComponent(vhost.vhost);
    t.is(await ask('GET', `queues/${here}`), service === 'circuit-breaker' ? 200 : 401, `${service} lists queues`);
    const message = { properties: {}, routing_key: '', payload: '{}', payload_encoding: 'string' };
    const get = { count: 1, ackmode: 'ack_requeue_false', encoding: 'auto' };
    const attempts: readonly (readonly [string, string, object?])[] = [
      ['GET', 'users'],
      ['GET', 'definitions'],
      ['GET', `permissions/${here}/x`],
      ['GET', `queues/${encodeURIComponent(other.vhost)}`],
      ['PUT', `users/${service}-x`, { password: 'x', tags: 'administrator' }],
      ['PUT', `permissions/${here}/${vhost.vhost}.${service}`, { configure: '.*', write: '.*', read: '.*' }],
      ['PUT', `policies/${here}/x`, { pattern: '.*', definition: { 'max-length': 1 }, 'apply-to': 'queues' }],
      ['PUT', `queues/${here}/mine`, { durable: true }],
      ['POST', `exchanges/${here}/${service === 'order' ? 'wallet' : 'order'}.in/publish`, message],
      ['POST', `queues/${here}/order.000/get`, get],
      ['POST', `bindings/${here}/e/order.in/q/order.000`, { routing_key: '' }],
      ['DELETE', `queues/${here}/order.000`],
      ['DELETE', `queues/${here}/order.000/contents`],
      ['DELETE', `exchanges/${here}/order.in`],
      ['DELETE', `vhosts/${here}`],
    ];
    for (const [method, path, body] of attempts) {
      const status = await ask(method, path, body);
      t.true([400, 401, 403].includes(status), `${service}: ${method} ${path} is answered ${status}`);
    }
  }
});
