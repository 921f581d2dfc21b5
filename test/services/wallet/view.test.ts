import test from 'ava';
import type { Entry } from '#services/wallet/ledger.ts';
import { entriesCollection, entryIndexes, findRecordsIn, walletsCollection } from '#services/wallet/model.ts';
import { walletView } from '#services/wallet/view.ts';
import type { WalletState } from '#services/wallet/wallet.ts';
import { freshDatabase, storeState } from '#test/support/stored.ts';

const options = { collection: walletsCollection, journal: entriesCollection, journalIndexes: entryIndexes };
const entry = (seq: number, customerId = 'alice'): Entry => ({
  id: `${customerId}-${seq}`,
  customerId,
  kind: 'top-up',
  amount: seq,
  currency: 'EUR',
  at: seq,
  seq,
});
const wallet: WalletState = {
  customerId: 'alice',
  currency: 'EUR',
  available: 9,
  held: 6,
  captured: 0,
  entries: 5,
  holds: [],
  topUps: [],
  forgets: false,
};

test('a wallet shows its balances, and its entries wherever they are, each once, newest first, page by page', async (t) => {
  const db = await freshDatabase(t);
  const [one, two, three, four, five] = [1, 2, 3, 4, 5].map((seq) => entry(seq));
  await storeState(db, options, 'alice', wallet, { written: [one!, two!, three!], riding: [three!, four!, five!] });
  await storeState(db, options, 'bob', { ...wallet, customerId: 'bob' }, { written: [entry(1, 'bob')] });
  const view = walletView(db);

  t.deepEqual(await view.wallet('alice'), {
    customerId: 'alice',
    available: { amount: 9, currency: 'EUR' },
    held: { amount: 6, currency: 'EUR' },
  });
  const page = async (limit: number, cursor?: string) => {
    const { items, nextCursor } = await view.entries('alice', { limit, cursor });
    return [items.map((item) => item.id), nextCursor];
  };
  t.deepEqual(await page(10), [['alice-5', 'alice-4', 'alice-3', 'alice-2', 'alice-1'], undefined]);
  t.deepEqual(await page(2), [['alice-5', 'alice-4'], '4']);
  t.deepEqual(await page(2, '4'), [['alice-3', 'alice-2'], '2']);
  t.deepEqual(await page(2, '2'), [['alice-1'], undefined]);
  const { items } = await view.entries('bob', { limit: 1 });
  t.deepEqual(items, [{ id: 'bob-1', kind: 'top-up', amount: 1, currency: 'EUR', at: '1970-01-01T00:00:00.001Z' }]);

  const found = await findRecordsIn(db)(['alice-2', 'bob-1', 'alice-6']);
  t.deepEqual(found.map(({ id }) => id).toSorted(), ['alice-2', 'bob-1']);
  t.deepEqual(await view.outcome('alice', 'alice-message'), { type: 'some.answer', body: { key: 'alice' } });
});

test('there is no wallet before the first top-up', async (t) => {
  const db = await freshDatabase(t);
  const { currency: _none, ...marks } = wallet;
  await storeState(db, options, 'carol', { ...marks, customerId: 'carol' });
  const view = walletView(db);
  t.is(await view.wallet('carol'), undefined);
  t.is(await view.wallet('nobody'), undefined);
  t.deepEqual(await view.entries('nobody', { limit: 5 }), { items: [] });
});
