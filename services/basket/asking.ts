import { counted, type CountedItem } from './counting.ts';
import { price, type BasketOf, type PricedBasket } from './contract.ts';
import { supermarketCurrency } from '#services/pricing/contract.ts';
import { QuestionError, QuestionProblem } from '#shared/question/question.ts';
import type { Door } from '#shared/web/door.ts';
import type { Call } from '#shared/web/endpoint.ts';
import type { ProblemSlug } from '#shared/web/problem-types.ts';
import { dependencyUnavailable, invalid, Problem } from '#shared/web/problems.ts';

/** How long a client waits for a total. */
const WAIT_MS = 4500;
/** What an empty basket costs nothing in, where no price says otherwise. */
const USUAL_CURRENCY = 'EUR';
/** Of what is no SKU, so much is repeated to whoever sent it. */
const REPEATED = 300;

/** What a basket with these items costs now. Throws the `Problem` that says why it has no total. */
export async function pricedBasket(
  basket: BasketOf,
  items: readonly CountedItem[],
  { trace }: Pick<Call, 'trace'>,
  { ask, lookUp }: Pick<Door, 'ask' | 'lookUp'>,
): Promise<PricedBasket> {
  const { lines, unfit, tooMany } = counted(items);
  if (unfit.length > 0) throw unknownProducts(unfit);
  if (tooMany.length > 0)
    throw invalid([{ pointer: '/items', detail: `too many of ${tooMany[0]} for one basket`, in: 'body' }]);
  if (lines.length === 0) {
    const currency = (await lookUp(supermarketCurrency, basket.supermarketId)) ?? USUAL_CURRENCY;
    return { total: { amount: 0, currency }, lines: [] };
  }
  try {
    const { supermarketId, userId } = basket;
    return await ask(price, { supermarketId, userId, lines }, { waitMs: WAIT_MS, traceparent: trace.traceparent });
  } catch (error) {
    throw problemOf(error, basket);
  }
}

function unknownProducts(skus: readonly string[]): Problem {
  const named = skus.slice(0, 100).map((sku) => sku.slice(0, REPEATED));
  return new Problem('unknown-product', `there is no product ${named[0]}`, { members: { sku: named[0], skus: named } });
}

const SLUGS: Readonly<Record<string, ProblemSlug>> = {
  'unknown-product': 'unknown-product',
  'strategy-failed': 'strategy-failed',
  'pricing-timeout': 'pricing-timeout',
};

function problemOf(error: unknown, { supermarketId, userId }: BasketOf): unknown {
  if (error instanceof QuestionError) {
    if (error.code === 'late')
      return new Problem('pricing-timeout', 'the basket was not priced in time', {
        members: { supermarketId, userId },
        cause: error,
      });
    return dependencyUnavailable('basket', 'the basket can not be priced now', error);
  }
  if (!(error instanceof QuestionProblem)) return error;
  const { code, message, members } = error;
  const slug = SLUGS[code];
  if (slug !== undefined) return new Problem(slug, message, { members });
  if (code === 'too-much' || code === 'mixed-currencies')
    return invalid([{ pointer: '/items', detail: message, in: 'body' }]);
  return dependencyUnavailable('pricing', message, error);
}
