import { deadLettersCollection } from './model.ts';
import { deadLetterView } from './view.ts';
import { orders } from '#services/order/contract.ts';
import { defineAudit } from '#shared/audit-rule.ts';

/** What nobody could handle of an order is evidence of what is wrong with it, and wrong by itself nowhere. */
export const deadLettersAudit = defineAudit({
  of: orders,
  rows(db) {
    const view = deadLetterView(db);
    return {
      async *pages() {},
      of: async (orderIds) => (await Promise.all(orderIds.map((orderId) => view.openOf(orderId)))).flat(),
    };
  },
  about: ({ orderId = '' }) => orderId,
  document: ({ id }) => `${deadLettersCollection}/${id}`,
  listed: 'deadLetters',
  checks: [],
  check: () => [],
});
