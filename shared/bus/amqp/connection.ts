import { connect as connectManaged } from 'amqp-connection-manager';
import { connect as connectOnce, type ChannelModel } from 'amqplib';
import type { Outage } from './outage.ts';
import { gatherWrites } from './socket.ts';
import { brokerUrls, rotated } from './broker-urls.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface ConnectionOptions {
  /** `amqp://user:password@host:port/vhost`; of a cluster, several separated by commas: tried one after the other. */
  readonly url: string;
  /** What the broker's management shows. */
  readonly name: string;
  readonly heartbeatS: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly outage: Pick<Outage, 'away' | 'up'>;
}

/** A connection that is made again whenever it is lost. */
export interface KeptConnection {
  current(): ChannelModel | undefined;
  /** Why the broker reads nothing from it now: an alarm about memory or disk. */
  blocked(): string | undefined;
  /** Called for every new connection. */
  onUp(run: () => void): void;
  close(): Promise<void>;
}

const RECONNECT = { baseMs: 200, capMs: 5000 };
const CONNECT_TIMEOUT_MS = 5000;

const socketOptions = (name: string) => ({
  noDelay: true,
  keepAlive: true,
  timeout: CONNECT_TIMEOUT_MS,
  clientProperties: { connection_name: name },
});

export function keepConnected({ url, name, heartbeatS, clock, log, outage }: ConnectionOptions): KeptConnection {
  const ups: (() => void)[] = [];
  let failures = 0;
  let current: ChannelModel | undefined;
  let blocked: string | undefined;
  const manager = connectManaged([...rotated(brokerUrls(url), clock.random)], {
    heartbeatIntervalInSeconds: heartbeatS,
    connectionOptions: socketOptions(name),
  });

  /** The manager reads its wait right after it has emitted the event. */
  function waitLonger(): void {
    failures += 1;
    manager.reconnectTimeInSeconds = backoffMs(RECONNECT, failures, clock.random) / 1000;
  }

  manager.on('connect', () => {
    failures = 0;
    blocked = undefined;
    current = manager.connection;
    if (current !== undefined) gatherWrites(current);
    outage.up(name);
    for (const run of ups) run();
  });
  manager.on('disconnect', ({ err }) => {
    current = undefined;
    waitLonger();
    outage.away(name, err ?? 'closed');
  });
  manager.on('connectFailed', ({ err }) => {
    waitLonger();
    outage.away(name, err);
  });
  manager.on('blocked', ({ reason }) => {
    blocked = reason;
    log.error('the broker blocks publishing', { connection: name, reason });
  });
  manager.on('unblocked', () => {
    blocked = undefined;
    log.info('the broker accepts publishing again', { connection: name });
  });

  return {
    current: () => current,
    blocked: () => blocked,
    onUp(run) {
      ups.push(run);
    },
    async close() {
      current = undefined;
      await manager
        .close()
        .catch((error: unknown) => log.debug('closing a connection that was gone', { reason: reasonOf(error) }));
    },
  };
}

/** One connection that is never made again, to the first node that takes it. */
export async function connectOnceTo({
  url,
  name,
  heartbeatS,
}: Pick<ConnectionOptions, 'url' | 'name' | 'heartbeatS'>): Promise<ChannelModel> {
  const model = await firstOf(brokerUrls(url), (node) => {
    const target = new URL(node);
    target.searchParams.set('heartbeat', String(heartbeatS));
    return connectOnce(target.toString(), socketOptions(name));
  });
  model.on('error', () => {});
  gatherWrites(model);
  return model;
}

/** Tries them in order; rejects with the reason of the last. */
async function firstOf<Answer>(urls: readonly string[], connect: (url: string) => Promise<Answer>): Promise<Answer> {
  let reason: unknown;
  for (const url of urls) {
    try {
      return await connect(url);
    } catch (error) {
      reason = error;
    }
  }
  throw reason;
}
