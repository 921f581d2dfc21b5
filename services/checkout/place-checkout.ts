import { begin } from './contract.ts';
import { askedFor, type CheckoutData, type CheckoutLearned, piecesOf } from './data.ts';
import { flows, type Flow, type Letter } from '#services/checkout-flow.ts';
import * as executor from '#services/executor/contract.ts';
import * as fraud from '#services/fraud/contract.ts';
import * as suggestions from '#services/suggestions/contract.ts';
import * as verification from '#services/verification/contract.ts';
import { type Definition, defineSaga } from '#shared/saga/definition.ts';
import { sagaWriter, type WrittenStep } from '#shared/saga/writing.ts';

const { step, undoneWith } = sagaWriter<CheckoutData, CheckoutLearned>();

const START = 'begin-checkout';
/** Nothing was done to anybody: what the services noted of it goes with the final clock. */
const nothingToUndo = undoneWith(START);

/** What is asked of whom at each event. */
export const steps: Readonly<Record<Letter, WrittenStep<CheckoutData, CheckoutLearned>>> = {
  A: step({
    name: 'check-items',
    title: 'the basket is not empty',
    command: verification.checkItems,
    with: (data) => ({ ...askedFor('A', data), items: data.items }),
    undo: nothingToUndo,
  }),
  B: step({
    name: 'check-user',
    title: 'the user data are complete',
    command: verification.checkUser,
    with: (data) => {
      const { user, billingAddress, termsAccepted } = data;
      return { ...askedFor('B', data), user, billingAddress, termsAccepted };
    },
    undo: nothingToUndo,
  }),
  C: step({
    name: 'check-card',
    title: 'the card has the form of one',
    command: verification.checkCard,
    with: (data) => ({ ...askedFor('C', data), card: data.cards.verification! }),
    learn: ({ paymentMethod }) => (paymentMethod === undefined ? {} : { paymentMethod }),
    undo: nothingToUndo,
  }),
  D: step({
    name: 'check-user-fraud',
    title: 'the user speaks of no fraud',
    command: fraud.checkUser,
    with: (data) => ({ ...askedFor('D', data), user: data.user, ...boughtIn(data) }),
    undo: nothingToUndo,
  }),
  E: step({
    name: 'check-card-fraud',
    title: 'the card speaks of no fraud',
    command: fraud.checkCard,
    with: (data) => ({ ...askedFor('E', data), card: data.cards.fraud!, ...boughtIn(data) }),
    undo: nothingToUndo,
  }),
  F: step({
    name: 'find-suggestions',
    title: 'something is suggested',
    command: suggestions.find,
    with: (data) => ({ ...askedFor('F', data), skus: data.items.map(({ sku }) => sku) }),
    learn: ({ suggestions: found }) => ({ suggestions: found }),
    undo: nothingToUndo,
  }),
};

/** It is approved by now: this is asked again until the order stands in the queue. */
const enqueueOrder = step({
  name: 'enqueue-order',
  title: 'the order stands in the queue',
  command: executor.enqueue,
  forwardOnly: true,
  with: ({ orderId, order }, { paymentMethod }) => ({
    orderId,
    checkoutId: orderId,
    order: { ...order!, paymentMethod },
  }),
  undo: nothingToUndo,
});

/** The event of each step. */
export const eventOf: ReadonlyMap<string, Letter> = new Map(
  Object.entries(steps).map(([letter, { name }]) => [name, letter as Letter]),
);

/** One event after the other. */
export const chain = checkoutIn('chain', ['A', 'B', 'D', 'C', 'E', 'F']);
/** What need not wait runs side by side. */
export const partial = checkoutIn('partial', ['A', 'B', 'C', 'D', 'E', 'F']);

/** The order of the events is that of the flow; which of two that may be side by side is listed first says nothing. */
function checkoutIn(flow: Flow, letters: readonly Letter[]): Definition<CheckoutData, CheckoutLearned> {
  return defineSaga<CheckoutData, CheckoutLearned>({
    name: `checkout-${flow}`,
    version: 1,
    start: { name: START, title: 'checkout begun', command: begin, effectId: (orderId) => `${orderId}:begin` },
    steps: [
      ...letters.map((letter) => {
        const first: readonly Letter[] = flows[flow][letter];
        return { ...steps[letter], after: first.length === 0 ? [START] : first.map((one) => steps[one].name) };
      }),
      enqueueOrder,
    ],
    cancellableBefore: enqueueOrder.name,
  });
}

/** Those that a process can run; new checkouts take the first. */
export function definitionsOf(flow: Flow): readonly Definition<CheckoutData, CheckoutLearned>[] {
  return flow === 'chain' ? [chain, partial] : [partial, chain];
}

function boughtIn(data: CheckoutData) {
  return { pieces: piecesOf(data), ...(data.order && { total: data.order.total }) };
}
