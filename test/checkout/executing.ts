/** An executor for towns, which have none: what stands in the order queue is executed in its order, by one leader in term 1. */
import type { Town } from '#test/town/town.ts';
import { execute, QUEUE } from '#services/executor/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';

const EVERY_MS = 100;

interface Queued {
  readonly kind: 'entry';
  readonly orderId: string;
  readonly entry?: number;
}

/** Gives what stops it. */
export function executing({ clock, broker, homes }: Town): () => void {
  let [last, sent] = [0, 0];
  let cancel = clock.after(EVERY_MS, function again() {
    const documents = [...homes.get('executor')!.store.documents.values()].map(({ state }) => state as Queued);
    const entries = documents
      .flatMap(({ kind, orderId, entry = 0 }) => (kind === 'entry' && entry > last ? [{ orderId, entry }] : []))
      .toSorted((a, b) => a.entry - b.entry)
      .slice(0, 20);
    if (entries.length > 0 && entries[0]!.entry === last + 1) {
      last = entries.at(-1)!.entry;
      sent += 1;
      const [id, body] = [`execute-${sent}`, { term: 1, executor: 'executor-1', entries }];
      broker.put(hash(execute.route), encode({ id, type: execute.name, key: QUEUE, body, correlationId: id }));
    }
    cancel = clock.after(EVERY_MS, again);
  });
  return () => cancel();
}
