import { EJSON, type Document } from 'bson';
import { createConnection, type Connection } from 'mongoose';
import { sagasCollection } from '#services/saga/model.ts';
import { walletsCollection } from '#services/wallet/model.ts';
import { systemClock } from '#shared/clock.ts';

const BATCH = 500;

/** What one order leaves in a collection. */
interface Template {
  readonly collection: string;
  /** Extended JSON. */
  readonly documents: readonly string[];
}

/** Stores so many ended orders more: copies of one that was handled here, under other ids, with all that it left everywhere but in its customer's wallet. */
export async function fillOrders(mongoUrl: string, count: number, onStored: (orders: number) => void): Promise<void> {
  const db = await createConnection(mongoUrl).asPromise();
  try {
    const ended = await db.collection(sagasCollection).findOne({ 'state.phase': 'ended' });
    if (ended === null) throw new Error('no order has ended here');
    const orderId = String(ended['_id']);
    const templates = await templatesOf(db, orderId);
    for (let stored = 0; stored < count; stored += BATCH) {
      const ids = Array.from({ length: Math.min(BATCH, count - stored) }, () => systemClock.id());
      await Promise.all(
        templates.map(async ({ collection, documents }) => {
          const copies = ids.flatMap((id) => documents.map((text) => parse(text.replaceAll(orderId, id))));
          await db.collection<Document>(collection).insertMany(copies, { ordered: false });
        }),
      );
      onStored(stored + ids.length);
    }
  } finally {
    await db.close();
  }
}

async function templatesOf(db: Connection, orderId: string): Promise<readonly Template[]> {
  const names = (await db.listCollections()).map(({ name }) => name).filter((name) => name !== walletsCollection);
  const templates: Template[] = [];
  for (const collection of names) {
    const all = await db.collection(collection).find({}).toArray();
    const documents = all.map((one) => EJSON.stringify(one)).filter((text) => text.includes(orderId));
    if (documents.length > 0) templates.push({ collection, documents });
  }
  return templates;
}

function parse(text: string): Document {
  return EJSON.parse(text) as Document;
}
