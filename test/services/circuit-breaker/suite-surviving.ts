import type { Run } from './suite-run.ts';
import { messageOf, openedByExpiries, type World } from './world.ts';
import type { GateName } from '#services/circuit-breaker/breaker.ts';
import type { Point } from '#services/circuit-breaker/route-breaker.ts';
import type { Delivery } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { dead, expired, hash, state } from '#shared/bus/topology/topology.ts';

const crashes: readonly [GateName, GateName][] = [
  ['closed', 'half_open'],
  ['half_open', 'open'],
  ['open', 'half_open'],
  ['half_open', 'closed'],
];

/** Makes the route go from one state to the other. */
async function drive(world: World, from: GateName, to: GateName): Promise<void> {
  const drip = world.drip('payment');
  if (from === 'open') {
    await world.gateIs('payment', 'open');
    await drip.stop();
  } else if (to === 'closed') {
    await world.gateIs('payment', 'half_open');
    await world.handle('payment');
  }
}

export function surviving(run: Run): void {
  for (const point of ['stored', 'applied', 'broadcast'] satisfies Point[]) {
    for (const [from, to] of crashes) {
      run(`killed between ${from} and ${to}, right after ${point}, it ends in the stored state`, async (t, world) => {
        let killed = false;
        const first = await world.breaker({
          onPoint(at, route, { transition }) {
            if (at !== point || route !== 'payment' || transition?.from !== from || transition.to !== to) return;
            killed = true;
            first.die();
            return new Promise(() => {});
          },
        });
        await drive(world, from, to);
        await world.until(() => killed, 30_000);
        await world.gateIs('payment', point === 'stored' ? from : to);
        await world.breaker();
        await world.until(() => world.snapshots[0]?.leader === 'breaker-2');
        const own = world.snapshots.findLast(({ leader }) => leader === 'breaker-2');
        const seen = own?.breakers.find(({ route }) => route === 'payment');
        t.is(seen?.state, to);
        t.like(seen?.transitions[0], { from, to });
        const taken = world.decisions.findLast(
          ({ route, input }) => route === 'payment' && input.kind === 'taken-over',
        );
        t.is(taken?.decision.state.machine.name, to);
        await world.until(async () => world.view('payment')?.state === (await world.gate('payment')));
      });
    }
  }

  run('of two breakers one acts, and the other takes over where it stopped', async (t, world) => {
    const first = await world.breaker();
    await world.until(() => first.circuit.standing === 'leader');
    const second = await world.breaker();
    await world.until(() => second.circuit.standing === 'next');
    const drip = await openedByExpiries(world);
    t.deepEqual(second.circuit.views(), []);
    t.deepEqual(new Set(world.snapshots.map(({ leader }) => leader)).size, 1);
    await drip.stop();
    first.die();
    await world.until(() => second.circuit.standing === 'leader');
    const [taken] = second.circuit.views();
    t.is(taken?.state, 'open');
    t.is(taken?.generation, 2);
    t.is(await world.gate('payment'), 'open');
    t.is(taken?.transitions.length, 2);
    await world.gateIs('payment', 'half_open');
  });

  run('a breaker that starts repairs bindings that someone else has changed', async (t, world) => {
    const first = await world.breaker();
    const drip = await openedByExpiries(world);
    await drip.stop();
    first.die();
    const administrator = await world.during(world.administrator());
    await world.during(
      administrator.bind({ source: 'payment.in', destination: 'payment.hash', to: 'exchange', routingKey: '' }),
    );
    t.is(await world.gate('payment'), 'mixed');
    await world.breaker();
    await world.gateIs('payment', 'open', 5000);
    t.pass();
  });

  run('a stored state that cannot be read counts as half-open', async (t, world) => {
    const administrator = await world.during(world.administrator());
    await world.during(administrator.publish(state('payment'), { content: Buffer.from('{"state":1}'), headers: {} }));
    await world.breaker();
    await world.until(() => world.view('payment')?.state === 'half_open');
    t.is(await world.gate('payment'), 'half_open');
    t.is(await world.gate('notify'), 'closed');
    await world.gateIs('payment', 'closed');
  });

  run(
    'a breaker that loses its connections again and again acts again each time and loses nothing',
    async (t, world) => {
      const one = await world.breaker();
      await world.until(() => one.circuit.standing === 'leader');
      const ids = Array.from({ length: 40 }, (_, index) => `m${index}`);
      const administrator = await world.during(world.administrator());
      for (const id of ids)
        await world.during(administrator.publish(hash('payment'), encode(messageOf('payment', id))));
      await world.until(() => (world.view('payment')?.expiredTotal ?? 0) > 0);
      for (let round = 0; round < 4; round += 1) {
        one.cut();
        await world.until(() => one.circuit.standing === 'out');
        await world.until(() => one.circuit.standing === 'leader');
      }
      const handled = await world.handle('payment');
      await world.until(() => ids.every((id) => handled.at.has(id)), 40_000);
      await world.until(() => world.view('payment')?.parked === 0);
      t.is(await world.during(administrator.depth(expired('payment'))), 0);
      t.is(await world.during(administrator.depth(dead('payment'))), 0);
    },
  );

  run('a state that a dead leader still holds is waited for', async (t, world) => {
    const first = await world.breaker();
    await (await openedByExpiries(world)).stop();
    first.die();
    const administrator = await world.during(world.administrator());
    let held: Delivery | undefined;
    await world.until(async () => (held = await administrator.get(state('payment'))) !== undefined);
    const second = await world.breaker();
    world.clock.after(150, () => held && administrator.release(held));
    await world.until(() => second.circuit.standing === 'leader');
    t.is(second.circuit.views()[0]?.state, 'open');
    t.is(await world.gate('payment'), 'open');
  });

  run('a breaker that is replaced while it is open goes on in the same state', async (t, world) => {
    const one = await world.breaker();
    await openedByExpiries(world);
    const before = world.decisions.filter(({ input }) => input.kind === 'taken-over').length;
    one.die();
    t.is(await world.gate('payment'), 'open');
    const two = await world.breaker();
    await world.until(() => two.circuit.standing === 'leader');
    t.is(world.decisions.filter(({ input }) => input.kind === 'taken-over').length, before + 2);
    const handled = await world.handle('payment');
    await world.gateIs('payment', 'closed');
    await world.until(() => handled.at.size > 0);
  });
}
