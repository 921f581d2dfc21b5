import type { z } from 'zod';
import { controlPacket } from './answer.ts';
import { Late, within } from '#shared/within.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { jsonIn } from '#shared/bus/json-in.ts';
import { CONTROL } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';
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

export interface AskOptions {
  /** How many answers to wait for, asked again all the time; 1 unless given. */
  readonly wanted?: () => number;
  /** False: nobody is known to live who would answer. Then that nobody heard the question is said at once. */
  readonly isThere?: () => boolean;
  /** For this question instead of the asker's. */
  readonly waitMs?: number;
  /** It may be asked twice: it is, under its id, until an answer comes. Not with `wanted`. */
  readonly changesNothing?: boolean;
}

export interface Asking<Reply> {
  /**
   * Publishes the question, with its `id`, on the exchange `control` and resolves with the first answer of that id. Asks
   * again when nobody heard it: the one that answers may be starting. Rejects with `Late` when no answer comes in time, with
   * `PublishError` when it was not taken (`returned`: nobody listens, for `HEARD_WITHIN_MS` or, when nobody is known to live, now).
   */
  ask<Question extends { readonly id: string }>(
    routingKey: string,
    question: Question,
    options?: AskOptions,
  ): Promise<Reply>;
  close(): Promise<void>;
}

const RECHECK_MS = 250;
const AGAIN_MS = 500;
const HEARD_WITHIN_MS = 2000;

/** Certain: nobody got it. */
export function wasNotHeard(error: unknown): error is PublishError {
  return error instanceof PublishError && (error.code === 'returned' || error.code === 'not-connected');
}

/** Request and reply over the exchange `control`. */
export function createAsking<Reply extends { readonly id: string }>(options: AskingOptions<Reply>): Asking<Reply> {
  const { bus, clock, log, replyKey, reply } = options;
  const waiting = new Map<string, (answer: Reply) => void>();
  const subscription = bus.subscribe(CONTROL, [replyKey], ({ content }) => {
    const parsed = reply.safeParse(jsonIn(content));
    if (parsed.success) waiting.get(parsed.data.id)?.(parsed.data);
  });
  subscription.catch((error: unknown) => log.error(`${replyKey} can not be heard`, { reason: reasonOf(error) }));

  return {
    async ask(routingKey, question, how = {}) {
      const { wanted = () => 1, isThere = () => true, changesNothing = false, waitMs = options.waitMs } = how;
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
      const packet = controlPacket(question);
      const until = clock.now() + waitMs;
      const heardUntil = clock.now() + Math.min(waitMs, HEARD_WITHIN_MS);

      /** Resolves with why nobody heard it, or may not have. */
      async function publish(): Promise<PublishError | undefined> {
        try {
          await within(clock, until - clock.now(), bus.publish(CONTROL, packet, routingKey));
          return undefined;
        } catch (error) {
          if (wasNotHeard(error) || (changesNothing && error instanceof PublishError)) return error;
          throw error;
        }
      }

      try {
        await within(clock, waitMs, subscription);
        lookAgain();
        for (;;) {
          const unheard = await publish();
          if (unheard?.code === 'returned' && !isThere()) throw unheard;
          const leftMs = (unheard === undefined ? until : heardUntil) - clock.now();
          const isLast = leftMs <= AGAIN_MS || (unheard === undefined && !changesNothing);
          try {
            return await within(clock, isLast ? leftMs : AGAIN_MS, answer.promise);
          } catch (late) {
            if (isLast) throw unheard ?? late;
          }
        }
      } catch (error) {
        throw error instanceof Late ? new Late(`no answer within ${waitMs} ms`, { cause: error }) : error;
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
