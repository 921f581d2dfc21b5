import type { z } from 'zod';
import { within } from '#shared/within.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { CONTROL } from '#shared/bus/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface AskingOptions<Reply> {
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Routing key of the answers. */
  readonly replyKey: string;
  readonly reply: z.ZodType<Reply>;
  readonly waitMs: number;
}

export interface Asking<Reply> {
  /**
   * Publishes the question, with its `id`, on the exchange `control` and resolves with the first answer of that id. Rejects
   * with `Late` when none comes in time, with `PublishError` when it was not taken (`returned`: nobody listens). `wanted`: how many
   * answers to wait for, asked again all the time; 1 unless given.
   */
  ask<Question extends { readonly id: string }>(
    routingKey: string,
    question: Question,
    wanted?: () => number,
  ): Promise<Reply>;
  close(): Promise<void>;
}

const RECHECK_MS = 250;

/** Request and reply over the exchange `control`. */
export function createAsking<Reply extends { readonly id: string }>(options: AskingOptions<Reply>): Asking<Reply> {
  const { bus, clock, log, replyKey, reply, waitMs } = options;
  const waiting = new Map<string, (answer: Reply) => void>();
  const subscription = bus.subscribe(CONTROL, [replyKey], ({ content }) => {
    const parsed = reply.safeParse(json(content));
    if (parsed.success) waiting.get(parsed.data.id)?.(parsed.data);
  });
  subscription.catch((error: unknown) => log.error(`${replyKey} can not be heard`, { reason: reasonOf(error) }));

  return {
    async ask(routingKey, question, wanted = () => 1) {
      const answer = Promise.withResolvers<Reply>();
      const answers: Reply[] = [];
      const look = (): void => {
        if (answers[0] !== undefined && answers.length >= wanted()) answer.resolve(answers[0]);
      };
      waiting.set(question.id, (one) => {
        answers.push(one);
        look();
      });
      let cancelLook = (): void => {};
      const lookAgain = (): void => {
        look();
        cancelLook = clock.after(RECHECK_MS, lookAgain);
      };
      try {
        const until = clock.now() + waitMs;
        await within(clock, waitMs, subscription);
        const content = Buffer.from(JSON.stringify(question));
        const packet = { content, contentType: 'application/json', headers: {} };
        await within(clock, until - clock.now(), bus.publish(CONTROL, packet, routingKey));
        lookAgain();
        return await within(clock, until - clock.now(), answer.promise);
      } finally {
        cancelLook();
        waiting.delete(question.id);
      }
    },
    async close() {
      const { close } = await subscription;
      await close();
    },
  };
}

function json(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString()) as unknown;
  } catch {
    return undefined;
  }
}
