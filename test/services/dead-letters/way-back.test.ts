import test from 'ava';
import { wayBack } from '#services/dead-letters/way-back.ts';
import { authorize, created } from '#services/payment/contract.ts';
import { askedSteps } from '#services/saga/definition.ts';
import { definitions } from '#services/saga/definitions.ts';
import { cancel } from '#services/saga/contract.ts';
import { hold, held, release, topUp } from '#services/wallet/contract.ts';
import { TOO_LATE, WAKE } from '#shared/message.ts';

test('every step of an order goes back through the gate, its undo past it', (t) => {
  const steps = definitions.flatMap(askedSteps);
  t.true(steps.length > 20);
  for (const { command, undo } of steps) {
    t.is(wayBack(command.route, command.name), `${command.route}.${command.undo ? 'hash' : 'in'}`, command.name);
    if (undo.kind !== 'own') continue;
    const back = undo.command;
    t.is(wayBack(back.route, back.name), `${back.route}.hash`, back.name);
  }
});

test('commands through the gate; undo, answers and wakes past it', (t) => {
  t.is(wayBack('wallet', hold.name), 'wallet.in');
  t.is(wayBack('wallet', topUp.name), 'wallet.in');
  t.is(wayBack('payment', authorize.name), 'payment.in');
  t.is(wayBack('saga', cancel.name), 'saga.in');
  t.is(wayBack('wallet', release.name), 'wallet.hash');
  t.is(wayBack('saga', held.name), 'saga.hash');
  t.is(wayBack('saga', created.name), 'saga.hash');
  t.is(wayBack('saga', WAKE), 'saga.hash');
  t.is(wayBack('saga', TOO_LATE), 'saga.hash');
});

test('what nobody knows goes through the gate of the route where it was; a route that is gone has no way back', (t) => {
  t.is(wayBack('wallet', 'no.such-message'), 'wallet.in');
  t.is(wayBack('wallet', undefined), 'wallet.in');
  t.is(wayBack('nowhere', hold.name), undefined);
});
