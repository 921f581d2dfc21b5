/** One SKU that everybody wants, beside others, where a write takes its time. */
import test from 'ava';
import { openShop } from './shop.ts';
import { goodAt } from '#test/support/goods.ts';
import { reserve } from '#services/stock/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';

const HOT = 'hot';
const WANTED = 1000;
const WRITE_MS = 5;
const HOUR_MS = 3_600_000;

test('a thousand reservations of one SKU at once share its writes; those of SKUs in other partitions are done while most of the thousand wait', async (t) => {
  const others = Array.from({ length: 50 }, (_, n) => `other-${n}`);
  const queues = new Map<string, string>();
  const writes: { readonly sku: string; readonly messages: number }[] = [];
  const shop = await openShop({
    goods: [HOT, ...others].map((sku) => ({ ...goodAt(500, 'EUR', sku), initialStock: 10_000 })),
    through: (bus) => ({
      ...bus,
      consume: (queue, options) =>
        bus.consume(queue, {
          ...options,
          onDelivery(delivery, consumer) {
            queues.set(delivery.packet.messageId ?? '', queue);
            options.onDelivery(delivery, consumer);
          },
        }),
    }),
    writing: {
      commitMs: () => WRITE_MS,
      history(service, { key, messages, outcome }) {
        const reserving = messages.filter(({ type }) => type === reserve.name).length;
        if (service === 'stock' && outcome === 'committed' && reserving > 0)
          writes.push({ sku: key, messages: reserving });
      },
    },
  });
  const ask = (sku: string, n: number): void => {
    const orderId = `${sku}-order-${n}`;
    const body = { sku, orderId, quantity: 1, expiresAt: shop.clock.now() + HOUR_MS };
    const message = { id: `${orderId}:do`, type: reserve.name, key: sku, body, correlationId: orderId };
    t.is(shop.broker.put(inbox('stock'), encode(message)), 'confirmed');
  };
  for (let n = 0; n < WANTED; n += 1) ask(HOT, n);
  for (const sku of others) ask(sku, 0);
  const reserved = (those: typeof writes): number => those.reduce((sum, { messages }) => sum + messages, 0);
  await shop.clock.until(() => reserved(writes) === WANTED + others.length);

  const hot = writes.filter(({ sku }) => sku === HOT);
  t.true(hot.length <= WANTED / 20, `${hot.length} writes`);
  const elsewhere = others.filter((sku) => queues.get(`${sku}-order-0:do`) !== queues.get(`${HOT}-order-0:do`));
  t.true(elsewhere.length >= others.length / 2, `${elsewhere.length} in other partitions`);
  const last = Math.max(...elsewhere.map((sku) => writes.findIndex((write) => write.sku === sku)));
  const before = reserved(writes.slice(0, last).filter(({ sku }) => sku === HOT));
  t.log({ hotWrites: hot.length, elsewhere: elsewhere.length, before });
  t.true(before < WANTED / 4, `${before} of the thousand went first`);
  t.deepEqual(await shop.level(HOT), [10_000, WANTED, 10_000 - WANTED]);
});
