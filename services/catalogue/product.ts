import * as contract from './contract.ts';
import { linkHandlers } from './links.ts';
import { listKeyOf } from './name-key.ts';
import { type Asked, askedAgain, asking, isAnswerTo, questionOf } from './stock-asking.ts';
import type { Money } from '#services/money.ts';
import * as stock from '#services/stock/contract.ts';
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
  /** What the stock has not answered yet. */
  readonly asked?: Asked;
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
 * A product, and that it has exactly one stock item: it is opened with the product and closed before the product goes. Fields
 * that are not known here stay as they are: a newer version may have written them.
 */
export const productEntity: Entity<ProductState> = {
  route: 'catalogue',
  handlers: [
    on(contract.create, create),
    on(contract.update, update),
    on(contract.remove, remove),
    ...linkHandlers(never),
    on(stock.opened, opened),
    on(stock.closed, closed),
    on(stock.closeRefused, closeRefused),
  ],
  dueAt: (state) => (state.status === 'deleted' ? undefined : state.asked?.againAt),
  wake,
};

function never(sku: string): Deleted {
  return { status: 'deleted', sku, version: 0 };
}

function create(
  state: ProductState | undefined,
  { initialStock = 0, ...content }: BodyOf<typeof contract.create>,
  context: Context,
): Result<ProductState> {
  const { sku } = content;
  const before = state ?? never(sku);
  if (before.status !== 'deleted')
    return answering(before, context.answer(contract.createRefused, { sku, reason: 'product_exists' }));
  const times = { createdAt: context.now, updatedAt: context.now };
  const version = before.version + 1;
  const asked = asking({ what: 'open', quantity: initialStock }, context);
  return {
    state: {
      ...content,
      status: 'active',
      listKey: listKeyOf(content.name, sku),
      categories: [],
      version,
      ...times,
      asked,
      ...(before.deletion !== undefined && { deletedBefore: before.deletion }),
    },
    send: [context.answer(contract.created, { sku, version, ...times }), questionOf(asked, sku, context)],
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
  if (before.status === 'deleting') return answering(before, answer(before.deletion));
  const deletion = context.message.id;
  const deleting = { ...before, status: 'deleting', deletion } as const;
  // What is not open yet would be opened after it was closed.
  if (before.asked !== undefined) return answering(deleting, answer(deletion));
  const asked = asking({ what: 'close' }, context);
  return { state: { ...deleting, asked }, send: [answer(deletion), questionOf(asked, sku, context)] };
}

function opened(
  state: ProductState | undefined,
  { sku }: { readonly sku: string },
  context: Context,
): Result<ProductState> {
  if (state === undefined || state.status === 'deleted' || !isAnswerTo(state.asked, 'open', context))
    return { state: state ?? never(sku) };
  if (state.status === 'active') return { state: answered(state) };
  const asked = asking({ what: 'close' }, context);
  return { state: { ...state, asked }, send: [questionOf(asked, sku, context)] };
}

function closed(
  state: ProductState | undefined,
  { sku }: { readonly sku: string },
  context: Context,
): Result<ProductState> {
  if (state?.status !== 'deleting' || !isAnswerTo(state.asked, 'close', context)) return { state: state ?? never(sku) };
  const { version, deletion } = state;
  return { state: { status: 'deleted', sku, version: version + 1, deletion } };
}

function closeRefused(
  state: ProductState | undefined,
  { sku, reserved, openOrders }: BodyOf<typeof stock.closeRefused>,
  context: Context,
): Result<ProductState> {
  if (state?.status !== 'deleting' || !isAnswerTo(state.asked, 'close', context)) return { state: state ?? never(sku) };
  const { deletion, ...rest } = answered(state);
  return { state: { ...rest, status: 'active', kept: { deletion, reserved, openOrders } } };
}

function answered<State extends LivingProduct>({ asked: _answered, ...rest }: State): Omit<State, 'asked'> {
  return rest;
}

/** No answer came: the question or the answer may have been lost, so it is asked again. */
function wake(state: ProductState | undefined, _: undefined, context: Context): Result<ProductState> {
  const before = state ?? never(context.message.key);
  if (before.status === 'deleted' || before.asked === undefined || before.asked.againAt > context.now)
    return { state: before };
  const asked = askedAgain(before.asked, context.now);
  return { state: { ...before, asked }, send: [questionOf(asked, before.sku, context)] };
}
