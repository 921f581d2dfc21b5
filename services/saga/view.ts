import type { Connection } from 'mongoose';
import { definitions } from './definitions.ts';
import { sagasCollection, type StoredSaga } from './model.ts';
import { timelineBefore, timelineOf } from './timeline.ts';
import type { Timeline } from './timeline-shape.ts';
import { answerTo } from '#shared/entity/mongo-store.ts';

export type { Timeline } from './timeline-shape.ts';
export { routesUpToCapture } from './definition.ts';
export { definitions } from './definitions.ts';

/** Read-only queries on the saga service's collection. */
export function sagaView(db: Connection) {
  return {
    /** `undefined`: no saga of that order has begun; see `notBegun`. */
    async timeline(orderId: string): Promise<Timeline | undefined> {
      const stored = await db
        .collection<StoredSaga>(sagasCollection)
        .findOne({ _id: orderId }, { projection: { state: 1, unsent: 1 } });
      const state = stored?.state;
      if (state === undefined || state.phase === 'unknown') return undefined;
      const { name, version } = (state.phase === 'parked' ? state.was : state).definition;
      const definition = definitions.find((one) => one.name === name && one.version === version);
      const unsent = (stored?.unsent ?? []).map(({ send, attempts, reason, nextTryAt }) => ({
        id: send.message.id,
        attempts,
        reason,
        nextTryAt,
      }));
      return timelineOf(orderId, state, definition, unsent);
    },
    /** The timeline of an order that was accepted at `acceptedAt` (epoch ms) and is still on its way to its owner. */
    notBegun(orderId: string, acceptedAt: number): Timeline {
      return timelineBefore(definitions[0], orderId, acceptedAt);
    },
    /** The answer to `saga.cancel` with that message id; `undefined`: not handled yet. */
    outcome(orderId: string, messageId: string): Promise<{ type: string; body: unknown } | undefined> {
      return answerTo(db, sagasCollection, orderId, messageId);
    },
  };
}
