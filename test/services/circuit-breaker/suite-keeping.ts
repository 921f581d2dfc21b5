import type { Run } from './suite-run.ts';
import { ask } from './asking.ts';
import { policy, openedByExpiries } from './world.ts';
import type { Delivery } from '#shared/bus/bus.ts';
import { dead, parked } from '#shared/bus/topology/topology.ts';

const { ttlMs, cycleMs } = policy;

export function keeping(run: Run): void {
  run(
    'what expired is parked without the broker’s notes, listed, and put back when the route is closed',
    async (t, world) => {
      await world.breaker();
      await world.until(() => world.view('payment') !== undefined);
      // Until there is somebody to take them, whatever the machine does meanwhile.
      await ask(world, { id: '0', kind: 'override', route: 'payment', state: 'half_open', expiresInMs: 60_000 });
      const ids = ['a', 'b', 'c'];
      for (const id of ids) await world.during(world.publish('payment', id));
      await world.until(() => world.view('payment')?.parked === 3);
      const listed = await ask(world, { id: '1', kind: 'parked', limit: 10 });
      const items = listed.ok ? (listed.parked ?? []) : [];
      t.deepEqual(items.map(({ messageId }) => messageId).toSorted(), ids);
      for (const item of items) {
        t.like(item, { route: 'payment', type: 'payment.do', expiries: 1, redriven: 0 });
        t.is(item.correlationId, `order-${item.messageId}`);
        t.is(item.firstExpiredAt, item.lastExpiredAt);
        t.true(world.clock.now() - item.firstExpiredAt < 20_000);
      }
      const some = await ask(world, { id: '2', kind: 'parked', route: 'payment', limit: 2 });
      t.is(some.ok && some.parked?.length, 2);
      const handled = await world.handle('payment');
      t.is(handled.packets.length, 0);
      await ask(world, { id: '3', kind: 'clear-override', route: 'payment' });
      await world.until(() => handled.at.size === 3);
      t.is(await world.gate('payment'), 'closed');
      for (const { headers } of handled.packets) {
        t.like(headers, { redriven: 1, expiries: 1 });
        t.deepEqual(
          Object.keys(headers).filter((name) => name.startsWith('x-')),
          [],
        );
      }
      await world.until(() => world.view('payment')?.parked === 0);
      t.is(world.view('payment')?.redriven, 3);
    },
  );

  run('what is parked is held by nobody, however long the outage and whoever lists it', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    const administrator = await world.during(world.administrator());
    await ask(world, { id: '0', kind: 'override', route: 'payment', state: 'half_open', expiresInMs: 60_000 });
    for (const id of ['a', 'b', 'c']) await world.during(world.publish('payment', id));
    const free = (): Promise<number> => world.during(administrator.depth(parked('payment')));
    await world.until(async () => (await free()) === 3);
    for (const id of ['1', '2']) {
      const listed = await ask(world, { id, kind: 'parked', limit: 10 });
      t.is(listed.ok && listed.parked?.length, 3);
      await world.until(async () => (await free()) === 3);
    }
    await world.until(() => world.view('payment')?.parked === 3);
  });

  run('an expiry stops what goes back for a cycle, also where an operator holds the gate closed', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    await ask(world, { id: '1', kind: 'override', route: 'payment', state: 'closed', expiresInMs: 60_000 });
    await world.during(world.publish('payment', 'a'));
    await world.until(() => world.view('payment')?.expiredTotal === 2);
    await world.until(() => world.view('payment')?.parked === 1);
    const listed = await ask(world, { id: '2', kind: 'parked', limit: 10 });
    const item = listed.ok ? listed.parked?.[0] : undefined;
    t.like(item, { expiries: 2, redriven: 1 });
    t.true((item?.lastExpiredAt ?? 0) - (item?.firstExpiredAt ?? 0) >= cycleMs + ttlMs);
    t.is(await world.gate('payment'), 'closed');
  });

  run('nothing goes back while the route is not closed', async (t, world) => {
    await world.breaker();
    const drip = await openedByExpiries(world);
    await drip.stop();
    const handled = await world.handle('payment');
    const views = () => world.snapshots.flatMap(({ breakers }) => breakers.filter(({ route }) => route === 'payment'));
    await world.until(() => views()[0]?.state === 'closed');
    const opened = views().findLastIndex(({ state }) => state === 'open');
    const closed = views().findLast(({ state }, index) => state === 'closed' && index < opened);
    const redriven = handled.packets.filter(({ headers }) => headers['redriven'] !== undefined);
    const early = redriven.filter(({ messageId }) => handled.at.get(messageId ?? '')! < (closed?.since ?? 0));
    t.deepEqual(early, []);
    t.true((closed?.parked ?? 0) > 5, `${closed?.parked}`);
    await world.until(() => world.view('payment')?.parked === 0);
  });

  run(
    'a message that nobody handles, however often it is put back, ends as a dead letter that says why',
    async (t, world) => {
      await world.breaker();
      const administrator = await world.during(world.administrator());
      const got: Delivery[] = [];
      await world.during(administrator.consume(dead('payment'), 10, (delivery) => got.push(delivery)));
      await world.until(() => world.view('payment') !== undefined);
      await world.during(world.publish('payment', 'poison'));
      await world.until(() => got.length === 1, 40_000);
      t.like(got[0]?.packet, { messageId: 'poison' });
      t.like(got[0]?.packet.headers, { redriven: 2, 'dead-attempts': 2, 'dead-route': 'payment' });
      t.regex(String(got[0]?.packet.headers['dead-reason']), /nobody handled it in 3 tries.*expired/);
      await world.until(() => world.view('payment')?.parked === 0);
      let left = 1;
      await world.until(async () => (left = await administrator.depth(parked('payment'))) === 0);
      t.is(left, 0);
      t.is(got.length, 1);
    },
  );
}
