import type { Channel, ChannelModel } from 'amqplib';
import type { KeptConnection } from './connection.ts';
import { BrokerRefusal } from '#shared/bus/broker-refusal.ts';
import { refusalOf } from './channel-error.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

let channels = 0;
/** A number that no other channel of this process had or gets. */
export const nextChannelId = (): number => (channels += 1);

/** A channel that is opened and set up again, with backoff, whenever it is lost. Always a fresh one: nothing of the old survives. */
export interface KeptChannel<Kind extends Channel> {
  /** Opened and set up. */
  readonly current: { readonly channel: Kind; readonly id: number } | undefined;
  /** The first set-up. Rejects with `BrokerRefusal` when the broker says `missing` or `forbidden`: waiting would not help. */
  readonly first: Promise<void>;
  close(): Promise<void>;
}

export interface KeptChannelOptions<Kind extends Channel> {
  readonly connection: KeptConnection;
  readonly open: (model: ChannelModel) => Promise<Kind>;
  readonly setUp: (channel: Kind, id: number) => Promise<void>;
  /** A channel that was opened is gone; not called for `close`. */
  readonly onLost: (id: number, error: Error | undefined) => void;
  /** `close` was called: the last moment at which the channel can be used. */
  readonly onClose?: () => void;
  readonly what: string;
  readonly clock: Clock;
  readonly log: Log;
}

const REOPEN = { baseMs: 100, capMs: 5000 };

export function keepChannel<Kind extends Channel>(options: KeptChannelOptions<Kind>): KeptChannel<Kind> {
  const { connection, open, setUp, onLost, onClose, what, clock, log } = options;
  const first = Promise.withResolvers<void>();
  let current: { readonly channel: Kind; readonly id: number } | undefined;
  let raw: Kind | undefined;
  let opening = false;
  let closed = false;
  let failures = 0;
  let cancelRetry = (): void => {};

  function retry(): void {
    if (closed) return;
    failures += 1;
    cancelRetry();
    cancelRetry = clock.after(backoffMs(REOPEN, failures, clock.random), start);
  }

  function start(): void {
    cancelRetry();
    const model = connection.current();
    if (closed || opening || raw !== undefined || model === undefined) return;
    opening = true;
    attempt(model).then(
      () => {
        opening = false;
        failures = 0;
        first.resolve();
      },
      (error: unknown) => {
        opening = false;
        const refusal = refusalOf(error);
        if (refusal.code === 'missing' || refusal.code === 'forbidden') first.reject(refusal);
        if (!closed) log.warn(`cannot open the channel for ${what}`, { reason: reasonOf(error) });
        raw?.close().catch(() => {});
        raw = undefined;
        retry();
      },
    );
  }

  function tell(problem: Error): void {
    const isLate = /delivery acknowledgement.*timed out/.test(problem.message);
    log.warn(`the broker closed the channel for ${what}`, {
      reason: problem.message,
      ...(isLate ? { advice: "raise the broker's consumer_timeout: see rabbitmq/rabbitmq.conf" } : {}),
    });
  }

  async function attempt(model: ChannelModel): Promise<void> {
    const channel = await open(model);
    const id = nextChannelId();
    let problem: Error | undefined;
    raw = channel;
    channel.on('error', (error) => {
      problem = error;
    });
    channel.on('close', () => {
      const wasCurrent = current?.id === id;
      if (raw === channel) raw = undefined;
      if (wasCurrent) current = undefined;
      if (closed) return;
      if (problem !== undefined) tell(problem);
      onLost(id, problem);
      if (wasCurrent) retry();
    });
    if (closed) {
      await closeChannel(channel);
      return;
    }
    await setUp(channel, id).catch((error: unknown) => {
      throw problem ?? error;
    });
    if (raw !== channel) throw problem ?? new Error('the channel was lost while it was set up');
    current = { channel, id };
  }

  connection.onUp(start);
  start();
  first.promise.catch(() => {});

  return {
    get current() {
      return current;
    },
    first: first.promise,
    async close() {
      if (closed) return;
      closed = true;
      onClose?.();
      cancelRetry();
      current = undefined;
      first.reject(new BrokerRefusal('failed', `closed before ${what} was ready`));
      if (raw !== undefined) await closeChannel(raw);
    },
  };
}

/** Resolves when it is closed, also by the end of its connection: the answer that amqplib waits for never comes then. */
async function closeChannel(channel: Channel): Promise<void> {
  const gone = new Promise<void>((resolve) => channel.once('close', () => resolve()));
  await Promise.race([gone, channel.close()]).catch(() => {});
}
