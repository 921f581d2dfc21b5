import test from 'ava';
import { connectAmqp } from '#shared/bus/amqp.ts';
import { connectManagement } from '#shared/bus/management.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { pair } from './conformance-publishing.ts';
import { amqpUrl, collect, managementUrl, packet, until } from '#test/support/broker-world.ts';
import { startTcpProxy } from '#test/support/tcp-proxy.ts';

test('a consumer that is being closed while its connection dies is closed, and the next one consumes', async (t) => {
  const api = connectManagement(managementUrl ?? '');
  const vhost = `test-${systemClock.id()}`;
  await api.put(`/vhosts/${vhost}`, {});
  const broker = new URL(amqpUrl ?? '');
  const proxy = await startTcpProxy(broker.hostname, Number(broker.port));
  broker.host = `127.0.0.1:${proxy.port}`;
  broker.pathname = `/${vhost}`;
  const bus = connectAmqp({ url: broker.toString(), name: 'a', clock: systemClock, log: silentLog });
  t.teardown(async () => {
    await bus.close();
    await proxy.close();
    await api.remove(`/vhosts/${vhost}`);
  });
  await until(() => bus.connected);
  const session = await bus.session();
  await pair(session, 'q');
  const { consumer } = await collect(bus, 'q');
  proxy.freeze();
  const closing = consumer.close().then(() => 'closed');
  await systemClock.sleep(50);
  proxy.cut();
  t.is(await Promise.race([closing, systemClock.sleep(3000).then(() => 'still closing')]), 'closed');
  const { ids } = await collect(bus, 'q');
  await until(() => bus.connected);
  await bus.publish('q', packet('after'));
  await until(() => ids().includes('after'));
});
