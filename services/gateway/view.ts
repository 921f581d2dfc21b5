import type { Connection } from 'mongoose';
import type { StoredRequest } from './requests.ts';
import type { Source } from '#shared/database/pages.ts';

type Stored = Pick<StoredRequest, 'kind' | 'state' | 'resourceId' | 'createdAt'>;

/** A request that a client was told to be accepted. */
export interface AcceptedResource {
  /** The id of what it creates. */
  readonly resourceId: string;
  /** Epoch ms. */
  readonly acceptedAt: number;
}

/** Every request of a kind that was accepted in the last 24 hours, by what it creates: as long as requests are kept. */
export function acceptedRequests(db: Connection, kind: string): Source<AcceptedResource> {
  const find = (resourceId: object) =>
    db
      .collection<Stored>('requests')
      .find({ resourceId, kind, state: 'confirmed' }, { projection: { resourceId: 1, createdAt: 1 } });
  return {
    async *pages(size) {
      for (let after = { $gte: '' } as object; ;) {
        const found = await find(after).sort({ resourceId: 1 }).limit(size).toArray();
        yield found.map(acceptedOf);
        if (found.length < size) return;
        after = { $gt: found.at(-1)!.resourceId };
      }
    },
    async of(ids) {
      return (await find({ $in: [...ids] }).toArray()).map(acceptedOf);
    },
  };
}

function acceptedOf({ resourceId, createdAt }: Stored): AcceptedResource {
  return { resourceId, acceptedAt: createdAt };
}
