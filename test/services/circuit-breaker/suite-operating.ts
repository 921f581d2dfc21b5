import type { Run } from './suite-run.ts';
import { ask } from './asking.ts';
import { BREAKER_REPLY, BREAKER_REQUEST } from '#services/circuit-breaker/contract.ts';
import { CONTROL, SNAPSHOT } from '#shared/bus/topology/topology.ts';

export function operating(run: Run): void {
  run('an operator forces a state until it expires or is taken back; the machine counts on', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    const forced = await ask(world, {
      id: '1',
      kind: 'override',
      route: 'payment',
      state: 'open',
      expiresInMs: 60_000,
    });
    t.like(forced.ok && forced.breaker, { route: 'payment', state: 'open', machine: 'closed', generation: 1 });
    t.is(await world.gate('payment'), 'open');
    t.is(await world.during(world.publish('payment', 'refused')), 'returned');
    const cleared = await ask(world, { id: '2', kind: 'clear-override', route: 'payment' });
    t.like(cleared.ok && cleared.breaker, { state: 'half_open', machine: 'half_open' });
    await world.gateIs('payment', 'closed');
    await ask(world, { id: '3', kind: 'override', route: 'payment', state: 'half_open', expiresInMs: 700 });
    t.is(await world.gate('payment'), 'half_open');
    await world.gateIs('payment', 'closed');
    const again = await ask(world, { id: '4', kind: 'clear-override', route: 'payment' });
    t.like(again.ok && again.breaker, { state: 'closed' });
  });

  run('who is asked on its first snapshot answers', async (t, world) => {
    const gateway = await world.during(world.connect('gateway'));
    const answered: string[] = [];
    await world.during(gateway.subscribe(CONTROL, [BREAKER_REPLY], ({ content }) => answered.push(content.toString())));
    let asked: Promise<void> | undefined;
    await world.during(
      gateway.subscribe(SNAPSHOT, [''], () => {
        const content = Buffer.from(JSON.stringify({ id: 'at once', kind: 'parked', limit: 1 }));
        asked ??= gateway.publish(CONTROL, { content, headers: {} }, BREAKER_REQUEST);
      }),
    );
    await world.breaker();
    await world.until(() => answered.length > 0);
    await world.during(asked ?? Promise.reject(new Error('not asked')));
    t.like(JSON.parse(answered[0] ?? ''), { id: 'at once', ok: true, parked: [] });
  });

  run('requests that make no sense are answered with the problem and change nothing', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    const bad: readonly [object, RegExp][] = [
      [{ kind: 'override', route: 'nowhere', state: 'open', expiresInMs: 1000 }, /no route nowhere.*payment, notify/],
      [{ kind: 'override', route: 'payment', state: 'ajar', expiresInMs: 1000 }, /state/],
      [{ kind: 'override', route: 'payment', state: 'open' }, /expiresInMs/],
      [{ kind: 'override', route: 'payment', state: 'open', expiresInMs: -1 }, /expiresInMs/],
      [{ kind: 'override', route: 'payment', state: 'open', expiresInMs: 1e12 }, /expiresInMs/],
      [{ kind: 'clear-override', route: 'nowhere' }, /no route nowhere/],
      [{ kind: 'parked', route: 'nowhere', limit: 1 }, /no route nowhere/],
      [{ kind: 'parked', limit: 0 }, /limit/],
      [{ kind: 'destroy' }, /kind/],
    ];
    const gateway = await world.during(world.connect('gateway'));
    for (const nonsense of ['{', '[]', '{"kind":"parked"}'])
      await world.during(gateway.publish(CONTROL, { content: Buffer.from(nonsense), headers: {} }, BREAKER_REQUEST));
    for (const [index, [request, problem]] of bad.entries()) {
      const reply = await ask(world, { id: `bad-${index}`, ...request });
      t.false(reply.ok);
      t.regex(reply.ok ? '' : reply.problem, problem);
    }
    t.is(world.view('payment')?.generation, 0);
    t.is(await world.gate('payment'), 'closed');
  });

  run('the snapshot comes every second, also when nothing changes', async (t, world) => {
    await world.breaker();
    await world.until(() => world.snapshots.length >= 5);
    const gaps = world.snapshots.slice(0, -1).map(({ at }, index) => at - (world.snapshots[index + 1]?.at ?? 0));
    // A busy machine may hold up some of them.
    t.true(Math.max(...gaps) >= 900 && Math.min(...gaps) < 2000, gaps.join());
  });
}
