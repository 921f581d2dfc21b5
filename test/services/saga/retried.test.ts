/** An order that is tried again: short stock, a declined payment, both; with its stock held or released in between. */
import test from 'ava';
import { details, variedItems } from './cases.ts';
import { driveSaga, type Drive } from './drive.ts';
import { placeOrder4 } from '#services/saga/place-order-versions.ts';
import { progressOf } from '#services/saga/progress.ts';
import { usualRetrying, type Retrying } from '#services/saga/retrying.ts';

const order = { ...details, items: variedItems };
const SKUS = 2;
const TRIES = usualRetrying.tries;

function driveOrder(changes: Partial<Retrying> = {}): Drive {
  return driveSaga({ definitions: [placeOrder4({ ...usualRetrying, ...changes })], order });
}

/** What the participants refuse, in this order: the next message of that type, for that reason. */
type Refusals = readonly (readonly [type: string, reason: string, sku?: string])[];
const SHORT = ['stock.reserve', 'insufficient_stock', 'tea'] as const;
const DECLINED = ['payment.authorize', 'card_declined'] as const;

/** Everybody answers, and time passes, until the order has ended; what is reserved by then, SKU by SKU, whatever was answered. */
async function travel(
  drive: Drive,
  refusals: Refusals,
  betweenTries: (reserved: readonly string[]) => void = () => {},
) {
  const left = [...refusals];
  const reserved = new Set<string>();
  await drive.place();
  while (drive.state?.phase !== 'ended') {
    const next = drive.outstanding()[0];
    if (next === undefined) {
      betweenTries([...reserved]);
      await drive.passDue();
      continue;
    }
    const sku = next.body['sku'] as string;
    const [type, reason, of] = left[0] ?? [];
    if (next.type === type && next.id.endsWith(':do') && (of === undefined || of === sku)) {
      left.shift();
      await drive.answer('refused', next, { reason });
      continue;
    }
    if (next.type === 'stock.reserve') reserved.add(sku);
    if (next.type === 'stock.release') reserved.delete(sku);
    await drive.answer('done', next);
  }
  return [...reserved];
}

const dosOf = (drive: Drive, type: string) =>
  new Map(drive.sent.filter((one) => one.type === type).map((one) => [one.id, one.body]));

for (const stockBetween of ['hold', 'release'] as const) {
  for (let refusals = 0; refusals <= TRIES; refusals += 1) {
    const completes = refusals < TRIES;
    test(`${stockBetween}, declined ${refusals} times: ${completes ? `completed at try ${refusals + 1}` : 'failed'}, and nothing stays reserved that was not sold`, async (t) => {
      const drive = driveOrder({ stockBetween });
      const seen: string[][] = [];
      const reserved = await travel(
        drive,
        Array.from({ length: refusals }, () => DECLINED),
        (now) => seen.push([...now]),
      );
      t.is(drive.timeline().state, completes ? 'completed' : 'failed');
      t.is(reserved.length, completes ? SKUS : 0);
      t.is(dosOf(drive, 'stock.commit').size, completes ? SKUS : 0);
      const tries = Math.min(refusals + 1, TRIES);
      t.like(progressOf(drive.state, 1), { attempt: tries, maxAttempts: TRIES });
      t.is(dosOf(drive, 'payment.authorize').size, tries);
      t.is(seen.length, tries - 1);
      t.true(seen.every((now) => now.length === (stockBetween === 'hold' ? SKUS : 0)));
      const reserves = dosOf(drive, 'stock.reserve');
      t.is(
        reserves.size,
        SKUS * (stockBetween === 'hold' ? 1 : tries),
        'one reservation an order, unless it is released',
      );
      const given = [...dosOf(drive, 'stock.release').values()].map(({ of }) => of as string);
      t.is(new Set(given).size, given.length);
      t.true(
        given.every((id) => reserves.has(id)),
        'each by the id of its own effect',
      );
      t.is(given.length, reserves.size - (completes ? SKUS : 0));
      const payments = [...dosOf(drive, 'payment.create').values()].map(({ paymentId }) => paymentId);
      t.is(new Set(payments).size, stockBetween === 'hold' ? 1 : tries, 'a payment that was voided is not used again');
      if (!completes) t.deepEqual(drive.timeline().failure, { reason: 'card_declined', step: 'authorize-payment' });
      for (const type of ['wallet.capture', 'payment.settle', 'delivery.dispatch'])
        t.is(dosOf(drive, type).size, completes ? 1 : 0, type);
    });
  }

  test(`${stockBetween}, short of stock once: nothing of it is reserved between the tries, then it completes`, async (t) => {
    const drive = driveOrder({ stockBetween });
    const between: string[][] = [];
    const reserved = await travel(drive, [SHORT], (now) => between.push([...now]));
    t.deepEqual(between, [[]]);
    t.deepEqual(reserved.toSorted(), ['book', 'tea']);
    t.is(drive.timeline().state, 'completed');
    t.like(progressOf(drive.state, 1), { attempt: 2 });
    t.is(dosOf(drive, 'payment.create').size, 1, 'nobody was asked for money before');
  });

  test(`${stockBetween}, short twice and declined twice: the tries are the order's, and they are used up`, async (t) => {
    const drive = driveOrder({ stockBetween });
    t.deepEqual(await travel(drive, [SHORT, DECLINED, DECLINED, DECLINED]), []);
    t.is(drive.timeline().state, 'failed');
    t.is(progressOf(drive.state, 1).attempt, TRIES);
  });

  test(`${stockBetween}, cancelled between two tries: at once, and what is reserved is released once`, async (t) => {
    const drive = driveOrder({ stockBetween });
    await drive.goTo('authorize-payment');
    await drive.answer('refused', drive.last, { reason: 'card_declined' });
    const before = drive.now;
    t.is((await drive.cancel())[0]?.type, 'saga.cancelling');
    await drive.goOn();
    t.is(drive.now, before, 'no time passed');
    t.is(drive.timeline().state, 'cancelled');
    t.is(dosOf(drive, 'stock.release').size, SKUS);
    t.is(dosOf(drive, 'payment.authorize').size, 1);
  });
}

test('a product that is not known any more is not asked for again', async (t) => {
  const drive = driveOrder();
  await travel(drive, [['stock.reserve', 'unknown_product', 'tea']]);
  t.deepEqual(drive.timeline().failure, { reason: 'unknown_product', step: 'reserve-stock' });
  t.is(progressOf(drive.state, 1).attempt, 1);
});

test('one try: the first refusal is the last', async (t) => {
  const drive = driveOrder({ tries: 1 });
  await travel(drive, [DECLINED]);
  t.is(drive.timeline().state, 'failed');
  t.deepEqual(progressOf(drive.state, 1), { attempt: 1, maxAttempts: 1 });
  t.is(drive.timeline().steps.find(({ name }) => name === 'authorize-payment')?.maxAttempts, undefined);
});

test('a reservation is asked for until long after the order can have ended', async (t) => {
  const drive = driveOrder();
  await drive.place({ placedAt: drive.now } as object);
  const [reserve] = drive.outstanding();
  t.is(reserve?.body['expiresAt'], drive.now + 7 * 24 * 3_600_000);
});
