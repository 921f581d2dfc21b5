import type { Connection } from 'mongoose';
import { z } from 'zod';
import type { LoyaltyState } from './loyalty.ts';
import { loyaltyCollection, type StoredCheck } from './model.ts';
import { storedById } from '#shared/database/archive.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

export const checkShape = named(
  'LoyaltyCheck',
  shape({ orderId: z.string(), status: z.enum(['cleared', 'refused', 'forgotten']), at: time }),
);
export type CheckView = z.infer<typeof checkShape>;

export interface LoyaltyQueries {
  byOrder(orderId: string): Promise<{ readonly items: readonly CheckView[] }>;
}

export function loyaltyView(db: Connection): LoyaltyQueries {
  return {
    async byOrder(orderId) {
      const { state } = (await storedById<StoredCheck>(db, loyaltyCollection, orderId, { state: 1 })) ?? {};
      return { items: state ? [{ orderId, status: state.status, at: new Date(state.at).toISOString() }] : [] };
    },
  };
}

export interface AuditedCheck {
  readonly orderId: string;
  readonly status: LoyaltyState['status'];
}

export function auditedChecks(db: Connection): Source<AuditedCheck> {
  return documentsById<StoredCheck, AuditedCheck>(db, {
    collection: loyaltyCollection,
    archived: true,
    fields: { 'state.status': 1 },
    row: ({ _id: orderId, state }) => state && { orderId, status: state.status },
  });
}
