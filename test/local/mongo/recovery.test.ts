import test from 'ava';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, openCatalog } from '#local/mongo/storage/catalog.ts';
import { createCheckpoints } from '#local/mongo/storage/checkpoint.ts';
import { compileFilter } from '#local/mongo/query/filter.ts';
import { openJournal } from '#local/mongo/storage/journal.ts';
import { idKeyIn } from '#local/mongo/storage/key.ts';
import { decode, encode } from '#local/mongo/protocol/raw.ts';
import { select } from '#local/mongo/query/select.ts';
import { openStorage } from '#local/mongo/storage/storage.ts';
import { temporaryFolder } from '#test/support/mongo-world.ts';

/** The parts below the wire, so that a crash can be put between any two of their steps. */
function open(dataDir: string, sectionBytes: number) {
  const storage = openStorage({ dataDir, maxBytes: Infinity });
  const journal = openJournal(storage.database);
  const catalog = openCatalog(storage, journal, 1);
  const checkpoints = createCheckpoints(storage, catalog, journal, sectionBytes);
  return {
    catalog,
    commit() {
      journal.write();
      checkpoints.step();
      storage.commit();
      catalog.trim();
    },
    /** What kill -9 leaves: no transaction that was not committed. */
    crash() {
      storage.rollback();
      storage.close();
    },
  };
}

type Model = Map<number, { readonly n: number; readonly due: number | undefined }>;

function put(catalog: Catalog, id: number, n: number, due: number | undefined): void {
  const things = catalog.ensure('d', 'things');
  const raw = encode({ _id: id, n, mail: `${id}`, ...(due === undefined ? {} : { due }), text: 'x'.repeat(300) });
  things.put(things.entry(idKeyIn(raw)), raw);
}

function remove(catalog: Catalog, id: number): void {
  const things = catalog.ensure('d', 'things');
  const entry = things.entry(idKeyIn(encode({ _id: id })));
  if (entry.raw !== undefined) things.remove(entry);
}

function ids(catalog: Catalog, filter: object): number[] {
  const found = select(catalog.ensure('d', 'things'), compileFilter(encode(filter as Record<string, unknown>)));
  return Array.from(found.documents, (raw) => decode(raw)['_id'] as number).sort((a, b) => a - b);
}

for (const [title, between] of [
  ['a query', (catalog: Catalog) => void ids(catalog, {})],
  [
    'a query and the same id again',
    (catalog: Catalog) => (ids(catalog, {}), put(catalog, 1, 2, 2), remove(catalog, 1)),
  ],
] as const) {
  test(`a document that was deleted before ${title} does not come back after a crash`, async (t) => {
    const folder = await temporaryFolder(t);
    const world = open(folder, 1_000_000);
    put(world.catalog, 1, 1, 1);
    put(world.catalog, 2, 1, 1);
    world.commit();
    remove(world.catalog, 1);
    between(world.catalog);
    world.commit();
    world.crash();
    const after = open(folder, 1_000_000);
    t.deepEqual(ids(after.catalog, {}), [2]);
    put(after.catalog, 3, 1, 1);
    remove(after.catalog, 3);
    ids(after.catalog, {});
    put(after.catalog, 4, 1, 1);
    put(after.catalog, 3, 1, 1);
    t.deepEqual(ids(after.catalog, {}), [2, 3, 4]);
    after.crash();
  });
}

const id = fc.nat({ max: 400 });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('put' as const),
      ids: fc.array(id, { maxLength: 60 }),
      n: fc.nat(9),
      due: fc.option(fc.nat(9), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('remove' as const), ids: fc.array(id, { maxLength: 20 }) }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('commit' as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('query' as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('crash' as const) }) },
);

test('after a crash at any step the documents and every index are those of the last commit', (t) => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 10, maxLength: 60 }),
      fc.constantFrom(2000, 20_000, 1_000_000),
      (steps, sectionBytes) => {
        const folder = mkdtempSync(join(tmpdir(), 'switchyard-mongo-'));
        let world = open(folder, sectionBytes);
        try {
          const made = world.catalog.ensure('d', 'things');
          world.catalog.addIndex(made, { name: 'mail', key: { mail: 1 }, unique: true });
          world.catalog.addIndex(made, { name: 'due', key: { due: 1 }, sparse: true });
          world.catalog.addIndex(made, { name: 'n', key: { n: -1 } });
          world.commit();
          let committed: Model = new Map();
          let model: Model = new Map();
          const check = (expected: Model): void => {
            const wanted = (match: (each: { n: number; due: number | undefined }) => boolean) =>
              [...expected]
                .filter(([, each]) => match(each))
                .map(([key]) => key)
                .sort((a, b) => a - b);
            t.deepEqual(
              ids(world.catalog, {}),
              wanted(() => true),
            );
            t.deepEqual(
              ids(world.catalog, { due: { $lte: 5 } }),
              wanted(({ due }) => due !== undefined && due <= 5),
            );
            for (let n = 0; n < 10; n += 3)
              t.deepEqual(
                ids(world.catalog, { n }),
                wanted((each) => each.n === n),
              );
            for (const key of [1, 2, 3])
              t.deepEqual(ids(world.catalog, { mail: `${key}` }), expected.has(key) ? [key] : []);
          };
          for (const each of [...steps, { act: 'crash' as const }]) {
            if (each.act === 'put') {
              for (const key of each.ids) {
                put(world.catalog, key, each.n, each.due);
                model.set(key, { n: each.n, due: each.due });
              }
            } else if (each.act === 'remove') {
              for (const key of each.ids) {
                remove(world.catalog, key);
                model.delete(key);
              }
            } else if (each.act === 'commit') {
              world.commit();
              committed = new Map(model);
            } else if (each.act === 'query') check(model);
            else {
              world.crash();
              world = open(folder, sectionBytes);
              model = new Map(committed);
              check(model);
            }
          }
        } finally {
          world.crash();
          rmSync(folder, { recursive: true, force: true });
        }
      },
    ),
    { numRuns: 40 },
  );
});
