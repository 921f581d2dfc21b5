import { emailOf, kindAt, type Plan, planOf, type PlanOptions, type PlannedOrder } from './plan.ts';
import { seeded } from '#local/stand-ins/misbehaviour.ts';

/** What is filled in, and so how the checkout has to end; those that are rejected begin with the event that rejects them. */
export const CHECKOUT_KINDS = [
  'approved',
  'approved_twice',
  'approved_declined',
  'A_no_items',
  'B_no_name',
  'B_no_terms',
  'C_mistyped',
  'C_expired',
  'C_no_cvv',
  'D_disposable',
  'D_listed_name',
  'E_stolen_card',
] as const;
export type CheckoutKind = (typeof CHECKOUT_KINDS)[number];

/** How one of its kind has to end. */
export interface Expected {
  /** Of the rejection; absent: it is approved. */
  readonly rejected?: { readonly event: string; readonly code: string };
  /** Why the order behind an approval fails; absent: it completes. */
  readonly orderFails?: string;
}

interface Filled extends Expected {
  /** Of a hundred. */
  readonly share: number;
  /** In the place of what is filled in otherwise. */
  readonly changes?: object;
  readonly card?: Readonly<Partial<typeof CARD>>;
  readonly user?: Readonly<Partial<Record<'name' | 'contact', string>>>;
}

/** Good for every simulated payment. */
const CARD = { number: '4242 4242 4242 4242', expirationDate: '12/40', cvv: '123' };

const kinds: Readonly<Record<CheckoutKind, Filled>> = {
  approved: { share: 40 },
  approved_twice: { share: 8 },
  approved_declined: { share: 7, card: { number: '4000 0000 0000 0002' }, orderFails: 'card_declined' },
  A_no_items: { share: 5, changes: { items: [] }, rejected: { event: 'A', code: 'items_empty' } },
  B_no_name: { share: 5, user: { name: ' ' }, rejected: { event: 'B', code: 'name_missing' } },
  B_no_terms: { share: 5, changes: { termsAccepted: false }, rejected: { event: 'B', code: 'terms_not_accepted' } },
  C_mistyped: {
    share: 5,
    card: { number: '4242 4242 4242 4241' },
    rejected: { event: 'C', code: 'card_number_check_digit' },
  },
  C_expired: { share: 5, card: { expirationDate: '01/20' }, rejected: { event: 'C', code: 'card_expired' } },
  C_no_cvv: { share: 5, card: { cvv: '' }, rejected: { event: 'C', code: 'card_cvv_format' } },
  D_disposable: {
    share: 5,
    user: { contact: 'someone@mailinator.com' },
    rejected: { event: 'D', code: 'contact_disposable' },
  },
  D_listed_name: { share: 5, user: { name: 'Mallory Malicious' }, rejected: { event: 'D', code: 'name_listed' } },
  E_stolen_card: {
    share: 5,
    card: { number: '4000 0000 0000 9979' },
    rejected: { event: 'E', code: 'card_listed' },
  },
};

export interface PlannedCheckout extends Pick<PlannedOrder, 'n' | 'customerId' | 'dueMs'> {
  readonly kind: CheckoutKind;
  /** The address that whoever buys gives. */
  readonly contact: string;
  /** What is sent. */
  readonly body: object;
}

/** Customers and goods as for orders. */
export interface CheckoutPlan {
  readonly orders: Plan;
  readonly checkouts: readonly PlannedCheckout[];
}

/** The same options give the same checkouts; a longer plan begins with the shorter one. */
export function checkoutPlanOf(options: Omit<PlanOptions, 'mix' | 'names'>): CheckoutPlan {
  const orders = planOf({ ...options, mix: { ok: 1 }, names: 'sim-checkout' });
  const draw = seeded((options.seed ^ 0x9e37_79b9) >>> 0);
  const checkouts = orders.orders.map((order): PlannedCheckout => {
    const kind = kindAt<CheckoutKind>(CHECKOUT_KINDS, (one) => kinds[one].share, draw(), 'approved');
    const { n, customerId, dueMs } = order;
    const body = bodyOf(order, kinds[kind]);
    return { n, customerId, dueMs, kind, contact: body.user.contact, body };
  });
  return { orders, checkouts };
}

export function expectedOf(kind: CheckoutKind): Expected {
  return kinds[kind];
}

function bodyOf(order: PlannedOrder, { card, user, changes }: Filled) {
  const { customerId, good, quantity } = order;
  return {
    customerId,
    user: { name: `Customer ${customerId}`, contact: emailOf(order), ...user },
    items: [{ sku: good.sku, quantity }],
    creditCard: { ...CARD, ...card },
    billingAddress: { street: 'Station Road 1', city: 'Leeds', state: 'Yorkshire', zip: 'LS1 4DY', country: 'UK' },
    termsAccepted: true,
    ...changes,
  };
}
