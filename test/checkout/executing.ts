/** An executor for towns, which have none: what stands in the order queue is executed in its order, by one leader in term 1. */
import { queuedBehind } from '#test/support/order-queue.ts';
import type { Town } from '#test/town/town.ts';
import { execute, MAX_EXECUTED, QUEUE } from '#services/executor/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';

const EVERY_MS = 100;

/** Gives what stops it. */
export function executing({ clock, broker, homes }: Town): () => void {
  let [last, sent] = [0, 0];
  let cancel = clock.after(EVERY_MS, function again() {
    const queued = queuedBehind(homes.get('executor')!.store, last);
    const entries = queued.slice(0, MAX_EXECUTED).map(({ seq: entry, orderId }) => ({ orderId, entry }));
    if (entries.length > 0) {
      last = entries.at(-1)!.entry;
      sent += 1;
      const [id, body] = [`execute-${sent}`, { term: 1, executor: 'executor-1', entries }];
      broker.put(hash(execute.route), encode({ id, type: execute.name, key: QUEUE, body, correlationId: id }));
    }
    cancel = clock.after(EVERY_MS, again);
  });
  return () => cancel();
}
