import { z } from 'zod';
import { MAX_CASES, type ProductOf, tryCase, tryStrategy } from './contract.ts';
import { strategyBody } from './changing.ts';
import { productOf } from './pricing.ts';
import { QuestionError, QuestionProblem } from '#shared/question/question.ts';
import type { Door } from '#shared/web/door.ts';
import { type Answer, type Call, ok } from '#shared/web/endpoint.ts';
import type { ProblemSlug } from '#shared/web/problem-types.ts';
import { dependencyUnavailable, invalid, Problem } from '#shared/web/problems.ts';

export const tryBody = z.strictObject({
  source: strategyBody.shape.source.optional().describe('The text to try; absent: what prices the product now.'),
  cases: z
    .array(z.strictObject(tryCase.shape))
    .min(1)
    .max(MAX_CASES)
    .describe('What it is asked: whole units, whole minor units each.'),
});

/** More than a dry run of that many cases may take. */
const WAIT_MS = 15_000;

const SLUGS: Readonly<Record<string, ProblemSlug>> = {
  'strategy-refused': 'strategy-refused',
  'not-found': 'not-found',
};

/** A dry run where the product's price server is; without a text, of what prices the product in the next basket. */
export async function tried(
  product: ProductOf,
  { body: { source, cases }, trace }: Call<unknown, z.output<typeof tryBody>>,
  { ask }: Pick<Door, 'ask'>,
): Promise<Answer> {
  const asked = { ...productOf(product), cases, ...(source !== undefined && { source }) };
  try {
    return ok(await ask(tryStrategy, asked, { waitMs: WAIT_MS, traceparent: trace.traceparent }));
  } catch (error) {
    if (error instanceof QuestionError)
      throw dependencyUnavailable('pricing', 'the strategy can not be tried now', error);
    if (!(error instanceof QuestionProblem)) throw error;
    const slug = SLUGS[error.code];
    if (slug === undefined) throw invalid([{ pointer: '/cases', detail: error.message, in: 'body' }]);
    throw new Problem(slug, error.message, { members: { sku: product.sku, ...error.members } });
  }
}
