import test from 'ava';
import { basketAnswers } from '#services/basket/answers.ts';
import { PLAIN } from '#services/pricing/contract.ts';
import { type Log, silentLog } from '#shared/log.ts';
import { type Ask, QuestionProblem } from '#shared/question/question.ts';

test('a large basket that nobody waits for any more asks no further products, and has no total', async (t) => {
  const late = new AbortController();
  let asked = 0;
  const ask = (async () => {
    asked += 1;
    if (asked === 1000) late.abort();
    return { unitPrice: { amount: 100, currency: 'EUR' }, strategy: PLAIN, amount: 100 };
  }) as unknown as Ask;
  const logged: object[] = [];
  const log: Log = { ...silentLog, error: (text, facts) => void logged.push({ text, ...facts }) };
  const [answer] = basketAnswers({ ask, log });
  const lines = Array.from({ length: 3000 }, (_, n) => ({ sku: `sku-${n}`, quantity: 1 }));
  const { signal } = late;
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const context = { traceparent, key: 'north/alice', now: 0, deadline: 4500, signal, state: async () => undefined };
  const basket = { supermarketId: 'north', userId: 'alice', lines };
  const error = await t.throwsAsync(async () => answer!.handle(basket, context), { instanceOf: QuestionProblem });
  t.deepEqual([error?.code, asked], ['pricing-timeout', 1000]);
  const [told, ...others] = logged;
  t.like(told, { supermarketId: 'north', userId: 'alice', sku: 'sku-1000', traceId: traceparent.split('-')[1] });
  t.deepEqual(others, []);
});
