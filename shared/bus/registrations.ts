import type { Bus, Consumer, Delivery } from './bus.ts';
import type { Clock } from '#shared/clock.ts';

/** A delivery with the registration that may acknowledge it. */
export interface Receipt {
  readonly delivery: Delivery;
  readonly consumer: Consumer;
}

export interface Consumers {
  /** Registers on every queue that is held. */
  open(): Promise<void>;
  /** Closes every channel; what was not acknowledged goes back to the broker in place. The queues stay held. */
  close(): Promise<void>;
  /** Closes the queue's channel until `resume`; it stays held. */
  suspend(queue: string): Promise<void>;
  /** Registers again on a queue that is still held. */
  resume(queue: string): Promise<void>;
  /** Holds the queue; registers at once unless everything is closed at present. */
  take(queue: string): Promise<void>;
  /** Closes the queue's channel and holds it no longer. */
  leave(queue: string): Promise<void>;
  held(): readonly string[];
  /** The queue whose deliveries the channel brings. */
  queueOf(channel: number): string | undefined;
  /** The channel that brought the queue's deliveries, if any came. */
  channelOf(queue: string): number | undefined;
  /** Acknowledges at the end of the turn, together with what else is done by then. */
  ack(receipt: Receipt): void;
  flush(): void;
  /** Whether what came on this channel can still be acknowledged. */
  alive(channel: number): boolean;
  /** Some delivery is not acknowledged yet. */
  waiting(): boolean;
  /** How many deliveries of each queue were acknowledged so far. */
  acknowledged(): ReadonlyMap<string, number>;
  /** Registered on every queue that is held. */
  ready(): boolean;
  /**
   * How long a key's messages may still be in another partition than its newest, ms; none, or less, when they cannot: what was published
   * before this process was connected has been handled or has expired. Only a new connection can follow a change of the broker's hash
   * ring. Measured, not told by the machine's time: one that is set forward would let newer messages pass older ones.
   */
  settlesInMs(): number;
}

export interface ConsumersOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly queues: readonly string[];
  /** Unacknowledged deliveries per queue. */
  readonly prefetch: number;
  /** What was published so long ago has been handled or has expired. */
  readonly settledAfterMs: number;
  /** How the broker's management shows this worker's registrations: `<worker>/<queue>`. */
  readonly worker?: string | undefined;
  readonly onDelivery: (delivery: Delivery, consumer: Consumer) => void;
  readonly onChannelLost: (channel: number) => void;
  readonly onAck: (queue: string) => void;
  /** The first delivery came after there was none to acknowledge. */
  readonly onBusy: () => void;
  /** A new registration at the broker under an id of its own, or the end of one. */
  readonly onRegistration?: ((queue: string, id: string | undefined) => void) | undefined;
}

interface Registration {
  readonly queue: string;
  /** Absent until the broker has confirmed it for the first time. */
  consumer: Consumer | undefined;
  readonly confirmed: Promise<void>;
  /** Something came by it since it was last lost: its confirmation, or a delivery, which may be earlier. */
  isOn: boolean;
}

/** The registrations of a worker on many queues, one channel each, and what it acknowledges. */
export function createConsumers(options: ConsumersOptions): Consumers {
  const { bus, clock, prefetch, worker, onRegistration } = options;
  const held = new Set(options.queues);
  let isOpen = false;
  const registrations = new Map<string, Registration>();
  /** Living channels, and how many of their deliveries are not acknowledged. */
  const channels = new Map<number, { readonly of: Registration; unacked: number }>();
  let done = new Map<Consumer, Delivery[]>();
  const acknowledged = new Map<string, number>();
  /** Of all channels. */
  let unacked = 0;
  /** By `clock.elapsed`: the first registration, the loss of one, or that the bus made it again: its first delivery, or its confirmation. */
  let connectedAt = clock.elapsed();

  function lose(channel: number): void {
    unacked -= channels.get(channel)?.unacked ?? 0;
    channels.delete(channel);
    options.onChannelLost(channel);
  }

  /** Ignores a registration that is ending and already has a successor: it no longer speaks for the queue. */
  function tell(registration: Registration, id: string | undefined): void {
    const current = registrations.get(registration.queue);
    if (current === undefined ? id === undefined : current === registration) onRegistration?.(registration.queue, id);
  }

  /** On some queue at least. */
  function isRegistered(): boolean {
    return registrations.values().some(({ isOn }) => isOn);
  }

  function begin(registration: Registration): void {
    if (registration.consumer !== undefined || !isRegistered()) connectedAt = clock.elapsed();
    registration.isOn = true;
  }

  function register(queue: string): Registration {
    const consuming = bus.consume(queue, {
      prefetch,
      ...(worker === undefined ? {} : { tag: `${worker}/${queue}` }),
      onRegistered() {
        begin(registration);
        tell(registration, clock.id());
      },
      onDelivery(delivery, consumer) {
        if (!registration.isOn) begin(registration);
        const channel = channels.get(delivery.channel);
        if (channel === undefined) channels.set(delivery.channel, { of: registration, unacked: 1 });
        else channel.unacked += 1;
        unacked += 1;
        if (unacked === 1) options.onBusy();
        options.onDelivery(delivery, consumer);
      },
      onChannelLost(channel) {
        // What the next connection brings may be delivered before this is told of it.
        connectedAt = clock.elapsed();
        registration.isOn = false;
        tell(registration, undefined);
        lose(channel);
      },
    });
    const registration: Registration = {
      queue,
      consumer: undefined,
      isOn: false,
      confirmed: consuming.then((consumer) => {
        registration.consumer = consumer;
      }),
    };
    return registration;
  }

  async function take(queue: string): Promise<void> {
    held.add(queue);
    if (!isOpen) return;
    const registration = registrations.get(queue) ?? register(queue);
    registrations.set(queue, registration);
    await registration.confirmed.catch((error: unknown) => {
      if (registrations.get(queue) === registration) registrations.delete(queue);
      throw error;
    });
  }

  async function end(registration: Registration): Promise<void> {
    registrations.delete(registration.queue);
    // The broker may be away: `close` does not wait for a registration that the broker has not confirmed.
    if (registration.consumer === undefined) registration.confirmed.then(() => finish(registration)).catch(() => {});
    else await finish(registration);
  }

  async function finish(registration: Registration): Promise<void> {
    await registration.consumer?.close();
    tell(registration, undefined);
    for (const [channel, { of }] of channels) if (of === registration) lose(channel);
  }

  async function suspend(queue: string): Promise<void> {
    const registration = registrations.get(queue);
    if (registration !== undefined) await end(registration);
  }

  function flush(): void {
    const batch = done;
    done = new Map();
    for (const [consumer, deliveries] of batch) {
      consumer.ack(deliveries);
      options.onAck(consumer.queue);
      acknowledged.set(consumer.queue, (acknowledged.get(consumer.queue) ?? 0) + deliveries.length);
      for (const { channel: id } of deliveries) {
        const channel = channels.get(id);
        if (channel === undefined) continue;
        channel.unacked -= 1;
        unacked -= 1;
      }
    }
  }

  return {
    async open() {
      isOpen = true;
      await Promise.all([...held].map(take));
    },
    async close() {
      isOpen = false;
      await Promise.all([...registrations.values()].map(end));
    },
    take,
    suspend,
    async resume(queue) {
      if (held.has(queue)) await take(queue);
    },
    async leave(queue) {
      held.delete(queue);
      await suspend(queue);
    },
    held: () => [...held],
    queueOf: (channel) => channels.get(channel)?.of.queue,
    channelOf: (queue) => channels.entries().find(([, { of }]) => of.queue === queue)?.[0],
    ack({ delivery, consumer }) {
      if (done.size === 0) clock.soon(flush);
      const deliveries = done.get(consumer);
      if (deliveries === undefined) done.set(consumer, [delivery]);
      else deliveries.push(delivery);
    },
    flush,
    alive: (channel) => channels.has(channel),
    acknowledged: () => acknowledged,
    waiting: () => unacked > 0,
    settlesInMs: () => connectedAt + options.settledAfterMs - clock.elapsed(),
    ready: () => isOpen && [...held].every((queue) => registrations.get(queue)?.consumer?.active === true),
  };
}
