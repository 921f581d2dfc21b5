import { z } from 'zod';
import { bounded, epochMs, messageId, orderId, wordOf } from '#services/fields.ts';
import { place } from '#services/order/contract.ts';
import { command, event } from '#shared/message.ts';
import { wholeNumber } from '#shared/variable-kinds.ts';

/** The key of the one order queue: its fence, and who stands where. */
export const QUEUE = 'order-queue';
/** No order's key is the queue's. */
export const entryKey = (id: string): string => `order:${id}`;

export const executorVariables = {
  /** How many executors there are; a majority of them decides, whoever lives. */
  EXECUTORS: wholeNumber(1, 9).default(3),
  /** How many of them this process runs at most; all of them unless given. */
  EXECUTORS_HERE: wholeNumber(0, 9).default(9),
} satisfies z.ZodRawShape;

export function executorIds(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `executor-${n + 1}`);
}

/** Counts the orders in the queue from 1. */
const entry = z.int().min(1);
const term = z.int().min(0);
const executor = bounded(100);

export const enqueued = event('executor.enqueued', z.object({ orderId }));
export const enqueueRefused = event(
  'executor.enqueue-refused',
  z.object({ orderId, reason: wordOf(['already_undone']) }),
);
/**
 * Puts an order into the queue, once; kept whether or not an executor lives. When its turn comes `order.place` is sent with `order`,
 * and its saga runs as that of any other order.
 */
export const enqueue = command('executor.enqueue', {
  body: z.object({ orderId, checkoutId: orderId.optional(), order: place.body }),
  key: (body) => entryKey(body.orderId),
  done: enqueued,
  refused: enqueueRefused,
});

export const withdrawn = event(
  'executor.withdrawn',
  z.object({ orderId, /** It was too late: the order was placed. */ executed: z.boolean() }),
);
/** Undo of `enqueue`; `of` is the id of the enqueue command. Its turn passes, and nothing is placed. */
export const withdraw = command('executor.withdraw', {
  body: z.object({ orderId, of: messageId }),
  key: (body) => entryKey(body.orderId),
  done: withdrawn,
  undo: true,
});

/** From an entry to the queue: gives it its place. */
export const admit = command('executor.admit', { body: z.object({ orderId }), key: () => QUEUE });

/** So many entries are executed by one command at most. */
export const MAX_EXECUTED = 20;
export const executed = event('executor.executed', z.object({ term, last: z.int().min(0) }));
export const executeRefused = event(
  'executor.execute-refused',
  z.object({
    /** The newest that the queue has seen. */
    term,
    last: z.int().min(0),
    reason: wordOf(['stale_term', 'not_the_leader', 'out_of_order', 'not_queued']),
  }),
);
/**
 * From a leader to the queue: these entries, in their order. The term is a fence: refused once the queue has seen a newer one. Without
 * entries it announces the term. One that was executed before is not executed again.
 */
export const execute = command('executor.execute', {
  body: z.object({ term, executor, entries: z.array(z.object({ entry, orderId })).max(MAX_EXECUTED) }),
  key: () => QUEUE,
  done: executed,
  refused: executeRefused,
});

/** From the queue to an entry: its turn has come. */
export const start = command('executor.start', {
  body: z.object({ orderId, entry, executor, term }),
  key: (body) => entryKey(body.orderId),
});

/** News: an executor came too late, its term is over. */
export const lateWorkRefused = event(
  'executor.late-work-refused',
  z.object({ executor, term, newest: term, reason: wordOf(['stale_term', 'not_the_leader']) }),
);
/** News: an executor is something else from now on. */
export const roleChanged = event(
  'executor.role-changed',
  z.object({ executor, term, role: wordOf(['follower', 'candidate', 'leader']), at: epochMs }),
);
