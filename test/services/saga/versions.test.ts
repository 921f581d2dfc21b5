/** What each version of the road sends. A version is never changed once an order ran under it: a change is a new version. */
import test from 'ava';
import { definitions } from '#services/saga/place-order-versions.ts';
import type { Definition } from '#shared/saga/definition.ts';
import type { Undo } from '#shared/saga/step.ts';

const written: Readonly<Record<string, readonly string[]>> = {
  'place-order@3': [
    'initialise-order, undone by order.fail',
    'create-payment after initialise-order: payment.create, heard by order, undone by payment.void',
    'attach-payment: order hears create-payment, undone with initialise-order',
    'hold-funds after create-payment: wallet.hold, undone by wallet.release',
    'authorize-payment after hold-funds: payment.authorize, undone with create-payment',
    'capture-funds after authorize-payment: wallet.capture, undone by wallet.refund',
    'settle-payment after capture-funds: payment.settle, heard by order, undone by payment.refund',
    'record-payment: order hears settle-payment, undone with initialise-order',
    'arrange-delivery after settle-payment: delivery.dispatch (forward only), undone by delivery.cancel',
    'notify-customer after arrange-delivery: notify.send (forward only), undone by notify.retract',
    'record-dispatch after notify-customer: order.record-dispatch (forward only), undone by order.withdraw-dispatch',
    'cancellable before capture-funds, closed by tell-customer: notify.send',
  ],
  'place-order@2': [
    'initialise-order, undone by order.fail',
    'create-payment after initialise-order: payment.create, undone by payment.void',
    'attach-payment after create-payment: order.attach-payment, undone with initialise-order',
    'hold-funds after attach-payment: wallet.hold, undone by wallet.release',
    'authorize-payment after hold-funds: payment.authorize, undone with create-payment',
    'capture-funds after authorize-payment: wallet.capture, undone by wallet.refund',
    'settle-payment after capture-funds: payment.settle, undone by payment.refund',
    'record-payment after settle-payment: order.record-payment (forward only), undone with initialise-order',
    'arrange-delivery after record-payment: delivery.dispatch (forward only), undone by delivery.cancel',
    'notify-customer after arrange-delivery: notify.send (forward only), undone by notify.retract',
    'record-dispatch after notify-customer: order.record-dispatch (forward only), undone by order.withdraw-dispatch',
    'cancellable before capture-funds, closed by tell-customer: notify.send',
  ],
  'place-order@1': [
    'initialise-order, undone by order.fail',
    'create-payment after initialise-order: payment.create, undone by payment.void',
    'attach-payment after create-payment: order.attach-payment, undone with initialise-order',
    'hold-funds after attach-payment: wallet.hold, undone by wallet.release',
    'authorize-payment after hold-funds: payment.authorize, undone with create-payment',
    'capture-funds after authorize-payment: wallet.capture, undone by wallet.refund',
    'settle-payment after capture-funds: payment.settle, undone by payment.refund',
    'record-payment after settle-payment: order.record-payment (forward only), undone with initialise-order',
    'notify-customer after record-payment: notify.send (forward only), undone by notify.retract',
    'record-dispatch after notify-customer: order.record-dispatch (forward only), undone by order.withdraw-dispatch',
    'cancellable before capture-funds, closed by tell-customer: notify.send',
  ],
};

function told({ start, steps, cancellableBefore, finalNotice }: Definition): string[] {
  const undone = (undo: Undo): string =>
    undo.kind === 'own' ? `undone by ${undo.command.name}` : `undone with ${undo.by}`;
  return [
    `${start.name}, ${undone(start.undo)}`,
    ...steps.map((step) => {
      if (step.kind === 'heard') return `${step.name}: ${step.owner} hears ${step.hears}, ${undone(step.undo)}`;
      const { name, after, command, forwardOnly, undo } = step;
      const listener = steps.find((one) => one.kind === 'heard' && one.hears === name);
      const heardBy = listener?.kind === 'heard' ? `, heard by ${listener.owner}` : '';
      return `${name} after ${after.join(' and ')}: ${command.name}${forwardOnly ? ' (forward only)' : ''}${heardBy}, ${undone(undo)}`;
    }),
    `cancellable before ${cancellableBefore}, closed by ${finalNotice.name}: ${finalNotice.command.name}`,
  ];
}

for (const definition of definitions) {
  const label = `${definition.name}@${definition.version}`;
  test(`${label} is what it was when orders began under it`, (t) => {
    t.deepEqual(told(definition), [...(written[label] ?? [])]);
  });
}

test('every version that is written down can be run, the newest first', (t) => {
  t.deepEqual(
    definitions.map(({ name, version }) => `${name}@${version}`),
    Object.keys(written),
  );
});
