import type { OrderRow } from '#local/commands/simulator/result.ts';

export const START = Date.UTC(2026, 0, 1);

export function row(fields: Partial<OrderRow> = {}): OrderRow {
  return {
    n: 1,
    kind: 'ok',
    customerId: 'sim-1',
    amountMinor: 100,
    dueAt: START,
    answeredAt: START + 10,
    outcome: 'completed',
    orderId: 'o-1',
    httpStatus: 202,
    seen: [],
    ...fields,
  };
}
