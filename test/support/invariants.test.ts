/** Each checker finds nothing in a sound run, and finds each mutation of it. */
import test from 'ava';
import type { Purse, Rest, Told } from './invariants.ts';
import { checkers } from './rest.ts';
import type { Shelf } from './stock-invariants.ts';
import { details } from '#test/services/saga/cases.ts';
import { shelvesOf } from '#test/town/shelves.ts';
import { createRoad, type Road } from '#test/town/road.ts';
import { shown } from '#services/order/view.ts';
import { shown as shownPayment } from '#services/payment/view.ts';
import { pageOf } from '#services/wallet/view.ts';

type Change = (rest: Rest) => Rest;

/** What the API would tell of an order that ran in memory. */
function restOf(world: Road): Rest {
  const { orderId, customerId, total } = details;
  const order = shown(world.order!)!;
  const { available, held } = world.wallet!;
  const { currency } = total;
  return {
    orders: [
      {
        order,
        timeline: world.timeline,
        payments: [shownPayment(world.payment!)!],
        mails: world.mails.map(({ messageId, subject, to }) => ({
          id: messageId,
          messageId: messageId.replaceAll(/[<>]/g, ''),
          subject,
          to: [{ address: to }],
          headers: { 'x-order-id': orderId },
        })),
        seen: ['pending', order.status],
      },
    ],
    shelves: shelvesOf(world.homes.get('stock')!.store),
    purses: [
      {
        wallet: { customerId, available: { amount: available, currency }, held: { amount: held, currency } },
        entries: pageOf(world.entries(), 100).items,
      },
    ],
    paidIn: { [customerId]: available + held + world.wallet!.captured },
    refusedEmails: new Set(['never@example.org']),
    notifyDied: false,
  };
}

async function completed(): Promise<Rest> {
  const world = await createRoad();
  await world.start();
  await world.ended();
  return restOf(world);
}

async function undone(): Promise<Rest> {
  const world = await createRoad();
  await world.fault('payment', { refuseAt: ['payment.settle'] });
  await world.start();
  await world.ended();
  return restOf(world);
}

const inOrder =
  (change: (told: Told) => Partial<Told>): Change =>
  (rest) => ({ ...rest, orders: rest.orders.map((told) => ({ ...told, ...change(told) })) });
const onShelf =
  (change: (shelf: Shelf) => Partial<Shelf>): Change =>
  (rest) => ({ ...rest, shelves: rest.shelves.map((shelf) => ({ ...shelf, ...change(shelf) })) });
const inPurse =
  (change: (purse: Purse) => Partial<Purse>): Change =>
  (rest) => ({ ...rest, purses: rest.purses.map((purse) => ({ ...purse, ...change(purse) })) });
const without = (kind: string) => inPurse(({ entries }) => ({ entries: entries.filter((one) => one.kind !== kind) }));
const twice = (kind: string) =>
  inPurse(({ entries }) => ({
    entries: [...entries, ...entries.filter((one) => one.kind === kind).map((one) => ({ ...one, id: `${one.id}-2` }))],
  }));
const copied = inOrder(({ mails }) => ({ mails: [...mails, ...mails] }));

const mutations: readonly (readonly [keyof typeof checkers, string, () => Promise<Rest>, Change])[] = [
  ['I-6', 'more is reserved than is there', completed, onShelf(({ onHand }) => ({ reserved: onHand + 1 }))],
  ['IN-12', 'a movement is left out', completed, onShelf(({ movements }) => ({ movements: movements.slice(1) }))],
  ['IN-12', 'something is reserved at rest', completed, onShelf(() => ({ reserved: 1 }))],
  [
    'IN-12',
    'sold to nobody',
    completed,
    onShelf(({ movements }) => ({ movements: movements.map((one) => ({ ...one, orderId: 'another' })) })),
  ],
  ['I-1', 'a capture is missing', completed, without('capture')],
  ['I-1', 'captured twice', completed, twice('capture')],
  ['I-1', 'money appears', completed, (rest) => ({ ...rest, paidIn: { [details.customerId]: 1 } })],
  [
    'I-2',
    'overdrawn',
    completed,
    inPurse(({ wallet }) => ({ wallet: { ...wallet, available: { ...wallet.available, amount: -1 } } })),
  ],
  ['I-3', 'a hold stays open', undone, without('capture')],
  ['I-3', 'released after the capture', completed, twice('capture')],
  ['I-4', 'captured twice', completed, twice('capture')],
  ['I-4', 'refunded twice', undone, twice('refund')],
  ['I-5', 'completed and not paid', completed, without('capture')],
  ['I-5', 'failed and paid', undone, without('refund')],
  ['I-5', 'two payments', completed, inOrder(({ payments }) => ({ payments: [...payments, ...payments] }))],
  ['I-7', 'back from the end', completed, inOrder(() => ({ seen: ['completed', 'paid'] }))],
  ['I-7', 'never ends', completed, inOrder(({ order }) => ({ order: { ...order, status: 'paid' } }))],
  ['I-8', 'a refused order exists', completed, (rest) => ({ ...rest, refusedEmails: new Set(['alice@example.org']) })],
  [
    'I-9',
    'a compensation is missing',
    undone,
    inOrder(({ timeline }) => ({ timeline: { ...timeline, compensations: timeline.compensations.slice(1) } })),
  ],
  [
    'I-9',
    'compensated in the order of the effects',
    undone,
    inOrder(({ timeline }) => ({ timeline: { ...timeline, compensations: timeline.compensations.toReversed() } })),
  ],
  [
    'I-9',
    'another effect is named',
    undone,
    inOrder(({ timeline }) => ({
      timeline: { ...timeline, compensations: timeline.compensations.map((one) => ({ ...one, of: 'another' })) },
    })),
  ],
  ['I-10', 'no mail', completed, inOrder(() => ({ mails: [] }))],
  ['I-10', 'two copies while notify lived', completed, copied],
  ['I-10', 'told another outcome', undone, inOrder(({ order }) => ({ order: { ...order, status: 'cancelled' } }))],
];

for (const run of [completed, undone]) {
  test(`a sound run that ends ${run.name} violates nothing`, async (t) => {
    const rest = await run();
    for (const [name, check] of Object.entries(checkers)) t.deepEqual([...check(rest)], [], name);
  });
}

for (const [name, what, run, change] of mutations) {
  test(`${name} finds: ${what}`, async (t) => {
    t.not(checkers[name]!(change(await run())).length, 0);
  });
}

test('I-10 takes copies of a mail for what they are when notify died', async (t) => {
  t.deepEqual(checkers['I-10']!({ ...copied(await completed()), notifyDied: true }), []);
});

test('I-10 owes no mail that was given up, unless the order is completed or another outcome was told', async (t) => {
  const given = (rest: Rest): Rest => ({ ...rest, untold: new Set([details.orderId]) });
  const failed = inOrder(() => ({ mails: [] }))(await undone());
  t.is(checkers['I-10']!(failed).length, 1);
  t.deepEqual(checkers['I-10']!(given(failed)), []);
  t.is(checkers['I-10']!(given(inOrder(() => ({ mails: [] }))(await completed()))).length, 1);
  const other = inOrder(({ order }) => ({ order: { ...order, status: 'cancelled' } }))(await undone());
  t.is(checkers['I-10']!(given(other)).length, 1);
});
