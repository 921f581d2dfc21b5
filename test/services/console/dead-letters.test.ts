import test, { type ExecutionContext } from 'ava';
import { aLetter, createFakeLetters } from './letters-world.ts';
import { type CallOptions, placedOrder, startWorld } from '#test/services/gateway/world.ts';
import type { LetterView } from '#services/dead-letters/letter-shape.ts';
import { Late } from '#shared/within.ts';
import { PublishError } from '#shared/errors.ts';

const operator = { as: 'root', role: 'operator' } as const satisfies CallOptions;
const post = (body?: unknown): CallOptions => ({ ...operator, ...(body === undefined ? {} : { body }) });

async function worldOf(t: ExecutionContext, ...letters: readonly LetterView[]) {
  const fake = createFakeLetters(letters);
  const world = await startWorld({ deadLetters: fake });
  t.teardown(world.stop);
  return { ...world, fake };
}

test('lists page by page; a cursor of another list is refused', async (t) => {
  const world = await worldOf(t, aLetter('l1'), aLetter('l2'), aLetter('l3', { state: 'replayed' }));
  const first = await world.call('GET', '/v1/dead-letters?limit=1&state=dead', operator);
  t.deepEqual(
    (first.body['items'] as LetterView[]).map(({ id }) => id),
    ['l1'],
  );
  const cursor = encodeURIComponent(String(first.body['nextCursor']));
  const second = await world.call('GET', `/v1/dead-letters?limit=1&state=dead&cursor=${cursor}`, operator);
  t.deepEqual(
    (second.body['items'] as LetterView[]).map(({ id }) => id),
    ['l2'],
  );
  t.is((await world.call('GET', `/v1/dead-letters?cursor=${cursor}`, operator)).status, 400);
  t.is((await world.call('GET', '/v1/dead-letters?route=nowhere', operator)).status, 400);
  t.is((await world.call('GET', '/v1/dead-letters?state=gone', operator)).status, 400);
});

test('one: shown, replayed with the name of who wants it, and once is enough', async (t) => {
  const world = await worldOf(t, aLetter('l1'));
  t.is((await world.call('GET', '/v1/dead-letters/l1', operator)).body['replaysTo'], 'wallet.in');
  t.is((await world.call('GET', '/v1/dead-letters/l2', operator)).status, 404);
  const replayed = await world.call('POST', '/v1/dead-letters/l1/replay', post());
  t.is(replayed.status, 202);
  t.is(replayed.body['state'], 'replaying');
  t.is((await world.call('POST', '/v1/dead-letters/l1/replay', post({}))).status, 202);
  t.is(world.fake.asked.length, 1, 'one that is being replayed is not asked for again');
  t.like(world.fake.asked[0], { kind: 'replay', by: 'root', select: { ids: ['l1'] } });
});

test('what is replayed already, discarded twice, or broken is a 409 that says so', async (t) => {
  const world = await worldOf(
    t,
    aLetter('done', { state: 'replayed' }),
    aLetter('gone', { state: 'discarded' }),
    aLetter('bytes', { broken: 'the body is not JSON' }),
  );
  const again = await world.call('POST', '/v1/dead-letters/done/replay', post());
  t.is(again.status, 409);
  t.is(again.body['type'], '/problems/invalid-transition');
  t.is(again.body['state'], 'replayed');
  t.is((await world.call('POST', '/v1/dead-letters/gone/discard', post({ reason: 'twice' }))).status, 409);
  const broken = await world.call('POST', '/v1/dead-letters/bytes/replay', post());
  t.is(broken.status, 409);
  t.regex(String(broken.body['detail']), /no message of ours \(the body is not JSON\).*discarded/);
  t.is(world.fake.letters.get('bytes')?.state, 'dead');
  const discarded = await world.call('POST', '/v1/dead-letters/bytes/discard', post({ reason: 'nobody can read it' }));
  t.is(discarded.status, 200);
  t.is(discarded.body['state'], 'discarded');
});

test('one that is obsolete is not sent again, with the reason', async (t) => {
  const deadline = '2026-01-01T00:00:01.000Z';
  const world = await worldOf(t, aLetter('late', { obsolete: true, deadline }));
  const reply = await world.call('POST', '/v1/dead-letters/late/replay', post());
  t.is(reply.status, 409);
  t.regex(String(reply.body['detail']), /deadline passed at 2026-01-01T00:00:01.000Z/);
  t.deepEqual(world.fake.asked, []);
});

test('one whose order has ended is not sent again, with that reason', async (t) => {
  const world = await worldOf(t, aLetter('late', { obsolete: true, orderEndedAt: '2026-01-01T00:00:02.000Z' }));
  const reply = await world.call('POST', '/v1/dead-letters/late/replay', post());
  t.is(reply.status, 409);
  t.regex(String(reply.body['detail']), /order ended at 2026-01-01T00:00:02.000Z/);
});

test('all of one cause are discarded with one reason', async (t) => {
  const world = await worldOf(t, aLetter('l1'), aLetter('l2'), aLetter('l3', { state: 'replaying' }));
  const { status, body } = await world.call('POST', '/v1/dead-letters/discard', post({ cause: 'x', reason: 'a test' }));
  t.is(status, 200);
  t.like(body, { selected: 2 });
  t.like(world.fake.asked[0], { kind: 'discard-many', select: { cause: 'x' }, reason: 'a test', by: 'root' });
  for (const wrong of [{ reason: 'all' }, { cause: 'x' }, { cause: 'x', reason: '' }])
    t.is((await world.call('POST', '/v1/dead-letters/discard', post(wrong))).status, 400, JSON.stringify(wrong));
});

test('a selection needs to be one; a discard needs its reason', async (t) => {
  const world = await worldOf(t, aLetter('l1'));
  for (const body of [{}, { ratePerS: 5 }, { ids: [] }, { cause: '' }, { cause: 'x', ratePerS: 0 }, { route: 'no' }]) {
    t.is((await world.call('POST', '/v1/dead-letters/replay', post(body))).status, 400, JSON.stringify(body));
  }
  t.is((await world.call('POST', '/v1/dead-letters/l1/discard', post({}))).status, 400);
  t.is((await world.call('POST', '/v1/dead-letters/l1/discard', post({ reason: '' }))).status, 400);
  t.deepEqual(world.fake.asked, []);
  const all = await world.call('POST', '/v1/dead-letters/replay', post({ cause: 'it broke', ratePerS: 7 }));
  t.is(all.status, 202);
  t.like(all.body, { selected: 1, ratePerS: 7 });
  t.like(world.fake.asked[0], { select: { cause: 'it broke' }, ratePerS: 7 });
});

test('a service that is not there, fails or is silent: 503, 503, 504, and what may have happened is not denied', async (t) => {
  const world = await worldOf(t, aLetter('l1'));
  const replay = () => world.call('POST', '/v1/dead-letters/replay', post({ ids: ['l1'] }));
  world.fake.behave(() => Promise.reject(new PublishError('returned', 'control', 'nobody listens')));
  const nobody = await replay();
  t.is(nobody.status, 503);
  t.is(nobody.body['dependency'], 'dead-letters');
  t.truthy(nobody.headers.get('retry-after'));
  world.fake.behave(async ({ id }) => ({ id, ok: false, problem: 'the database is away' }));
  const failed = await replay();
  t.is(failed.status, 503);
  t.regex(String(failed.body['detail']), /the database is away/);
  world.fake.behave(() => Promise.reject(new Late('10 s')));
  const silent = await replay();
  t.is(silent.status, 504);
  t.is(silent.body['type'], '/problems/outcome-unknown');
});

test('the timeline tells of what waits for a person; why it failed is for operators', async (t) => {
  const world = await worldOf(t, aLetter('l1'));
  world.orders.set('o1', placedOrder('o1', 'alice'));
  world.orders.set('o2', placedOrder('o2', 'alice'));
  const own = await world.call('GET', '/v1/orders/o1/timeline', { as: 'alice' });
  const brief = { id: 'l1', type: 'wallet.hold', step: 'hold-funds', undo: false, state: 'dead' };
  t.deepEqual(own.body['deadLetters'], [{ ...brief, lastFailureAt: '2026-01-01T00:00:00.000Z' }]);
  const seen = await world.call('GET', '/v1/orders/o1/timeline', operator);
  t.is((seen.body['deadLetters'] as LetterView[])[0]?.cause, 'it broke');
  t.false('deadLetters' in (await world.call('GET', '/v1/orders/o2/timeline', operator)).body);
});

test('an order that waits for the answer to a dead letter says so, and to operators why', async (t) => {
  const waitingFor = { step: 'hold-funds', message: 'wallet.hold', since: '2026-01-01T00:00:00.000Z', attempt: 1 };
  const timeline = { state: 'running', definition: 'place-order@3', steps: [], waitingFor };
  const saga = { timeline: async (orderId: string) => ({ orderId, ...timeline }) };
  const world = await startWorld({ deadLetters: createFakeLetters([aLetter('l1')]), views: { saga } });
  t.teardown(world.stop);
  world.orders.set('o1', placedOrder('o1', 'alice'));
  world.orders.set('o2', placedOrder('o2', 'alice'));
  const reasonOf = async (order: string, who: CallOptions) =>
    ((await world.call('GET', `/v1/orders/${order}/timeline`, who)).body['waitingFor'] as { reason?: string }).reason;
  t.is(await reasonOf('o1', { as: 'alice' }), 'a dead letter since 00:00:00: nobody could handle it');
  t.is(await reasonOf('o1', operator), 'a dead letter since 00:00:00: it broke');
  t.is(await reasonOf('o2', operator), undefined);
});

test('without dead letters there are no such endpoints', async (t) => {
  const world = await startWorld();
  t.teardown(world.stop);
  t.is((await world.call('GET', '/v1/dead-letters', operator)).status, 404);
});

test('the path of all replays has its own methods alone, and is no letter', async (t) => {
  const world = await worldOf(t, aLetter('l1'));
  const allowed = async (path: string): Promise<unknown> =>
    (await world.call('OPTIONS', path)).headers.get('allow')?.split(', ').toSorted();
  t.deepEqual(await allowed('/v1/dead-letters/replay'), ['OPTIONS', 'POST']);
  t.deepEqual(await allowed('/v1/dead-letters/causes'), ['GET', 'HEAD', 'OPTIONS']);
  t.deepEqual(await allowed('/v1/dead-letters/l1'), ['GET', 'HEAD', 'OPTIONS']);
  t.deepEqual(await allowed('/v1/dead-letters/l1/replay'), ['OPTIONS', 'POST']);
  const wrong = await world.call('GET', '/v1/dead-letters/replay', operator);
  t.is(wrong.status, 405);
  t.is(wrong.headers.get('allow'), 'POST, OPTIONS');
});
