/** The invariants of a simulated run: those of the real stack, read from the stores, and those that need to see everything. */
import { CUSTOMERS, FUNDS, type Customers } from './customers.ts';
import type { SimulatedTown } from './town.ts';
import { checkers } from '#test/support/rest.ts';
import type { Checker, Purse, Rest, Told } from '#test/support/invariants.ts';
import { isEnded } from '#test/support/place.ts';
import { i9MirroredUndo } from '#test/support/invariants.ts';
import { shown as shownOrder } from '#services/order/view.ts';
import { shown as shownPayment } from '#services/payment/view.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import { deliveryIdOf } from '#services/delivery/contract.ts';
import { definitions } from '#services/saga/definitions.ts';
import { timelineOf } from '#services/saga/timeline.ts';
import type { Entry } from '#services/wallet/ledger.ts';
import { pageOf } from '#services/wallet/view.ts';
import { routeTable } from '#services/routes.ts';

/** Whether nothing is left to happen: every accepted order and its saga ended, every queue of commands empty. */
export function isAtRest(town: SimulatedTown, customers: Customers): boolean {
  if (!customers.answered) return false;
  for (const orderId of customers.accepted.values()) {
    const order = town.orders.documents.get(orderId)?.state;
    const saga = town.sagas.documents.get(orderId)?.state;
    if (order === undefined || order.status === 'unplaced' || !isEnded({ status: order.status })) return false;
    if (saga?.phase !== 'ended') return false;
  }
  return queuesOf(town).every((queue) => {
    const { ready, unacked } = town.broker.queue(queue);
    return ready.length + unacked === 0;
  });
}

/** What is wrong, each with the name of its invariant; nothing means that all hold. */
export function violations(town: SimulatedTown, customers: Customers): readonly string[] {
  const rest = restOf(town, customers);
  const found = Object.entries({ ...checkers, 'I-9': mirrored }).flatMap(([name, check]) =>
    check(rest).map((what) => `${name}: ${what}`),
  );
  return [
    ...customers.complaints.map((what) => `I-19: ${what}`),
    ...found,
    ...unfinished(town, customers),
    ...orphans(town, customers),
    ...abroad(town),
    ...serial(town),
    ...lost(town),
    ...pastTheGate(town),
  ];
}

const mirrored: Checker = (rest) =>
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
    const payment = town.payments.documents.get(paymentIdOf(key))?.state;
    const shown = payment && shownPayment(payment);
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
        payments: shown === undefined ? [] : [shown],
        mails,
        seen: town.record.statuses.get(key) ?? [],
      },
    ];
  });
  const purses: Purse[] = CUSTOMERS.flatMap((customerId) => {
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
    paidIn: Object.fromEntries(CUSTOMERS.map((customerId) => [customerId, FUNDS])),
    refusedSkus: new Set([...customers.refused].map((key) => key.replace('order', 'sku'))),
    // A mail whose acceptance was not recorded is sent again.
    notifyDied: true,
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

/** What nobody was told to be accepted must not exist, unless its request never got an answer. */
function orphans({ orders }: SimulatedTown, { accepted, refused }: Customers): readonly string[] {
  const known = new Set(accepted.values());
  return [...orders.documents.values()].flatMap(({ key, state }) => {
    if (state === undefined || state.status === 'unplaced' || known.has(key)) return [];
    const sku = state.details.items[0]?.sku ?? '';
    return refused.has(sku.replace('sku', 'order')) ? [`I-8: ${key} (${sku}) was refused and exists`] : [];
  });
}

/** The provider and the warehouse think the same as the order. */
function abroad({ orders, provider, warehouse }: SimulatedTown): readonly string[] {
  return [...orders.documents.values()].flatMap(({ key, state }) => {
    if (state === undefined || state.status === 'unplaced') return [];
    const completed = state.status === 'completed';
    const wrong: string[] = [];
    const charged = provider.find(paymentIdOf(key))?.status === 'captured';
    if (charged !== completed)
      wrong.push(`I-5: ${key} is ${state.status}, the provider has ${charged ? '' : 'not '}charged it`);
    const arranged = warehouse.find(deliveryIdOf(key))?.status === 'arranged';
    if (arranged !== completed)
      wrong.push(`I-9: ${key} is ${state.status}, its delivery is ${arranged ? '' : 'not '}arranged`);
    return wrong;
  });
}

/** I-12: versions go up without a gap, and no two workers had a key at the same time. */
function serial({ record }: SimulatedTown): readonly string[] {
  const wrong: string[] = [];
  const versions = new Map<string, number>();
  for (const { key, over, version } of record.writes) {
    if (over !== (versions.get(key) ?? 0))
      wrong.push(`I-12: ${key} was written over version ${over}, it had ${versions.get(key)}`);
    versions.set(key, version);
  }
  const committed = record.commits.filter(({ outcome }) => outcome === 'committed');
  for (const [key, commits] of Map.groupBy(committed, ({ service, key: of }) => `${service}/${of}`)) {
    const inOrder = commits.toSorted((a, b) => a.version - b.version);
    for (const [index, commit] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (before === undefined) continue;
      if (commit.over < before.version) wrong.push(`I-12: ${key} had two writes over version ${commit.over}`);
    }
    const handled = commits.flatMap(({ messages }) => messages.map(({ id }) => id));
    const twice = handled.filter((id, index) => handled.indexOf(id) !== index && !id.startsWith('engine.wake'));
    for (const id of new Set(twice)) wrong.push(`I-12: ${key} applied ${id} twice`);
  }
  return wrong;
}

/** I-15: what was confirmed was handled, or is kept somewhere; what had a deadline may have come too late. */
function lost(town: SimulatedTown): readonly string[] {
  const kept = new Set(
    routeTable.routes
      .flatMap((route) => [`${route}.dead`, `${route}.parked`, `${route}.expired`])
      .flatMap((queue) => town.broker.queue(queue).ready.map(({ messageId }) => messageId)),
  );
  const open = queuesOf(town).filter((queue) => town.broker.queue(queue).ready.length > 0);
  const gone = new Set(
    town.record.confirmed
      .filter(({ exchange, deadline, id, type }) => {
        if (!/\.(in|hash)$/.test(exchange) || deadline !== undefined || type.startsWith('engine.')) return false;
        return !town.record.handled.has(id) && !kept.has(id);
      })
      .map(({ exchange, id }) => `I-15: ${id} was confirmed by ${exchange} and is neither handled nor kept`),
  );
  return [...gone, ...open.map((queue) => `I-15: ${queue} is not empty`)];
}

/** Forward commands go through the gate, everything else past it. */
function pastTheGate({ record }: SimulatedTown): readonly string[] {
  const forward = new Set(definitions.flatMap(({ steps }) => steps.map(({ command }) => command.name)));
  const wrong = record.confirmed.filter(({ exchange, type }) => forward.has(type) && exchange.endsWith('.hash'));
  return [...new Set(wrong.map(({ id, exchange }) => `I-14: ${id} went to ${exchange}, past the gate`))];
}

function queuesOf({ broker }: SimulatedTown): readonly string[] {
  return broker.queues().filter((queue) => /\.(\d{3}|delay|expired|parked)$/.test(queue));
}
