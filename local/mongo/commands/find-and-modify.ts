import { type CommandKind, collectionName, documentOption, existing, option } from './command.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { compileFilter } from '#local/mongo/query/filter.ts';
import { idKeyIn } from '#local/mongo/storage/key.ts';
import { compileProjection } from '#local/mongo/query/projection.ts';
import { type Doc, decodeTyped, fromElements, kind } from '#local/mongo/protocol/raw.ts';
import { select, sortFrom } from '#local/mongo/query/select.ts';
import { compileUpdate, idOf } from '#local/mongo/update/update.ts';
import { changeDocument, checkSpace, insertDocument, refuseArrayFilters } from './write-commands.ts';

/** One document found, changed or removed, and returned as it was or as it is, in one step. */
export const findAndModify: CommandKind = {
  options: [
    'query',
    'sort',
    'remove',
    'update',
    'new',
    'fields',
    'upsert',
    'bypassDocumentValidation',
    'collation',
    'arrayFilters',
    'hint',
    'let',
  ],
  run(command, server) {
    const filter = compileFilter(documentOption(command, 'query'));
    filter.check();
    refuseArrayFilters(option(command, 'arrayFilters'));
    const project = compileProjection((option(command, 'fields') ?? {}) as Doc);
    const removing = option(command, 'remove') === true;
    const upsert = option(command, 'upsert') === true;
    const wantsNew = option(command, 'new') === true;
    if (removing && (upsert || wantsNew || command.options.has('update')))
      throw new MongoFailure(9, 'remove excludes update, upsert and new');
    if (!removing && !command.options.has('update')) throw new MongoFailure(9, 'findAndModify needs update or remove');
    if (command.options.get('update')?.type === kind.array)
      throw new MongoFailure(238, 'updates by pipeline are not supported');
    if (!removing) checkSpace(server);
    const change = removing ? undefined : compileUpdate(documentOption(command, 'update'));
    let collection = existing(command, server);
    const selection = { sort: sortFrom(option(command, 'sort')), limit: 1, hint: option(command, 'hint') };
    const current = collection === undefined ? undefined : [...select(collection, filter, selection).documents][0];
    const shown = (raw: Buffer): Doc => decodeTyped(project === undefined ? raw : project(raw));
    const nowMs = server.clock.now();

    if (current !== undefined && collection !== undefined) {
      if (change === undefined) {
        collection.remove(collection.entry(idKeyIn(current)));
        return { lastErrorObject: { n: 1 }, value: shown(current), ok: 1 };
      }
      const changed = change.apply(current, nowMs);
      changeDocument(collection, current, changed);
      return { lastErrorObject: { n: 1, updatedExisting: true }, value: shown(wantsNew ? changed : current), ok: 1 };
    }
    if (change === undefined) return { lastErrorObject: { n: 0 }, value: null, ok: 1 };
    if (!upsert) return { lastErrorObject: { n: 0, updatedExisting: false }, value: null, ok: 1 };
    collection ??= server.catalog.ensure(command.db, collectionName(command));
    const created = change.create(filter, nowMs);
    insertDocument(collection, created);
    const upserted = decodeTyped(fromElements([idOf(created)]))['_id'];
    return {
      lastErrorObject: { n: 1, updatedExisting: false, upserted },
      value: wantsNew ? shown(created) : null,
      ok: 1,
    };
  },
};
