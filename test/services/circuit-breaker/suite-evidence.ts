import type { Run } from './suite-run.ts';
import { ask } from './asking.ts';
import { policy, messageOf } from './world.ts';
import type { Delivery } from '#shared/bus/bus.ts';
import { deathsOf } from '#shared/bus/deaths.ts';
import { encode } from '#shared/bus/envelope.ts';
import { dead, expired, hash } from '#shared/bus/topology/topology.ts';
import { p95, shownTimes, stopwatch, type Took } from '#test/support/held-up.ts';

const { delayMs, ttlMs } = policy;

export function evidence(run: Run): void {
  run('one message that nobody took in time delays those that follow', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment')?.state === 'closed');
    const sentAt = world.clock.now();
    t.is(await world.during(world.publish('payment', 'a')), 'confirmed');
    await world.gateIs('payment', 'half_open');
    const firstSaid = () =>
      world.snapshots
        .flatMap(({ breakers }) => breakers)
        .findLast(({ route, state }) => route === 'payment' && state === 'half_open');
    await world.until(() => firstSaid() !== undefined);
    const view = firstSaid();
    const seenAfterMs = (view?.since ?? 0) - sentAt;
    t.true(seenAfterMs >= ttlMs, `${seenAfterMs} ms`);
    t.true(seenAfterMs <= ttlMs + 1000, `${seenAfterMs} ms`);
    t.like(view, { machine: 'half_open', cycle: 1, expired: 0, badCycles: 0, expiredTotal: 1, generation: 1 });
    t.like(view?.transitions[0], { from: 'closed', to: 'half_open', cycle: 1, cause: 'a message expired' });
    t.true((view?.cycleEndsAt ?? 0) > (view?.since ?? 0));
    t.is(await world.gate('notify'), 'closed');
  });

  run('closed delays nothing, half-open delays everything and loses nothing', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    const { at } = await world.handle('payment');
    const half = { kind: 'override', route: 'payment', state: 'half_open', expiresInMs: 60_000 };
    await ask(world, { id: 'half', ...half });
    const sent = new Map<string, number>();
    for (let index = 0; index < 20; index += 1) {
      sent.set(`m${index}`, world.clock.now());
      t.is(await world.during(world.publish('payment', `m${index}`)), 'confirmed');
    }
    await world.until(() => at.size >= 20);
    for (const [id, when] of sent) t.true((at.get(id) as number) - when >= delayMs, id);
    await ask(world, { id: 'closed', kind: 'clear-override', route: 'payment' });
    t.is(await world.gate('payment'), 'closed');
    const took: Took[] = [];
    for (let index = 0; index < 10; index += 1) {
      const stop = stopwatch();
      const directAt = world.clock.now();
      await world.during(world.publish('payment', `direct-${index}`));
      await world.until(() => at.has(`direct-${index}`));
      took.push(stop((at.get(`direct-${index}`) as number) - directAt));
    }
    t.true(p95(took) < delayMs, shownTimes(took));
  });

  run('dead letters that did not expire move nothing, and are kept', async (t, world) => {
    await world.breaker();
    const administrator = await world.during(world.administrator());
    const { at } = await world.handle('payment');
    await world.until(() => world.view('payment') !== undefined);
    for (const reason of ['rejected', 'maxlen', 'delivery_limit']) {
      const packet = encode(messageOf('payment', reason));
      const death = { queue: 'payment.000', reason, count: 1, exchange: 'payment.in', 'routing-keys': [''] };
      await world.during(
        administrator.publish(expired('payment'), { ...packet, headers: { ...packet.headers, 'x-death': [death] } }),
      );
    }
    await world.until(() => at.size === 3);
    await world.until(() => world.view('payment')?.redriven === 3);
    await world.until(() => world.view('payment')?.parked === 0);
    t.like(world.view('payment'), { state: 'closed', expiredTotal: 0, generation: 0 });
    t.is(await world.gate('payment'), 'closed');
    t.deepEqual(
      world.decisions.filter(({ input }) => input.kind === 'expired'),
      [],
    );
  });

  run(
    'what is not ours becomes a dead letter with the reason, counts only if it expired, and stops nothing',
    async (t, world) => {
      await world.breaker();
      const administrator = await world.during(world.administrator());
      await world.until(() => world.view('payment') !== undefined);
      const strange = [
        { content: Buffer.from('hello'), headers: {} },
        { ...encode(messageOf('payment', 'bad')), content: Buffer.from([0x22, 0xff, 0x22]) },
        { ...encode(messageOf('payment', 'big')), headers: { key: 'k'.repeat(62_000) } },
      ];
      for (const packet of strange) await world.during(administrator.publish(expired('payment'), packet));
      const got: Delivery[] = [];
      await world.during(administrator.consume(dead('payment'), 10, (delivery) => got.push(delivery)));
      await world.until(() => got.length === 3);
      t.true(got.every(({ packet }) => typeof packet.headers['dead-reason'] === 'string'));
      t.is(world.view('payment')?.state, 'closed');
      // Nobody takes nonsense either: that is evidence, and a dead letter.
      await world.during(administrator.publish(hash('payment'), { content: Buffer.from('{'), headers: {} }));
      await world.gateIs('payment', 'half_open');
      await world.until(() => got.length === 4);
      t.regex(String(got[3]?.packet.headers['dead-reason']), /message id is missing/);
      t.deepEqual(deathsOf(got[3]?.packet.headers ?? {}), []);
    },
  );
}
