import type { Run } from './suite-run.ts';
import { modelOf } from './model.ts';
import { gates, messageOf, policy, recorded, openedByExpiries } from './world.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';

const { cycleMs } = policy;

export function cycles(run: Run): void {
  run('N - 1 bad cycles leave it half-open, the Nth opens it; the other route notices nothing', async (t, world) => {
    await world.breaker();
    const other = await world.handle('notify');
    const drip = await openedByExpiries(world);
    t.deepEqual(recorded(world, 'payment').moves, ['closed->half_open', 'half_open->open']);
    const bad = world.decisions.filter(({ input, decision }) => input.kind === 'cycle-ended' && decision.cycleStarts);
    t.is(bad.length, policy.badCycles);
    await world.until(() => drip.refused.length > 0);
    t.is(await world.gate('notify'), 'closed');
    t.is(await world.during(world.publish('notify', 'n')), 'confirmed');
    await world.until(() => other.at.has('n'));
    t.is(world.view('notify')?.generation, 0);
  });

  run(
    'a clean cycle in between resets the count',
    async (t, world) => {
      await world.breaker();
      await (await world.handle('payment')).stop();
      const drip = world.drip('payment');
      await world.until(() => world.view('payment')?.badCycles === 1);
      const { stop } = await world.handle('payment');
      await world.gateIs('payment', 'closed');
      // The breaker tells after it has bound: what it told before says nothing of the clean cycle.
      await world.until(() => world.view('payment')?.state === 'closed');
      await stop();
      // Two, had the clean one not counted; and none unless it is half-open.
      await world.until(() => world.view('payment')?.badCycles === 1);
      await drip.stop();
      t.deepEqual(recorded(world, 'payment').moves.slice(0, 3), [
        'closed->half_open',
        'half_open->closed',
        'closed->half_open',
      ]);
    },
    { ...policy, badCycles: 3 },
  );

  run('recovery goes from open through half-open to closed, and everything accepted is handled', async (t, world) => {
    await world.breaker();
    const drip = await openedByExpiries(world);
    await world.until(() => drip.refused.length >= 3);
    const accepted = drip.accepted.length;
    const handled = await world.handle('payment');
    await world.gateIs('payment', 'closed');
    await world.until(() => drip.accepted.length > accepted + 5);
    await drip.stop();
    await world.until(() => world.view('payment')?.state === 'closed');
    const { history, moves } = recorded(world, 'payment');
    t.deepEqual(moves, ['closed->half_open', 'half_open->open', 'open->half_open', 'half_open->closed']);
    t.deepEqual(moves, modelOf(history, policy.badCycles));
    t.deepEqual(gates(world.snapshots, 'payment').slice(-4), ['half_open', 'open', 'half_open', 'closed']);
    // What had expired comes back too: nothing that was accepted is missing.
    await world.until(() => drip.accepted.every((id) => handled.at.has(id)));
    t.deepEqual(
      drip.refused.filter((id) => handled.at.has(id)),
      [],
    );
    await world.until(() => world.view('payment')?.parked === 0);
    t.true((world.view('payment')?.redriven ?? 0) > 0);
  });

  run('late expiries keep it open for that cycle', async (t, world) => {
    await world.breaker();
    const drip = await openedByExpiries(world);
    await drip.stop();
    const openedAt = world.clock.now();
    // An undo past the gate expires while it is open.
    const administrator = await world.during(world.administrator());
    await world.during(administrator.publish(hash('payment'), encode(messageOf('payment', 'undo'))));
    await world.gateIs('payment', 'half_open');
    t.true(world.clock.now() - openedAt > 1.5 * cycleMs);
    const own = world.decisions.filter(({ route }) => route === 'payment');
    const open = own.filter(
      ({ input, decision }) => input.kind === 'cycle-ended' && decision.state.machine.name === 'open',
    );
    t.true(
      open.some(({ decision: { transition } }) => transition === undefined),
      'a cycle that stayed open',
    );
  });

  run('what waits in the delay when it opens is still delivered', async (t, world) => {
    await world.breaker();
    const drip = await openedByExpiries(world);
    await drip.stop();
    const last = drip.accepted.at(-1) as string;
    const handled = await world.handle('payment');
    await world.until(() => handled.at.has(last));
    t.pass();
  });

  run('the recorded inputs, replayed through the model, give the same transitions', async (t, world) => {
    await world.breaker();
    const drip = world.drip('payment', 37);
    for (let round = 0; round < 2; round += 1) {
      await world.gateIs('payment', 'open');
      const { stop } = await world.handle('payment');
      await world.gateIs('payment', 'closed');
      await stop();
    }
    await drip.stop();
    await world.until(() => recorded(world, 'payment').moves.length >= 8);
    const { history, moves } = recorded(world, 'payment');
    t.deepEqual(moves, modelOf(history, policy.badCycles));
  });
}
