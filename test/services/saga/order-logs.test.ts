/** The log of an order, on a road with stock and retries: what it says, and that it only ever grows. */
import test, { type ExecutionContext } from 'ava';
import { driveSaga, type Drive } from './drive.ts';
import { logRows, type LoggedSaga, statusAfter } from '#services/saga/order-logs.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { captureFunds, createPayment, holdFunds, initialiseOrder } from '#services/saga/place-order.ts';
import { authorizePayment, settlePayment, tellCustomer } from '#services/saga/place-order.ts';
import { defineSaga } from '#shared/saga/definition.ts';

const DELAY_MS = 1000;

/** The wallet stands in for the stock: two SKUs side by side. */
const { number: _milestone, ...hold } = holdFunds;
const reserveStock = { ...hold, name: 'reserve-stock', after: ['initialise-order'] };
const road = (between: 'hold' | 'release') =>
  defineSaga({
    name: 'place-order',
    version: 90,
    start: initialiseOrder,
    steps: [
      { ...reserveStock, partsOf: () => [reserveStock, reserveStock] },
      createPayment,
      { ...authorizePayment, retries: { times: 3, delayMs: DELAY_MS, between } },
      captureFunds,
      settlePayment,
    ],
    cancellableBefore: captureFunds.name,
    finalNotice: tellCustomer,
  });

const rowsOf = (drive: Drive) => logRows(drive.orderId, drive.state as LoggedSaga);
const statuses = (drive: Drive): string =>
  rowsOf(drive)
    .map(({ status }) => status)
    .join(' ');

/** Everybody answers, the payment is refused so often; the log is seen to grow only at its end. */
async function go(t: ExecutionContext, drive: Drive, refusals: number): Promise<void> {
  await drive.place();
  for (let left = refusals, before = rowsOf(drive); drive.state?.phase !== 'ended';) {
    const [next] = drive.outstanding();
    if (next === undefined) await drive.passDue();
    else if (next.type === 'payment.authorize' && left > 0) {
      left -= 1;
      await drive.answer('refused', next, { reason: `refusal ${refusals - left}` });
    } else await drive.answer('done', next);
    await drive.pass(1);
    const after = rowsOf(drive);
    t.deepEqual(after.slice(0, before.length), before);
    before = after;
  }
}

test('an order that completes is pending, reserved, paid and processed', async (t) => {
  const drive = driveSaga({ definitions: [road('hold')] });
  await go(t, drive, 0);
  t.is(statuses(drive), 'pending reserved paid processed');
  const rows = rowsOf(drive);
  t.deepEqual(
    rows.map(({ id, orderId, seq }) => [id, orderId, seq]),
    rows.map((_, index) => [`${drive.orderId}:${index + 1}`, drive.orderId, index + 1]),
  );
  t.true(rows.every(({ at }, index) => index === 0 || at >= rows[index - 1]!.at));
  t.is(statusAfter(rows), 'completed');
});

test('what is held is reserved once and released once, however many tries there were', async (t) => {
  const retried = driveSaga({ definitions: [road('hold')] });
  await go(t, retried, 2);
  t.is(statuses(retried), 'pending reserved retrying retrying paid processed');
  const failed = driveSaga({ definitions: [road('hold')] });
  await go(t, failed, 4);
  t.is(statuses(failed), 'pending reserved retrying retrying retrying released failed');
  t.deepEqual(
    rowsOf(failed).flatMap(({ errorMessage }) => errorMessage ?? []),
    ['refusal 1', 'refusal 2', 'refusal 3', 'refusal 4'],
  );
  t.is(statusAfter(rowsOf(failed)), 'failed');
});

test('what is released between tries is reserved and released at each', async (t) => {
  const drive = driveSaga({ definitions: [road('release')] });
  await go(t, drive, 4);
  const once = 'reserved retrying released';
  t.is(statuses(drive), `pending ${once} ${once} ${once} reserved released failed`);
});

test('what was never reserved is never released; a part of it is', async (t) => {
  const none = driveSaga({ definitions: [road('hold')] });
  await none.place();
  const [first, second] = none.outstanding();
  await none.answer('refused', first, { reason: 'insufficient_stock' });
  await none.goOn();
  t.is(statuses(none), 'pending released failed', 'the other one may have been reserved');
  const part = driveSaga({ definitions: [road('hold')] });
  await part.place();
  await part.answer('done', second);
  await part.answer('refused', first, { reason: 'insufficient_stock' });
  await part.goOn();
  t.is(statuses(part), 'pending released failed');
  t.is(rowsOf(part).at(-1)?.errorMessage, 'insufficient_stock');
});

test('a cancelled order says so, also between two tries', async (t) => {
  for (const between of ['hold', 'release'] as const) {
    const drive = driveSaga({ definitions: [road(between)] });
    await drive.place();
    while (drive.last.type !== 'payment.authorize') await drive.answer();
    await drive.answer('refused');
    await drive.cancel();
    await drive.goOn();
    t.is(statuses(drive), 'pending reserved retrying released cancelled', between);
    t.is(rowsOf(drive).at(-1)?.errorMessage, undefined);
    t.is(statusAfter(rowsOf(drive)), 'cancelled');
  }
});

test('two changes within one millisecond stand in the order in which they happened', async (t) => {
  const drive = driveSaga({ definitions: [road('hold')] });
  await drive.place();
  await drive.goOn();
  t.is(new Set(rowsOf(drive).map(({ at }) => at)).size, 1);
  t.is(statuses(drive), 'pending reserved paid processed');
});

test('a saga that went its way before there were logs has the rows that its steps tell, and logs on', async (t) => {
  const drive = driveSaga({ definitions: [road('hold')] });
  await go(t, drive, 0);
  const { log, ...before } = drive.state as LoggedSaga & { log: unknown };
  t.deepEqual(
    logRows(drive.orderId, before as LoggedSaga)
      .map(({ status }) => status)
      .join(' '),
    statuses(drive),
  );
  t.is((log as readonly unknown[]).length, 4);
});

for (const definition of definitions)
  test(`version ${definition.version} logs how its orders end`, async (t) => {
    const drive = driveSaga({ definitions: [definition] });
    await drive.place();
    await drive.goOn();
    t.is(statusAfter(rowsOf(drive)), 'completed');
    const refused = driveSaga({ definitions: [definition] });
    await refused.goTo('hold-funds');
    await refused.answer('refused', refused.last, { reason: 'insufficient_funds' });
    await refused.goOn();
    t.like(rowsOf(refused).at(-1), { status: 'failed', errorMessage: 'insufficient_funds' });
  });
