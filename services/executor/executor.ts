import { entryHandlers } from './entry.ts';
import { queueHandlers } from './queue.ts';
import type { ExecutorState } from './state.ts';
import type { Entity } from '#shared/entity/entity.ts';

/**
 * The order queue. Each order has a document of its own, which keeps what is to be placed; one more document gives them their places,
 * and lets nobody execute whose term is over. It takes orders whether or not there is a leader: who leads is none of its business.
 */
export function executorEntity(): Entity<ExecutorState> {
  return { route: 'executor', handlers: [...entryHandlers, ...queueHandlers] };
}
