/** Sound books violate nothing; each damage to one of their documents is found by the check that is to find it. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Connection, createConnection } from 'mongoose';
import {
  AMOUNT,
  auditBooks,
  BOOKKEEPERS,
  CANCELLED,
  COMPLETED,
  CUSTOMER,
  FAILED,
  NOW,
  RUNNING,
  storeBooks,
} from './books.ts';
import { auditNames, auditSources } from '#services/audit/sources.ts';
import type { AuditSource } from '#shared/audit-rule.ts';
import { type EmbeddedMongo, startEmbeddedMongo } from '#local/mongo/main.ts';

type Damage = (db: Connection) => Promise<unknown>;

const ORDERS = 40;

let server: EmbeddedMongo;
let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchyard-audit-'));
  server = await startEmbeddedMongo({ dataDir: folder });
});
test.after.always(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function stored(t: ExecutionContext): Promise<Connection> {
  const db = await createConnection(server.url, { dbName: `audit-${randomUUID()}` }).asPromise();
  t.teardown(() => db.close());
  await storeBooks(db, ORDERS, 3);
  return db;
}

const set =
  (collection: string, id: string, fields: object): Damage =>
  (db) =>
    db.collection(collection).updateOne({ _id: id as never }, { $set: fields });
const gone =
  (collection: string, id: string): Damage =>
  (db) =>
    db.collection(collection).deleteOne({ _id: id as never });
const all =
  (...damages: readonly Damage[]): Damage =>
  async (db) => {
    for (const damage of damages) await damage(db);
  };
/** Another entry in the ledger, with everything in the wallet as it has to be then: only the order knows better. */
const entered =
  (orderId: string, kind: string, customerId: string): Damage =>
  async (db) => {
    const wallet = await db.collection('wallets').findOne<{ state: { entries: number } }>({ _id: customerId as never });
    const seq = (wallet?.state.entries ?? 0) + 1;
    const id = `hold-${orderId}:${kind}`;
    const entry = { id, customerId, kind, amount: AMOUNT, currency: 'EUR', orderId, at: NOW, seq };
    await db.collection('wallet_entries').insertOne({ _id: id as never, ...entry });
    const moves: Record<string, Record<string, number>> = {
      refund: { 'state.available': AMOUNT, 'state.captured': -AMOUNT },
      capture: { 'state.held': -AMOUNT, 'state.captured': AMOUNT },
      release: { 'state.held': -AMOUNT, 'state.available': AMOUNT },
      hold: { 'state.held': AMOUNT, 'state.available': -AMOUNT },
    };
    await db
      .collection('wallets')
      .updateOne({ _id: customerId as never }, { $inc: { 'state.entries': 1, ...moves[kind] } });
  };
const mail = (outcome: string, kind = outcome) => ({ outcome, kind, messageId: `<${kind}>`, acceptedAt: NOW });
const mailed = (id: string, ...mails: readonly object[]): Damage => set('notifications', id, { 'state.mails': mails });
const pay = (orderId: string): string => `pay-${orderId}`;

/** Each page begins with its end. */
function turnedAround<Row>({ pages, of }: AuditSource<Row>): AuditSource<Row> {
  return {
    of,
    async *pages(size) {
      for await (const page of pages(size)) yield page.toReversed();
    },
  };
}

const damages: readonly (readonly [check: string, what: string, damage: Damage, subject?: string])[] = [
  ['hanging', 'an accepted order does not exist', gone('orders', RUNNING), RUNNING],
  ['hanging', 'an order runs for too long', set('orders', RUNNING, { 'state.createdAt': NOW - 999_999 }), RUNNING],
  [
    'hanging',
    'a saga is parked for ever',
    all(
      set('orders', RUNNING, { 'state.createdAt': NOW - 999_999 }),
      set('sagas', RUNNING, { 'state.phase': 'parked', 'state.reason': 'no definition', 'state.was': { steps: [] } }),
    ),
    RUNNING,
  ],
  [
    'hanging',
    'a saga never closes',
    set('sagas', FAILED, { 'state.phase': 'closing', 'state.current': 'tell-customer' }),
    FAILED,
  ],
  ['hanging', 'completed without a saga', gone('sagas', COMPLETED), COMPLETED],
  ['orphan', 'a completed order is gone', gone('orders', COMPLETED), COMPLETED],
  ['orphan', 'only undos arrived, and it was paid', set('orders', COMPLETED, { state: { status: 'unplaced' } })],
  [
    'one-payment',
    'two payments',
    async (db) => {
      const payment = await db.collection('payments').findOne({ _id: pay(COMPLETED) as never });
      await db.collection('payments').insertOne({ ...payment, _id: 'pay-again' as never });
    },
    COMPLETED,
  ],
  ['one-payment', 'over another amount', set('payments', pay(FAILED), { 'state.details.amount.amount': 1 }), FAILED],
  ['one-payment', 'of another customer', set('payments', pay(FAILED), { 'state.details.customerId': 'x' }), FAILED],
  ['one-capture', 'captured without a hold', gone('wallet_entries', `hold-${COMPLETED}:hold`), COMPLETED],
  ['one-capture', 'released and captured', entered(COMPLETED, 'release', CUSTOMER), COMPLETED],
  ['one-capture', 'refunded without a capture', entered(CANCELLED, 'refund', 'customer-2'), CANCELLED],
  ['one-capture', 'another amount', set('wallet_entries', `hold-${FAILED}:refund`, { amount: AMOUNT - 1 }), FAILED],
  ['one-capture', 'another wallet', set('wallet_entries', `hold-${FAILED}:refund`, { customerId: 'customer-0' })],
  ['completed', 'its payment is not settled', set('payments', pay(COMPLETED), { 'state.status': 'voided' }), COMPLETED],
  ['completed', 'it has no payment', gone('payments', pay(COMPLETED)), COMPLETED],
  ['completed', 'its payment is not stored in it', set('orders', COMPLETED, { 'state.payment': null }), COMPLETED],
  ['completed', 'not captured', gone('wallet_entries', `hold-${COMPLETED}:capture`), COMPLETED],
  ['completed', 'refunded', entered(COMPLETED, 'refund', CUSTOMER), COMPLETED],
  ['completed', 'not told', gone('notifications', COMPLETED), COMPLETED],
  ['completed', 'not delivered', gone('deliveries', COMPLETED), COMPLETED],
  ['completed', 'its delivery is cancelled', set('deliveries', COMPLETED, { 'state.status': 'cancelled' }), COMPLETED],
  ['undone', 'still settled', set('payments', pay(FAILED), { 'state.status': 'settled' }), FAILED],
  ['undone', 'still authorized', set('payments', pay(CANCELLED), { 'state.status': 'authorized' }), CANCELLED],
  ['undone', 'not refunded', gone('wallet_entries', `hold-${FAILED}:refund`), FAILED],
  ['undone', 'still held', gone('wallet_entries', `hold-${CANCELLED}:release`), CANCELLED],
  ['undone', 'delivered', set('deliveries', FAILED, { 'state.status': 'dispatched' }), FAILED],
  ['undone', 'not told', gone('notifications', FAILED), FAILED],
  ['agreement', 'the order thinks otherwise', set('orders', COMPLETED, { 'state.status': 'failed' }), COMPLETED],
  ['agreement', 'the saga thinks otherwise', set('sagas', COMPLETED, { 'state.outcome': 'failed' }), COMPLETED],
  ['agreement', 'it still runs', set('orders', FAILED, { 'state.status': 'pending' }), FAILED],
  [
    'agreement',
    'the order thinks otherwise of its payment',
    set('orders', FAILED, { 'state.payment.status': 'voided' }),
    FAILED,
  ],
  ['mails', 'told twice', mailed(COMPLETED, mail('completed'), mail('completed')), COMPLETED],
  ['mails', 'told something else', mailed(FAILED, mail('cancelled')), FAILED],
  ['mails', 'not corrected', mailed(FAILED, mail('completed'), mail('failed')), FAILED],
  ['mails', 'told of success afterwards', mailed(FAILED, mail('failed'), mail('completed')), FAILED],
  ['mails', 'a completed order was corrected', mailed(COMPLETED, mail('completed'), mail('failed', 'correction'))],
  ['ledger', 'money appears', set('wallets', CUSTOMER, { 'state.available': 999_999_999 }), CUSTOMER],
  ['ledger', 'captured is too much', set('wallets', CUSTOMER, { 'state.captured': 1 }), CUSTOMER],
  ['ledger', 'an entry is lost', gone('wallet_entries', `top-up-${CUSTOMER}`), CUSTOMER],
  ['ledger', 'entries without a wallet', gone('wallets', CUSTOMER), CUSTOMER],
  ['ledger', 'in another currency', set('wallet_entries', `top-up-${CUSTOMER}`, { currency: 'USD' }), CUSTOMER],
  ['ledger', 'a number twice', set('wallet_entries', `top-up-${CUSTOMER}`, { seq: 2 }), CUSTOMER],
  ['ledger', 'nothing was moved', set('wallet_entries', `top-up-${CUSTOMER}`, { amount: 0 }), CUSTOMER],
  ['negative', 'overdrawn', set('wallets', CUSTOMER, { 'state.available': -1 }), CUSTOMER],
  ['negative', 'less than nothing is held', set('wallets', CUSTOMER, { 'state.held': -1 }), CUSTOMER],
  ['held', 'held without a hold', set('wallets', CUSTOMER, { 'state.holds': [] }), CUSTOMER],
  ['log', 'a row was left out', gone('order_logs', `${COMPLETED}:2`), COMPLETED],
  ['log', 'its end was left out', lastRow(COMPLETED), COMPLETED],
  ['log', 'it says another end', lastRow(FAILED, 'cancelled'), FAILED],
];

/** The last row of an order's log says this; absent: it is not there. */
function lastRow(orderId: string, status?: string) {
  return async (db: Connection): Promise<void> => {
    const logs = db.collection('order_logs');
    const [last] = await logs.find({ orderId }).sort({ seq: -1 }).limit(1).toArray();
    if (status === undefined) await logs.deleteOne({ _id: last!._id });
    else await logs.updateOne({ _id: last!._id }, { $set: { status } });
  };
}

test('sound books violate nothing', async (t) => {
  const db = await stored(t);
  const { checked, violations, items, totals } = await auditBooks(db);
  t.deepEqual(items, []);
  t.is(violations, 0);
  t.is(checked.orders, ORDERS);
  t.is(checked.wallets, 3);
  t.is(checked.entries, await db.collection('wallet_entries').countDocuments());
  const toppedUp = 3 * ORDERS * AMOUNT;
  const tenOrders = 10 * AMOUNT;
  const available = toppedUp - 2 * tenOrders;
  t.deepEqual(totals, [{ currency: 'EUR', toppedUp, available, held: tenOrders, captured: tenOrders }]);
});

test('every check is shown to find something', (t) => {
  t.deepEqual([...new Set(damages.map(([check]) => check))].toSorted(), auditNames(BOOKKEEPERS).checks.toSorted());
});

for (const [check, what, damage, subject] of damages) {
  test(`${check} finds: ${what}`, async (t) => {
    const db = await stored(t);
    await damage(db);
    const { byCheck, items, violations } = await auditBooks(db, { now: check === 'hanging' ? NOW + 120_000 : NOW });
    t.true((byCheck[check] ?? 0) > 0, JSON.stringify(byCheck));
    const found = items.filter((item) => item.check === check);
    if (subject !== undefined)
      t.true(
        found.some(({ orderId, customerId }) => [orderId, customerId].includes(subject)),
        JSON.stringify(items),
      );
    t.is(items.length, violations);
    for (const { documents } of found) t.not(documents.length, 0);
  });
}

test('a violation comes with the documents, amounts and times that show it', async (t) => {
  const db = await stored(t);
  await gone('wallet_entries', `hold-${FAILED}:refund`)(db);
  const { items } = await auditBooks(db);
  const found = items.find(({ check }) => check === 'undone');
  t.is(found?.detail, `${AMOUNT} are still taken`);
  t.deepEqual(found?.documents.toSorted(), [
    `deliveries/${FAILED}`,
    `notifications/${FAILED}`,
    `order_logs/${FAILED}`,
    `orders/${FAILED}`,
    `payments/${pay(FAILED)}`,
    `requests/${FAILED}`,
    `sagas/${FAILED}`,
    `wallet_entries/hold-${FAILED}:capture`,
    `wallet_entries/hold-${FAILED}:hold`,
  ]);
  const evidence = JSON.stringify(found?.evidence);
  t.true(evidence.includes('"endedAt":"2026-01-02T00:00:01.100Z"'), evidence);
  t.false(evidence.includes('example.org'), 'nobody’s address is in it');
});

test('beyond the limit violations are counted, not listed', async (t) => {
  const db = await stored(t);
  await db.collection('deliveries').deleteMany({});
  const { items, violations, byCheck } = await auditBooks(db, { limit: 3 });
  t.is(items.length, 3);
  t.deepEqual([violations, byCheck.completed], [10, 10]);
});

test('an entry that is committed and not in its collection yet is not missing', async (t) => {
  const db = await stored(t);
  const id = `hold-${COMPLETED}:capture`;
  const { _id, ...riding } = (await db.collection('wallet_entries').findOne({ _id: id as never }))!;
  await gone('wallet_entries', id)(db);
  await set('wallets', CUSTOMER, { journal: [riding] })(db);
  t.deepEqual((await auditBooks(db)).items, []);
  t.is(String(_id), id);
});

test('what looked wrong in passing is not reported when it is right after the grace', async (t) => {
  const db = await stored(t);
  const refund = `hold-${FAILED}:refund`;
  const missing = (await db.collection('wallet_entries').findOne({ _id: refund as never }))!;
  await gone('wallet_entries', refund)(db);
  await set('sagas', FAILED, { 'state.endedAt': NOW })(db);
  const sources = auditSources(db, BOOKKEEPERS);
  let waited = 0;
  const { items, checked } = await auditBooks(db, {
    graceMs: 1234,
    sources,
    clock: {
      now: () => NOW,
      async sleep(ms: number) {
        waited = ms;
        if ((await db.collection('wallet_entries').findOne({ _id: refund as never })) === null)
          await db.collection('wallet_entries').insertOne(missing);
      },
    } as never,
  });
  t.deepEqual(items, []);
  t.is(waited, 1234);
  t.true(checked.readAgain >= 1);
});

test('an order whose documents come in parts is put together before it is judged', async (t) => {
  const db = await stored(t);
  const sources = auditSources(db, BOOKKEEPERS);
  const turned = sources.map(({ kind, rules }) => ({
    kind,
    rules: rules.map((bound) => (bound.service === 'payment' ? { ...bound, rows: turnedAround(bound.rows) } : bound)),
  }));
  const { items, checked } = await auditBooks(db, { sources: turned });
  t.deepEqual(items, []);
  t.true(checked.readAgain > 0);
});

test('any page size reads the same', async (t) => {
  const db = await stored(t);
  await gone('notifications', COMPLETED)(db);
  for (const pageSize of [1, 2, 7, 40, 41]) {
    const { items, checked } = await auditBooks(db, { pageSize });
    t.deepEqual(
      items.map(({ detail }) => detail),
      ['its customer was not told'],
      String(pageSize),
    );
    t.is(checked.orders, ORDERS);
  }
});

test('a second payment is seen wherever a page ends', async (t) => {
  const db = await stored(t);
  const payment = await db.collection('payments').findOne({ _id: pay(COMPLETED) as never });
  const state = { ...payment!['state'], status: 'authorized' };
  await db.collection('payments').insertOne({ ...payment, state, _id: 'pay-again' as never });
  for (const pageSize of [2, 3, 4, 7]) {
    const { items } = await auditBooks(db, { pageSize });
    t.deepEqual(
      items.map(({ check, orderId }) => [check, orderId]),
      [['one-payment', COMPLETED]],
      String(pageSize),
    );
  }
});
