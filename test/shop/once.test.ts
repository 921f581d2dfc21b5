/** Every message of an order comes ten times, and whoever handled one loses its connection before it can acknowledge. */
import test from 'ava';
import { COPIES, createAgain } from './again.ts';
import { openShop } from './shop.ts';
import { goodAt } from '#test/support/goods.ts';

const goods = ['tea', 'mug'].map((sku) => ({ ...goodAt(500, 'EUR', sku), initialStock: 5 }));

for (const stockBetween of ['hold', 'release'] as const) {
  for (const declines of [0, 1]) {
    test(`all messages ten times, each worker gone after the effect: ${declines} declined, one reservation a try, one capture, one processed row (${stockBetween})`, async (t) => {
      const again = createAgain();
      const asked: { readonly what: string; readonly key: string }[] = [];
      const interrupted = new Set<string>();
      const handled: string[] = [];
      /** The worker is gone when the provider has done it and nobody knows. */
      const effect = (what: string, key: string): void => {
        asked.push({ what, key });
        if (interrupted.has(key)) return;
        interrupted.add(key);
        shop.broker.dropConnection('payment', { kind: 'consume' });
      };
      const shop = await openShop({
        goods,
        retrying: { stockBetween },
        through: again.through,
        writing: {
          history(service, { messages, outcome }) {
            if (outcome === 'committed') handled.push(...messages.map((one) => `${service} ${one.id}`));
          },
        },
        provider: (usual) => {
          const answers = new Map<string, Awaited<ReturnType<typeof usual.authorize>>>();
          return {
            ...usual,
            async authorize(request) {
              const { idempotencyKey: key } = request;
              const known = answers.get(key);
              const answer =
                known ?? (answers.size < declines ? { approved: false, reason: 'card_declined' } : { approved: true });
              answers.set(key, answer);
              effect('authorize', key);
              return answer;
            },
            async capture(request) {
              const answer = await usual.capture(request);
              effect('capture', request.idempotencyKey);
              return answer;
            },
          };
        },
      });
      await shop.topUp('alice', 10_000);
      const [id] = await shop.place(['alice', ['tea', 2], ['mug', 1]]);
      t.like((await shop.ended([id!]))[0], { status: 'completed', attempt: declines + 1 });

      const came = [...again.deliveries].filter(([message]) => message.includes(id!));
      t.true(came.length > 20, String(came.length));
      for (const [message, times] of came) t.true(times > COPIES, `${message} came ${times} times`);
      for (const [message] of came) t.true(again.cut.has(message), `${message} was acknowledged at once`);
      t.true(asked.length > interrupted.size, 'effects were asked for again');

      t.deepEqual(
        handled.filter((message, index) => handled.indexOf(message) < index),
        [],
        'handled more than once',
      );

      const tries = stockBetween === 'release' ? declines + 1 : 1;
      for (const [sku, quantity] of [
        ['tea', 2],
        ['mug', 1],
      ] as const) {
        t.is(shop.booked(sku, 'reserved').length, tries);
        t.is(shop.booked(sku, 'released').length, tries - 1);
        t.deepEqual(
          shop.booked(sku, 'sold').map((one) => one.quantity),
          [quantity],
        );
      }
      t.is(new Set(asked.filter(({ what }) => what === 'capture').map(({ key }) => key)).size, 1);
      t.is(shop.outside.captured.size, 1);
      const wallet = await shop.answered('GET', '/v1/wallets/alice');
      t.like(wallet.body, { available: { amount: 8500 }, held: { amount: 0 } });
      const log = await shop.log(id!);
      t.deepEqual(
        log.filter((status) => status === 'processed'),
        ['processed'],
      );
      t.is(log.filter((status) => status === 'retrying').length, declines);
      t.is(new Set(shop.mailsOf(id!).map(({ messageId }) => messageId)).size, 1);
      t.deepEqual(await shop.wrong([id!]), []);
    });
  }
}
