/** The invariants of a simulated run: those of the real stack, read from the stores, and those that need to see everything. */
import { FUNDS as BASKET_FUNDS, users } from './basket-model.ts';
import { checkoutFaults, checkoutsAreOver } from './checkouts.ts';
import { executorFaults, isWorkedOff } from './executors.ts';
import { keyOf, type Customers } from './customers.ts';
import { CUSTOMERS, FUNDS } from './wallet-traffic.ts';
import { unlogged } from './log-checks.ts';
import { newerMessages, undecided } from './newer.ts';
import { inTheRecord, queuesOf } from './record-checks.ts';
import type { SimulatedTown } from './town.ts';
import { untoldOrders } from './untold.ts';
import { shelvesOf } from '#test/town/shelves.ts';
import { checkers } from '#test/support/rest.ts';
import type { Checker, Purse, Rest, Told } from '#test/support/invariants.ts';
import { isEnded } from '#test/support/place.ts';
import { i9MirroredUndo } from '#test/support/invariants.ts';
import { shown as shownOrder } from '#services/order/view.ts';
import { shown as shownPayment } from '#services/payment/view.ts';
import { isPaymentOf, paymentIdOf } from '#services/payment/contract.ts';
import { deliveryIdOf } from '#services/delivery/contract.ts';
import { definitions, placeOrder } from '#services/saga/place-order-versions.ts';
import { timelineOf } from '#shared/saga/timeline.ts';
import type { Entry } from '#services/wallet/ledger.ts';
import { pageOf } from '#services/wallet/view.ts';

/** Whether nothing is left to happen: every accepted order and its saga ended, every queue of commands empty. */
export function isAtRest(town: SimulatedTown, customers: Customers): boolean {
  if (!customers.answered || !checkoutsAreOver(town) || !isWorkedOff(town)) return false;
  for (const orderId of customers.accepted.values()) {
    const order = town.orders.documents.get(orderId)?.state;
    const saga = town.sagas.documents.get(orderId)?.state;
    if (order === undefined || order.status === 'unplaced' || !isEnded({ status: order.status })) return false;
    if (saga?.phase !== 'ended') return false;
  }
  if (undecided(town).length > 0 || holdsBack(town)) return false;
  return queuesOf(town).every((queue) => {
    const { ready, unacked } = town.broker.queue(queue);
    return ready.length + unacked === 0;
  });
}

/** Whether a document holds messages back, which are tried again. */
function holdsBack({ homes }: SimulatedTown): boolean {
  return [...homes.values()].some(({ documents }) =>
    [...documents.values()].some(({ stash, unsent }) => stash.length + unsent.length > 0),
  );
}

/** What is wrong, each with the name of its invariant; nothing means that all hold. */
export function violations(town: SimulatedTown, customers: Customers): readonly string[] {
  const rest = restOf(town, customers);
  const found = Object.entries({ ...checkers, 'I-9': undone }).flatMap(([name, check]) =>
    check(rest).map((what) => `${name}: ${what}`),
  );
  return [
    ...customers.complaints.map((what) => `I-19: ${what}`),
    ...found,
    ...unfinished(town, customers),
    ...cancelledTooLate(town),
    ...orphans(town, customers),
    ...abroad(town),
    ...unlogged(town),
    ...checkoutFaults(town),
    ...executorFaults(town),
    ...newerMessages(town),
    ...inTheRecord(town),
  ];
}

const undone: Checker = (rest) =>
  rest.orders.flatMap((told) => {
    const definition = definitions.find(({ name, version }) => `${name}@${version}` === told.timeline.definition);
    return definition === undefined
      ? [`${told.order.id}: unknown definition`]
      : i9MirroredUndo(definition)({ ...rest, orders: [told] });
  });

function restOf(town: SimulatedTown, customers: Customers): Rest {
  const orders: Told[] = [...town.orders.documents.values()].flatMap(({ key, state }) => {
    const order = state && shownOrder(state);
    const saga = town.sagas.documents.get(key)?.state;
    if (order === undefined || saga === undefined || saga.phase === 'unknown') return [];
    const { name, version } = (saga.phase === 'parked' ? saga.was : saga).definition;
    const definition = definitions.find((one) => one.name === name && one.version === version);
    const payments = [...town.payments.documents.values()].flatMap(({ key: id, state: payment }) =>
      isPaymentOf(key, id) && payment !== undefined ? (shownPayment(payment) ?? []) : [],
    );
    const mails = town.mails
      .filter(({ headers }) => headers['X-Order-Id'] === key)
      .map(({ to, subject, messageId, headers }) => ({
        id: messageId,
        subject,
        messageId,
        to: [{ address: to }],
        headers,
      }));
    return [
      {
        order,
        timeline: timelineOf(key, saga, definition),
        payments,
        mails,
        seen: town.record.statuses.get(key) ?? [],
      },
    ];
  });
  const purses: Purse[] = [...CUSTOMERS, ...users].flatMap((customerId) => {
    const document = town.wallets.documents.get(customerId);
    if (document?.state?.currency === undefined) return [];
    const { currency, available, held } = document.state;
    const written = [...town.wallets.journal.values()] as unknown as Entry[];
    const riding = document.journal as unknown as Entry[];
    const entries = [...written, ...riding].filter((entry) => entry.customerId === customerId);
    const wallet = {
      customerId,
      available: { amount: available, currency },
      held: { amount: held, currency },
    };
    return [{ wallet, entries: pageOf(entries, 100_000).items.toReversed() }];
  });
  return {
    orders,
    purses,
    shelves: shelvesOf(town.homes.get('stock')!),
    paidIn: Object.fromEntries([
      ...CUSTOMERS.map((customerId) => [customerId, FUNDS]),
      ...users.map((customerId) => [customerId, BASKET_FUNDS]),
    ]),
    refusedEmails: new Set(
      orders.map(({ order }) => order.email).filter((email) => customers.refused.has(keyOf(email))),
    ),
    // A mail whose acceptance was not recorded is sent again.
    notifyDied: true,
    untold: untoldOrders(town),
  };
}

function unfinished({ orders, sagas }: SimulatedTown, { accepted }: Customers): readonly string[] {
  return [...accepted.values()].flatMap((orderId) => {
    const order = orders.documents.get(orderId)?.state;
    const saga = sagas.documents.get(orderId)?.state;
    const ended = order !== undefined && order.status !== 'unplaced' && isEnded({ status: order.status });
    return ended && saga?.phase === 'ended'
      ? []
      : [
          `I-7: ${orderId} was accepted and is ${order?.status ?? 'nowhere'}, its saga ${saga?.phase ?? 'has not begun'}`,
        ];
  });
}

/** A cancellation has no effect once the capture was sent. */
function cancelledTooLate({ sagas }: SimulatedTown): readonly string[] {
  return [...sagas.documents.values()].flatMap(({ key, state }) =>
    state?.phase === 'ended' &&
    state.outcome === 'cancelled' &&
    state.steps.some(({ name }) => name === placeOrder.cancellableBefore)
      ? [`I-7: ${key} was cancelled after its capture was sent`]
      : [],
  );
}

/** What nobody was told to be accepted must not exist, unless its request never got an answer. */
function orphans({ orders }: SimulatedTown, { accepted, refused }: Customers): readonly string[] {
  const known = new Set(accepted.values());
  return [...orders.documents.values()].flatMap(({ key, state }) => {
    if (state === undefined || state.status === 'unplaced' || known.has(key)) return [];
    const asked = keyOf(state.details.email);
    return refused.has(asked) ? [`I-8: ${key} (${asked}) was refused and exists`] : [];
  });
}

const MOST_TRIES = 21;

/** The provider and the warehouse think the same as the order. */
function abroad({ orders, provider, warehouse }: SimulatedTown): readonly string[] {
  return [...orders.documents.values()].flatMap(({ key, state }) => {
    if (state === undefined || state.status === 'unplaced') return [];
    const completed = state.status === 'completed';
    const ids = Array.from({ length: MOST_TRIES }, (_, index) => paymentIdOf(key, index + 1));
    const wrong: string[] = [];
    const charged = ids.some((id) => provider.find(id)?.status === 'captured');
    if (charged !== completed)
      wrong.push(`I-5: ${key} is ${state.status}, the provider has ${charged ? '' : 'not '}charged it`);
    const arranged = warehouse.find(deliveryIdOf(key))?.status === 'arranged';
    if (arranged !== completed)
      wrong.push(`I-9: ${key} is ${state.status}, its delivery is ${arranged ? '' : 'not '}arranged`);
    return wrong;
  });
}
