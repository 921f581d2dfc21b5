import type { Connection } from 'mongoose';
import type { AcceptedOrder } from '#services/audit/facts.ts';
import type { StoredRequest } from './requests.ts';
import type { Source } from '#shared/database/pages.ts';

type Stored = Pick<StoredRequest, 'kind' | 'state' | 'resourceId' | 'createdAt'>;

/** Every order that was accepted in the last 24 hours, by id: as long as requests are kept. */
export function acceptedOrders(db: Connection): Source<AcceptedOrder> {
  const find = (resourceId: object) =>
    db
      .collection<Stored>('requests')
      .find({ resourceId, kind: 'order', state: 'confirmed' }, { projection: { resourceId: 1, createdAt: 1 } });
  return {
    async *pages(size) {
      for (let after = { $gte: '' } as object; ;) {
        const found = await find(after).sort({ resourceId: 1 }).limit(size).toArray();
        yield found.map(acceptedOf);
        if (found.length < size) return;
        after = { $gt: found.at(-1)!.resourceId };
      }
    },
    async of(orderIds) {
      return (await find({ $in: [...orderIds] }).toArray()).map(acceptedOf);
    },
  };
}

function acceptedOf({ resourceId, createdAt }: Stored): AcceptedOrder {
  return { orderId: resourceId, acceptedAt: createdAt };
}
