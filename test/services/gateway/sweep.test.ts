import test from 'ava';
import { aRequest } from './requests-conformance.ts';
import { createFakeBus } from './world.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';
import { NotStored } from '#services/gateway/requests.ts';
import { createBoard } from '#services/circuit-breaker/board.ts';
import { createSubmit } from '#services/gateway/submit.ts';
import { REQUEST_KEPT_MS, type Submission } from '#shared/web/door.ts';
import { startRequestSweep, sweepOnce } from '#services/gateway/sweep.ts';
import { PublishError } from '#shared/errors.ts';
import { silentLog as log } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

function setUp() {
  const clock = createVirtualClock();
  const bus = createFakeBus();
  const requests = createMemoryRequests(() => clock.now());
  const board = createBoard(clock);
  const options = {
    bus,
    requests,
    board,
    clock,
    log,
    publishMs: 5000,
    outcomeMs: 2000,
    gateCycleMs: 15_000,
    everyMs: 3000,
  };
  return { ...options, options, submit: createSubmit(options) };
}

let composed = 0;
const submission: Submission = {
  kind: 'order',
  needs: ['order'],
  subject: 'alice',
  idempotencyKey: 'k',
  same: {},
  compose() {
    const { resourceId, customerId, exchange, message, accepted } = aRequest(`o${(composed += 1)}`);
    return { resourceId, customerId, exchange, message, accepted };
  },
};

test('what a crash left between storing and publishing is published by the sweep, and only then readable', async (t) => {
  const { requests, bus, clock, options } = setUp();
  await requests.insert(aRequest('a', { nextTryAt: clock.now() + 10_000, isAnswered: true }));
  const sweep = startRequestSweep(options);
  await clock.advance(9000);
  t.is(bus.published.length, 0, 'its owner may still be at it');
  t.is(await requests.ofResource('r-a'), undefined);
  await clock.advance(6000);
  t.is(bus.published.length, 1);
  const settled = await requests.ofResource('r-a');
  t.is(settled?.state, 'confirmed');
  t.deepEqual(settled?.answer, settled?.accepted);
  t.true((settled?.expiresAt ?? 0) >= clock.now() + REQUEST_KEPT_MS - 6000);
  await clock.advance(60_000);
  t.is(bus.published.length, 1);
  const stopped = sweep.stop();
  await clock.advance(0);
  await stopped;
});

test('what a crash left is settled by the client’s retry, and the sweep does not send it again', async (t) => {
  const { submit, bus, clock, requests, options } = setUp();
  bus.behave(() => new Promise(() => {}));
  const dying = createSubmit({ ...options, requests: { ...requests, giveUp: () => new Promise(() => {}) } });
  void dying(submission).catch(() => undefined); // its process ends after storing
  await clock.settle();
  bus.recover();
  const early = await t.throwsAsync(submit(submission));
  t.like(early, { slug: 'idempotency-key-in-use' });
  await clock.advance(10_001);
  const answer = await clock.during(submit(submission));
  t.is(answer.status, 202);
  t.is(bus.published.length, 1);
  await clock.advance(60_000);
  t.is(await sweepOnce(options), 0);
});

test('a request taken over by another copy is not deleted by the refusal of its first sending', async (t) => {
  const { submit, bus, clock, requests } = setUp();
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  bus.behave(async (exchange) => {
    reached.resolve();
    await gate.promise;
    throw new PublishError('returned', exchange, 'as told');
  });
  const first = submit(submission);
  await reached.promise;
  const [stored] = requests.all();
  await requests.takeOver(stored?.id ?? '', clock.now() + 5000);
  gate.resolve();
  t.like(await t.throwsAsync(first), { slug: 'outcome-unknown' });
  t.is(requests.all().length, 1);
});

test('while the broker refuses, the sweep tries again ever more slowly, without end', async (t) => {
  const { requests, bus, clock, options } = setUp();
  await requests.insert(aRequest('a', { nextTryAt: clock.now() }));
  let tries = 0;
  bus.behave(async (exchange) => {
    tries++;
    throw new PublishError('returned', exchange, 'as told');
  });
  const sweep = startRequestSweep(options);
  await clock.advance(60_000);
  t.true(tries >= 3 && tries <= 8, String(tries));
  t.is(requests.all()[0]?.state, 'unknown');
  bus.recover();
  await clock.advance(70_000);
  t.is(bus.published.length, 1);
  await sweep.stop();
});

test('a store that fails once does not end the sweep', async (t) => {
  const { requests, bus, clock, options } = setUp();
  await requests.insert(aRequest('a', { nextTryAt: clock.now() }));
  let failures = 1;
  const flaky: typeof requests = {
    ...requests,
    takeDue: (now, until) => (failures-- > 0 ? Promise.reject(new Error('away')) : requests.takeDue(now, until)),
  };
  const sweep = startRequestSweep({ ...options, requests: flaky });
  await clock.advance(7000);
  t.is(bus.published.length, 1);
  await sweep.stop();
});

test('what the sweep settles is answered only when nobody answers later, whatever kind it is', async (t) => {
  const { requests, options } = setUp();
  await requests.insert(aRequest('a', { kind: 'anything', nextTryAt: 0, isAnswered: true }));
  await requests.insert(aRequest('b', { kind: 'order', nextTryAt: 0 }));
  t.is(await sweepOnce(options), 2);
  const [final, open] = [await requests.ofResource('r-a'), await requests.ofResource('r-b')];
  t.deepEqual([final?.state, final?.answer], ['confirmed', final?.accepted]);
  t.deepEqual([open?.state, open?.answer], ['confirmed', undefined]);
});

test('a store that may have taken a request is 504, one that certainly did not 503', async (t) => {
  const { requests, clock, options } = setUp();
  for (const [error, slug] of [
    [new NotStored('away'), 'dependency-unavailable'],
    [new Error('cut'), 'outcome-unknown'],
  ] as const) {
    const submit = createSubmit({ ...options, requests: { ...requests, insert: () => Promise.reject(error) } });
    t.like(await t.throwsAsync(clock.during(submit(submission))), { slug });
  }
});

test('an order that the broker has is accepted even when that can not be written down', async (t) => {
  const { requests, clock, options, bus } = setUp();
  const submit = createSubmit({
    ...options,
    requests: { ...requests, confirm: () => Promise.reject(new Error('away')) },
  });
  t.is((await clock.during(submit(submission))).status, 202);
  await clock.advance(60_000);
  t.is(await sweepOnce(options), 1);
  t.is(requests.all()[0]?.state, 'confirmed');
  t.deepEqual(new Set(bus.published.map(({ message }) => message.id)).size, 1);
});
