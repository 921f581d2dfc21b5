import { type Ground, type OpenGround, table } from './world.ts';
import { managementOf } from '#services/circuit-breaker/ttl-check.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { gate, topologyOf } from '#shared/bus/topology/topology.ts';
import { readBindings } from '#shared/bus/topology/wiring.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { amqpUrl, managementUrl } from '#test/support/broker-world.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';
import { startTcpProxy } from '#test/support/tcp-proxy.ts';
import { untilTrue } from '#test/support/until.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

export const memoryGround: OpenGround = ({ ttlMs, delayMs }) => {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(table, { ttlMs, delayMs }, 'v'));
  const buses: Bus[] = [];
  let breakers = 0;
  const connect = (name: string): Bus => {
    const bus = broker.connect(name);
    buses.push(bus);
    return bus;
  };
  return Promise.resolve({
    clock,
    connect: (service) => Promise.resolve(connect(service)),
    connectBreaker() {
      const name = `breaker-${(breakers += 1)}`;
      const bus = connect(name);
      const die = (): void => broker.dropConnection(name, { stayDown: true, inFlight: 'is-lost' });
      return Promise.resolve({ bus, cut: () => broker.dropConnection(name), die, close: () => Promise.resolve() });
    },
    administrator: () => connect('administrator').session(),
    urlOf: () => '',
    bindings(route) {
      const all = broker.bindings();
      const { direct, delayed } = gate(route);
      const has = (one: typeof direct): boolean =>
        all.some(({ source, destination }) => source === one.source && destination === one.destination);
      return Promise.resolve({ direct: has(direct), delayed: has(delayed) });
    },
    readBindings: () => Promise.resolve(broker.bindings()),
    during: (promise) => clock.during(promise),
    async until(condition, limitMs = 20_000) {
      const deadline = clock.now() + limitMs;
      while (!(await clock.during(Promise.resolve(condition())))) {
        if (clock.now() > deadline) throw new Error(`not within ${limitMs} virtual ms: ${String(condition)}`);
        await clock.advance(10);
      }
    },
    async close() {
      await clock.during(Promise.all(buses.map((bus) => bus.close())));
      broker.close();
    },
  });
};

export const rabbitGround: OpenGround = async ({ ttlMs, delayMs }) => {
  const vhost = provisionedVhost(table, { ttlMs, delayMs });
  await vhost.provision();
  const closing: (() => Promise<void>)[] = [];
  const management = managementOf(vhost.urlOf('circuit-breaker'), hostOf(managementUrl ?? ''))!;
  const adminUrl = new URL(amqpUrl ?? '');
  adminUrl.pathname = `/${vhost.vhost}`;
  const clock = systemClock;
  const bound = async (source: string, destination: string): Promise<boolean> => {
    const list = await vhost.api.get<readonly { readonly destination: string }[]>(
      `/exchanges/${vhost.vhost}/${source}/bindings/source`,
    );
    return (list ?? []).some((one) => one.destination === destination);
  };
  /** Waits longer than the virtual one: the machine may be busy. */
  const until: Ground['until'] = (condition, virtualLimitMs = 20_000) => untilTrue(condition, 3 * virtualLimitMs);
  return {
    clock,
    connect: (service) => vhost.connect(service),
    urlOf: vhost.urlOf,
    async connectBreaker() {
      const own = new URL(vhost.urlOf('circuit-breaker'));
      const proxy = await startTcpProxy(own.hostname, Number(own.port || 5672));
      own.host = `127.0.0.1:${proxy.port}`;
      const bus = connectAmqp({ url: own.href, name: 'breaker', clock, log: silentLog });
      await until(() => bus.connected);
      const close = async (): Promise<void> => {
        await bus.close();
        await proxy.close();
      };
      return { bus, cut: () => proxy.cut(), die: () => proxy.cut({ stayDown: true }), close };
    },
    async administrator() {
      const bus = connectAmqp({ url: adminUrl.href, name: 'administrator', clock, log: silentLog });
      closing.push(() => bus.close());
      await until(() => bus.connected);
      return bus.session();
    },
    async bindings(route) {
      const { direct, delayed } = gate(route);
      const [one, two] = await Promise.all([
        bound(direct.source, direct.destination),
        bound(delayed.source, delayed.destination),
      ]);
      return { direct: one, delayed: two };
    },
    readBindings: () => readBindings(management.api, management.vhost),
    during: (promise) => promise,
    until,
    async close() {
      for (const close of closing) await close();
      await vhost.remove();
    },
  };
};

/** Without the administrator in it. */
function hostOf(url: string): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare.href;
}
