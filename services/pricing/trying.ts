import { z } from 'zod';
import { MAX_CASES, type ProductOf, tryCase, tryStrategy } from './contract.ts';
import { strategyBody } from './changing.ts';
import { productOf } from './pricing.ts';
import type { PricingQueries } from './view.ts';
import { QuestionError, QuestionProblem } from '#shared/question/question.ts';
import type { Door } from '#shared/web/door.ts';
import { type Answer, type Call, ok } from '#shared/web/endpoint.ts';
import { dependencyUnavailable, Problem } from '#shared/web/problems.ts';

export const tryBody = z.strictObject({
  source: strategyBody.shape.source.optional().describe('The text to try; absent: the active one.'),
  cases: z
    .array(z.strictObject(tryCase.shape))
    .min(1)
    .max(MAX_CASES)
    .describe('What it is asked: whole units, whole minor units each.'),
});

/** More than a dry run of that many cases may take. */
const WAIT_MS = 15_000;

/** A dry run where the product's price server is. */
export async function tried(
  product: ProductOf,
  { body: { source, cases }, trace }: Call<unknown, z.output<typeof tryBody>>,
  { ask }: Pick<Door, 'ask'>,
  pricing: PricingQueries,
): Promise<Answer> {
  const version = source === undefined ? (await pricing.strategies(product))?.active.version : undefined;
  if (source === undefined && version === undefined)
    throw new Problem('not-found', `${product.sku} has no strategy there to be tried`);
  const asked = { ...productOf(product), cases, ...(source === undefined ? { version } : { source }) };
  try {
    return ok(await ask(tryStrategy, asked, { waitMs: WAIT_MS, traceparent: trace.traceparent }));
  } catch (error) {
    if (error instanceof QuestionError)
      throw dependencyUnavailable('pricing', 'the strategy can not be tried now', error);
    if (!(error instanceof QuestionProblem)) throw error;
    const slug = error.code === 'strategy-refused' ? 'strategy-refused' : 'not-found';
    throw new Problem(slug, error.message, { members: { sku: product.sku, ...error.members } });
  }
}
