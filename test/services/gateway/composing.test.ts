import test from 'ava';
import { createFakeBus } from './world.ts';
import { aRequest } from './requests-conformance.ts';
import { createBoard } from '#services/circuit-breaker/board.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';
import { createSubmit } from '#services/gateway/submit.ts';
import { silentLog as log } from '#shared/log.ts';
import type { Composed, Submission } from '#shared/web/door.ts';
import { Problem } from '#shared/web/problems.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

function setUp() {
  const clock = createVirtualClock();
  const bus = createFakeBus();
  const requests = createMemoryRequests(() => clock.now());
  const board = createBoard(clock);
  const times = { publishMs: 5000, outcomeMs: 2000, gateCycleMs: 15_000 };
  return { clock, bus, requests, submit: createSubmit({ bus, requests, board, clock, log, ...times }) };
}

/** One whose price changes: it composes once, and never again. */
const taken = async (): Promise<Composed> => {
  const { resourceId, customerId, exchange, message, accepted } = aRequest('o1');
  return { resourceId, customerId, exchange, message, accepted };
};
const changed = async (): Promise<Composed> => {
  throw new Problem('invalid-transition', 'the price is another one now');
};
const submission: Submission = {
  kind: 'order',
  needs: ['order'],
  subject: 'alice',
  idempotencyKey: 'k',
  same: { sku: 'tea' },
  compose: taken,
};

test('a request that can not be composed any more is answered what it was answered first', async (t) => {
  const { bus, submit } = setUp();
  const first = await submit(submission);
  const again = await submit({ ...submission, compose: changed });
  t.deepEqual(again.body, first.body);
  t.is(again.headers?.['Idempotency-Replayed'], 'true');
  t.is(bus.published.length, 1);
});

test('a new request that can not be composed leaves nothing behind, and its key is free', async (t) => {
  const { bus, requests, submit } = setUp();
  await t.throwsAsync(submit({ ...submission, compose: changed }), { message: 'the price is another one now' });
  t.deepEqual([requests.all(), bus.published], [[], []]);
  t.is((await submit(submission)).status, 202);
});

test('without a key a request that can not be composed is refused, whatever was taken before', async (t) => {
  const { submit } = setUp();
  const { idempotencyKey: _, ...keyless } = submission;
  await submit(keyless);
  await t.throwsAsync(submit({ ...keyless, compose: changed }), { message: 'the price is another one now' });
});

test('another body under the key is 422, also when it can not be composed', async (t) => {
  const { submit } = setUp();
  await submit(submission);
  const other = { ...submission, same: { sku: 'coffee' }, compose: changed };
  t.is((await t.throwsAsync<Problem>(submit(other)))?.slug, 'idempotency-key-reused');
});

test('a database that does not say what is needed is a definite 503 with nothing stored', async (t) => {
  const { clock, requests, submit } = setUp();
  const asked = submit({ ...submission, compose: () => new Promise(() => {}) });
  const refused = t.throwsAsync<Problem>(asked);
  await clock.advance(6000);
  t.is((await refused)?.slug, 'dependency-unavailable');
  t.deepEqual(requests.all(), []);
});
