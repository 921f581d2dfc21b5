import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { Management } from '#shared/bus/topology/management.ts';
import { patientManagement } from './management.ts';
import { provision, removeVhost } from '#shared/bus/topology/provision.ts';
import { type RouteTable, type Timing, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { type Log, silentLog } from '#shared/log.ts';
import { amqpUrl, managementUrl } from './broker-world.ts';
import { untilTrue } from './until.ts';

/** A vhost on the real broker, to be provisioned, removed at the end with its users. */
export interface Provisioned {
  readonly vhost: string;
  readonly api: Management;
  readonly passwords: Readonly<Record<string, string>>;
  provision(change?: {
    table?: RouteTable;
    timing?: Timing;
    passwords?: Record<string, string>;
    log?: Log;
  }): Promise<void>;
  urlOf(service: string): string;
  /** A connected bus with that service's rights. */
  connect(service: string): Promise<Bus>;
  remove(): Promise<void>;
}

export function provisionedVhost(table: RouteTable, timing: Timing): Provisioned {
  if (amqpUrl === undefined || managementUrl === undefined)
    throw new Error('SWITCHYARD_TEST_AMQP_URL and SWITCHYARD_TEST_MANAGEMENT_URL are not set');
  const vhost = `test-${systemClock.id()}`;
  const passwords = Object.fromEntries(
    Object.keys(table.services).map((service) => [service, `${service}-@:/password`]),
  );
  const options = { amqpUrl, managementUrl, vhost, passwords, log: silentLog };
  const buses: Bus[] = [];
  const urlOf = (service: string): string => {
    const url = new URL(options.amqpUrl);
    url.username = `${vhost}.${service}`;
    url.password = encodeURIComponent(passwords[service] ?? '');
    url.pathname = `/${vhost}`;
    return url.toString();
  };
  return {
    vhost,
    api: patientManagement(managementUrl),
    passwords,
    provision: ({ table: other, timing: times, ...changed } = {}) =>
      provision({ ...options, ...changed, topology: topologyOf(other ?? table, times ?? timing, vhost) }),
    urlOf,
    async connect(service) {
      const bus = connectAmqp({ url: urlOf(service), name: service, clock: systemClock, log: silentLog });
      buses.push(bus);
      await untilTrue(() => bus.connected);
      return bus;
    },
    async remove() {
      await Promise.all(buses.map((bus) => bus.close()));
      await removeVhost(options);
    },
  };
}
