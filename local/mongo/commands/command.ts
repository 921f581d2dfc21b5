import type { Clock } from '#shared/clock.ts';
import type { Catalog } from '#local/mongo/storage/catalog.ts';
import type { Checkpoints } from '#local/mongo/storage/checkpoint.ts';
import type { Collection } from '#local/mongo/storage/collection.ts';
import type { Cursors } from '#local/mongo/protocol/cursors.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import type { Journal } from '#local/mongo/storage/journal.ts';
import { type Doc, type Element, decodeElement, elements, kind } from '#local/mongo/protocol/raw.ts';
import type { Storage } from '#local/mongo/storage/storage.ts';
import type { Request } from '#local/mongo/protocol/wire.ts';

/** One command with its options still in BSON. */
export interface Command {
  readonly name: string;
  readonly db: string;
  readonly options: ReadonlyMap<string, Element>;
  readonly request: Request;
}

/** What the commands work on. */
export interface Server {
  readonly storage: Storage;
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly cursors: Cursors;
  readonly clock: Clock;
}

export interface CommandKind {
  /** The options that it takes besides those that every command takes. */
  readonly options: readonly string[];
  run(command: Command, server: Server): Doc | Buffer;
}

const everywhere = new Set([
  '$db',
  'lsid',
  '$clusterTime',
  '$readPreference',
  'readConcern',
  'writeConcern',
  'comment',
  'maxTimeMS',
  'apiVersion',
  'apiStrict',
  'apiDeprecationErrors',
]);
const transactional = new Set(['txnNumber', 'startTransaction', 'autocommit']);

export function parseCommand(request: Request): Command {
  const options = new Map<string, Element>();
  let name: string | undefined;
  for (const element of elements(request.body)) {
    name ??= element.name;
    options.set(element.name, element);
  }
  if (name === undefined) throw new MongoFailure(59, 'an empty command');
  const db = options.get('$db');
  return { name, db: db === undefined ? 'admin' : String(decodeElement(request.body, db)), options, request };
}

/** Refuses options that the command does not know; silence would make a client believe that they had an effect. */
export function checkOptions(command: Command, known: ReadonlySet<string>): void {
  for (const name of command.options.keys()) {
    if (everywhere.has(name) || known.has(name) || name === command.name) continue;
    if (transactional.has(name))
      throw new MongoFailure(20, 'transactions and retryable writes need a replica set; this is a standalone');
    throw new MongoFailure(40415, `BSON field '${command.name}.${name}' is an unknown field.`);
  }
  if (command.options.has('collation')) {
    const { locale } = option(command, 'collation') as { locale?: unknown };
    if (locale !== 'simple') throw new MongoFailure(238, 'only the simple collation is supported');
  }
  if (command.options.has('readConcern')) {
    const { level } = option(command, 'readConcern') as { level?: unknown };
    if (level === 'snapshot' || level === 'linearizable')
      throw new MongoFailure(123, `read concern ${level} needs a replica set`);
  }
  if (command.options.has('writeConcern')) {
    const { w } = option(command, 'writeConcern') as { w?: unknown };
    if (typeof w === 'number' && w > 1) throw new MongoFailure(2, 'write concern w > 1 needs a replica set');
  }
}

/** One option, decoded; undefined when it is not given. */
export function option(command: Command, name: string): unknown {
  const element = command.options.get(name);
  return element === undefined ? undefined : decodeElement(command.request.body, element);
}

export function numberOption(command: Command, name: string): number | undefined {
  const value = option(command, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new MongoFailure(14, `${name} must be a number`);
  return Math.trunc(value);
}

/** The raw document of an option; an empty one when it is not given. */
export function documentOption(command: Command, name: string): Buffer {
  const element = command.options.get(name);
  if (element === undefined || element.type === kind.null) return emptyDocument;
  if (element.type !== kind.object) throw new MongoFailure(14, `${name} must be an object`);
  return command.request.body.subarray(element.at, element.end);
}

export const emptyDocument = Buffer.from([5, 0, 0, 0, 0]);

/** The documents of a batch, from a document sequence or from an array in the body. */
export function batchOption(command: Command, name: string): readonly Buffer[] {
  const sequence = command.request.sequences.get(name);
  if (sequence !== undefined) return sequence;
  const { body } = command.request;
  const element = command.options.get(name);
  if (element?.type !== kind.array)
    throw new MongoFailure(element === undefined ? 9 : 14, `${command.name} needs an array ${name}`);
  return elements(body, element.at).map(({ type, at, end }) => {
    if (type !== kind.object) throw new MongoFailure(14, `${name} must hold objects`);
    return body.subarray(at, end);
  });
}

export function collectionName(command: Command): string {
  const name = option(command, command.name);
  if (typeof name !== 'string' || name === '')
    throw new MongoFailure(73, `${command.name} needs the name of a collection`);
  return name;
}

export function existing(command: Command, server: Server): Collection | undefined {
  return server.catalog.find(command.db, collectionName(command));
}
