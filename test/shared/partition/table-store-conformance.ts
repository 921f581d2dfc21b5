import type { ExecutionContext, TestFn } from 'ava';
import type { Table } from '#shared/partition/assignment.ts';
import type { TableStore } from '#shared/partition/table-store.ts';

const table = (version: number, owner = 'a'): Table => ({
  version,
  members: ['a', 'b'],
  partitions: [{ owner, standby: 'b' }, { owner: 'b' }],
});

/** What every store of assignments must do; run against memory and MongoDB. */
export function describeTableStore(test: TestFn, open: (t: ExecutionContext) => Promise<TableStore>): void {
  test('a table is loaded as it was written, each route its own', async (t) => {
    const store = await open(t);
    t.is(await store.load('payment'), undefined);
    t.true(await store.replace('payment', 0, table(1)));
    t.deepEqual(await store.load('payment'), table(1));
    t.is(await store.load('saga'), undefined);
    t.true(await store.replace('saga', 0, table(1, 'c')));
    t.true(await store.replace('payment', 1, table(2, 'b')));
    t.deepEqual(await store.load('payment'), table(2, 'b'));
    t.deepEqual(await store.load('saga'), table(1, 'c'));
  });

  test('only what is written over the stored version is written', async (t) => {
    const store = await open(t);
    t.false(await store.replace('payment', 3, table(4)));
    t.is(await store.load('payment'), undefined);
    t.true(await store.replace('payment', 0, table(1)));
    t.false(await store.replace('payment', 0, table(1, 'b')));
    t.true(await store.replace('payment', 1, table(2)));
    t.false(await store.replace('payment', 1, table(2, 'b')));
    t.deepEqual(await store.load('payment'), table(2));
  });

  test('of many who write over the same version exactly one wins', async (t) => {
    const store = await open(t);
    for (const over of [0, 1]) {
      const names = Array.from({ length: 10 }, (_, n) => `w${n}`);
      const won = await Promise.all(names.map((name) => store.replace('payment', over, table(over + 1, name))));
      t.is(won.filter(Boolean).length, 1);
      t.deepEqual(await store.load('payment'), table(over + 1, names[won.indexOf(true)]));
    }
  });
}
