import { type Collection } from '#local/mongo/storage/collection.ts';
import {
  type Command,
  type CommandKind,
  type Server,
  batchOption,
  collectionName,
  emptyDocument,
  existing,
  option,
} from './command.ts';
import { MongoFailure, codeName, failureOf } from '#local/mongo/protocol/failure.ts';
import { compileFilter } from '#local/mongo/query/filter.ts';
import { duplicateKey } from '#local/mongo/storage/index-table.ts';
import { idKeyIn } from '#local/mongo/storage/key.ts';
import {
  type Doc,
  type Element,
  decodeElement,
  decodeTyped,
  elements,
  fromElements,
  kind,
} from '#local/mongo/protocol/raw.ts';
import { replaceById } from './replace-by-id.ts';
import { select } from '#local/mongo/query/select.ts';
import { compileUpdate, idOf, maxDocumentBytes, withIdFirst } from '#local/mongo/update/update.ts';

/** Adds a document whose `_id` comes first. */
export function insertDocument(collection: Collection, raw: Buffer): void {
  if (raw.length > maxDocumentBytes) throw new MongoFailure(10334, `a document of ${raw.length} bytes is too large`);
  if (raw[4] === kind.array || raw[4] === kind.regex || raw[4] === kind.undefined)
    throw new MongoFailure(53, 'an _id of this type is not allowed');
  const entry = collection.entry(idKeyIn(raw));
  if (entry.raw !== undefined) throw duplicateKey(`${collection.db}.${collection.name}`, '_id_', { _id: 1 }, raw);
  collection.put(entry, raw);
}

/** Puts the new version of a document that is there; says whether it differs. */
export function changeDocument(collection: Collection, current: Buffer, changed: Buffer): boolean {
  if (changed.length > maxDocumentBytes)
    throw new MongoFailure(10334, `a document of ${changed.length} bytes is too large`);
  if (current.equals(changed)) return false;
  collection.put(collection.entry(idKeyIn(current)), changed);
  return true;
}

/** Refuses to grow when the size limit is reached; deleting stays possible. */
export function checkSpace(server: Server): void {
  if (server.storage.full()) throw new MongoFailure(14031, 'the size limit of the data is reached');
}

interface WriteError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
}

/** Runs every operation of a batch; an ordered batch ends at its first error. */
function runBatch(
  command: Command,
  operations: readonly Buffer[],
  run: (operation: Buffer, index: number) => void,
): { writeErrors?: WriteError[] } {
  if (operations.length === 0 || operations.length > 100_000)
    throw new MongoFailure(9, 'a batch holds 1 to 100000 operations');
  const ordered = option(command, 'ordered') !== false;
  const writeErrors: WriteError[] = [];
  for (const [index, operation] of operations.entries()) {
    try {
      run(operation, index);
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_SQLITE_ERROR') throw error;
      const { code, message, extra } = failureOf(error);
      writeErrors.push({
        index,
        code,
        errmsg: message,
        ...extra,
        ...(code === 11000 ? {} : { codeName: codeName(code) }),
      });
      if (ordered) break;
    }
  }
  return writeErrors.length === 0 ? {} : { writeErrors };
}

function parts(operation: Buffer, known: ReadonlySet<string>): Map<string, Element> {
  const found = new Map<string, Element>();
  for (const element of elements(operation)) {
    if (!known.has(element.name))
      throw new MongoFailure(40415, `BSON field '${element.name}' of a write operation is an unknown field.`);
    found.set(element.name, element);
  }
  return found;
}

function documentIn(operation: Buffer, element: Element | undefined): Buffer {
  if (element === undefined) return emptyDocument;
  if (element.type !== kind.object)
    throw new MongoFailure(element.type === kind.array ? 238 : 14, `${element.name} must be an object`);
  return operation.subarray(element.at, element.end);
}

export function refuseArrayFilters(value: unknown): void {
  if (Array.isArray(value) && value.length > 0) throw new MongoFailure(238, 'arrayFilters are not supported');
}

export const insert: CommandKind = {
  options: ['documents', 'ordered', 'bypassDocumentValidation', 'maxTimeMS'],
  run(command, server) {
    checkSpace(server);
    const collection = server.catalog.ensure(command.db, collectionName(command));
    let n = 0;
    const errors = runBatch(command, batchOption(command, 'documents'), (raw) => {
      insertDocument(collection, withIdFirst(raw));
      n += 1;
    });
    return { n, ok: 1, ...errors };
  },
};

const updateParts = new Set(['q', 'u', 'upsert', 'multi', 'collation', 'arrayFilters', 'hint', 'c', 'sort']);

export const update: CommandKind = {
  options: ['updates', 'ordered', 'bypassDocumentValidation', 'let'],
  run(command, server) {
    checkSpace(server);
    const nowMs = server.clock.now();
    let collection = existing(command, server);
    let n = 0;
    let nModified = 0;
    const upserted: { index: number; _id: unknown }[] = [];
    const upsertedIdOf = (document: Buffer): unknown => decodeTyped(fromElements([idOf(document)]))['_id'];
    const errors = runBatch(command, batchOption(command, 'updates'), (operation, index) => {
      const outcome = collection === undefined ? undefined : replaceById(collection, operation);
      if (outcome !== undefined) {
        if (outcome !== 'unmatched') n += 1;
        if (outcome === 'changed') nModified += 1;
        if (outcome === 'upserted') {
          const filter = elements(operation).find(({ name }) => name === 'q')!;
          upserted.push({ index, _id: upsertedIdOf(operation.subarray(filter.at, filter.end)) });
        }
        return;
      }
      const given = parts(operation, updateParts);
      for (const name of ['collation', 'sort', 'c'])
        if (given.has(name)) throw new MongoFailure(238, `${name} of an update is not supported`);
      const arrayFilters = given.get('arrayFilters');
      if (arrayFilters !== undefined) refuseArrayFilters(decodeElement(operation, arrayFilters));
      const flag = (name: string): boolean => given.has(name) && Boolean(decodeElement(operation, given.get(name)!));
      const filter = compileFilter(documentIn(operation, given.get('q')));
      const change = compileUpdate(documentIn(operation, given.get('u')));
      const multi = flag('multi');
      if (multi && change.replaces) throw new MongoFailure(9, 'a replacement cannot be multi');
      const hint = given.get('hint');
      if (collection !== undefined) {
        const found = select(collection, filter, {
          limit: multi ? 0 : 1,
          hint: hint && decodeElement(operation, hint),
        }).documents;
        const matched = [...found];
        for (const current of matched)
          if (changeDocument(collection, current, change.apply(current, nowMs))) nModified += 1;
        n += matched.length;
        if (matched.length > 0) return;
      }
      if (!flag('upsert')) return;
      collection ??= server.catalog.ensure(command.db, collectionName(command));
      const created = change.create(filter, nowMs);
      insertDocument(collection, created);
      n += 1;
      upserted.push({ index, _id: upsertedIdOf(created) });
    });
    return { n, nModified, ...(upserted.length === 0 ? {} : { upserted }), ok: 1, ...errors };
  },
};

const deleteParts = new Set(['q', 'limit', 'collation', 'hint']);

export const remove: CommandKind = {
  options: ['deletes', 'ordered', 'let'],
  run(command, server) {
    const collection = existing(command, server);
    let n = 0;
    const errors = runBatch(command, batchOption(command, 'deletes'), (operation) => {
      const given = parts(operation, deleteParts);
      if (given.has('collation')) throw new MongoFailure(238, 'collation of a delete is not supported');
      const limit = given.get('limit');
      if (limit === undefined) throw new MongoFailure(9, 'a delete needs a limit');
      if (collection === undefined) return;
      const hint = given.get('hint');
      const { documents } = select(collection, compileFilter(documentIn(operation, given.get('q'))), {
        limit: Number(decodeElement(operation, limit)),
        hint: hint && decodeElement(operation, hint),
      });
      const matched = Array.from(documents);
      for (const raw of matched) {
        collection.remove(collection.entry(idKeyIn(raw)));
        n += 1;
      }
    });
    return { n, ok: 1, ...errors } satisfies Doc;
  },
};
