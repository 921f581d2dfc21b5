import { type Command, type CommandKind, type Server, collectionName, existing, option } from './command.ts';
import type { Collection } from '#local/mongo/storage/collection.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { compileFilter } from '#local/mongo/query/filter.ts';
import { describe, indexSpecFrom } from '#local/mongo/storage/index-spec.ts';
import { idSpec } from '#local/mongo/query/plan.ts';
import { type Doc, encode } from '#local/mongo/protocol/raw.ts';

export const create: CommandKind = {
  options: ['autoIndexId', 'idIndex'],
  run(command, server) {
    const name = collectionName(command);
    if (server.catalog.find(command.db, name) !== undefined)
      throw new MongoFailure(48, `Collection ${command.db}.${name} already exists.`);
    server.catalog.ensure(command.db, name);
    return { ok: 1 };
  },
};

export const drop: CommandKind = {
  options: [],
  run(command, server) {
    const collection = existing(command, server);
    if (collection === undefined) return { ok: 1 };
    const nIndexesWas = collection.indexes.length + 1;
    server.catalog.drop(collection);
    return { nIndexesWas, ns: `${command.db}.${collection.name}`, ok: 1 };
  },
};

export const dropDatabase: CommandKind = {
  options: [],
  run(command, server) {
    const own = [...server.catalog.all()].filter(({ db }) => db === command.db);
    for (const collection of own) server.catalog.drop(collection);
    return { ...(own.length > 0 ? { dropped: command.db } : {}), ok: 1 };
  },
};

function filtered(command: Command, items: readonly Doc[]): Doc[] {
  const filter = compileFilter(encode((option(command, 'filter') ?? {}) as Doc));
  filter.check();
  return items.filter((item) => filter.matches(encode(item)));
}

export const listDatabases: CommandKind = {
  options: ['filter', 'nameOnly', 'authorizedDatabases'],
  run(command, server) {
    const names = new Set([...server.catalog.all()].map(({ db }) => db));
    const nameOnly = option(command, 'nameOnly') === true;
    const databases = [...names].sort().map((name) => (nameOnly ? { name } : { name, sizeOnDisk: 0, empty: false }));
    return { databases: filtered(command, databases), ...(nameOnly ? {} : { totalSize: 0, totalSizeMb: 0 }), ok: 1 };
  },
};

export const listCollections: CommandKind = {
  options: ['filter', 'nameOnly', 'authorizedCollections', 'cursor'],
  run(command, server) {
    const nameOnly = option(command, 'nameOnly') === true;
    const own = [...server.catalog.all()].filter(({ db }) => db === command.db);
    const items = own.map(({ name }) => ({
      name,
      type: 'collection',
      ...(nameOnly ? {} : { options: {}, info: { readOnly: false }, idIndex: describe(idSpec) }),
    }));
    return listed(command, server, '$cmd.listCollections', filtered(command, items));
  },
};

function listed(command: Command, server: Server, name: string, items: readonly Doc[]): Buffer {
  const { batchSize = 101 } = (option(command, 'cursor') ?? {}) as { batchSize?: number };
  return server.cursors.first(
    { namespace: `${command.db}.${name}`, documents: items.map(encode)[Symbol.iterator]() },
    batchSize,
    false,
  );
}

function idDescription(): Doc {
  const { unique: _, ...rest } = describe(idSpec);
  return rest;
}

export const listIndexes: CommandKind = {
  options: ['cursor'],
  run(command, server) {
    const collection = found(command, server);
    return listed(command, server, collection.name, [
      idDescription(),
      ...collection.indexes.map(({ spec }) => describe(spec)),
    ]);
  },
};

function found(command: Command, server: Server): Collection {
  const collection = existing(command, server);
  if (collection === undefined)
    throw new MongoFailure(26, `ns does not exist: ${command.db}.${collectionName(command)}`);
  return collection;
}

export const createIndexes: CommandKind = {
  options: ['indexes', 'commitQuorum'],
  run(command, server) {
    const indexes = option(command, 'indexes');
    if (!Array.isArray(indexes) || indexes.length === 0)
      throw new MongoFailure(2, 'createIndexes needs an array indexes');
    for (const given of indexes as Doc[]) indexSpecFrom(given);
    const isNew = existing(command, server) === undefined;
    const collection = server.catalog.ensure(command.db, collectionName(command));
    const before = collection.indexes.length + 1;
    for (const given of indexes as Doc[]) if (!isThere(collection, given)) server.catalog.addIndex(collection, given);
    const after = collection.indexes.length + 1;
    return { numIndexesBefore: before, numIndexesAfter: after, createdCollectionAutomatically: isNew, ok: 1 };
  },
};

/** Whether the very same index exists; one that only shares its name or its key is a conflict. */
function isThere(collection: Collection, given: Doc): boolean {
  const wanted = describe(indexSpecFrom(given));
  const same = (a: Doc, b: Doc): boolean => encode(a).equals(encode(b));
  if (same(wanted['key'] as Doc, { _id: 1 })) return true;
  for (const { spec } of collection.indexes) {
    const present = describe(spec);
    const sameKey = same(present['key'] as Doc, wanted['key'] as Doc);
    if (same({ ...present, v: 2 }, { ...wanted, v: 2 })) return true;
    if (spec.name === wanted['name'])
      throw new MongoFailure(86, `an index named ${spec.name} with another specification exists`);
    if (
      sameKey &&
      same((present['partialFilterExpression'] ?? {}) as Doc, (wanted['partialFilterExpression'] ?? {}) as Doc)
    ) {
      throw new MongoFailure(85, `index ${spec.name} has the same key under another name or with other options`);
    }
  }
  return false;
}

export const dropIndexes: CommandKind = {
  options: ['index'],
  run(command, server) {
    const collection = found(command, server);
    const index = option(command, 'index');
    const nIndexesWas = collection.indexes.length + 1;
    for (const wanted of Array.isArray(index) ? (index as unknown[]) : [index]) {
      if (wanted === '_id_') throw new MongoFailure(72, 'the index of _id cannot be dropped');
      const matching = collection.indexes.filter(
        ({ spec }) =>
          wanted === '*' ||
          spec.name === wanted ||
          JSON.stringify(Object.fromEntries(spec.key)) === JSON.stringify(wanted),
      );
      if (matching.length === 0 && wanted !== '*')
        throw new MongoFailure(27, `index not found with name [${String(wanted)}]`);
      for (const each of matching) server.catalog.dropIndex(collection, each);
    }
    return { nIndexesWas, ok: 1 };
  },
};
