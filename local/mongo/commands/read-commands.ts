import { Long } from 'bson';
import {
  type Command,
  type CommandKind,
  type Server,
  collectionName,
  documentOption,
  existing,
  numberOption,
  option,
} from './command.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { compileFilter } from '#local/mongo/query/filter.ts';
import { keyOfValue } from '#local/mongo/storage/key.ts';
import { compileProjection } from '#local/mongo/query/projection.ts';
import { type Doc, decodeTyped } from '#local/mongo/protocol/raw.ts';
import { type Selected, type Selection, select, sortFrom } from '#local/mongo/query/select.ts';

const findOptions = [
  'find',
  'filter',
  'sort',
  'projection',
  'skip',
  'limit',
  'batchSize',
  'singleBatch',
  'hint',
  'collation',
  'noCursorTimeout',
  'allowDiskUse',
  'allowPartialResults',
  'returnKey',
  'showRecordId',
  'let',
];

function nonNegative(command: Command, name: string): number {
  const value = numberOption(command, name) ?? 0;
  if (value < 0) throw new MongoFailure(2, `${name} must not be negative`);
  return value;
}

function selectedBy(command: Command, server: Server): Selected | undefined {
  for (const name of ['returnKey', 'showRecordId']) {
    if (option(command, name) === true) throw new MongoFailure(238, `${name} is not supported`);
  }
  const selection: Selection = {
    sort: sortFrom(option(command, 'sort')),
    skip: nonNegative(command, 'skip'),
    limit: Math.abs(numberOption(command, 'limit') ?? 0),
    hint: option(command, 'hint'),
  };
  const filter = compileFilter(documentOption(command, 'filter'));
  filter.check();
  const collection = existing(command, server);
  return collection === undefined ? undefined : select(collection, filter, selection);
}

function* projected(documents: Iterable<Buffer>, project: (raw: Buffer) => Buffer): Generator<Buffer> {
  for (const raw of documents) yield project(raw);
}

export const find: CommandKind = {
  options: findOptions,
  run(command, server) {
    const project = compileProjection((option(command, 'projection') ?? {}) as Doc);
    const selected = selectedBy(command, server);
    const found: Iterable<Buffer> = selected?.documents ?? [];
    const documents = project === undefined ? found : projected(found, project);
    const single = option(command, 'singleBatch') === true || (numberOption(command, 'limit') ?? 0) < 0;
    const batchSize = numberOption(command, 'batchSize') ?? 101;
    if (batchSize < 0) throw new MongoFailure(2, 'batchSize must not be negative');
    const namespace = `${command.db}.${collectionName(command)}`;
    return server.cursors.first({ namespace, documents: documents[Symbol.iterator]() }, batchSize, single);
  },
};

export const getMore: CommandKind = {
  options: ['collection', 'batchSize', 'term', 'lastKnownCommittedOpTime'],
  run(command, server) {
    const id = longOption(command, 'getMore');
    return server.cursors.next(
      id,
      `${command.db}.${String(option(command, 'collection'))}`,
      numberOption(command, 'batchSize') || undefined,
    );
  },
};

function longOption(command: Command, name: string): Long {
  const value = option(command, name);
  return value instanceof Long ? value : Long.fromNumber(Number(value));
}

export const killCursors: CommandKind = {
  options: ['cursors'],
  run(command, server) {
    const ids = ((option(command, 'cursors') ?? []) as (Long | number)[]).map((id) =>
      id instanceof Long ? id : Long.fromNumber(id),
    );
    const killed = ids.filter((id) => server.cursors.kill(id));
    return {
      cursorsKilled: killed,
      cursorsNotFound: ids.filter((id) => !killed.includes(id)),
      cursorsAlive: [],
      cursorsUnknown: [],
      ok: 1,
    };
  },
};

export const count: CommandKind = {
  options: ['query', 'limit', 'skip', 'hint', 'collation', 'fields'],
  run(command, server) {
    const collection = existing(command, server);
    if (collection === undefined) return { n: 0, ok: 1 };
    const filter = compileFilter(documentOption(command, 'query'));
    const skip = nonNegative(command, 'skip');
    const limit = Math.abs(numberOption(command, 'limit') ?? 0);
    const found =
      filter.elements.length === 0
        ? collection.count()
        : Array.from(select(collection, filter, { hint: option(command, 'hint') }).documents).length;
    const rest = Math.max(0, found - skip);
    return { n: limit > 0 ? Math.min(limit, rest) : rest, ok: 1 };
  },
};

export const distinct: CommandKind = {
  options: ['key', 'query', 'collation', 'hint'],
  run(command, server) {
    const collection = existing(command, server);
    const path = option(command, 'key');
    if (typeof path !== 'string' || path === '') throw new MongoFailure(14, 'distinct needs a key');
    const values = new Map<string, unknown>();
    const { documents } =
      collection === undefined
        ? { documents: [] }
        : select(collection, compileFilter(documentOption(command, 'query')));
    for (const raw of documents) {
      for (const value of flat(valuesOn(decodeTyped(raw), path.split('.'))))
        values.set(keyOfValue(value).toString('latin1'), value);
    }
    const ordered = [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
    return { values: ordered, ok: 1 };
  },
};

function flat(values: readonly unknown[]): unknown[] {
  return values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]));
}

function valuesOn(value: unknown, parts: readonly string[]): unknown[] {
  if (value === undefined) return [];
  const [part, ...rest] = parts;
  if (part === undefined) return [value];
  if (Array.isArray(value)) return value.flatMap((item) => valuesOn(item, parts));
  if (typeof value !== 'object' || value === null) return [];
  return valuesOn((value as Doc)[part], rest);
}

/** Runs the find inside an explain and says what it cost. */
export function explainFind(command: Command, server: Server): Doc {
  const selected = selectedBy(command, server);
  const nReturned = selected === undefined ? 0 : Array.from(selected.documents).length;
  const { stage = 'EOF', index, examined = 0, sortedInMemory = false } = selected?.cost ?? {};
  const access = { stage, ...(index === undefined ? {} : { indexName: index }) };
  return {
    queryPlanner: {
      namespace: `${command.db}.${collectionName(command)}`,
      winningPlan: sortedInMemory ? { stage: 'SORT', inputStage: access } : access,
    },
    executionStats: { executionSuccess: true, nReturned, totalDocsExamined: examined, executionStages: access },
    ok: 1,
  };
}
