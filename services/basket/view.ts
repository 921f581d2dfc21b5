import type { Connection } from 'mongoose';
import type { BasketItem } from './basket.ts';
import { basketKeyOf, type BasketOf } from './contract.ts';
import { basketsCollection, type StoredBasket } from './model.ts';
import { storedAnswerTo } from '#shared/entity/stores/mongo-store.ts';

export interface BasketQueries {
  /** What is in it; nothing is in a basket that nobody has put anything into. */
  items(basket: BasketOf): Promise<readonly BasketItem[]>;
  /** The answer to a command; `undefined`: not handled yet. */
  outcome(key: string, messageId: string): Promise<{ readonly type: string; readonly body: unknown } | undefined>;
}

/** Read-only queries on kept baskets. */
export function basketView(db: Connection): BasketQueries {
  return {
    async items(basket) {
      const found = await db
        .collection<StoredBasket>(basketsCollection)
        .findOne({ _id: basketKeyOf(basket) }, { projection: { state: 1 } });
      return found?.state?.items ?? [];
    },
    outcome: (key, messageId) => storedAnswerTo(db, basketsCollection, key, messageId),
  };
}
