import type { SimulatedTown } from './town.ts';
import { type LogRow, statusAfter } from '#services/saga/order-logs.ts';

/** I-16: the log of an order has every row, and its replay ends in the order's status. */
export function unlogged({ orders, sagas }: SimulatedTown): readonly string[] {
  const riding = [...sagas.documents.values()].flatMap(({ journal }) => journal);
  const all = [...sagas.journal.values(), ...riding] as unknown as readonly LogRow[];
  const byOrder = Map.groupBy([...new Map(all.map((row) => [row.id, row])).values()], ({ orderId }) => orderId);
  return [...sagas.documents.values()].flatMap(({ key, state }) => {
    if (state?.phase !== 'ended') return [];
    const rows = (byOrder.get(key) ?? []).toSorted((a, b) => a.seq - b.seq);
    const gap = rows.findIndex(({ seq }, index) => seq !== index + 1);
    if (gap >= 0) return [`I-16: the log of ${key} has no row ${gap + 1}`];
    const [status, actual] = [statusAfter(rows), orders.documents.get(key)?.state?.status];
    return status === actual ? [] : [`I-16: ${key} is ${actual}, by its log it is ${status}`];
  });
}
