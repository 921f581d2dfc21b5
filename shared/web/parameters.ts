import { z } from 'zod';

/** What clients send to many endpoints alike. */

const MAX_PAGE = 100;
const PAGE = 20;

/** How many items a page has at most, as a query writes it. */
export function limitUpTo(max: number, standard: number) {
  return z
    .string()
    .regex(/^[0-9]{1,4}$/, `must be a whole number from 1 to ${max}`)
    .transform(Number)
    .pipe(z.int().min(1).max(max))
    .default(standard)
    .describe('How many items a page has at most.');
}

export const limit = limitUpTo(MAX_PAGE, PAGE);
export const cursor = z.string().min(1).max(2000).optional().describe('The `nextCursor` of the page before.');
export const noQuery = z.strictObject({});
/** A page of a list that has no filters. */
export const page = z.strictObject({
  limit: limit.describe('How many items a page has at most.'),
  cursor: cursor.describe('The `nextCursor` of the page before.'),
});
export type PageParameters = z.output<typeof page>;

/** Bare or as a structured-field string (RFC 8941, 3.3.3); the two spell the same key. */
export const idempotencyKey = z
  .string()
  .transform((text) => (/^".*"$/.test(text) ? text.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : text))
  .pipe(z.string().regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters'));

export const idempotency = z.object({ 'Idempotency-Key': idempotencyKey });
