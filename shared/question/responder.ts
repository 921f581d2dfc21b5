import { type AnsweringOptions, createAnswering } from './answering.ts';
import { answersPacket, MAX_ANSWER_BYTES, questionsOf } from './wire.ts';
import type { Bus, Consumer, Delivery } from '#shared/bus/bus.ts';
import { ANSWERS } from '#shared/bus/topology/topology.ts';
import { PublishError } from '#shared/errors.ts';

export interface ResponderOptions extends AnsweringOptions {
  readonly bus: Pick<Bus, 'consume' | 'post'>;
  /** Whose registrations these are, for the broker's management. */
  readonly worker?: string;
  /** Packets of questions that it takes of each queue before they are answered. */
  readonly prefetch?: number;
}

/** Answers the questions of the queues that it is told to take. */
export interface Responder {
  /** Resolves once registered. */
  take(queue: string): Promise<void>;
  /** Begins nothing new of it, finishes what runs for at most `deadlineMs`; the rest goes back to the next who is registered. */
  release(queue: string, deadlineMs: number): Promise<void>;
  /** Gives everything back until `resume`; its queues stay its own. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** One registration at the broker; a queue that is taken again gets another one. */
interface Registration {
  /** Absent until the broker has confirmed it. */
  consumer: Consumer | undefined;
  readonly confirmed: Promise<void>;
  /** Packets that are being answered. */
  running: number;
  closing: boolean;
}

const PREFETCH = 200;
/** Packets that were answered are acknowledged this much later, many in one frame: a packet that is lost meanwhile is answered again. */
const ACK_MS = 5;

/** What is ready for one asker in one turn travels together, in as few packets as hold it; what was answered is acknowledged a little later, which costs the broker no write. */
export function createResponder(options: ResponderOptions): Responder {
  const { bus, clock, log, worker, prefetch = PREFETCH } = options;
  const answer = createAnswering(options);
  const taken = new Set<string>();
  /** Of the queues that it takes, unless it pauses. */
  const registrations = new Map<string, Registration>();
  let paused = false;
  /** By asker, as JSON. */
  let answers = new Map<string, string[]>();
  let done = new Map<Consumer, Delivery[]>();
  let flushing = false;
  let acknowledging = false;
  const post = bus.post(() => {});

  function flushSoon(): void {
    if (flushing) return;
    flushing = true;
    clock.soon(flush);
  }

  function flush(): void {
    flushing = false;
    const ready = answers;
    answers = new Map();
    for (const [asker, texts] of ready) {
      try {
        for (const together of fitting(texts)) post.send(ANSWERS, answersPacket(together), asker);
      } catch (error) {
        if (!(error instanceof PublishError)) throw error;
        log.debug('answers are lost', { reason: error.message });
      }
    }
  }

  function acknowledge(): void {
    acknowledging = false;
    const settled = done;
    done = new Map();
    for (const [consumer, deliveries] of settled) consumer.ack(deliveries);
  }

  function deliver(of: Registration, delivery: Delivery, consumer: Consumer): void {
    if (of.closing) return;
    const asked = questionsOf(delivery.packet);
    const end = (): void => {
      of.running -= 1;
      const deliveries = done.get(consumer);
      if (deliveries === undefined) done.set(consumer, [delivery]);
      else deliveries.push(delivery);
      if (acknowledging) return;
      acknowledging = true;
      clock.after(ACK_MS, acknowledge);
    };
    of.running += 1;
    if (asked === undefined) {
      log.warn('a packet in a queue of questions is none', { queue: delivery.queue, type: delivery.packet.type });
      return end();
    }
    answer(asked, (id, given) => give(asked.asker, id, given), end);
  }

  function give(asker: string, id: number, given: object): void {
    let text = JSON.stringify({ id, ...given });
    if (Buffer.byteLength(text) > MAX_ANSWER_BYTES)
      text = JSON.stringify({ id, broken: `the answer is longer than ${MAX_ANSWER_BYTES} bytes` });
    const texts = answers.get(asker);
    if (texts === undefined) answers.set(asker, [text]);
    else texts.push(text);
    flushSoon();
  }

  async function register(queue: string): Promise<void> {
    const consuming = bus.consume(queue, {
      prefetch,
      ...(worker === undefined ? {} : { tag: `${worker}/${queue}` }),
      onDelivery: (delivery, consumer) => deliver(registration, delivery, consumer),
      onChannelLost() {},
    });
    const registration: Registration = {
      consumer: undefined,
      confirmed: consuming.then((consumer) => {
        registration.consumer = consumer;
      }),
      running: 0,
      closing: false,
    };
    registrations.set(queue, registration);
    await registration.confirmed.catch((error: unknown) => {
      if (registrations.get(queue) === registration) registrations.delete(queue);
      throw error;
    });
  }

  async function end(queue: string, deadlineMs: number): Promise<void> {
    const registration = registrations.get(queue);
    if (registration === undefined) return;
    registrations.delete(queue);
    registration.closing = true;
    const deadline = clock.now() + deadlineMs;
    while (registration.running > 0 && clock.now() < deadline) await clock.sleep(5);
    flush();
    acknowledge();
    const close = async (): Promise<void> => registration.consumer?.close();
    // The broker may be away: what it has not confirmed yet ends when it has, and nobody waits for that.
    if (registration.consumer === undefined) registration.confirmed.then(close).catch(() => {});
    else await close();
  }

  async function endAll(): Promise<void> {
    await Promise.all([...registrations.keys()].map((queue) => end(queue, 0)));
  }

  return {
    async take(queue) {
      if (taken.has(queue)) return;
      taken.add(queue);
      if (paused) return;
      await register(queue).catch((error: unknown) => {
        if (!registrations.has(queue)) taken.delete(queue);
        throw error;
      });
    },
    async release(queue, deadlineMs) {
      taken.delete(queue);
      await end(queue, deadlineMs);
    },
    async pause() {
      paused = true;
      await endAll();
    },
    async resume() {
      if (!paused) return;
      paused = false;
      await Promise.all([...taken].map(register));
    },
    async close() {
      taken.clear();
      await endAll();
      await post.close();
    },
  };
}

/** In as few packets as hold them: none is longer than the longest answer. */
function fitting(texts: readonly string[]): readonly (readonly string[])[] {
  const packets: string[][] = [];
  let left = 0;
  for (const text of texts) {
    const bytes = Buffer.byteLength(text);
    if (bytes > left) {
      packets.push([]);
      left = MAX_ANSWER_BYTES;
    }
    packets.at(-1)!.push(text);
    left -= bytes;
  }
  return packets;
}
