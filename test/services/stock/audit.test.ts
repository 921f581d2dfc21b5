/** The audit over a shop whose orders ended in every way: what is booked is sound, and each damage to it is found. */
import test from 'ava';
import { audit } from '#services/audit/audit.ts';
import { createFindings } from '#services/audit/report.ts';
import { auditNames, auditSources } from '#services/audit/sources.ts';
import { services } from '#services/services.ts';
import type { Movement } from '#services/stock/movements.ts';
import type { StockState } from '#services/stock/stock.ts';
import { systemClock } from '#shared/clock.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';
import { openShop } from '#test/shop/shop.ts';
import { goodAt } from '#test/support/goods.ts';
import { connectionTo } from '#test/town/connection.ts';

type Home = MemoryStore<unknown>;
type Damage = (stock: Home, orders: { readonly completed: string; readonly failed: string }) => void;

/** One order of two SKUs completes, one fails because there is too little of one of them; the audit reads it after the damage. */
async function findings(damage: Damage): Promise<readonly string[]> {
  const goods = [
    { ...goodAt(500, 'EUR', 'tea'), initialStock: 10 },
    { ...goodAt(500, 'EUR', 'mug'), initialStock: 1 },
  ];
  const shop = await openShop({ goods, retrying: { tries: 2 } });
  await shop.topUp('alice');
  const [completed] = await shop.place(['alice', ['tea', 2], ['mug', 1], ['tea', 1]]);
  await shop.ended([completed!]);
  const [failed] = await shop.place(['alice', ['tea', 2], ['mug', 1]]);
  const ended = await shop.ended([failed!]);
  if (ended[0]?.status !== 'failed') throw new Error(`the second order is ${ended[0]?.status}`);
  const homes = new Map([...shop.homes].map(([name, { store }]) => [name, store]));
  damage(homes.get('stock')!, { completed: completed!, failed: failed! });
  const found = createFindings(100, auditNames(services));
  const clock = { ...systemClock, now: () => shop.clock.now(), sleep: async () => {} };
  const options = { hangingAfterMs: 60_000, graceMs: 0 };
  for (const pageSize of [1, 3, 500]) {
    const sources = auditSources(connectionTo(homes), services);
    await audit({ sources, clock, pageSize }, options, found, new AbortController().signal);
  }
  const { items } = found.report();
  // The same whatever the size of the pages.
  const ids = items.map((item) => `${item.check} ${(item['sku'] ?? item['orderId']) as string}: ${item.detail}`);
  if (ids.length % 3 !== 0) throw new Error(ids.join('\n'));
  return ids.slice(0, ids.length / 3);
}

const rewritten =
  (sku: string, fields: (state: StockState) => object): Damage =>
  ({ documents }) => {
    const document = documents.get(sku)!;
    const was = document.state as StockState;
    const state = { ...was, ...fields(was) };
    (documents as Map<string, unknown>).set(sku, { ...document, state });
  };
const journalOf = ({ journal }: Home) => journal as unknown as Map<string, Movement>;
const movementOf = (stock: Home, sku: string, kind: string, orderId?: string): Movement =>
  [...journalOf(stock).values()].find(
    (one) => one.sku === sku && one.kind === kind && (orderId === undefined || one.orderId === orderId),
  )!;
const inAnother = (movement: Movement, fields: Partial<Movement>) => ({ ...movement, ...fields }) as Movement;
/** One more movement, with everything in the item as it has to be then. */
const booked = (
  stock: Home,
  like: Movement,
  fields: Partial<Movement>,
  onItem: (state: StockState) => object,
): void => {
  rewritten(like.sku, (state) => ({ movements: state.movements + 1, ...onItem(state) }))(stock, {} as never);
  const { movements } = stock.documents.get(like.sku)!.state as StockState;
  const id = `again-${movements}`;
  journalOf(stock).set(id, inAnother(like, { id, seq: movements, ...fields }));
};

const damages: readonly (readonly [check: string, what: string, damage: Damage])[] = [
  ['stock-level', 'less than nothing on hand', rewritten('tea', () => ({ onHand: -1 }))],
  ['stock-level', 'more reserved than there is', rewritten('tea', ({ onHand }) => ({ reserved: onHand + 1 }))],
  ['movements', 'what is on hand is another sum', rewritten('tea', ({ onHand }) => ({ onHand: onHand + 1 }))],
  ['movements', 'what is reserved is another sum', rewritten('tea', () => ({ reserved: 1 }))],
  ['movements', 'a movement is lost', (stock) => void journalOf(stock).delete(movementOf(stock, 'tea', 'sold').id)],
  ['movements', 'movements without an item', ({ documents }) => void (documents as Map<string, unknown>).delete('tea')],
  ['reserved', 'reserved for nobody', rewritten('tea', () => ({ reserved: 1 }))],
  [
    'one-sale',
    'reserved twice',
    (stock, { completed }) => {
      const like = movementOf(stock, 'tea', 'reserved', completed);
      booked(stock, like, {}, ({ reserved }) => ({ reserved: reserved + like.quantity }));
    },
  ],
  [
    'one-sale',
    'released, and not reserved',
    (stock, { failed }) => {
      const like = movementOf(stock, 'tea', 'released', failed);
      booked(stock, like, {}, ({ reserved }) => ({ reserved: reserved - like.quantity }));
    },
  ],
  [
    'one-sale',
    'sold in another quantity',
    (stock, { completed }) => {
      const like = movementOf(stock, 'tea', 'sold', completed);
      journalOf(stock).set(like.id, inAnother(like, { quantity: 1 }));
    },
  ],
  [
    'completed',
    'returned, and completed',
    (stock, { completed }) => {
      const like = movementOf(stock, 'tea', 'sold', completed);
      booked(stock, like, { kind: 'received' }, ({ onHand }) => ({ onHand: onHand + like.quantity }));
    },
  ],
  [
    'undone',
    'still reserved',
    (stock, { failed }) => {
      const like = movementOf(stock, 'tea', 'reserved', failed);
      booked(stock, like, {}, ({ reserved }) => ({ reserved: reserved + like.quantity }));
    },
  ],
  [
    'undone',
    'sold all the same',
    (stock, { failed }) => {
      const like = movementOf(stock, 'tea', 'released', failed);
      journalOf(stock).set(like.id, inAnother(like, { kind: 'sold' }));
    },
  ],
  [
    'orphan',
    'reserved for an order that does not exist',
    (stock) => {
      const like = movementOf(stock, 'mug', 'reserved');
      booked(stock, like, { orderId: 'no-such-order' }, ({ reserved }) => ({ reserved: reserved + 1 }));
    },
  ],
];

test('what a shop booked of orders that completed and failed violates nothing', async (t) => {
  t.deepEqual(await findings(() => {}), []);
});

test('a movement that is committed and not in its collection yet is not missing', async (t) => {
  const found = await findings((stock) => {
    const sold = movementOf(stock, 'tea', 'sold');
    journalOf(stock).delete(sold.id);
    const document = stock.documents.get('tea')!;
    (stock.documents as Map<string, unknown>).set('tea', { ...document, journal: [sold] });
  });
  t.deepEqual(found, []);
});

for (const [check, what, damage] of damages) {
  test(`${check} finds: ${what}`, async (t) => {
    const found = await findings(damage);
    t.true(
      found.some((one) => one.startsWith(`${check} `)),
      found.join('\n'),
    );
  });
}
