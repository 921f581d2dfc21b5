/** `order_logs` computed anew from the sagas, and read while rows are still on their way. */
import test, { type ExecutionContext } from 'ava';
import type { Connection } from 'mongoose';
import { driveSaga } from './drive.ts';
import { projectionIn } from '#local/commands/rebuild.ts';
import { orderLogs, orderLogsProjection } from '#services/saga/logs-view.ts';
import { orderLogsCollection, sagasCollection } from '#services/saga/model.ts';
import { logRows, type LoggedSaga } from '#services/saga/order-logs.ts';
import { archiveOf, idAt } from '#shared/database/archive.ts';
import { rebuild } from '#shared/database/rebuilding.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';

const idOf = (n: number): string => `${idAt(Date.UTC(2026, 0, 2))}-7000-8000-${String(n).padStart(12, '0')}`;
const ORDERS = 25;

/** Sagas of completed and failed orders, every fifth in the archive, and none of their rows. */
async function world(t: ExecutionContext) {
  const { db } = await mongoWorld(t);
  const completed = driveSaga();
  await completed.place();
  await completed.goOn();
  const failed = driveSaga();
  await failed.goTo('hold-funds');
  await failed.answer('refused', failed.last, { reason: 'x'.repeat(200) });
  await failed.goOn();
  const states = [completed.state as LoggedSaga, failed.state as LoggedSaga];
  const sagas = Array.from({ length: ORDERS }, (_, n) => ({ _id: idOf(n), version: 9, state: states[n % 2]! }));
  for (const [n, saga] of sagas.entries())
    await db.collection(n % 5 === 0 ? archiveOf(sagasCollection) : sagasCollection).insertOne(saga as never);
  const wanted = sagas.flatMap(({ _id, state }) => logRows(_id, state));
  return { db, sagas, wanted };
}

const stored = async (db: Connection) =>
  (await db.collection(orderLogsCollection).find({}).sort({ _id: 1 }).toArray()).map(({ _id, ...row }) => row);

test('what is missing or wrong is written, what follows from nothing goes; again, nothing is to be done', async (t) => {
  const { db, wanted } = await world(t);
  const seen: number[] = [];
  const onProgress = ({ things }: { readonly things: number }): void => void seen.push(things);
  const first = await rebuild(db, orderLogsProjection, { size: 4, onProgress });
  t.deepEqual(first, { things: ORDERS, written: wanted.length, removed: 0 });
  t.true(seen.length > 5, 'it tells how far it is');
  t.deepEqual(await stored(db), wanted.toSorted((a, b) => (a.id < b.id ? -1 : 1)) as never);
  t.deepEqual(await rebuild(db, orderLogsProjection, { size: 4 }), { things: ORDERS, written: 0, removed: 0 });

  const rows = db.collection(orderLogsCollection);
  await rows.deleteOne({ _id: `${idOf(3)}:2` as never });
  await rows.updateOne({ _id: `${idOf(4)}:1` as never }, { $set: { status: 'paid' } });
  await rows.insertOne({ _id: `${idOf(5)}:99` as never, orderId: idOf(5), seq: 99 });
  await rows.insertOne({ _id: 'nobody:1' as never, orderId: 'nobody', seq: 1 });
  t.deepEqual(await rebuild(db, orderLogsProjection, { size: 4 }), { things: ORDERS, written: 2, removed: 2 });
  t.deepEqual(await stored(db), wanted.toSorted((a, b) => (a.id < b.id ? -1 : 1)) as never);
});

test('a row that is written while the log is computed stays', async (t) => {
  const { db, sagas, wanted } = await world(t);
  const late = { ...sagas[0]!, _id: idOf(ORDERS + 1) };
  let isWritten = false;
  const { removed } = await rebuild(db, orderLogsProjection, {
    size: 4,
    async onProgress() {
      if (isWritten) return;
      isWritten = true;
      await db.collection(sagasCollection).insertOne(late as never);
      const rows = logRows(late._id, late.state).map((row) => ({ ...row, _id: row.id }));
      await db.collection(orderLogsCollection).insertMany(rows as never);
    },
  });
  t.is(removed, 0);
  t.is((await stored(db)).length, wanted.length + logRows(late._id, late.state).length);
});

test('a row that is committed and not in its collection yet is read; reasons are whole', async (t) => {
  const { db, sagas } = await world(t);
  await rebuild(db, orderLogsProjection);
  const { _id, state } = sagas[1]!;
  const rows = logRows(_id, state);
  const last = rows.at(-1)!;
  await db.collection(orderLogsCollection).deleteOne({ _id: last.id as never });
  await db.collection(sagasCollection).updateOne({ _id: _id as never }, { $set: { journal: [last] } });
  const shown = await orderLogs(db, _id);
  t.deepEqual(
    shown.map(({ id, status }) => [id, status]),
    rows.map(({ id, status }) => [id, status]),
  );
  t.is(shown.at(-1)?.errorMessage, 'x'.repeat(200));
  t.regex(shown[0]!.processedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.deepEqual(await orderLogs(db, 'nobody'), []);
});

test('the command knows what can be computed anew, and says so otherwise', (t) => {
  t.is(projectionIn(['order-logs'])[1], orderLogsProjection);
  t.throws(() => projectionIn([]), { message: /not one of order-logs/ });
  t.throws(() => projectionIn(['toString']), { message: /not one of order-logs/ });
});
