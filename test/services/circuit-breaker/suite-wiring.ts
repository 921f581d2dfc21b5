import type { Run } from './suite-run.ts';
import { ask } from './asking.ts';
import { table, type World } from './world.ts';
import type { BindingSpec } from '#shared/bus/bus.ts';
import { gate, hash, inbox, questionQueues } from '#shared/bus/topology/topology.ts';

const { direct, delayed } = gate('payment');
const stray: BindingSpec = { source: inbox('payment'), destination: hash('notify'), to: 'exchange', routingKey: '' };
const lastPartition: BindingSpec = {
  source: hash('payment'),
  destination: 'payment.001',
  to: 'queue',
  routingKey: '1',
};

const isBound = async (world: World, { source, destination }: BindingSpec): Promise<boolean> =>
  (await world.during(world.readBindings())).some((one) => one.source === source && one.destination === destination);

const force = (world: World, id: string, state: 'closed' | 'half_open' | 'open') =>
  ask(world, { id, kind: 'override', route: 'payment', state, expiresInMs: 60_000 });

export function wiring(run: Run): void {
  run('a gate that somebody else moved is put back, with a transition that says so', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    const administrator = await world.during(world.administrator());
    await world.during(administrator.unbind(direct));
    await world.during(administrator.unbind(delayed));
    t.is(await world.during(world.publish('payment', 'a')), 'returned');
    await world.gateIs('payment', 'closed');
    await world.until(() => (world.view('payment')?.transitions.length ?? 0) === 1);
    t.like(world.view('payment')?.transitions[0], {
      from: 'open',
      to: 'closed',
      cause: 'repair: binding 1 was missing, binding 2 was missing',
    });
    t.is(await world.during(world.publish('payment', 'b')), 'confirmed');
    t.deepEqual(world.view('notify')?.transitions, []);
  });

  run('an open route that somebody bound again is open again, and a bad time proves nothing', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    await force(world, '1', 'open');
    const administrator = await world.during(world.administrator());
    await world.during(administrator.bind(direct));
    t.is(await world.gate('payment'), 'mixed');
    await world.gateIs('payment', 'open');
    await world.until(() => world.view('payment')?.transitions[0]?.cause === 'repair: binding 1 was there');
    t.is(world.view('payment')?.state, 'open');
  });

  run('an operator’s word binds what it says also where nothing should have changed', async (t, world) => {
    await world.breaker({ wiring: undefined });
    await world.until(() => world.view('payment') !== undefined);
    const administrator = await world.during(world.administrator());
    await world.during(administrator.unbind(direct));
    await world.during(administrator.unbind(delayed));
    t.true((await force(world, '1', 'closed')).ok);
    t.is(await world.gate('payment'), 'closed');
  });

  run('a way past the gate is removed; a partition that is not bound is told until it is', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    const administrator = await world.during(world.administrator());
    await world.during(administrator.bind(stray));
    await world.until(async () => !(await isBound(world, stray)));
    await world.during(administrator.unbind(lastPartition));
    await world.until(() =>
      /payment\.hash -> payment\.001 is not bound/.test(world.view('payment')?.problems.join() ?? ''),
    );
    t.is(world.view('payment')?.problems.length, 1);
    t.deepEqual(world.view('notify')?.problems, []);
    await world.during(administrator.bind(lastPartition));
    await world.until(() => world.view('payment')?.problems.length === 0);
    t.deepEqual(
      table.routes.map((route) => world.view(route)?.transitions.length),
      [0, 0],
    );
  });

  run('a way past the gate that the breaker has no right to is told, and holds up nothing', async (t, world) => {
    const { circuit } = await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    const administrator = await world.during(world.administrator());
    await world.during(administrator.declareQueue({ name: 'tap', type: 'quorum', arguments: {} }));
    const tap: BindingSpec = { source: inbox('payment'), destination: 'tap', to: 'queue', routingKey: '' };
    await world.during(administrator.bind(tap));
    await world.until(() => world.view('payment')?.problems.join() === 'payment.in -> tap is bound and should not be');
    t.true((await force(world, '1', 'open')).ok);
    t.is(await world.gate('payment'), 'open');
    t.is(circuit.standing, 'leader');
    await world.during(administrator.unbind(tap));
    await world.until(() => world.view('payment')?.problems.length === 0);
  });

  run(
    'a gate whose delay queue is gone is told and left alone: the other routes keep their breaker',
    async (t, world) => {
      const names = ['payment', 'notify'].flatMap((route) =>
        ['000', '001', 'delay', 'expired', 'parked', 'dead', 'state'].map((name) => `${route}.${name}`),
      );
      const queues = [...names, ...questionQueues(table, 'payment')]
        .filter((name) => name !== 'payment.delay')
        .map((name): BindingSpec => ({ source: '', destination: name, to: 'queue', routingKey: name }));
      const readBindings = async (): Promise<readonly BindingSpec[]> => {
        const bound = (await world.readBindings()).filter(({ source }) => source !== '');
        return [...queues, ...bound.filter(({ destination }) => destination !== 'payment.delay')];
      };
      const { circuit } = await world.breaker({ wiring: { table, readBindings } });
      await world.until(() => world.view('payment') !== undefined);
      await world.until(() => world.view('payment')?.problems.length === 1);
      t.deepEqual(world.view('payment')?.problems, ['the queue payment.delay does not exist: provision again']);
      t.deepEqual(world.view('notify')?.problems, []);
      t.deepEqual(world.view('payment')?.transitions, []);
      t.is(circuit.standing, 'leader');
    },
  );
}
