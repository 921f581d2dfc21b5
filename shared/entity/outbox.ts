import { JournalConflict, type EntityStore } from './store.ts';
import type { JournalRecord } from './entity.ts';
import type { Settling } from './mailbox.ts';
import type { Bus, HeaderTable, Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { resendable } from '#shared/bus/amqp/resendable.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import type { Log } from '#shared/log.ts';
import type { Send } from '#shared/message.ts';

export interface Refused {
  readonly send: Send;
  readonly reason: string;
}

export interface Outbox {
  /**
   * Publishes and appends what a committed task caused. Resolves with the sends that the broker refused (returned or
   * nacked), or `undefined` when `alive` turned false first: the cause will be delivered again and cause the same again.
   */
  settle(settling: Settling, alive: () => boolean): Promise<readonly Refused[] | undefined>;
  /** Ids of records that the journal has with other content: they stay in their documents, for a person to see. */
  readonly conflicting: ReadonlySet<string>;
  /** One try. Resolves with the refusal, if any; rejects when the connection was lost. */
  publish(send: Send): Promise<Refused | undefined>;
  /** Publishes to `<route>.dead` with the reason, again and again until it is confirmed or `alive` turns false. */
  bury(packet: Packet, reason: string, attempts: number, alive: () => boolean): Promise<boolean>;
}

const RECONNECT = { baseMs: 50, capMs: 2000 };

export function createOutbox<State>(options: {
  readonly route: string;
  readonly bus: Bus;
  readonly store: EntityStore<State>;
  readonly clock: Clock;
  readonly log: Log;
}): Outbox {
  const { route, bus, store, clock, log } = options;
  const conflicting = new Set<string>();

  async function publish(send: Send): Promise<Refused | undefined> {
    try {
      await bus.publish(
        send.exchange,
        encode(send.message, clock.now()),
        send.exchange === 'events' ? send.message.type : undefined,
      );
      return undefined;
    } catch (error) {
      if (error instanceof PublishError && (error.code === 'returned' || error.code === 'nacked')) {
        return {
          send,
          reason: error.code === 'returned' ? `returned by ${error.exchange}` : `nacked by ${error.exchange}`,
        };
      }
      throw error;
    }
  }

  /** Until it succeeds or nobody would be told; `undefined` in that case. */
  function untilDone<T>(what: string, alive: () => boolean, attempt: () => Promise<T>): Promise<T | undefined> {
    const warning = `${what} does not succeed, still trying`;
    return insist(options, { warning, fields: { route }, backoff: RECONNECT, isWanted: alive }, attempt);
  }

  async function append(records: readonly JournalRecord[], alive: () => boolean): Promise<boolean> {
    const attempt = async (): Promise<true> => {
      try {
        await store.append(records);
      } catch (error) {
        if (!(error instanceof JournalConflict)) throw error;
        log.error('the journal contradicts a document', { route, records: error.ids });
        for (const id of error.ids) conflicting.add(id);
      }
      return true;
    };
    return (await untilDone('appending to the journal', alive, attempt)) ?? false;
  }

  return {
    conflicting,
    publish,
    async settle({ sends, journal }, alive) {
      const appended = journal.length === 0 ? true : append(journal, alive);
      const results = await Promise.all(
        sends.map((send) =>
          untilDone(`publishing ${send.message.id}`, alive, async () => ({ refused: await publish(send) })),
        ),
      );
      if (!(await appended) || results.includes(undefined)) return undefined;
      return results.flatMap((result) => (result?.refused === undefined ? [] : [result.refused]));
    },
    async bury(packet, reason, attempts, alive) {
      log.error('dead letter', {
        route,
        message: packet.messageId,
        type: packet.type,
        correlation: packet.correlationId,
        reason,
      });
      const notes: HeaderTable = {
        'dead-reason': reason.slice(0, 1000),
        'dead-route': route,
        'dead-attempts': attempts,
        'dead-at': new Date(clock.now()).toISOString(),
      };
      const letter = resendable({ ...packet, headers: { ...packet.headers, ...notes } });
      const done = await untilDone(`burying ${packet.messageId ?? 'a message'}`, alive, async () => {
        await bus.publish(`${route}.dead`, letter);
        return true;
      });
      return done ?? false;
    },
  };
}
