/** What somebody outside says of a failure stands in the order's log, however long it is. */
import test from 'ava';
import { openShop } from './shop.ts';
import { goodAt } from '#test/support/goods.ts';
import { detailFrom, saidFrom } from '#services/fields.ts';

const tea = { ...goodAt(500, 'EUR', 'tea'), initialStock: 5 };
const LIMIT = 64 * 1024;
const TRIES = 4;

/** What is told of a text of so many characters. */
function isToldOf(told: string, characters: number): boolean {
  if (characters <= 2000) return told === 'x'.repeat(characters);
  return /^x{1900}x*… \(cut: it had 100000 characters\)$/.test(told);
}

for (const stockBetween of ['hold', 'release'] as const) {
  for (const characters of [12, 300, 2000, 100_000]) {
    test(`a payment that is declined with a reason of ${characters} characters is tried again and fails; every row tells the reason (${stockBetween})`, async (t) => {
      const said = saidFrom('x'.repeat(characters));
      const shop = await openShop({
        goods: [tea],
        retrying: { stockBetween },
        provider: (usual) => ({ ...usual, authorize: async () => ({ approved: false, ...said }) }),
      });
      await shop.topUp('alice', 10_000);
      const [id] = await shop.place(['alice', ['tea', 2]]);
      const [order] = await shop.ended([id!]);
      t.like(order, { status: 'failed', attempt: TRIES, failure: { reason: said.reason } });
      const failures = (await shop.rows(id!)).filter(({ status }) => status === 'retrying' || status === 'failed');
      t.is(failures.length, TRIES);
      for (const { errorMessage = '' } of failures) t.true(isToldOf(errorMessage, characters), errorMessage);
      t.is((await shop.timeline(id!)).failure?.detail, said.detail);
      t.deepEqual(await shop.level('tea'), [5, 0, 5]);
      t.is(shop.mailsOf(id!).length, 1);
      t.deepEqual(await shop.wrong([id!]), []);
      for (const [name, { largest }] of shop.homes) t.true(largest < LIMIT / 2, `${name}: ${largest} bytes`);
    });
  }
}

for (const characters of [300, 2000, 100_000])
  test(`what the mail server and the warehouse answer in ${characters} characters stands in the log`, async (t) => {
    const answer = 'x'.repeat(characters);
    const refusing = await openShop({
      goods: [tea],
      outsiders: {
        mailer: { send: async () => ({ accepted: false, reason: 'rejected_address', detail: detailFrom(answer) }) },
      },
    });
    const closed = await openShop({
      goods: [tea],
      outsiders: {
        warehouse: { dispatch: async () => ({ accepted: false, ...saidFrom(answer) }), cancel: async () => {} },
      },
    });
    for (const shop of [refusing, closed]) {
      await shop.topUp('alice', 10_000);
      const [id] = await shop.place(['alice', ['tea', 2]]);
      t.is((await shop.ended([id!]))[0]?.status, 'failed');
      const [row] = (await shop.rows(id!)).slice(-1);
      t.is(row?.status, 'failed');
      t.true(isToldOf(row?.errorMessage ?? '', characters), row?.errorMessage);
      t.deepEqual(await shop.level('tea'), [5, 0, 5]);
    }
  });

test('of an order that is declined twenty-one times with the longest reasons no row is lost, the first are told whole, and its saga stays under 64 KB', async (t) => {
  const tries = 21;
  let asked = 0;
  const shop = await openShop({
    goods: [tea],
    retrying: { stockBetween: 'release', tries },
    provider: (usual) => ({
      ...usual,
      authorize: async () => ({ approved: false, ...saidFrom(`${(asked += 1)}: ${'x'.repeat(5000)}`) }),
    }),
  });
  await shop.topUp('alice', 10_000);
  const [id] = await shop.place(['alice', ['tea', 2]]);
  t.is((await shop.ended([id!]))[0]?.status, 'failed');
  const failures = (await shop.rows(id!)).filter(({ status }) => status === 'retrying' || status === 'failed');
  t.is(failures.length, tries);
  for (const [index, { errorMessage = '' }] of failures.entries()) {
    t.true(errorMessage.startsWith(`${index + 1}: xxx`), errorMessage);
    t.true(errorMessage.length > (index < 4 ? 1900 : 190), `${index}: ${errorMessage.length}`);
  }
  const { largest } = shop.homes.get('saga')!;
  t.log(`largest: ${largest} bytes`);
  t.true(largest < LIMIT, `${largest} bytes`);
});
