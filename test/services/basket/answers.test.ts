import test from 'ava';
import { basketAnswers } from '#services/basket/answers.ts';
import { PLAIN } from '#services/pricing/contract.ts';
import { silentLog } from '#shared/log.ts';
import { type Ask, QuestionProblem } from '#shared/question/question.ts';

test('a large basket that nobody waits for any more asks no further products, and has no total', async (t) => {
  const late = new AbortController();
  let asked = 0;
  const ask = (async () => {
    asked += 1;
    if (asked === 1000) late.abort();
    return { unitPrice: { amount: 100, currency: 'EUR' }, strategy: PLAIN, amount: 100 };
  }) as unknown as Ask;
  const [answer] = basketAnswers({ ask, log: silentLog });
  const lines = Array.from({ length: 3000 }, (_, n) => ({ sku: `sku-${n}`, quantity: 1 }));
  const { signal } = late;
  const context = { key: 'north/alice', now: 0, deadline: 4500, signal, state: async () => undefined };
  const basket = { supermarketId: 'north', userId: 'alice', lines };
  const error = await t.throwsAsync(async () => answer!.handle(basket, context), { instanceOf: QuestionProblem });
  t.deepEqual([error?.code, asked], ['pricing-timeout', 1000]);
});
