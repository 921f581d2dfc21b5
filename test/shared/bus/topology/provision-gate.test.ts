import test from 'ava';
import { gate } from '#shared/bus/topology/topology.ts';
import { packet } from '#test/support/broker-world.ts';
import type { Provisioned } from '#test/support/provisioned.ts';
import { fresh, everything, asAdministrator, listening } from './provision-world.ts';

const bindGate = gate('order').direct;

async function gateBindings({ api, vhost }: Provisioned): Promise<number> {
  const bindings = await api.get<readonly unknown[]>(`/exchanges/${vhost}/${bindGate.source}/bindings/source`);
  return bindings?.length ?? 0;
}

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
