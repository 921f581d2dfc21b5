import { createHash } from 'node:crypto';
import { invalid } from './problems.ts';

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string | undefined;
}

export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** A page whose cursor is opaque and only good for the list (`scope`: path and filters) that it came from. */
export function sealed<Item>(scope: readonly unknown[], page: Page<Item>): Page<Item> {
  const { items, nextCursor } = page;
  if (nextCursor === undefined) return { items };
  return { items, nextCursor: Buffer.from(`${check(scope, nextCursor)}${nextCursor}`).toString('base64url') };
}

/** The view's own cursor, in the shape of a query. Throws a `validation` problem for one that this list did not give. */
export function opened(scope: readonly unknown[], cursor: string | undefined): { readonly cursor?: string } {
  if (cursor === undefined) return {};
  const text = Buffer.from(cursor, 'base64url').toString();
  const inner = text.slice(CHECK_CHARACTERS);
  if (check(scope, inner) !== text.slice(0, CHECK_CHARACTERS))
    throw invalid([
      { pointer: '/cursor', detail: 'is not the nextCursor of this list with these filters', in: 'query' },
    ]);
  return { cursor: inner };
}

const CHECK_CHARACTERS = 8;

/** Against mistakes, not against forgers: a forged cursor reaches nothing that the list would not show. */
function check(scope: readonly unknown[], cursor: string): string {
  return createHash('sha256')
    .update(JSON.stringify([scope, cursor]))
    .digest('hex')
    .slice(0, CHECK_CHARACTERS);
}
