import type { JournalRecord } from './entity.ts';
import type { Keys } from './keys.ts';
import { putNext, type Mailbox, type RefusedSend, type Settling } from './mailbox.ts';
import type { EngineOptions } from './options.ts';
import { JournalConflict } from './store.ts';
import type { Consumers, Receipt } from '#shared/bus/registrations.ts';
import { resendable } from '#shared/bus/resendable.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { deadLetterHeaders } from '#shared/bus/dead-letter.ts';
import { encodeSend } from '#shared/bus/envelope.ts';
import { EVENTS } from '#shared/bus/topology/topology.ts';
import { PublishError } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import type { Send } from '#shared/message.ts';

export interface Outbox {
  /** What follows from a task that changed no document, or whose change is committed: publishes, appends, then acknowledges. */
  settle(settling: Settling, channel: number): void;
  /** One try. Resolves with the refusal, if any; rejects when the connection was lost. */
  publish(send: Send): Promise<RefusedSend | undefined>;
  /** Publishes to `<route>.dead` with the reason, again and again until it is confirmed or not wanted any more. */
  bury(packet: Packet, reason: string, attempts: number, isWanted: () => boolean): Promise<boolean>;
  /** A packet that is no message becomes a dead letter, then it is acknowledged. */
  buryUnread(receipt: Receipt, reason: string): void;
  /** Something (from what this channel brought) is being published. */
  busy(channel?: number): boolean;
  /** By channel: since when the oldest of that is under way, epoch ms. */
  standing(): ReadonlyMap<number, number>;
}

const RECONNECT = { baseMs: 50, capMs: 2000 };

/** Everything that leaves for the broker and the journal, and the acknowledgement that follows when it has arrived. */
export function createOutbox<State>(
  options: Pick<EngineOptions<State>, 'entity' | 'bus' | 'store' | 'clock' | 'log'> & {
    readonly consumers: Consumers;
    readonly keys: Keys<State>;
    readonly pump: (box: Mailbox<State>) => void;
  },
): Outbox {
  const { bus, store, clock, log, consumers, keys, pump } = options;
  const { route } = options.entity;
  /** Ids of records that the journal has with other content: they stay in their documents, for a person to see. */
  const conflicting = new Set<string>();
  /** What is under way; the oldest first. */
  const underWay = new Set<{ readonly channel: number; readonly since: number }>();

  function track(channel: number, work: Promise<void>): void {
    const one = { channel, since: clock.now() };
    underWay.add(one);
    void work.finally(() => underWay.delete(one));
  }

  /** Until it succeeds or nobody would be told; `undefined` in that case. */
  function untilDone<T>(what: string, isWanted: () => boolean, attempt: () => Promise<T>): Promise<T | undefined> {
    const warning = `${what} does not succeed, still trying`;
    return insist(options, { warning, fields: { route }, backoff: RECONNECT, isWanted }, attempt);
  }

  async function finish({ key, ran, sends, journal, receipt }: Settling, channel: number): Promise<void> {
    const alive = (): boolean => consumers.alive(channel);
    const appended = journal.length === 0 ? true : append(journal, alive);
    const results = await Promise.all(
      sends.map((send) =>
        untilDone(`publishing ${send.message.id}`, alive, async () => ({ refused: await publish(send) })),
      ),
    );
    // Without its channel the cause is delivered again, and causes the same again.
    if (!(await appended) || results.includes(undefined) || !alive()) return;
    const refused = results.flatMap((result) => result?.refused ?? []);
    if (refused.length > 0) {
      const box = keys.open(key, channel);
      putNext(box, { kind: 'unsent', sends: refused, ...(receipt === undefined ? {} : { receipt }) });
      pump(box);
      return;
    }
    const known = keys.peek(key)?.known;
    if (ran !== undefined) known?.confirmed.add(ran.id);
    for (const { id } of journal) if (!conflicting.has(id)) known?.appended.add(id);
    if (receipt !== undefined) consumers.ack(receipt);
  }

  async function publish(send: Send): Promise<RefusedSend | undefined> {
    const isNews = send.exchange === EVENTS;
    const routingKey = isNews ? send.message.type : undefined;
    try {
      await bus.publish(send.exchange, encodeSend(send, clock.now()), routingKey);
      return undefined;
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      // News that nobody hears has arrived everywhere; any other message has an owner.
      if (error.code === 'returned' && isNews) return undefined;
      if (error.code === 'returned') return { send, reason: `returned by ${error.exchange}` };
      if (error.code === 'nacked') return { send, reason: `nacked by ${error.exchange}` };
      throw error;
    }
  }

  async function append(records: readonly JournalRecord[], isWanted: () => boolean): Promise<boolean> {
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
    return (await untilDone('appending to the journal', isWanted, attempt)) ?? false;
  }

  async function bury(packet: Packet, reason: string, attempts: number, isWanted: () => boolean): Promise<boolean> {
    const { messageId: message, type, correlationId: correlation } = packet;
    log.error('dead letter', { route, message, type, correlation, reason });
    const notes = deadLetterHeaders({ reason, route, attempts, at: clock.now() });
    const letter = resendable({ ...packet, headers: { ...packet.headers, ...notes } });
    const done = await untilDone(`burying ${message ?? 'a message'}`, isWanted, async () => {
      await bus.publish(`${route}.dead`, letter);
      return true;
    });
    return done ?? false;
  }

  return {
    publish,
    bury,
    settle(settling, of) {
      const { receipt, sends, journal } = settling;
      const channel = receipt?.delivery.channel ?? of; // a key's messages may come by two
      if (sends.length > 0 || journal.length > 0) track(channel, finish(settling, channel));
      else if (receipt !== undefined) consumers.ack(receipt);
    },
    buryUnread(receipt, reason) {
      const { packet, channel } = receipt.delivery;
      const buried = bury(packet, reason, 1, () => consumers.alive(channel));
      const acknowledged = buried.then((done) => {
        if (done) consumers.ack(receipt);
      });
      track(channel, acknowledged);
    },
    busy: (channel) => underWay.values().some((one) => channel === undefined || one.channel === channel),
    standing() {
      const found = new Map<number, number>();
      for (const { channel, since } of underWay) if (!found.has(channel)) found.set(channel, since);
      return found;
    },
  };
}
