import mongoose from 'mongoose';
import { DUPLICATE_KEY } from '#shared/database/duplicate-key.ts';
import { majorityCollection } from '#shared/database/majority.ts';
import { NotStored, type RequestStore, type StoredRequest } from './requests.ts';

type RequestDocument = Omit<StoredRequest, 'id' | 'expiresAt'> & { readonly _id: string; readonly expiresAt?: Date };

const mixed = mongoose.Schema.Types.Mixed;
const schema = new mongoose.Schema<RequestDocument>(
  {
    _id: String,
    kind: String,
    fingerprint: String,
    resourceId: String,
    customerId: String,
    exchange: String,
    message: mixed,
    accepted: mixed,
    isAnswered: Boolean,
    forgetsBody: Boolean,
    answer: mixed,
    state: String,
    takenOver: Number,
    busyUntil: Number,
    nextTryAt: Number,
    createdAt: Number,
    expiresAt: Date,
  },
  { versionKey: false, minimize: false, collection: 'requests' },
);
schema.index({ resourceId: 1 });
schema.index({ nextTryAt: 1 }, { sparse: true });
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** The collection `requests`. MongoDB removes what has expired within a minute or so; until then it is treated as gone. */
export function createMongoRequests(
  db: mongoose.Connection,
  now: () => number,
): RequestStore & { /** Makes the indexes; idempotent. */ prepare(): Promise<void> } {
  const model = db.model<RequestDocument>('Request', schema);
  const requests = () => majorityCollection<RequestDocument>(db, 'requests');
  const open = { state: { $ne: 'confirmed' } } as const;
  const takeOver = (until: number) => ({ $inc: { takenOver: 1 }, $set: { busyUntil: until, nextTryAt: until } });

  async function find(filter: mongoose.mongo.Filter<RequestDocument>): Promise<StoredRequest | undefined> {
    const found = fromDocument(await requests().findOne(filter));
    return found?.expiresAt !== undefined && found.expiresAt <= now() ? undefined : found;
  }

  return {
    async prepare() {
      await model.createIndexes();
    },
    async insert(request) {
      if (db.readyState !== mongoose.ConnectionStates.connected) throw new NotStored('no connection to the database');
      for (let tries = 1; ; tries += 1) {
        try {
          await requests().insertOne(toDocument(request));
          return undefined;
        } catch (error) {
          if (!(error instanceof mongoose.mongo.MongoServerError) || error.code !== DUPLICATE_KEY) throw certain(error);
          // It is there, and perhaps a majority does not have it yet; the next try will see it.
          if (tries > 20) throw error;
        }
        const existing = await find({ _id: request.id });
        if (existing !== undefined) return existing;
        await requests().deleteOne({ _id: request.id, expiresAt: { $lte: new Date(now()) } });
      }
    },
    async confirm(id, { expiresAt, answer, forgetsBody }) {
      await requests().updateOne(
        { _id: id, ...open },
        {
          $set: { state: 'confirmed', expiresAt: new Date(expiresAt), ...(answer && { answer }) },
          $unset: { nextTryAt: '', ...(forgetsBody && { 'message.body': '' }) },
        },
      );
    },
    async settle(id, answer) {
      await requests().updateOne({ _id: id, answer: { $exists: false } }, { $set: { answer } });
    },
    async withdraw(id) {
      const gone = await requests().deleteOne({ _id: id, state: 'stored', takenOver: 0 });
      return gone.deletedCount === 1;
    },
    async giveUp(id, nextTryAt) {
      await requests().updateOne({ _id: id, ...open }, { $set: { state: 'unknown', busyUntil: 0, nextTryAt } });
    },
    async takeOver(id, until) {
      return fromDocument(
        await requests().findOneAndUpdate({ _id: id, ...open }, takeOver(until), { returnDocument: 'after' }),
      );
    },
    async takeDue(moment, until) {
      const options = { returnDocument: 'after', sort: { nextTryAt: 1 } } as const;
      return fromDocument(await requests().findOneAndUpdate({ nextTryAt: { $lte: moment } }, takeOver(until), options));
    },
    async forget(id) {
      await requests().deleteOne({ _id: id });
    },
    ofResource: (resourceId) => find({ resourceId, state: 'confirmed' }),
    find: (id) => find({ _id: id }),
  };
}

/** An error that the server sent instead of writing, or one from before anything was sent, leaves nothing behind. */
function certain(error: unknown): unknown {
  const { MongoServerError, MongoServerSelectionError, MongoNotConnectedError, MongoWriteConcernError } =
    mongoose.mongo;
  const refused =
    error instanceof MongoServerError && !(error instanceof MongoWriteConcernError) && error.code !== undefined;
  const unsent = error instanceof MongoServerSelectionError || error instanceof MongoNotConnectedError;
  return unsent || refused ? new NotStored('the database did not take the request', { cause: error }) : error;
}

function toDocument({ id, expiresAt, ...rest }: StoredRequest): RequestDocument {
  return { _id: id, ...rest, ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }) };
}

function fromDocument(found: object | null): StoredRequest | undefined {
  if (found === null) return undefined;
  const { _id, expiresAt, ...rest } = found as RequestDocument;
  return { id: _id, ...rest, ...(expiresAt && { expiresAt: expiresAt.getTime() }) };
}
