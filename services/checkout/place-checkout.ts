import { begin } from './contract.ts';
import { askedFor, type CheckoutData, type CheckoutLearned, piecesOf } from './data.ts';
import { flows, type Flow, type Letter, letters } from '#services/checkout-flow.ts';
import * as executor from '#services/executor/contract.ts';
import * as fraud from '#services/fraud/contract.ts';
import * as suggestions from '#services/suggestions/contract.ts';
import * as verification from '#services/verification/contract.ts';
import { type Definition, defineSaga, labelOf } from '#shared/saga/definition.ts';
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

/** A and B by one request: they are of one service, and one follows the other. */
const checkForm = step({
  name: 'check-form',
  title: 'the basket is not empty, the user data are complete',
  command: verification.checkForm,
  with: (data) => {
    const { items, user, billingAddress, termsAccepted } = data;
    return { ...askedFor('A', data), items, user, billingAddress, termsAccepted };
  },
  undo: nothingToUndo,
});

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

interface Request {
  readonly step: WrittenStep<CheckoutData, CheckoutLearned>;
  /** The events that it is for, in their order. */
  readonly letters: readonly Letter[];
}

const requestFor = (letter: Letter): Request => ({ step: steps[letter], letters: [letter] });
const requestForForm: Request = { step: checkForm, letters: ['A', 'B'] };
const requests: readonly Request[] = [...letters.map(requestFor), requestForForm];

/** The events of each step. */
export const eventsOf: ReadonlyMap<string, readonly Letter[]> = new Map(
  requests.map(({ step: { name }, letters }) => [name, letters]),
);

/** Answers to requests for events; the bodies of other answers say nothing of any. */
export const eventAnswers: ReadonlySet<string> = new Set(
  requests.flatMap(({ step: { command } }) => [command.done!.name, command.refused!.name]),
);

/** One event after the other. */
export const chain = checkoutIn('chain', 2, [requestForForm, ...(['D', 'C', 'E', 'F'] as const).map(requestFor)]);
/** Each by a request of its own. */
const chain1 = checkoutIn('chain', 1, (['A', 'B', 'D', 'C', 'E', 'F'] as const).map(requestFor));
/** What need not wait runs side by side. */
export const partial = checkoutIn('partial', 1, letters.map(requestFor));

/** The order of the events is that of the flow; which of two that may be side by side is listed first says nothing. */
function checkoutIn(flow: Flow, version: number, asked: readonly Request[]): Definition<CheckoutData, CheckoutLearned> {
  const stepFor = (letter: Letter): string => asked.find((one) => one.letters.includes(letter))!.step.name;
  return defineSaga<CheckoutData, CheckoutLearned>({
    name: `checkout-${flow}`,
    version,
    start: { name: START, title: 'checkout begun', command: begin, effectId: (orderId) => `${orderId}:begin` },
    steps: [
      ...asked.map(({ step: one, letters: of }) => {
        const first = of.flatMap((letter): readonly Letter[] => flows[flow][letter]);
        const others = first.filter((letter) => !of.includes(letter)).map(stepFor);
        return { ...one, after: others.length === 0 ? [START] : others };
      }),
      enqueueOrder,
    ],
    cancellableBefore: enqueueOrder.name,
  });
}

/** Those that a process can run; new checkouts take the first that all copies can. */
export function definitionsOf(flow: Flow): readonly Definition<CheckoutData, CheckoutLearned>[] {
  return flow === 'chain' ? [chain, chain1, partial] : [partial, chain, chain1];
}

/** What a copy runs that does not say what it runs. */
export const runByThoseWhoDoNotSay: readonly string[] = [chain1, partial].map(labelOf);

function boughtIn(data: CheckoutData) {
  return { pieces: piecesOf(data), ...(data.order && { total: data.order.total }) };
}
