/** What the services stored, read past the API: for what the API rightly does not show. */
import { calculateObjectSize } from 'bson';
import { createConnection, type Connection } from 'mongoose';
import type { TestStack } from './stack.ts';
import { tail, until } from './until.ts';

export interface Documents extends AsyncDisposable {
  readonly db: Connection;
  /** Resolves when the entity has handled a message of this id. */
  handled(collection: string, key: string, messageId: string): Promise<void>;
  count(collection: string): Promise<number>;
  /** What the document takes in the database; 0: there is none. */
  bytes(collection: string, key: string): Promise<number>;
  close(): Promise<void>;
}

interface Stored {
  readonly _id: string;
  readonly handled: readonly { readonly id: string }[];
}

export async function openDocuments(stack: Pick<TestStack, 'mongoUrl' | 'logs'>): Promise<Documents> {
  const db = await createConnection(stack.mongoUrl).asPromise();
  const close = (): Promise<void> => db.close();
  return {
    db,
    async handled(collection, key, messageId) {
      await until(
        `${collection}/${key} handled ${messageId}`,
        async () => (await db.collection<Stored>(collection).findOne({ _id: key }))?.handled.map(({ id }) => id) ?? [],
        (ids) => ids.includes(messageId),
        { show: () => tail(stack.logs(), messageId) },
      );
    },
    count: (collection) => db.collection(collection).countDocuments(),
    async bytes(collection, key) {
      const document = await db.collection<Stored>(collection).findOne({ _id: key });
      return document === null ? 0 : calculateObjectSize(document);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
