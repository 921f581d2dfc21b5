import type { OrderData, OrderLearned } from './order-data.ts';
import * as road from './place-order.ts';
import type { OrderRoad } from './saga.ts';
import * as retired from './retired-steps.ts';
import { type Retrying, usualRetrying } from './retrying.ts';
import { defineSaga, labelOf } from '#shared/saga/definition.ts';
import type { Written } from '#shared/saga/writing.ts';

/**
 * Which steps an order takes, by version. A step is sent when the one above it was answered, or those that it names in `after`.
 * A version is never changed once an order ran under it, and goes when the last of them has ended.
 */

/** With stock: reserved before the payment, sold after it; short stock and a declined payment are tried again. */
export const placeOrder4 = (retrying: Retrying) =>
  version(4, [
    road.reserveStock(retrying),
    road.createPayment,
    road.attachPayment,
    road.holdFunds,
    road.authorizePaymentAgain(retrying),
    road.captureFunds,
    road.settlePayment,
    road.recordPayment,
    road.commitStock,
    road.arrangeDelivery,
    road.notifyCustomer,
    road.recordDispatch,
  ]);

/** An order that the saga has heard of is told of its payment by the answers of the payment itself. */
export const placeOrder3 = version(3, [
  road.createPayment,
  road.attachPayment,
  road.holdFunds,
  road.authorizePayment,
  road.captureFunds,
  road.settlePayment,
  road.recordPayment,
  road.arrangeDelivery,
  road.notifyCustomer,
  road.recordDispatch,
]);

/** One step after the other, each with a command and an answer of its own. */
export const placeOrder2 = version(2, [
  road.createPayment,
  retired.attachPaymentByCommand,
  road.holdFunds,
  road.authorizePayment,
  road.captureFunds,
  road.settlePayment,
  retired.recordPaymentByCommand,
  road.arrangeDelivery,
  road.notifyCustomer,
  retired.recordDispatchAlone,
]);

/** Before there were deliveries. */
export const placeOrder1 = version(1, [
  road.createPayment,
  retired.attachPaymentByCommand,
  road.holdFunds,
  road.authorizePayment,
  road.captureFunds,
  road.settlePayment,
  retired.recordPaymentByCommand,
  road.notifyCustomer,
  retired.recordDispatchAlone,
]);

/** What a process can run that retries so: new orders start under the first that all copies run, the others are here until the last saga of them ended. */
export function definitionsWith(retrying: Retrying) {
  return [placeOrder4(retrying), placeOrder3, placeOrder2, placeOrder1] as const;
}

/** The same for whoever only reads: how often is tried stands in each saga. */
export const definitions = definitionsWith(usualRetrying);

/** What copies can run that do not tell the others what they can run: they are older than version 4. */
export const runByThoseWhoDoNotSay: readonly string[] = [placeOrder3, placeOrder2, placeOrder1].map(labelOf);

/** The road that new orders take. */
export const [placeOrder] = definitions;

function version(number: number, steps: readonly Written<OrderData, OrderLearned>[]): OrderRoad {
  const ends = { start: road.initialiseOrder, finalNotice: road.tellCustomer };
  const defined = defineSaga<OrderData, OrderLearned>({
    ...ends,
    name: 'place-order',
    version: number,
    steps,
    cancellableBefore: road.captureFunds.name,
  });
  return { ...defined, ...ends };
}
