import { createHash } from 'node:crypto';
import type { StoredRequest } from './requests.ts';
import { canonicalJson } from '#shared/canonical-json.ts';
import type { Clock } from '#shared/clock.ts';
import type { Submission } from '#shared/web/door.ts';

/** Which request it is, and what must be equal for a reused key to be the same one. */
export type RequestIdentity = Pick<StoredRequest, 'id' | 'fingerprint'>;

/** The same request has the same `id` and `fingerprint`; without an Idempotency-Key no two are the same. */
export function identityOf({ kind, same, subject, idempotencyKey }: Submission, clock: Clock): RequestIdentity {
  return {
    id: `${encodeURIComponent(subject)}:${idempotencyKey === undefined ? '' : 'key:'}${idempotencyKey ?? clock.id()}`,
    fingerprint: createHash('sha256')
      .update(canonicalJson([kind, same]))
      .digest('hex'),
  };
}
