/** The same, where the gateway reads from a database. */
import test from 'ava';
import { fuzzRequests } from './run-requests.ts';
import { details } from '#test/services/saga/cases.ts';
import { freshDatabase, storeState } from '#test/support/stored.ts';
import { deadLetterView } from '#services/dead-letters/view.ts';
import { sealed } from '#shared/web/cursors.ts';
import { breakerView } from '#services/circuit-breaker/view.ts';
import { services } from '#services/services.ts';
import { storedViews } from '#shared/web/api.ts';
import { orderIndexes, ordersCollection } from '#services/order/model.ts';

const scopes = [
  ['orders', {}],
  ['orders', { customerId: 'alice' }],
  ['entries', 'alice'],
  ['transitions', 'payment'],
  ['dead-letters', {}],
  ['products', undefined],
  ['products', 'alice'],
];
const inner = [
  '',
  '0',
  '999999999999999',
  '999999999999999-999999999999999',
  `1-${'a'.repeat(32)}`,
  '\0',
  '$gt',
  '{"$gt":""}',
  'x'.repeat(1000),
  '💥',
];

test('600 generated reads of a real database: no fault, also with forged cursors', async (t) => {
  const db = await freshDatabase(t);
  for (const orderId of ['o1', 'o2', 'o3'])
    await storeState(db, { collection: ordersCollection, indexes: orderIndexes }, orderId, {
      status: 'pending',
      details: { ...details, orderId, customerId: 'alice' },
      createdAt: 1,
      updatedAt: 1,
    });
  const forged = scopes.flatMap((scope) =>
    inner.map((nextCursor) => sealed(scope, { items: [], nextCursor }).nextCursor ?? ''),
  );
  const { answers } = await fuzzRequests({
    requests: 600,
    seed: 7,
    reading: {
      views: storedViews(services, db),
      transitions: breakerView(db).transitions,
      letterView: deadLetterView(db),
      cursors: forged,
    },
  });
  t.log(JSON.stringify(answers));
  t.true((answers[200] ?? 0) > 100 && (answers[400] ?? 0) > 20);
});
