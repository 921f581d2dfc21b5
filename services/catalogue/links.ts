import * as contract from './contract.ts';
import { answering, on, type Context, type Handler, type Result } from '#shared/entity/entity.ts';

/** A product may be in so many categories. */
export const MAX_CATEGORIES = 50;

interface Linkable {
  readonly status: string;
  readonly categories?: readonly string[];
}

/**
 * The categories of a product are in its document, so that a list by category is one index. A link is not a change of the product's
 * content: its version stays, and a client that read it before may still change it. `never`: what a SKU is without a product.
 */
export function linkHandlers<State extends Linkable | { readonly status: 'deleted' }>(
  never: (sku: string) => State,
): readonly Handler<State>[] {
  const refused = (state: State, sku: string, reason: 'unknown_product' | 'too_many', context: Context) =>
    answering(state, context.answer(contract.linkRefused, { sku, reason }));

  function changed(
    state: State | undefined,
    sku: string,
    context: Context,
    change: (categories: readonly string[]) => readonly string[],
  ): Result<State> {
    const before = state ?? never(sku);
    if (before.status === 'deleted') return refused(before, sku, 'unknown_product', context);
    const categories = change(('categories' in before ? before.categories : undefined) ?? []);
    if (categories.length > MAX_CATEGORIES) return refused(before, sku, 'too_many', context);
    return answering({ ...before, categories }, context.answer(contract.linked, { sku }));
  }

  return [
    on(contract.link, (state, { sku, categoryId, gone }, context) =>
      changed(state, sku, context, (before) => [
        ...before.filter((id) => id !== categoryId && !gone.includes(id)),
        categoryId,
      ]),
    ),
    on(contract.unlink, (state, { sku, categoryId }, context) =>
      changed(state, sku, context, (before) => before.filter((id) => id !== categoryId)),
    ),
  ];
}
