import { connectAmqp, type AmqpOptions } from '#shared/bus/amqp/amqp-bus.ts';
import type { Bus, Consumer, Delivery, HeaderTable, Packet, Session } from '#shared/bus/bus.ts';
import { patientManagement } from './management.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { untilTrue } from './until.ts';

/** A broker, real or not, as the conformance suite needs it. Closing it leaves nothing behind. */
export interface BrokerWorld {
  /** A connected bus, closed with the world. */
  connect(name: string): Promise<Bus>;
  /** Breaks the connections of that bus, which come back by themselves, unless they are to stay down until `restore`. */
  cut(name: string, options?: { readonly stayDown?: boolean }): void;
  restore(name: string): void;
  /** An administrator's, closed with the world. */
  session(): Promise<Session>;
  close(): Promise<void>;
}

export const amqpUrl = process.env['SWITCHYARD_TEST_AMQP_URL'];
export const managementUrl = process.env['SWITCHYARD_TEST_MANAGEMENT_URL'];

export function memoryWorld(): Promise<BrokerWorld> {
  const broker = createMemoryBroker({ clock: systemClock });
  const buses: Bus[] = [];
  const connect = (name: string): Bus => {
    const bus = broker.connect(name);
    buses.push(bus);
    return bus;
  };
  return Promise.resolve({
    connect: (name) => Promise.resolve(connect(name)),
    cut: (name, options) => broker.dropConnection(name, options),
    restore: (name) => broker.restore(name),
    session: () => connect('administrator').session(),
    async close() {
      await Promise.all(buses.map((bus) => bus.close()));
      broker.close();
    },
  });
}

/** A bus in a vhost of its own, connected through a relay that the test may freeze. */
export async function relayedBus(
  options: Pick<AmqpOptions, 'heartbeatS' | 'limits'> = {},
): Promise<{ readonly bus: Bus; readonly relay: TcpProxy; close(): Promise<void> }> {
  const api = patientManagement(managementUrl ?? '');
  const vhost = `test-${systemClock.id()}`;
  await api.put(`/vhosts/${vhost}`, {});
  const broker = new URL(amqpUrl ?? '');
  const relay = await startTcpProxy(broker.hostname, Number(broker.port));
  broker.host = `127.0.0.1:${relay.port}`;
  broker.pathname = `/${vhost}`;
  const bus = connectAmqp({ url: broker.toString(), name: 'a', clock: systemClock, log: silentLog, ...options });
  return {
    bus,
    relay,
    async close() {
      await bus.close();
      await relay.close();
      await api.remove(`/vhosts/${vhost}`);
    },
  };
}

/** A vhost of its own on the broker of `SWITCHYARD_TEST_AMQP_URL`. */
export async function rabbitWorld(): Promise<BrokerWorld> {
  if (amqpUrl === undefined || managementUrl === undefined)
    throw new Error('SWITCHYARD_TEST_AMQP_URL and SWITCHYARD_TEST_MANAGEMENT_URL are not set');
  const api = patientManagement(managementUrl);
  const vhost = `test-${systemClock.id()}`;
  await api.put(`/vhosts/${vhost}`, {});
  await api.put(`/permissions/${vhost}/${encodeURIComponent(api.user)}`, { configure: '.*', write: '.*', read: '.*' });
  const closing: (() => Promise<void>)[] = [() => api.remove(`/vhosts/${vhost}`)];
  const proxies = new Map<string, Awaited<ReturnType<typeof startTcpProxy>>>();
  const broker = new URL(amqpUrl);
  broker.pathname = `/${vhost}`;

  async function connect(name: string): Promise<Bus> {
    const proxy = await startTcpProxy(broker.hostname, Number(broker.port || 5672));
    proxies.set(name, proxy);
    const url = new URL(broker);
    url.host = `127.0.0.1:${proxy.port}`;
    const bus = connectAmqp({ url: url.toString(), name, clock: systemClock, log: silentLog });
    closing.push(async () => {
      await bus.close();
      await proxy.close();
    });
    await untilTrue(() => bus.connected);
    return bus;
  }

  return {
    connect,
    cut: (name, options) => proxies.get(name)?.cut(options),
    restore: (name) => proxies.get(name)?.restore(),
    session: async () => (await connect('administrator')).session(),
    async close() {
      for (const close of closing.toReversed()) await close();
    },
  };
}

let packets = 0;

export function packet(id: string, headers: HeaderTable = {}, body = '{}'): Packet {
  packets += 1;
  return {
    content: Buffer.from(body),
    contentType: 'application/json',
    type: 'test.packet',
    messageId: id,
    correlationId: `c${packets}`,
    headers,
  };
}

export const idOf = ({ packet: { messageId } }: Delivery): string => messageId ?? '?';

/** A consumer that keeps what it gets and acknowledges nothing by itself. */
export async function collect(
  bus: Bus,
  queue: string,
  prefetch = 1000,
): Promise<{ readonly got: Delivery[]; readonly lost: number[]; readonly consumer: Consumer; ids(): string[] }> {
  const got: Delivery[] = [];
  const lost: number[] = [];
  const consumer = await bus.consume(queue, {
    prefetch,
    onDelivery: (delivery) => got.push(delivery),
    onChannelLost: (channel) => lost.push(channel),
  });
  return { got, lost, consumer, ids: () => got.map(idOf) };
}
