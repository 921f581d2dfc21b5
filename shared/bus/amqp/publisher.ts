import type { ConfirmChannel } from 'amqplib';
import { publishOptions } from './packet.ts';
import { exchangeIn } from './channel-error.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { createSlots, type Slots } from '#shared/slots.ts';
import { unsendable } from '#shared/bus/unsendable.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';

/** Publishes on one confirm channel, for as long as that lives. */
export interface ChannelPublisher {
  publish(exchange: string, packet: Packet, routingKey?: string): Promise<void>;
  /** The channel is gone: publishes that still wait for a slot are refused. */
  lost(): void;
  /** Resolves when nothing is outstanding any more. */
  idle(): Promise<void>;
}

export interface PublishLimits {
  /** How many may wait for their confirm; more wait for room. Past about 500 the broker gets no faster. */
  readonly maxOutstanding: number;
  /** Of one exchange, as long as there are others: a queue that confirms nothing holds up only who publishes to it. Default: all. */
  readonly maxOfExchange?: number;
  /** After this long without a confirm (a broker with a memory or disk alarm reads nothing) the outcome counts as unknown. */
  readonly confirmTimeoutMs: number;
}

export const PUBLISH_LIMITS: PublishLimits = { maxOutstanding: 1000, maxOfExchange: 400, confirmTimeoutMs: 30_000 };

/** Whether the broker would let this user publish there. */
export type MayPublish = (exchange: string, routingKey: string) => boolean;

interface OutstandingPublish {
  readonly exchange: string;
  readonly since: number;
  readonly reject: (error: PublishError) => void;
  returned: string | undefined;
}

export function notConnected(exchange: string): PublishError {
  return new PublishError('not-connected', exchange, 'there is no connection to the broker');
}

/** A blocked connection would keep what is written to it until the alarm is over: nobody would be told. */
export function whileBlocked(exchange: string, reason: string): PublishError {
  return new PublishError('not-connected', exchange, `the broker blocks publishing: ${reason}`);
}

/** What the broker would close the channel for, and with it everything that others wait for on it, is refused before it is sent. */
export function createChannelPublisher(
  channel: ConfirmChannel,
  clock: Clock,
  limits: PublishLimits,
  mayPublish: MayPublish = () => true,
): ChannelPublisher {
  const slots = createSlots(limits.maxOutstanding);
  const ofExchange = new Map<string, Slots>();
  /** By message id, or by app id where that is not unique; oldest first. */
  const outstanding = new Map<string, OutstandingPublish>();
  let open = true;
  let problem: Error | undefined;
  let unnamed = 0;
  /** Publishes that have no room yet. */
  let waiting = 0;
  let cancelWatch: (() => void) | undefined;

  channel.on('return', ({ fields, properties }) => {
    const entry = outstanding.get((properties.appId ?? properties.messageId) as string);
    if (entry !== undefined) entry.returned = (fields as { readonly replyText?: string }).replyText ?? 'NO_ROUTE';
  });
  channel.on('error', (error) => {
    problem = error;
  });

  /** One timer for all that is outstanding. */
  function watch(): void {
    cancelWatch ??= clock.after(limits.confirmTimeoutMs / 4, () => {
      cancelWatch = undefined;
      const oldest = clock.now() - limits.confirmTimeoutMs;
      for (const entry of outstanding.values()) {
        if (entry.since > oldest) break;
        entry.reject(
          new PublishError('outcome-unknown', entry.exchange, `no confirm within ${limits.confirmTimeoutMs} ms`),
        );
      }
      if (outstanding.size > 0) watch();
    });
  }

  function slotsOf(exchange: string): Slots {
    let own = ofExchange.get(exchange);
    if (own === undefined) ofExchange.set(exchange, (own = createSlots(limits.maxOfExchange ?? limits.maxOutstanding)));
    return own;
  }

  function release(exchange: string): void {
    slots.release();
    slotsOf(exchange).release();
  }

  /** Room of the exchange first, then room at all: in both, first come first served. */
  async function waitForRoom(own: Slots, ownIsTaken: boolean): Promise<boolean> {
    waiting += 1;
    try {
      if (!ownIsTaken && !(await own.wait())) return false;
      return slots.tryTake() || (await slots.wait());
    } finally {
      waiting -= 1;
    }
  }

  /** Confirms of a whole batch come at once: then all slots are free for a moment, before those that wait have taken theirs. */
  async function idle(): Promise<void> {
    do await slots.idle();
    while (slots.taken > 0 || waiting > 0);
  }

  function send(exchange: string, packet: Packet, routingKey: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const { messageId } = packet;
      const isUnique = messageId !== undefined && !messageId.startsWith('#') && !outstanding.has(messageId);
      const id = isUnique ? messageId : `#${(unnamed += 1)}`;
      const options = publishOptions(packet, isUnique ? undefined : id);
      const entry: OutstandingPublish = { exchange, since: clock.now(), reject, returned: undefined };
      try {
        channel.publish(exchange, routingKey, packet.content, options, (error: Error | null) => {
          outstanding.delete(id);
          release(exchange);
          if (error !== null) reject(failure(error, exchange));
          else if (entry.returned !== undefined) reject(new PublishError('returned', exchange, entry.returned));
          else resolve();
        });
      } catch (error) {
        release(exchange);
        reject(
          open
            ? new PublishError('nacked', exchange, `it cannot be sent: ${reasonOf(error)}`, { cause: error })
            : notConnected(exchange),
        );
        return;
      }
      outstanding.set(id, entry);
      watch();
    });
  }

  function failure(error: Error, exchange: string): PublishError {
    if (error.message === 'message nacked') return new PublishError('nacked', exchange, 'the broker refused it');
    if (problem !== undefined && exchangeIn(problem) === exchange) {
      return new PublishError(
        (problem as { readonly code?: unknown }).code === 404 ? 'returned' : 'nacked',
        exchange,
        problem.message,
      );
    }
    return new PublishError('outcome-unknown', exchange, 'the connection was lost before the confirm');
  }

  function refusalOf(exchange: string, packet: Packet, routingKey: string): string | undefined {
    if (!mayPublish(exchange, routingKey)) return 'this service has no right to publish there';
    return unsendable(exchange, packet, routingKey);
  }

  return {
    publish(exchange, packet, routingKey = '') {
      if (!open) return Promise.reject(notConnected(exchange));
      const problem = refusalOf(exchange, packet, routingKey);
      if (problem !== undefined) return Promise.reject(new PublishError('nacked', exchange, problem));
      const own = slotsOf(exchange);
      const ownIsTaken = own.tryTake();
      if (ownIsTaken && slots.tryTake()) return send(exchange, packet, routingKey);
      return waitForRoom(own, ownIsTaken).then((taken) => {
        if (taken) return send(exchange, packet, routingKey);
        throw notConnected(exchange);
      });
    },
    lost() {
      open = false;
      cancelWatch?.();
      slots.refuseWaiting();
      for (const own of ofExchange.values()) own.refuseWaiting();
    },
    idle,
  };
}
