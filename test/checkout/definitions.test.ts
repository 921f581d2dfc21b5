import test from 'ava';
import { definitionsOf } from '#services/checkout/place-checkout.ts';
import { askedSteps, labelOf } from '#shared/saga/definition.ts';

/** Checkouts that began under a definition go on under it: it is never changed. One that has to be otherwise is a new version. */
const known = {
  'checkout-chain@2': [
    'check-form: verification.check-form after begin-checkout',
    'check-user-fraud: fraud.check-user after check-form',
    'check-card: verification.check-card after check-user-fraud',
    'check-card-fraud: fraud.check-card after check-card',
    'find-suggestions: suggestions.find after check-card-fraud',
    'enqueue-order: executor.enqueue after find-suggestions',
  ],
  'checkout-chain@1': [
    'check-items: verification.check-items after begin-checkout',
    'check-user: verification.check-user after check-items',
    'check-user-fraud: fraud.check-user after check-user',
    'check-card: verification.check-card after check-user-fraud',
    'check-card-fraud: fraud.check-card after check-card',
    'find-suggestions: suggestions.find after check-card-fraud',
    'enqueue-order: executor.enqueue after find-suggestions',
  ],
  'checkout-partial@1': [
    'check-items: verification.check-items after begin-checkout',
    'check-user: verification.check-user after begin-checkout',
    'check-card: verification.check-card after check-items',
    'check-user-fraud: fraud.check-user after check-user',
    'check-card-fraud: fraud.check-card after check-card check-user-fraud',
    'find-suggestions: suggestions.find after check-card-fraud',
    'enqueue-order: executor.enqueue after find-suggestions',
  ],
};

test('each definition of a checkout asks for what it always asked for, in the order in which it did', (t) => {
  const now = definitionsOf('chain').map((definition) => [
    labelOf(definition),
    askedSteps(definition).map(({ name, command, after }) => `${name}: ${command.name} after ${after.join(' ')}`),
  ]);
  t.deepEqual(Object.fromEntries(now), known);
});

test('whichever flow new checkouts take, a process goes on with those of the others', (t) => {
  const labels = (flow: 'chain' | 'partial') => definitionsOf(flow).map(labelOf);
  t.deepEqual(labels('chain')[0], 'checkout-chain@2');
  t.deepEqual(labels('partial')[0], 'checkout-partial@1');
  t.deepEqual(labels('chain').toSorted(), labels('partial').toSorted());
});
