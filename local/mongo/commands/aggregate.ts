import { Aggregator } from 'mingo';
import { type Command, type CommandKind, type Server, option } from './command.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { compileFilter } from '#local/mongo/query/filter.ts';
import { type Doc, decode, encode } from '#local/mongo/protocol/raw.ts';
import { select, sortFrom } from '#local/mongo/query/select.ts';

const supported = new Set([
  '$match',
  '$group',
  '$sort',
  '$limit',
  '$skip',
  '$project',
  '$unwind',
  '$count',
  '$facet',
  '$addFields',
  '$set',
  '$unset',
  '$replaceRoot',
  '$replaceWith',
  '$sortByCount',
  '$bucket',
]);
const refused = new Set([
  '$out',
  '$merge',
  '$lookup',
  '$graphLookup',
  '$unionWith',
  '$changeStream',
  '$search',
  '$geoNear',
  '$sample',
]);

/** The leading stages that a find can do run on raw documents and indexes; the rest is mingo's. */
export const aggregate: CommandKind = {
  options: ['pipeline', 'cursor', 'allowDiskUse', 'explain', 'bypassDocumentValidation', 'collation', 'hint', 'let'],
  run(command, server) {
    const stages = stagesOf(command);
    const { batchSize = 101 } = (option(command, 'cursor') ?? {}) as { batchSize?: number };
    if (option(command, 'explain') === true) throw new MongoFailure(238, 'explain of an aggregation is not supported');
    const target = option(command, 'aggregate');
    if (typeof target !== 'string') throw new MongoFailure(238, 'an aggregation of a whole database is not supported');
    return server.cursors.first(
      { namespace: `${command.db}.${target}`, documents: run(command, server, target, stages) },
      batchSize,
      false,
    );
  },
};

type Stage = readonly [name: string, argument: unknown];

function stagesOf(command: Command): Stage[] {
  const pipeline = option(command, 'pipeline');
  if (!Array.isArray(pipeline)) throw new MongoFailure(14, 'aggregate needs an array pipeline');
  const stages = (pipeline as Doc[]).map((stage): Stage => {
    const [entry, ...others] = Object.entries(stage);
    if (entry === undefined || others.length > 0)
      throw new MongoFailure(40324, 'a pipeline stage has exactly one field');
    return entry;
  });
  const facets = stages.flatMap(([name, argument]) =>
    name === '$facet' ? Object.values(argument as Record<string, Doc[]>).flat() : [],
  );
  for (const name of [...stages.map(([each]) => each), ...facets.map((stage) => Object.keys(stage)[0] ?? '')]) {
    if (refused.has(name)) throw new MongoFailure(238, `the stage ${name} is not supported`);
    if (!supported.has(name)) throw new MongoFailure(40324, `Unrecognized pipeline stage name: '${name}'`);
  }
  return stages;
}

function* run(command: Command, server: Server, target: string, stages: readonly Stage[]): Generator<Buffer> {
  let at = 0;
  const next = (name: string): unknown => {
    if (stages[at]?.[0] !== name) return undefined;
    at += 1;
    return stages[at - 1]![1];
  };
  const filter = compileFilter(encode((next('$match') ?? {}) as Doc));
  filter.check();
  const sort = sortFrom(next('$sort'));
  const skip = Number(next('$skip') ?? 0);
  const limit = Number(next('$limit') ?? 0);
  const collection = server.catalog.find(command.db, target);
  const rest = stages.slice(at);
  if (collection === undefined) {
    if (rest.length > 0) yield* piped([], rest);
    return;
  }
  const counting = countOnly(rest);
  if (counting !== undefined && filter.elements.length === 0) {
    const left = Math.max(0, collection.count() - skip);
    const total = limit > 0 ? Math.min(limit, left) : left;
    if (total > 0) yield encode(counting(total));
    return;
  }
  const { documents } = select(collection, filter, { sort, skip, limit, hint: option(command, 'hint') });
  if (rest.length === 0) yield* documents;
  else yield* piped(documents, rest);
}

/** What the driver's `countDocuments` ends with. */
function countOnly(stages: readonly Stage[]): ((total: number) => Doc) | undefined {
  const [name, argument] = stages[0] ?? [];
  if (stages.length !== 1) return undefined;
  if (name === '$count' && typeof argument === 'string') return (total) => ({ [argument]: total });
  if (name !== '$group') return undefined;
  const { _id, ...fields } = argument as Doc;
  const [field, ...others] = Object.entries(fields);
  if (typeof _id === 'object' || typeof _id === 'string' || field === undefined || others.length > 0) return undefined;
  return JSON.stringify(field[1]) === '{"$sum":1}' ? (total) => ({ _id, [field[0]]: total }) : undefined;
}

function* piped(documents: Iterable<Buffer>, stages: readonly Stage[]): Generator<Buffer> {
  const pipeline = stages.map(([name, argument]) => ({ [name]: argument }));
  const results = new Aggregator(pipeline, { scriptEnabled: false }).run<Doc>(Array.from(documents, decode));
  for (const result of results) yield encode(result);
}
