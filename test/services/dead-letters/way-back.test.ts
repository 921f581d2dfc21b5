import test from 'ava';
import { wayBack } from '#services/dead-letters/way-back.ts';
import { askedSteps } from '#shared/saga/definition.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { decode, encode, encodeSend } from '#shared/bus/envelope.ts';
import { hash, inbox } from '#shared/bus/topology/topology.ts';
import type { Message } from '#shared/message.ts';

const message = (type: string): Message => ({ id: 'i', type, key: 'k', correlationId: 'c', body: {} });

test('every step of an order goes back through the gate, its undo past it', (t) => {
  const steps = definitions.flatMap(askedSteps);
  t.true(steps.length > 20);
  for (const { command, undo } of steps) {
    const asked = { exchange: inbox(command.route), message: message(command.name) };
    t.is(wayBack(command.route, encodeSend(asked).headers), asked.exchange, command.name);
    if (undo.kind !== 'own') continue;
    const back = { exchange: hash(undo.command.route), message: message(undo.command.name) };
    t.is(wayBack(undo.command.route, encodeSend(back).headers), back.exchange, undo.command.name);
  }
});

test('a message that waited in a stash still knows that it came past the gate', (t) => {
  const packet = encodeSend({ exchange: hash('wallet'), message: message('wallet.release') });
  t.is(wayBack('wallet', encode(decode(packet)).headers), hash('wallet'));
});

test('what a stranger published goes through the gate of the route where it was', (t) => {
  t.is(wayBack('wallet', {}), inbox('wallet'));
  t.is(wayBack('wallet', { 'past-gate': 'yes' }), inbox('wallet'));
});
