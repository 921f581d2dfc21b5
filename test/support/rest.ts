/** Reads everything that the invariants speak of, over HTTP and the inbox. */
import type { ExecutionContext } from 'ava';
import * as invariants from './invariants.ts';
import type { Checker, Purse, Rest, Told } from './invariants.ts';
import type { Shop } from './place.ts';
import { i6NoOversell, in12MovementsAddUp, in12SoldIsOrdered, type Booked, type Shelf } from './stock-invariants.ts';
import type { Traffic } from './traffic.ts';
import type { OrderView } from '#services/order/view.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';

export const checkers: Readonly<Record<string, Checker>> = {
  'I-1': invariants.i1MoneyIsKept,
  'I-2': invariants.i2NothingIsNegative,
  'I-3': invariants.i3HoldsResolveOnce,
  'I-4': invariants.i4OneCapture,
  'I-5': invariants.i5PaidIfCompleted,
  'SG-9': invariants.sg9PaymentIsStored,
  'I-6': i6NoOversell,
  'I-7': invariants.i7LegalPath,
  'I-8': invariants.i8RefusedLeavesNothing,
  'I-9': invariants.i9MirroredUndo(placeOrder),
  'I-10': invariants.i10OneMailPerOutcome,
  'IN-12': (rest) => [...in12MovementsAddUp(rest), ...in12SoldIsOrdered(rest)],
};

/** All orders that exist, also those whose request got no answer. */
export async function readRest(
  shop: Shop,
  traffic: Pick<Traffic, 'seen' | 'paidIn' | 'refused'>,
  notifyDied: boolean,
): Promise<Rest> {
  const [orders, mails] = await Promise.all([shop.all<OrderView>('/v1/orders'), shop.mails()]);
  const told: Told[] = [];
  for (const order of orders) {
    const [timeline, payments] = await Promise.all([shop.timeline(order.id), shop.payments(order.id)]);
    const of = mails.filter(({ headers }) => headers['x-order-id'] === order.id);
    told.push({ order, timeline, payments, mails: of, seen: traffic.seen.get(order.id) ?? [] });
  }
  const purses: Purse[] = [];
  for (const customerId of Object.keys(traffic.paidIn)) {
    purses.push({ wallet: await shop.wallet(customerId), entries: await shop.entries(customerId) });
  }
  const shelves = await shelvesIn(shop);
  return { orders: told, purses, shelves, paidIn: traffic.paidIn, refusedEmails: traffic.refused, notifyDied };
}

export function holdAll(t: ExecutionContext, rest: Rest): void {
  for (const [name, check] of Object.entries(checkers)) t.deepEqual([...check(rest)], [], name);
}

async function shelvesIn(shop: Shop): Promise<readonly Shelf[]> {
  const shelves: Shelf[] = [];
  for (const level of await shop.all<Omit<Shelf, 'movements'>>('/v1/stock')) {
    const path = `/v1/stock/${encodeURIComponent(level.sku)}/movements`;
    shelves.push({ ...level, movements: await shop.all<Booked>(path) });
  }
  return shelves;
}
