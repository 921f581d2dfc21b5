import test from 'ava';
import { fuzzMessages } from './run-messages.ts';
import { fuzzRequests } from './run-requests.ts';

test('2,000 generated requests: no fault, and nothing is stored for a refused one', async (t) => {
  const { answers, published } = await fuzzRequests({ requests: 2000, seed: 20_261_121 });
  t.log(JSON.stringify(answers));
  for (const status of [200, 202, 400, 401, 403, 404, 405, 415])
    t.true((answers[status] ?? 0) > 3, `${status} is reached`);
  t.true(published > 20);
});

test('1,000 generated messages: each is handled, or a dead letter with its reason', async (t) => {
  const { fates, reasons } = await fuzzMessages({ messages: 1000, seed: 20_261_121 });
  t.log(JSON.stringify(fates));
  t.true((fates['handled'] ?? 0) > 200 && (fates['dead'] ?? 0) > 200);
  t.true(reasons.size > 20);
});
