import type { Connection } from 'mongoose';
import { z } from 'zod';
import type { OrderProgress } from './contract.ts';
import { definitions } from './place-order-versions.ts';
import { progressOf } from './progress.ts';
import { orderLogs, type OrderLogView } from './logs-view.ts';
import { sagasCollection, type StoredSaga } from './model.ts';
import type { OrderSaga } from './saga.ts';
import { storedAnswerTo } from '#shared/entity/stores/mongo-store.ts';
import { archiveOf, mayBeArchived, storedById } from '#shared/database/archive.ts';
import { majorityCollection } from '#shared/database/majority.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import { maxAttemptsOf } from '#shared/saga/definition.ts';
import type { StepRecord } from '#shared/saga/state.ts';
import { timelineBefore, timelineOf } from '#shared/saga/timeline.ts';
import { sagaTimelineShape } from '#shared/saga/timeline-shape.ts';

/** What happened to an order, in the fixed shape of the API. */
export const timelineShape = sagaTimelineShape.extend({ orderId: z.string().describe('Whose timeline.') });
export type Timeline = Readonly<z.infer<typeof timelineShape>>;

export interface SagaQueries {
  /** `undefined`: no saga of that order has begun; see `notBegun`. */
  timeline(orderId: string): Promise<Timeline | undefined>;
  /** Every change of the order, oldest first. */
  logs(orderId: string): Promise<{ readonly items: readonly OrderLogView[] }>;
  /** The timeline of an order that was accepted at `acceptedAt` (epoch ms) and is still on its way to its owner. */
  notBegun(orderId: string, acceptedAt: number): Timeline;
  /** The answer to `saga.cancel` with that message id; `undefined`: not handled yet. */
  outcome(orderId: string, messageId: string): Promise<{ readonly type: string; readonly body: unknown } | undefined>;
  /** How often each of these orders was tried. */
  progress(orderIds: readonly string[]): Promise<ReadonlyMap<string, OrderProgress>>;
  /** Which of these orders' sagas have ended, and when (epoch ms), also of those in the archive. */
  ended(orderIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** Read-only queries on the saga service's collection. */
export function sagaView(db: Connection): SagaQueries {
  return {
    async timeline(orderId) {
      const stored = await storedById<StoredSaga>(db, sagasCollection, orderId, { state: 1, unsent: 1 });
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
      return { orderId, ...timelineOf(orderId, state, definition, unsent) };
    },
    logs: async (orderId) => ({ items: await orderLogs(db, orderId) }),
    notBegun: (orderId, acceptedAt) => ({ orderId, ...timelineBefore(definitions[0], acceptedAt) }),
    outcome: (orderId, messageId) => storedAnswerTo(db, sagasCollection, orderId, messageId),
    progress: (orderIds) => progressIn(db, orderIds),
    ended: (orderIds) => endedOf(db, orderIds),
  };
}

const progressFields = Object.fromEntries(
  ['', 'was.'].flatMap((of) =>
    ['phase', 'maxAttempts', 'releasing', 'steps.end', 'steps.retry.at', 'earlier'].map((field) => [
      `state.${of}${field}`,
      1,
    ]),
  ),
);

async function progressIn(db: Connection, orderIds: readonly string[]): Promise<ReadonlyMap<string, OrderProgress>> {
  const storedIn = (name: string, ids: readonly string[]) =>
    db
      .collection<StoredSaga>(name)
      .find({ _id: { $in: [...ids] } }, { projection: progressFields })
      .toArray();
  const live = await storedIn(sagasCollection, orderIds);
  const there = new Set(live.map(({ _id }) => _id));
  const others = orderIds.filter((id) => !there.has(id) && mayBeArchived(id));
  const archived = others.length === 0 ? [] : await storedIn(archiveOf(sagasCollection), others);
  const states = new Map([...live, ...archived].map(({ _id, state }) => [_id, state]));
  return new Map(orderIds.map((id) => [id, progressOf(states.get(id), maxAttemptsOf(definitions[0]))]));
}

/** What a majority of the database has: somebody gives a message up because of it. */
async function endedOf(db: Connection, orderIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const endedIn = (name: string, ids: readonly string[]) =>
    majorityCollection<StoredSaga>(db, name)
      .find({ _id: { $in: [...ids] } }, { projection: { 'state.phase': 1, 'state.endedAt': 1 } })
      .toArray();
  const stored = await endedIn(sagasCollection, orderIds);
  const there = new Set(stored.map(({ _id }) => _id));
  const others = orderIds.filter((id) => !there.has(id) && mayBeArchived(id));
  const archived = others.length === 0 ? [] : await endedIn(archiveOf(sagasCollection), others);
  return new Map(
    [...stored, ...archived].flatMap(({ _id, state }) => (state?.phase === 'ended' ? [[_id, state.endedAt]] : [])),
  );
}

/** What an audit reads of a saga; times in epoch ms. */
export interface AuditedSaga {
  readonly orderId: string;
  readonly phase: Exclude<OrderSaga['phase'], 'unknown'>;
  /** Once it has ended. */
  readonly outcome?: 'completed' | 'failed' | 'cancelled';
  readonly endedAt?: number;
  /** The step that it is at while it has not ended, and why it is parked. */
  readonly current?: string;
  readonly reason?: string;
  /** In the order in which they were sent. */
  readonly steps: readonly Pick<StepRecord, 'name' | 'end'>[];
}

const auditedFields = {
  'state.phase': 1,
  'state.outcome': 1,
  'state.endedAt': 1,
  'state.current': 1,
  'state.reason': 1,
  'state.steps.name': 1,
  'state.steps.end': 1,
  'state.was.current': 1,
  'state.was.steps.name': 1,
  'state.was.steps.end': 1,
} as const;

/** Every saga that has begun, by the order's id. */
export function auditedSagas(db: Connection): Source<AuditedSaga> {
  return documentsById<StoredSaga, AuditedSaga>(db, {
    collection: sagasCollection,
    archived: true,
    fields: auditedFields,
    row: ({ _id: orderId, state }) => state && auditedOf(orderId, state),
  });
}

function auditedOf(orderId: string, state: OrderSaga): AuditedSaga | undefined {
  const { phase } = state;
  switch (phase) {
    case 'unknown':
      return undefined;
    case 'ended':
      return { orderId, phase, outcome: state.outcome, endedAt: state.endedAt, steps: state.steps };
    case 'parked':
      return { orderId, phase, current: state.was.current, reason: state.reason, steps: state.was.steps };
    case 'running':
    case 'undoing':
    case 'closing':
      return { orderId, phase, current: state.current, steps: state.steps };
  }
}
