import test, { type ExecutionContext } from 'ava';
import { gate, type RouteTable } from '#shared/bus/topology/topology.ts';
import { BrokerRefusal } from '#shared/bus/broker-refusal.ts';
import { systemClock } from '#shared/clock.ts';
import { smallTable, smallTiming } from './small-table.ts';
import { collect, packet } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';
import { type Provisioned, provisionedVhost } from '#test/support/provisioned.ts';

const table: RouteTable = {
  ...smallTable,
  services: {
    ...smallTable.services,
    'dead-letters': { answersAbout: 'dead-letters', everyRoute: { write: ['in', 'hash'], read: ['dead'] } },
  },
};

async function fresh(t: ExecutionContext): Promise<Provisioned> {
  const vhost = provisionedVhost(table, smallTiming);
  t.teardown(() => vhost.remove());
  await vhost.provision();
  return vhost;
}

test('no service can do more than it needs', async (t) => {
  const vhost = await fresh(t);
  const sleeping = systemClock.id();
  for (const service of ['order', 'wallet', 'gateway', 'circuit-breaker', 'dead-letters']) {
    const bus = await vhost.connect(service);
    const session = await bus.session();
    const isBreaker = service === 'circuit-breaker';
    const forbidden = async (what: string, attempt: Promise<unknown>): Promise<void> => {
      const error = await t.throwsAsync(attempt, undefined, `${service}: ${what}`);
      if (error instanceof BrokerRefusal) t.is(error.code, 'forbidden', `${service}: ${what}`);
      else t.regex(String(error?.message), /nacked|refused/, `${service}: ${what}`);
    };
    const binding = (source: string, destination: string, to: 'queue' | 'exchange' = 'queue') => ({
      source,
      destination,
      to,
      routingKey: '',
    });
    await forbidden('declare a queue', session.declareQueue({ name: sleeping, type: 'quorum', arguments: {} }));
    await forbidden('declare an exchange', session.declareExchange({ name: sleeping, type: 'fanout', arguments: {} }));
    await forbidden(
      'redeclare a partition',
      session.declareQueue({ name: 'wallet.000', type: 'quorum', arguments: { 'x-max-length': 1 } }),
    );
    await forbidden('bind a partition again', session.bind(binding('order.hash', 'order.000')));
    await forbidden('publish to the default exchange', bus.publish('', packet('m'), 'order.000'));
    await untilTrue(() => bus.connected);
    if (!isBreaker) {
      await forbidden('open the gate', session.unbind(gate('order').direct));
      await forbidden('close the gate', session.bind(gate('order').direct));
      await forbidden('bind the delay', session.bind(gate('order').delayed));
      for (const exchange of [
        'wallet.state',
        'wallet.expired',
        'wallet.parked',
        'breaker.snapshot',
        ...(service === 'wallet' ? [] : ['wallet.dead']),
      ]) {
        await forbidden(`publish to ${exchange}`, bus.publish(exchange, packet('m')));
        await untilTrue(() => bus.connected);
      }
      await forbidden(
        'lead',
        session.declareQueue({ name: 'breaker.leader', type: 'classic', exclusive: true, arguments: {} }),
      );
    }
    for (const queue of ['order.000', 'wallet.000', 'order.state', 'order.expired', 'order.dead', 'order.parked']) {
      const own =
        queue === `${service}.000` ||
        (isBreaker && /state|expired|parked/.test(queue)) ||
        (service === 'dead-letters' && queue === 'order.dead');
      if (own) await (await collect(bus, queue)).consumer.close();
      else await forbidden(`consume ${queue}`, collect(bus, queue));
    }
    const asked = [
      'faults.order',
      'faults.wallet',
      'faults.gateway',
      'faults.circuit-breaker',
      'faults-applied',
      'breaker.request',
      'breaker.reply',
      'dead-letters.request',
      'dead-letters.reply',
    ];
    const requests: Readonly<Record<string, string>> = {
      'circuit-breaker': 'breaker.request',
      'dead-letters': 'dead-letters.request',
    };
    for (const key of asked) {
      const allowed =
        service === 'gateway'
          ? ['faults-applied', 'breaker.reply', 'dead-letters.reply'].includes(key)
          : key === `faults.${service}` || key === requests[service];
      if (allowed) await (await bus.subscribe('control', [key], () => {})).close();
      else
        await forbidden(
          `hear ${key}`,
          bus.subscribe('control', [key], () => {}),
        );
    }
    for (const key of ['order', 'wallet', '#', '*']) {
      const isOwn = key === service;
      if (isOwn || service === 'gateway') await (await bus.subscribe('workers', [key], () => {})).close();
      else
        await forbidden(
          `hear the workers ${key}`,
          bus.subscribe('workers', [key], () => {}),
        );
      if (!isOwn) await forbidden(`speak as a worker of ${key}`, bus.publish('workers', packet('m'), key));
      await untilTrue(() => bus.connected);
    }
  }
});

test('every service can do what it is for', async (t) => {
  const vhost = await fresh(t);
  const [order, wallet, gateway, breaker, letters] = await Promise.all(
    ['order', 'wallet', 'gateway', 'circuit-breaker', 'dead-letters'].map((service) => vhost.connect(service)),
  );
  if (!order || !wallet || !gateway || !breaker || !letters) throw new Error('not connected');
  const m = packet('m', { key: 'k' });
  for (const exchange of ['order.in', 'order.hash']) await gateway.publish(exchange, m);
  for (const exchange of ['wallet.in', 'wallet.hash', 'order.hash', 'order.dead']) await order.publish(exchange, m);
  for (const exchange of ['order.hash', 'wallet.hash', 'wallet.dead']) await wallet.publish(exchange, m);
  for (const exchange of ['order.hash', 'order.parked', 'order.dead']) await breaker.publish(exchange, m);
  for (const exchange of ['order.in', 'order.hash', 'wallet.in', 'wallet.hash']) await letters.publish(exchange, m);
  await wallet.publish('events', m, 'wallet.held');
  const foreign = await t.throwsAsync(wallet.publish('events', m, 'order.placed'));
  t.regex(foreign?.message ?? '', /nacked/);
  const heard: string[] = [];
  await order.subscribe('control', ['faults.order'], (_, key) => heard.push(key));
  await gateway.subscribe('control', ['faults-applied'], (_, key) => heard.push(key));
  await gateway.subscribe('breaker.snapshot', [''], () => heard.push('snapshot'));
  await gateway.publish('control', m, 'faults.order');
  await order.publish('control', m, 'faults-applied');
  await breaker.publish('breaker.snapshot', m);
  await untilTrue(() => heard.length === 3);
  const spoken: string[] = [];
  await letters.subscribe('control', ['dead-letters.request'], (_, key) => spoken.push(key));
  await gateway.subscribe('control', ['dead-letters.reply'], (_, key) => spoken.push(key));
  await gateway.publish('control', m, 'dead-letters.request');
  await letters.publish('control', m, 'dead-letters.reply');
  await untilTrue(() => spoken.length === 2);
  await untilTrue(() => wallet.connected);
  await t.throwsAsync(wallet.publish('control', m, 'dead-letters.request'), { message: /nacked/ });
  await untilTrue(() => wallet.connected);
  const workers: string[] = [];
  await order.subscribe('workers', ['order'], (_, key) => workers.push(`order hears ${key}`));
  await gateway.subscribe('workers', ['#'], (_, key) => workers.push(`gateway hears ${key}`));
  await untilTrue(() => wallet.connected);
  await order.publish('workers', m, 'order');
  await wallet.publish('workers', m, 'wallet');
  await untilTrue(() => workers.length === 3);
  t.deepEqual(workers.toSorted(), ['gateway hears order', 'gateway hears wallet', 'order hears order']);
  const session = await breaker.session();
  await session.declareQueue({ name: 'breaker.leader', type: 'classic', exclusive: true, arguments: {} });
  await session.unbind(gate('order').direct);
  await session.unbind(gate('order').delayed);
  const refused = await t.throwsAsync(gateway.publish('order.in', m));
  t.regex(refused?.message ?? '', /returned/);
  await session.bind(gate('order').delayed);
  await session.bind(gate('order').direct);
  await gateway.publish('order.in', m);
});
