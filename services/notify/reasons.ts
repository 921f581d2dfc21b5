/** A business reason in a customer's words, and what they can do about it. */
export interface PlainReason {
  readonly why: string;
  readonly now: string;
}

const AGAIN = 'Please order again in a little while. If it fails again, answer with the order number above.';
const OUR_FAULT: PlainReason = { why: 'Something went wrong on our side, not on yours.', now: AGAIN };

/** Every reason that a service of ours gives when it refuses a step, and the usual ones of providers and warehouses. */
const reasons: Readonly<Record<string, PlainReason>> = {
  insufficient_funds: {
    why: 'Your wallet does not hold enough money for this order.',
    now: 'Top up your wallet, then order again.',
  },
  unknown_customer: {
    why: 'There is no wallet under your name yet.',
    now: 'Top up your wallet once, which opens it, then order again.',
  },
  currency_mismatch: {
    why: 'Your wallet is kept in another currency than the prices of this order.',
    now: 'Order again with prices in the currency of your wallet.',
  },
  too_many_holds: {
    why: 'Too many of your orders are waiting to be paid at the same time.',
    now: 'Wait until some of them are done, then order again.',
  },
  card_declined: {
    why: 'Your payment method was declined.',
    now: 'Order again with another payment method, or ask the bank that issued this one.',
  },
  unknown_payment_method: {
    why: 'Your payment method is not known to our payment provider.',
    now: 'Order again with another payment method.',
  },
  not_deliverable: {
    why: 'Our warehouse cannot deliver what you ordered.',
    now: 'Order again without the items that cannot be delivered.',
  },
  timed_out: { why: 'It took us too long to process your order, so we stopped.', now: AGAIN },
  cancelled: { why: 'It was cancelled, as was asked for.', now: 'If you still want the items, order them again.' },
  rejected_address: {
    why: 'The mail server did not take our mail to your address.',
    now: 'Check your e-mail address, then order again.',
  },
  smtputf8_not_offered: {
    why: 'Our mail server takes only e-mail addresses with plain letters before the @.',
    now: 'Order again with another e-mail address.',
  },
  already_undone: OUR_FAULT,
  already_voided: OUR_FAULT,
  already_refunded: OUR_FAULT,
  already_failed: OUR_FAULT,
  already_cancelled: OUR_FAULT,
  already_arranged: OUR_FAULT,
  capture_forbidden: OUR_FAULT,
  conflicting_order: OUR_FAULT,
  conflicting_payment: OUR_FAULT,
  conflicting_hold: OUR_FAULT,
  conflicting_capture: OUR_FAULT,
  conflicting_delivery: OUR_FAULT,
  conflicting_outcome: OUR_FAULT,
  no_such_hold: OUR_FAULT,
  not_authorized: OUR_FAULT,
  not_paid: OUR_FAULT,
  refused: OUR_FAULT,
  retracted: OUR_FAULT,
  unknown_order: OUR_FAULT,
  unknown_payment: OUR_FAULT,
};

/** The reason in plain words; one that is not known here was given by somebody outside and is quoted. */
export function plainReason(reason: string): PlainReason {
  const known = Object.hasOwn(reasons, reason) ? reasons[reason] : undefined;
  return known ?? { why: `We were told: ${reason.replaceAll('_', ' ')}.`, now: AGAIN };
}
