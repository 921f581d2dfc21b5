/** CK-3: a service that is gone, or takes too long, is a problem in time, never a hang; when it is back nothing of the checkout is left. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { type CheckoutTown, checkoutTown } from './checkout-town.ts';
import { aBreaker, aSnapshot } from '#test/services/console/breaker-world.ts';
import { checkoutBody } from '#test/support/checkouts.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';
import { gate } from '#shared/bus/topology/topology.ts';

const LOOKED_AT_BY = ['verification', 'fraud', 'suggestions'] as const;
/** A client of the door waits 2 s for the decision and as long for the giving up. */
const IN_TIME_MS = 4500;

interface ProblemBody {
  readonly detail: string;
  readonly type: string;
}

/** The queues in which something waits; those of connections come and go with them. */
function waitingIn({ broker }: CheckoutTown): readonly string[] {
  const lasting = broker.queues().filter((name) => !name.startsWith('amq.gen-'));
  return lasting.filter((name) => broker.queue(name).ready.length > 0);
}

/** Nothing in a service, in a queue or at a place where something would be taken. */
function nothingIsLeft(t: ExecutionContext, town: CheckoutTown, id: string, held: readonly string[] = []): void {
  t.deepEqual(town.leftOf(id), []);
  t.deepEqual(waitingIn(town), held, 'no message waits anywhere');
  for (const service of ['order', 'saga', 'payment', 'wallet', 'delivery', 'notify'])
    t.is(town.homes.get(service)!.store.documents.size, 0, `${service} has heard of nothing`);
  t.is(town.outside.mails.length + town.outside.captured.size, 0);
  const stock = JSON.stringify([...town.homes.get('stock')!.store.documents.values()]);
  t.false(stock.includes(id), 'no stock was taken');
}

/** As the door is answered, and after how many ms of the town's clock. */
async function timed(town: CheckoutTown, body = checkoutBody(), key?: string) {
  const startedAt = town.clock.now();
  const answer = (await town.checkOut(body, key)) as { status: number; body: unknown };
  return { status: answer.status, problem: answer.body as ProblemBody, tookMs: town.clock.now() - startedAt };
}
const idIn = ({ detail }: ProblemBody): string => /the checkout (\S+)/.exec(detail)![1]!;

for (const service of LOOKED_AT_BY)
  test(`${service} is gone: 503 in time, and when it is back nothing is left`, async (t) => {
    const town = await checkoutTown({ isSilent: (route) => route === service });
    town.broker.dropConnection(service, { stayDown: true });
    const { status, problem, tookMs } = await timed(town);
    t.is(status, 503, JSON.stringify(problem));
    t.regex(problem.type, /dependency-unavailable/);
    t.true(tookMs < IN_TIME_MS, `${tookMs} ms`);
    const id = idIn(problem);
    town.broker.restore(service);
    await town.atRest(id);
    await town.clock.advance(5000);
    nothingIsLeft(t, town, id);
    const after = await town.door.answered<CheckoutView>('GET', `/v1/checkouts/${id}`);
    t.true(after.status === 404 || after.body.status === 'failed', JSON.stringify(after.body));
    const next = await town.checkOut(checkoutBody({ customerId: 'bob' }));
    t.is(next.body.status, 'approved', 'the next one goes through');
  });

for (const service of LOOKED_AT_BY)
  test(`${service} is heard of and takes too long: 202, pending, then failed, and nothing is left`, async (t) => {
    const town = await checkoutTown();
    town.broker.dropConnection(service, { stayDown: true });
    const first = await town.checkOut(checkoutBody());
    t.is(first.status, 202, JSON.stringify(first.body));
    const { checkoutId } = first.body;
    t.is(first.headers!['Location'], `/v1/checkouts/${checkoutId}`);
    const read = () => town.door.answered<CheckoutView>('GET', `/v1/checkouts/${checkoutId}`, { as: 'alice' });
    t.like(await read(), { status: 200, body: { checkoutId, status: 'pending' } });
    await town.clock.advance(20_000);
    t.like(await read(), { status: 200, body: { checkoutId, status: 'failed', suggestions: [] } });
    town.broker.restore(service);
    await town.atRest(checkoutId);
    await town.clock.advance(70_000);
    // What expired meanwhile is the gate's evidence; its breaker puts it back, and its deadline has passed.
    const waiting = waitingIn(town);
    t.true(
      waiting.every((name) => name.startsWith(`${service}.`)),
      String(waiting),
    );
    nothingIsLeft(t, town, checkoutId, waiting);
  });

test('decided after 2 s: 202 with Location, pending, then what was decided; its key gives the same checkout all the while', async (t) => {
  const exchanged = Promise.withResolvers<string>();
  const town = await checkoutTown({ ports: { tokenizer: { tokenOf: () => exchanged.promise } } });
  const body = checkoutBody();
  const post = (sent: object = body) =>
    town.door.ask<CheckoutView & ProblemBody>('POST', '/v1/checkouts', { body: sent, as: 'alice', key: 'k' });
  const running = post();
  await town.clock.advance(500);
  t.is((await town.clock.during(post())).status, 409, 'the first request is still running');
  const first = await town.clock.during(running);
  t.is(first.status, 202);
  const { checkoutId } = first.body;
  const again = await town.clock.during(post());
  t.like(again, { status: 202, body: { checkoutId } });
  t.is(again.headers!['Idempotency-Replayed'], 'true');
  t.is((await town.clock.during(post(checkoutBody({ termsAccepted: false })))).status, 422, 'another body');
  exchanged.resolve('pm_ok');
  await town.atRest(checkoutId);
  t.like(await town.door.answered('GET', `/v1/checkouts/${checkoutId}`, { as: 'alice' }), {
    body: { checkoutId, status: 'approved', orderId: checkoutId },
  });
  t.is(town.homes.get('checkout')!.store.documents.size, 1);
  t.deepEqual(town.leftOf(checkoutId), ['queued']);
});

test('sent twice under a key it is one checkout, replayed as it was decided; sent twice without one it is two', async (t) => {
  const town = await checkoutTown();
  const body = checkoutBody();
  const [first, second] = [await town.checkOut(body, 'k'), await town.checkOut(body, 'k')];
  t.deepEqual(second.body, first.body);
  t.is(second.headers!['Idempotency-Replayed'], 'true');
  const rejected = checkoutBody({ termsAccepted: false });
  t.is((await town.checkOut(rejected, 'k')).status, 422);
  t.deepEqual((await town.checkOut(rejected, 'r')).body, (await town.checkOut(rejected, 'r')).body);
  t.not((await town.checkOut(body)).body.checkoutId, (await town.checkOut(body)).body.checkoutId);
});

test('the service of the checkouts is gone: 504 in time, for it may have begun; when it is back nothing is left, and the same key is told so', async (t) => {
  let isBack = false;
  const town = await checkoutTown({ isSilent: (route) => route === 'checkout' && !isBack });
  town.broker.dropConnection('checkout', { stayDown: true });
  const body = checkoutBody();
  const { status, problem, tookMs } = await timed(town, body, 'k');
  t.is(status, 504, JSON.stringify(problem));
  t.regex(problem.type, /outcome-unknown/);
  t.true(tookMs < IN_TIME_MS, `${tookMs} ms`);
  const id = idIn(problem);
  const read = () => town.door.answered<CheckoutView>('GET', `/v1/checkouts/${id}`, { as: 'alice' });
  t.like(await read(), { status: 200, body: { status: 'pending' } }, 'until somebody has looked at it');
  town.broker.restore('checkout');
  isBack = true;
  await town.atRest(id);
  await town.clock.advance(20_000);
  t.like(await read(), { status: 200, body: { status: 'failed', reason: { code: 'never_begun' } } });
  t.is((await town.checkOut(body, 'k')).status, 503);
  t.is((await town.door.answered('GET', `/v1/checkouts/${id}`, { as: 'bob' })).status, 404, 'to others it is none');
  const state = town.stateOf(id);
  t.true(state !== undefined && !('saga' in state), JSON.stringify(state));
  nothingIsLeft(t, town, id);
  for (const service of LOOKED_AT_BY) t.is(town.state(service, id), undefined, `${service} was asked nothing`);
  t.is((await town.checkOut(checkoutBody({ customerId: 'bob' }))).body.status, 'approved', 'the next one goes through');
});

/** A town whose gate of the checkouts is half-open; what the door knows of its delay, and what it is. */
async function halfOpen(knownMs: number, delayMs: number): Promise<CheckoutTown> {
  const town = await checkoutTown({ delayMs });
  const session = await town.clock.during(town.broker.connect('operator').session());
  await town.clock.during(session.unbind(gate('checkout').direct));
  const policy = { ttlMs: 10_000, delayMs: knownMs, cycleMs: 15_000, badCycles: 3 };
  town.door.board.take(aSnapshot([aBreaker('checkout', { state: 'half_open', policy })], town.clock.now()));
  return town;
}

test('the gate of the checkouts is half-open: each is begun when its delay is over, 202, then approved', async (t) => {
  const town = await halfOpen(3000, 3000);
  const { status, body } = await town.checkOut(checkoutBody());
  t.is(status, 202, JSON.stringify(body));
  await town.clock.until(() => town.stateOf(body.checkoutId) !== undefined);
  await town.atRest(body.checkoutId);
  t.like(await town.door.answered('GET', `/v1/checkouts/${body.checkoutId}`, { as: 'alice' }), {
    body: { status: 'approved' },
  });
  t.deepEqual(town.leftOf(body.checkoutId), ['queued']);
});

test('202, and it comes too late to begin: whoever only looks is told that it failed', async (t) => {
  const town = await halfOpen(500, 8000);
  const { status, body } = await town.checkOut(checkoutBody());
  t.is(status, 202, JSON.stringify(body));
  const read = () => town.door.answered<CheckoutView>('GET', `/v1/checkouts/${body.checkoutId}`, { as: 'alice' });
  await town.clock.advance(4000);
  t.like(await read(), { body: { status: 'pending' } });
  await town.clock.advance(3000);
  t.like(await read(), { body: { status: 'failed', reason: { code: 'never_begun' } } });
  t.deepEqual(town.leftOf(body.checkoutId), []);
});

test('the order queue is gone: approved all the same, nothing is kept meanwhile, and queued once when it is back', async (t) => {
  const town = await checkoutTown();
  town.broker.dropConnection('executor', { stayDown: true });
  const { status, body } = await town.checkOut(checkoutBody());
  t.like({ status, body }, { status: 201, body: { status: 'approved' } });
  await town.clock.advance(5000);
  t.deepEqual(town.leftOf(body.checkoutId), [], 'all three have cleared, and of the card nothing is left');
  town.broker.restore('executor');
  await town.atRest(body.checkoutId);
  t.deepEqual(town.leftOf(body.checkoutId), ['queued']);
  const entries = [...town.homes.get('executor')!.store.documents.keys()].filter((key) =>
    key.includes(body.checkoutId),
  );
  t.is(entries.length, 1);
});
