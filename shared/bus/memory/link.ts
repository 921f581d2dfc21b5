import type { Delivery } from '#shared/bus/bus.ts';
import type { MemoryCore } from './core.ts';
import { createLane, type Lane } from './lane.ts';
import type { MemoryQueue, Stored, Subscriber } from './queue.ts';

/** What becomes of what was sent but had not reached the broker when a connection broke. */
export type InFlight = 'arrives' | 'is-lost';

/** One connection between a client and the in-memory broker. */
export interface Link {
  readonly alive: boolean;
  readonly toBroker: Lane;
  readonly toClient: Lane;
  /** Owns the exclusive queues that it declares. */
  readonly owner: object;
  openChannel(): MemoryChannel;
  /** Called once when the connection ended, after the broker took back what it had delivered. */
  onDown(run: () => void): void;
  end(inFlight: InFlight): void;
}

/** A channel as the broker sees it: what it delivered and is not acknowledged. Called when things reach the broker. */
export interface MemoryChannel {
  readonly id: number;
  /** Throws `BrokerRefusal`. */
  consume(
    queue: string,
    options: { readonly prefetch: number; readonly noAck: boolean },
    onDelivery: (delivery: Delivery, routingKey: string) => void,
  ): void;
  get(queue: string): Delivery | undefined;
  ack(tags: readonly number[]): void;
  release(tag: number): void;
  close(): void;
}

/** What a quorum queue makes of prefetch 0. */
const UNLIMITED_PREFETCH = 2000;

export function createLink(core: MemoryCore, name: string, nextChannelId: () => number): Link {
  let alive = true;
  const downs: (() => void)[] = [];
  const channels = new Set<MemoryChannel>();
  const owner = {};
  const latency = (direction: 'to-broker' | 'to-client') => () => core.faults.latencyMs?.(name, direction) ?? 0;
  const toBroker = createLane(core.clock, latency('to-broker'));
  const toClient = createLane(core.clock, latency('to-client'));

  return {
    get alive() {
      return alive;
    },
    toBroker,
    toClient,
    owner,
    openChannel() {
      const channel = createChannel(core, owner, nextChannelId(), () => channels.delete(channel));
      channels.add(channel);
      return channel;
    },
    onDown(run) {
      downs.push(run);
    },
    end(inFlight) {
      if (!alive) return;
      if (inFlight === 'arrives') toBroker.flush();
      alive = false;
      toBroker.drop();
      toClient.drop();
      for (const channel of channels) channel.close();
      core.endOwner(owner);
      for (const run of downs) run();
    },
  };
}

function createChannel(core: MemoryCore, owner: object, id: number, onClose: () => void): MemoryChannel {
  const held = new Map<
    number,
    { readonly queue: MemoryQueue; readonly item: Stored; readonly subscriber: Subscriber | undefined }
  >();
  const subscriptions: { readonly queue: MemoryQueue; readonly subscriber: Subscriber }[] = [];
  let tag = 0;
  let open = true;

  function deliveryOf(queue: MemoryQueue, item: Stored, subscriber: Subscriber | undefined, noAck: boolean): Delivery {
    tag += 1;
    if (!noAck) held.set(tag, { queue, item, subscriber });
    return { packet: item.packet, queue: queue.name, redelivered: item.returns > 0, tag, channel: id };
  }

  function settle(settled: number): MemoryQueue | undefined {
    const entry = held.get(settled);
    if (entry === undefined) return undefined;
    held.delete(settled);
    if (entry.subscriber !== undefined) entry.subscriber.held -= 1;
    return entry.queue;
  }

  return {
    id,
    consume(name, { prefetch, noAck }, onDelivery) {
      if (!open) return;
      const queue = core.queue(name, owner);
      const subscriber: Subscriber = {
        prefetch: noAck ? Infinity : prefetch || UNLIMITED_PREFETCH,
        held: 0,
        deliver(item) {
          onDelivery(deliveryOf(queue, item, subscriber, noAck), item.routingKey);
        },
      };
      subscriptions.push({ queue, subscriber });
      queue.subscribe(subscriber);
    },
    get(name) {
      const queue = core.queue(name, owner);
      const item = queue.take();
      return item === undefined ? undefined : deliveryOf(queue, item, undefined, false);
    },
    ack(tags) {
      const queues = new Set(tags.map(settle));
      for (const queue of queues) queue?.pump();
    },
    release(released) {
      const item = held.get(released)?.item;
      const queue = settle(released);
      if (item !== undefined) queue?.giveBack([item]);
    },
    close() {
      if (!open) return;
      open = false;
      onClose();
      const back = Map.groupBy(held.values(), ({ queue }) => queue);
      held.clear();
      for (const { queue, subscriber } of subscriptions) queue.unsubscribe(subscriber);
      for (const { queue } of subscriptions) if (!back.has(queue)) queue.giveBack([]);
      for (const [queue, entries] of back) queue.giveBack(entries.map(({ item }) => item));
    },
  };
}
