import type { Packet } from '#shared/bus/bus.ts';
import type { DeathReason } from '#shared/bus/deaths.ts';
import type { Clock } from '#shared/clock.ts';

/** A packet in a queue. `seq` is its place, which it keeps when it comes back. */
export interface Stored {
  readonly seq: number;
  readonly packet: Packet;
  readonly exchange: string;
  readonly routingKey: string;
  /** Fixed when it entered the queue. */
  readonly expiresAt: number | undefined;
  returns: number;
}

export interface Subscriber {
  /** How many unacknowledged packets it may hold. */
  readonly prefetch: number;
  held: number;
  deliver(item: Stored): void;
}

/** Arguments and policies together: the lower number wins, as in RabbitMQ. */
export interface QueueLimits {
  readonly ttlMs: number | undefined;
  readonly deliveryLimit: number | undefined;
  readonly maxLength: number | undefined;
  readonly rejectsWhenFull: boolean;
  readonly singleActive: boolean;
}

export interface MemoryQueue {
  readonly name: string;
  /** False: full, refused. */
  enqueue(packet: Packet, exchange: string, routingKey: string): boolean;
  subscribe(subscriber: Subscriber): void;
  /** Delivers nothing to the next one yet: first `giveBack` what this one held. */
  unsubscribe(subscriber: Subscriber): void;
  /** Takes the head. */
  take(): Stored | undefined;
  /** Puts back what a consumer lost or released, each to its old place, then delivers. */
  giveBack(items: readonly Stored[]): void;
  /** Something was acknowledged: who was full may get more. */
  pump(): void;
  /** It was deleted: no timer of it stays. */
  end(): void;
  readonly ready: readonly Stored[];
  readonly subscribers: readonly Subscriber[];
}

export function createQueue(
  name: string,
  clock: Clock,
  limits: () => QueueLimits,
  onDead: (item: Stored, reason: DeathReason) => void,
): MemoryQueue {
  const ready: Stored[] = [];
  let subscribers: readonly Subscriber[] = [];
  let seq = 0;
  let turn = 0;
  let alarm: { readonly at: number; readonly cancel: () => void } | undefined;

  function pump(): void {
    for (;;) {
      expireHead();
      const free = ready.length === 0 ? undefined : nextFree();
      if (free === undefined) break;
      const item = ready.shift();
      if (item === undefined) break;
      free.held += 1;
      free.deliver(item);
    }
    setAlarm();
  }

  function nextFree(): Subscriber | undefined {
    const canTake = ({ held, prefetch }: Subscriber): boolean => held < prefetch;
    if (limits().singleActive) return subscribers.slice(0, 1).find(canTake);
    for (let step = 0; step < subscribers.length; step += 1) {
      const candidate = subscribers[(turn + step) % subscribers.length];
      if (candidate !== undefined && canTake(candidate)) {
        turn += step + 1;
        return candidate;
      }
    }
    return undefined;
  }

  /** A TTL is looked at only at the head. */
  function expireHead(): void {
    for (;;) {
      const [head] = ready;
      if (head?.expiresAt === undefined || head.expiresAt > clock.now()) return;
      ready.shift();
      onDead(head, 'expired');
    }
  }

  function setAlarm(): void {
    const at = ready[0]?.expiresAt;
    if (at === undefined || (alarm !== undefined && alarm.at <= at)) return;
    alarm?.cancel();
    const cancel = clock.after(Math.max(0, at - clock.now()), () => {
      alarm = undefined;
      pump();
    });
    alarm = { at, cancel };
  }

  function trim(maxLength: number): void {
    while (ready.length > maxLength) {
      const head = ready.shift();
      if (head !== undefined) onDead(head, 'maxlen');
    }
  }

  function putBack(item: Stored): void {
    const index = ready.findIndex((other) => other.seq > item.seq);
    if (index === -1) ready.push(item);
    else ready.splice(index, 0, item);
  }

  return {
    name,
    enqueue(packet, exchange, routingKey) {
      const { maxLength, rejectsWhenFull, ttlMs } = limits();
      if (maxLength !== undefined && rejectsWhenFull && ready.length >= maxLength) return false;
      seq += 1;
      const expiresAt = ttlMs === undefined ? undefined : clock.now() + ttlMs;
      ready.push({ seq, packet, exchange, routingKey, expiresAt, returns: 0 });
      if (maxLength !== undefined) trim(maxLength);
      pump();
      return true;
    },
    subscribe(subscriber) {
      subscribers = [...subscribers, subscriber];
      pump();
    },
    unsubscribe(subscriber) {
      subscribers = subscribers.filter((other) => other !== subscriber);
    },
    take() {
      expireHead();
      return ready.shift();
    },
    giveBack(items) {
      const { deliveryLimit, maxLength } = limits();
      for (const item of items) {
        item.returns += 1;
        if (deliveryLimit !== undefined && item.returns > deliveryLimit) onDead(item, 'delivery_limit');
        else putBack(item);
      }
      if (maxLength !== undefined && !limits().rejectsWhenFull) trim(maxLength);
      pump();
    },
    pump,
    end() {
      alarm?.cancel();
      ready.length = 0;
    },
    ready,
    get subscribers() {
      return subscribers;
    },
  };
}
