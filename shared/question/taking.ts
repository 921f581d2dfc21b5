import type { Responder } from './responder.ts';
import { questionQueueOf } from '#shared/bus/topology/topology.ts';
import type { Taker } from '#shared/partition/registrations.ts';

/**
 * Takes the questions of each partition with it. The queue of questions comes first: when the partition is announced as taken, the
 * questions are taken too, and who registers behind it does so on both queues. So one worker gets both.
 */
export function takingQuestions(engine: Taker, responder: Pick<Responder, 'take' | 'release'>): Taker {
  return {
    async take(queue) {
      await responder.take(questionQueueOf(queue));
      await engine.take(queue);
    },
    async release(queue, deadlineMs) {
      await Promise.all([engine.release(queue, deadlineMs), responder.release(questionQueueOf(queue), deadlineMs)]);
    },
    held: () => engine.held(),
  };
}
