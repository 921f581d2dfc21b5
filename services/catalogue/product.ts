import * as contract from './contract.ts';
import { linkHandlers } from './links.ts';
import { listKeyOf } from './name-key.ts';
import type { Money } from '#services/money.ts';
import { answering, on, type Context, type Entity, type Result } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

interface Product {
  readonly sku: string;
  readonly name: string;
  readonly description?: string;
  readonly price: Money;
  /** Where it stands in lists; only what is listed has one. */
  readonly listKey: string;
  readonly version: number;
  /** Ids of the categories that it is in, some of which may be gone. Absent: none, as the version before wrote it. */
  readonly categories?: readonly string[];
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The last deletion that the stock refused. */
  readonly kept?: { readonly deletion: string; readonly reserved: number; readonly openOrders: number };
  /** The deletion of the product that had this SKU before. */
  readonly deletedBefore?: string;
}

/** What was never created counts as deleted at version 0. */
interface Deleted {
  readonly status: 'deleted';
  readonly sku: string;
  /** The next product of this SKU goes on counting, so that nobody takes it for this one. */
  readonly version: number;
  readonly deletion?: string;
}

export type ProductState =
  | (Product & { readonly status: 'active' })
  | (Product & { readonly status: 'deleting'; readonly deletion: string })
  | Deleted;

export type LivingProduct = Exclude<ProductState, { status: 'deleted' }>;

/**
 * A product. Fields that are not known here stay as they are: a newer version may have written them.
 */
export const productEntity: Entity<ProductState> = {
  route: 'catalogue',
  handlers: [
    on(contract.create, create),
    on(contract.update, update),
    on(contract.remove, remove),
    ...linkHandlers(never),
  ],
};

function never(sku: string): Deleted {
  return { status: 'deleted', sku, version: 0 };
}

function create(
  state: ProductState | undefined,
  { initialStock: _later, ...content }: BodyOf<typeof contract.create>,
  context: Context,
): Result<ProductState> {
  const { sku } = content;
  const before = state ?? never(sku);
  if (before.status !== 'deleted')
    return answering(before, context.answer(contract.createRefused, { sku, reason: 'product_exists' }));
  const times = { createdAt: context.now, updatedAt: context.now };
  const version = before.version + 1;
  return {
    state: {
      ...content,
      status: 'active',
      listKey: listKeyOf(content.name, sku),
      categories: [],
      version,
      ...times,
      ...(before.deletion !== undefined && { deletedBefore: before.deletion }),
    },
    send: [context.answer(contract.created, { sku, version, ...times })],
  };
}

function update(
  state: ProductState | undefined,
  { version, ...content }: BodyOf<typeof contract.update>,
  context: Context,
): Result<ProductState> {
  const { sku } = content;
  const before = state ?? never(sku);
  const refuse = (reason: 'unknown_product' | 'stale' | 'deleting'): Result<ProductState> =>
    answering(before, context.answer(contract.updateRefused, { sku, ...currentOf(before), reason }));
  if (before.status === 'deleted') return refuse('unknown_product');
  if (version !== undefined && version !== before.version) return refuse('stale');
  if (before.status === 'deleting') return refuse('deleting');
  const { description: _replaced, ...rest } = before;
  const next = {
    ...rest,
    ...content,
    listKey: listKeyOf(content.name, sku),
    version: before.version + 1,
    updatedAt: context.now,
  };
  const { createdAt, updatedAt } = next;
  return answering(next, context.answer(contract.updated, { sku, version: next.version, createdAt, updatedAt }));
}

function currentOf(state: ProductState): { readonly version?: number } {
  return state.status === 'deleted' ? {} : { version: state.version };
}

function remove(
  state: ProductState | undefined,
  { sku, version }: BodyOf<typeof contract.remove>,
  context: Context,
): Result<ProductState> {
  const before = state ?? never(sku);
  const refuse = (reason: 'unknown_product' | 'stale'): Result<ProductState> =>
    answering(before, context.answer(contract.deleteRefused, { sku, ...currentOf(before), reason }));
  if (before.status === 'deleted') return refuse('unknown_product');
  if (version !== undefined && version !== before.version) return refuse('stale');
  const answer = (deletion: string) => context.answer(contract.deleting, { sku, deletion });
  const deletion = context.message.id;
  return answering({ status: 'deleted', sku, version: before.version + 1, deletion }, answer(deletion));
}
