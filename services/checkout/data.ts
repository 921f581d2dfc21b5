import type { CheckoutForm } from './contract.ts';
import { flows, type Flow, type Letter } from '#services/checkout-flow.ts';
import type { Suggestion } from '#services/suggestions/contract.ts';
import { merge, type VectorClock } from '#shared/vector-clock.ts';

/** What its saga keeps of a checkout while it runs; gone when it ends. */
export interface CheckoutData extends Omit<CheckoutForm, 'cards'> {
  /** The sealed card, for those who have not looked at it yet. */
  readonly cards: Partial<CheckoutForm['cards']>;
  readonly flow: Flow;
  /** Of every event that passed, the clock that it was answered with. */
  readonly clocks: Partial<Readonly<Record<Letter, VectorClock>>>;
}

export interface CheckoutLearned {
  /** What stands for the card at the payment provider. */
  readonly paymentMethod: string;
  readonly suggestions: readonly Suggestion[];
}

export function checkoutDataOf(form: Omit<CheckoutForm, 'notAfter'>, flow: Flow): CheckoutData {
  return { ...form, flow, clocks: {} };
}

/** With what is known once this event has passed: its clock, and whoever looked at the card for it needs it no more. */
export function withPassed(data: CheckoutData, event: Letter, clock: VectorClock): CheckoutData {
  return { ...data, clocks: { ...data.clocks, [event]: clock }, cards: unseenAfter(event, data.cards) };
}

function unseenAfter(event: Letter, { verification, fraud }: CheckoutData['cards']): CheckoutData['cards'] {
  return {
    ...(verification !== undefined && event !== 'C' && { verification }),
    ...(fraud !== undefined && event !== 'E' && { fraud }),
  };
}

/** What a request for an event says of what happened before it: no more than what must have, so that what may happen side by side stays so. */
export function askedFor(event: Letter, { orderId, flow, clocks }: CheckoutData) {
  const first: readonly Letter[] = flows[flow][event];
  const before = first.map((letter) => ({ event: letter, clock: clocks[letter] ?? {} }));
  return { orderId, flow, before, clock: before.reduce<VectorClock>((all, { clock }) => merge(all, clock), {}) };
}

export function piecesOf({ items }: Pick<CheckoutForm, 'items'>): number {
  return items.reduce((sum, { quantity }) => sum + quantity, 0);
}
