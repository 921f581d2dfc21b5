import { z } from 'zod';
import { customerId } from '#services/fields.ts';
import { bounded } from '#shared/bounded.ts';

/** Routing keys on the exchange `control`. */
export const AUDIT_REQUEST = 'audit.request';
export const AUDIT_REPLY = 'audit.reply';

const MAX_LISTED = 1000;
const DAY_MS = 86_400_000;

/** What an audit is asked to do. */
export const auditWish = z.object({
  limit: z.int().min(0).max(MAX_LISTED).describe('How many violations are listed; all are counted.'),
  hangingAfterMs: z
    .int()
    .min(0)
    .max(30 * DAY_MS)
    .optional()
    .describe('How old an order may be that has not ended, ms.'),
  graceMs: z
    .int()
    .min(0)
    .max(60_000)
    .describe('How long what looks wrong may take to become right before it is looked at again, ms.'),
});
export type AuditWish = z.output<typeof auditWish>;

const id = bounded(100);

/** `id` is the asker's, and comes back in the answer; an audit that is begun has that id too. */
export const auditRequestSchema = z.discriminatedUnion('kind', [
  z.object({
    id,
    kind: z.literal('start'),
    by: customerId,
    wish: auditWish,
    /** One that takes no longer is answered when it has ended, ms. */
    waitMs: z.int().min(0).max(60_000),
  }),
  z.object({ id, kind: z.literal('get'), audit: id }),
  z.object({ id, kind: z.literal('list') }),
]);
export type AuditRequest = z.infer<typeof auditRequestSchema>;

/** What of an audit travels; what it found is the services' to say. */
const told = z.looseObject({ id: z.string(), state: z.enum(['running', 'done', 'failed']) });

export const auditReplySchema = z.discriminatedUnion('ok', [
  z.object({
    id: z.string(),
    ok: z.literal(true),
    /** The one that was begun or asked for; absent: there is none. */
    audit: told.optional(),
    /** Nothing was begun, because this one runs. */
    running: z.string().optional(),
    /** The last ones, without what they list, newest first. */
    audits: z.array(told).optional(),
  }),
  z.object({ id: z.string(), ok: z.literal(false), problem: z.string() }),
]);
export type AuditReply = z.infer<typeof auditReplySchema>;
