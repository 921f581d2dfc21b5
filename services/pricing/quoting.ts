import {
  PLAIN,
  price as priceQuestion,
  type PriceAnswer,
  type PriceAsked,
  type ProductOf,
  type TriedAnswer,
  tryStrategy,
} from './contract.ts';
import type { ReadOffer } from './offers.ts';
import { type Case, placeIn, ScriptFailure, type Scripts } from './scripts/contract.ts';
import type { Sources } from './sources.ts';
import { MAX_AMOUNT_MINOR } from '#services/money.ts';
import type { Log } from '#shared/log.ts';
import { answerQuestion, type QuestionHandler, QuestionProblem } from '#shared/question/question.ts';
import { traceIdOf } from '#shared/web/trace.ts';

export interface QuotingPorts {
  readonly readOffer: ReadOffer;
  readonly readSource: Sources['readOne'];
  readonly scripts: Pick<Scripts, 'call' | 'check'>;
  readonly log: Log;
}

/** What a price server answers. Price and version are of one read, the amount is computed by that version alone. */
export function priceAnswers(ports: QuotingPorts): readonly QuestionHandler[] {
  const { readOffer, readSource, scripts, log } = ports;

  async function quoted(asked: PriceAsked, trace: object, deadline: number): Promise<PriceAnswer> {
    const { supermarketId, sku, quantity, userId } = asked;
    const { price, strategy = PLAIN } = await readOffer({ supermarketId, sku });
    if (price === undefined) throw new QuestionProblem('unknown-product', `${sku} has no price`, { sku });
    const { name, version } = strategy;
    const answer = { unitPrice: price, strategy: { name, version } };
    if (version === PLAIN.version) return { ...answer, amount: plainAmount(asked, price.amount) };
    const source = await textOf(version);
    try {
      const [amount] = await scripts.call({ source, version }, [{ quantity, price: price.amount }], deadline);
      return { ...answer, amount: amount! };
    } catch (error) {
      if (!(error instanceof ScriptFailure)) throw error;
      const { did, message } = error;
      const facts = { supermarketId, userId, sku, version, did };
      log.error('a strategy failed', { ...facts, ...trace, reason: message });
      throw new QuestionProblem('strategy-failed', `the strategy of ${sku} failed: ${message}`, {
        sku,
        version,
        did,
        strategy: name,
        ...placeIn(error),
      });
    }
  }

  async function textOf(version: string): Promise<string> {
    const source = await readSource(version);
    if (source === undefined) throw new Error(`the text of version ${version} is not there`);
    return source;
  }

  /** Of what would price the product in the next basket; `undefined`: it is plain. */
  async function textInForce(product: ProductOf): Promise<string | undefined> {
    const { price, strategy } = await readOffer(product);
    if (price === undefined && strategy === undefined)
      throw new QuestionProblem('not-found', `${product.sku} has neither a price nor a strategy there`);
    const { version } = strategy ?? PLAIN;
    return version === PLAIN.version ? undefined : textOf(version);
  }

  return [
    answerQuestion(priceQuestion, (asked, { traceparent, deadline }) =>
      quoted(asked, { traceId: traceIdOf(traceparent) }, deadline),
    ),
    answerQuestion(tryStrategy, async ({ source, cases, ...product }) => {
      const text = source ?? (await textInForce(product));
      if (text === undefined) return triedPlain(product, cases);
      const { problems, ...run } = await scripts.check(text, cases);
      const [first] = problems;
      if (first === undefined) return run;
      throw new QuestionProblem('strategy-refused', first.message, { ...placeIn(first) });
    }),
  ];
}

/** Plain is no script: it takes no time, and there is nothing to warn of. */
function triedPlain({ sku }: ProductOf, cases: readonly Case[]): TriedAnswer {
  const amounts = cases.map(({ quantity, price }) => plainAmount({ sku, quantity }, price));
  return { version: PLAIN.version, amounts, microseconds: cases.map(() => 0), warnings: [] };
}

/** Quantity x price, exact. Throws what whoever asks is told of a line that is above every limit. */
function plainAmount({ sku, quantity }: Pick<PriceAsked, 'sku' | 'quantity'>, price: number): number {
  const amount = BigInt(quantity) * BigInt(price);
  if (amount > MAX_AMOUNT_MINOR)
    throw new QuestionProblem('too-much', `${quantity} x ${price} of ${sku} is above ${MAX_AMOUNT_MINOR}`, { sku });
  return Number(amount);
}
