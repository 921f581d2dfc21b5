import test from 'ava';
import { aBreaker, aSnapshot } from './breaker-world.ts';
import { listenTo } from './event-reader.ts';
import { keys, startWorld, type World } from '#test/services/gateway/world.ts';
import type { Breaker } from '#services/circuit-breaker/contract.ts';
import { signToken } from '#shared/web/tokens.ts';
import { systemClock } from '#shared/clock.ts';
import { until } from '#test/support/until.ts';

const token = await signToken({ subject: 'root', role: 'operator', expiresInS: 600 }, keys);
type Listening = Awaited<ReturnType<typeof listenTo>>;

async function inWorld(
  run: (world: World & { listen(lastEventId?: string, as?: string): Promise<Listening> }) => Promise<void>,
  options?: Parameters<typeof startWorld>[0],
): Promise<void> {
  const world = await startWorld(options);
  const open: Listening[] = [];
  async function listen(lastEventId?: string, as = token): Promise<Listening> {
    const headers = { authorization: `Bearer ${as}`, ...(lastEventId && { 'last-event-id': lastEventId }) };
    const listening = await listenTo(`${world.url}/v1/stream`, headers);
    open.push(listening);
    return listening;
  }
  try {
    await run({ ...world, listen });
  } finally {
    await Promise.all(open.map((one) => one.leave()));
    await world.stop();
  }
}

type Transition = Breaker['transitions'][number];
const gates = ['closed', 'half_open', 'open', 'half_open'] as const;
const START = Date.UTC(2026, 0, 1);

/** A breaker after its first `count` changes, one a second. */
function changed(route: string, count: number, kept = 50): Breaker {
  const transitions = Array.from({ length: count }, (_, n): Transition => ({
    from: gates[n % 4] ?? 'closed',
    to: gates[(n + 1) % 4] ?? 'closed',
    at: START + 1000 * n,
    cycle: n,
    expired: n,
    cause: `change ${n}`,
  })).toReversed();
  const state = transitions[0]?.to ?? 'closed';
  return aBreaker(route, { state, generation: count, transitions: transitions.slice(0, kept) });
}

const causes = (listening: Listening): unknown[] => listening.named('breaker').map(({ data }) => data?.['cause']);
const ids = (listening: Listening): number[] =>
  listening.all.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));

test('a listener gets the state of all routes, then each transition as it happens, with increasing ids', (t) =>
  inWorld(async ({ board, listen, clock }) => {
    board.take(aSnapshot([changed('order', 0), changed('payment', 1)], clock.now()));
    const listening = await listen();
    t.is(listening.response.status, 200);
    t.is(listening.response.headers.get('content-type'), 'text/event-stream');
    t.is(listening.response.headers.get('cache-control'), 'no-store');
    await listening.until((all) => all.some(({ event }) => event === 'snapshot'));
    const items = listening.named('snapshot')[0]?.data?.['items'] as { route: string; state: string }[];
    t.deepEqual(
      items.map(({ route, state }) => [route, state]),
      [
        ['order', 'closed'],
        ['payment', 'half_open'],
      ],
    );

    board.take(aSnapshot([changed('order', 1), changed('payment', 3)], clock.now()));
    await listening.until(() => causes(listening).length === 3);
    t.deepEqual(causes(listening), ['change 0', 'change 1', 'change 2'], 'in the order in which they happened');
    t.deepEqual(listening.named('breaker')[1]?.data, {
      route: 'payment',
      from: 'half_open',
      to: 'open',
      state: 'open',
      at: '2026-01-01T00:00:01.000Z',
      cycle: 1,
      expired: 1,
      cause: 'change 1',
    });
    const seen = ids(listening);
    t.true(seen.length >= 4);
    t.true(
      seen.every((id, n) => n === 0 || id > (seen[n - 1] ?? 0)),
      seen.join(),
    );
  }));

test('news without a transition are another snapshot, and no news are nothing', (t) =>
  inWorld(async ({ board, listen, clock }) => {
    board.take(aSnapshot([aBreaker('order')], clock.now()));
    const listening = await listen();
    board.take(aSnapshot([aBreaker('order')], clock.now() + 1));
    board.take(aSnapshot([aBreaker('order', { delayed: 3 })], clock.now() + 2));
    await listening.until((all) => all.filter(({ event }) => event === 'snapshot').length === 2);
    t.like(listening.named('snapshot')[1], { data: { items: [{ route: 'order', delayed: 3 }] } });
  }));

test('who comes back with the id of the last event gets what it missed, once', (t) =>
  inWorld(async ({ board, listen, clock }) => {
    board.take(aSnapshot([changed('payment', 1)], clock.now()));
    const first = await listen();
    await first.until((all) => all.some(({ event }) => event === 'snapshot'));
    board.take(aSnapshot([changed('payment', 2)], clock.now()));
    await first.until(() => causes(first).length === 1);
    const last = first.named('breaker')[0]?.id;
    await first.leave();
    board.take(aSnapshot([changed('payment', 3)], clock.now()));
    board.take(aSnapshot([changed('payment', 4)], clock.now()));

    const second = await listen(last);
    await second.until((all) => all.some(({ event }) => event === 'snapshot'));
    t.deepEqual(causes(second), ['change 2', 'change 3']);
    board.take(aSnapshot([changed('payment', 5)], clock.now()));
    await second.until(() => causes(second).length === 3);
    t.deepEqual(causes(second), ['change 2', 'change 3', 'change 4']);
  }));

test('another gateway gives the same ids, so that a client can change over', (t) =>
  inWorld((one) =>
    inWorld(async (other) => {
      for (const count of [1, 2, 3])
        one.board.take(aSnapshot([aBreaker('order'), changed('payment', count)], one.clock.now()));
      const before = await one.listen('1');
      await before.until(() => causes(before).length === 3);
      other.board.take(aSnapshot([aBreaker('order'), changed('payment', 4)], other.clock.now()));
      const after = await other.listen(before.named('breaker')[1]?.id);
      await after.until((all) => all.some(({ event }) => event === 'snapshot'));
      t.deepEqual(causes(after), ['change 2', 'change 3']);
      t.is(after.named('breaker')[0]?.id, before.named('breaker')[2]?.id);
    }),
  ));

test('only so many transitions are kept; older ones are replaced by the snapshot', (t) =>
  inWorld(
    async ({ board, listen, clock }) => {
      for (let count = 1; count <= 9; count += 1) board.take(aSnapshot([changed('payment', count, 3)], clock.now()));
      const listening = await listen('1');
      await listening.until((all) => all.some(({ event }) => event === 'snapshot'));
      t.deepEqual(causes(listening), ['change 5', 'change 6', 'change 7', 'change 8']);
    },
    { stream: { kept: 4 } },
  ));

test('an id that is not ours is as good as none', (t) =>
  inWorld(async ({ board, listen, clock }) => {
    board.take(aSnapshot([changed('payment', 3)], clock.now()));
    for (const id of ['x', '-1', '1e3', '99999999999999999999']) {
      const listening = await listen(id);
      await listening.until((all) => all.some(({ event }) => event === 'snapshot'));
      t.deepEqual(causes(listening), [], id);
    }
  }));

test('who listens before any breaker has reported hears of the first', (t) =>
  inWorld(async ({ board, listen, clock }) => {
    const fresh = await listen();
    const back = await listen('1');
    board.take(aSnapshot([changed('payment', 2)], clock.now()));
    for (const listening of [fresh, back])
      await listening.until((all) => all.some(({ event }) => event === 'snapshot'));
    t.deepEqual(causes(fresh), []);
    t.deepEqual(causes(back), ['change 0', 'change 1']);
    board.take(aSnapshot([changed('payment', 3)], clock.now()));
    for (const listening of [fresh, back]) await listening.until(() => causes(listening).at(-1) === 'change 2');
  }));

test('a silent stream carries heartbeats', (t) =>
  inWorld(
    async ({ listen }) => {
      const listening = await listen();
      await listening.until((all) => all.filter(({ comment }) => comment === 'alive').length === 2);
      t.pass();
    },
    { stream: { heartbeatMs: 10 } },
  ));

test('a client that leaves is forgotten, and beyond the limit of listeners new ones are 429', (t) =>
  inWorld(
    async ({ listen, stream }) => {
      const first = await listen();
      await listen();
      const third = await listen();
      t.is(third.response.status, 429);
      t.is(stream.clients, 2);
      await first.leave();
      await until(
        'the client is forgotten',
        () => stream.clients,
        (clients) => clients === 1,
        { everyMs: 2 },
      );
      t.is((await listen()).response.status, 200);
    },
    { stream: { maxClients: 2 } },
  ));

test('HEAD is answered without keeping a stream open', (t) =>
  inWorld(async ({ call, stream }) => {
    t.is((await call('HEAD', '/v1/stream', { token })).status, 200);
    await until(
      'nobody listens',
      () => stream.clients,
      (clients) => clients === 0,
      { everyMs: 2 },
    );
  }));

test('a client that does not read is cut off instead of filling the memory', (t) =>
  inWorld(
    async ({ listen, board, stream, clock }) => {
      board.take(aSnapshot([aBreaker('order')], clock.now()));
      const reader = await listen();
      const idle = stream.open();
      t.is(stream.clients, 2);
      for (let n = 1; n < 100 && stream.clients === 2; n += 1) {
        board.take(aSnapshot([aBreaker('order', { delayed: n })], clock.now() + n));
        await systemClock.sleep(0);
      }
      t.true(idle.destroyed);
      t.is(stream.clients, 1);
      t.is(reader.response.status, 200);
    },
    { stream: { maxBehindBytes: 5000 } },
  ));

test('a stream ends with its token, says so, and is not opened again with it; others go on', (t) =>
  inWorld(async ({ board, listen, stream, clock }) => {
    // Accepted for five seconds more than it says, for clocks that differ; until then both must listen.
    const short = await signToken({ subject: 'root', role: 'operator', expiresInS: 3 }, keys);
    const early = await listen(undefined, short);
    const other = await listen();
    board.take(aSnapshot([changed('payment', 1)], clock.now()));
    const late = await listen(undefined, short);
    for (const listening of [early, late]) {
      await listening.ended();
      t.deepEqual(
        listening.all.filter(({ event }) => event !== undefined).map(({ event }) => event),
        ['snapshot', 'end'],
      );
      t.deepEqual(listening.all.at(-1), { event: 'end', data: { reason: 'the token has expired' } });
    }
    t.is(stream.clients, 1);
    t.is((await listen(undefined, short)).response.status, 401);
    board.take(aSnapshot([changed('payment', 2)], clock.now()));
    await other.until(() => causes(other).length === 1);
  }));

test('a client that does not read when its token expires is not written to any more', (t) =>
  inWorld(async ({ board, stream, clock }) => {
    const idle = stream.open({ acceptedUntil: clock.now() });
    await until(
      'it was ended',
      () => stream.clients,
      (clients) => clients === 0,
      { everyMs: 2 },
    );
    board.take(aSnapshot([changed('payment', 1)], clock.now()));
    stream.close();
    const text = (await idle.setEncoding('utf8').toArray()).join('');
    t.regex(text, /event: end\ndata: [^\n]+\n\n$/);
    t.false(text.includes('snapshot'));
  }));

test('a token that is good for a year keeps its stream', (t) =>
  inWorld(async ({ board, listen, clock }) => {
    const long = await signToken({ subject: 'root', role: 'operator', expiresInS: 365 * 24 * 3600 }, keys);
    const listening = await listen(undefined, long);
    for (const count of [1, 2]) {
      board.take(aSnapshot([changed('payment', count)], clock.now()));
      await listening.until((all) => all.filter(({ event }) => event === 'snapshot').length === count);
    }
    t.is(listening.named('end').length, 0);
  }));

test('closing ends every stream in good order and lets the server stop', async (t) => {
  const world = await startWorld();
  world.board.take(aSnapshot([changed('payment', 1)], world.clock.now()));
  const listening = await listenTo(`${world.url}/v1/stream`, { authorization: `Bearer ${token}` });
  await listening.until((all) => all.some(({ event }) => event === 'snapshot'));
  world.stream.close();
  await listening.ended();
  t.is(world.stream.clients, 0);
  const late = await world.call('GET', '/v1/stream', { token });
  t.is(late.text, 'retry: 1000\n\n', 'one that comes while it stops ends at once');
  await world.stop();
});
