import type { ExecutionContext, TestFn } from 'ava';
import { ask } from './asking.ts';
import { modelOf } from './model.ts';
import { gates, messageOf, openWorld, type OpenGround, policy, recorded, type World } from './world.ts';
import type { GateName, Policy } from '#services/circuit-breaker/breaker.ts';
import type { Point } from '#services/circuit-breaker/route-breaker.ts';
import type { Delivery } from '#shared/bus/bus.ts';
import { deathsOf } from '#shared/bus/deaths.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createSlots } from '#shared/bus/slots.ts';
import { BREAKER_REQUEST } from '#services/circuit-breaker/contract.ts';
import { CONTROL, dead, expired, hash, parked, state } from '#shared/bus/topology.ts';

type Body = (t: ExecutionContext, world: World) => Promise<void>;
type Run = (title: string, body: Body, given?: Policy) => void;

/** What the circuit breaker promises, on whichever broker. Each test has a broker to itself; `atOnce` of them run together. */
export function breakerSuite(test: TestFn, openGround: OpenGround, atOnce: number): void {
  const slots = createSlots(atOnce);
  const run: Run = (title, body, given) =>
    test(title, async (t) => {
      if (!slots.tryTake()) await slots.wait();
      const world = await openWorld(openGround, given);
      if (process.env['BREAKER_LOG']) console.log(new Date().toISOString(), 'TEST', title);
      try {
        await body(t, world);
      } finally {
        await world.close().finally(() => slots.release());
      }
    });
  evidence(run);
  cycles(run);
  keeping(run);
  operating(run);
  surviving(run);
}

const { delayMs, ttlMs, cycleMs } = policy;

async function openedByExpiries(world: World, route = 'payment') {
  const drip = world.drip(route);
  await world.gateIs(route, 'open');
  await world.until(() => recorded(world, route).moves.at(-1) === 'half_open->open');
  return drip;
}

function evidence(run: Run): void {
  run('one message that nobody took in time delays those that follow', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment')?.state === 'closed');
    const sentAt = world.clock.now();
    t.is(await world.during(world.publish('payment', 'a')), 'confirmed');
    await world.gateIs('payment', 'half_open', ttlMs + 1000);
    t.true(world.clock.now() - sentAt >= ttlMs);
    await world.until(() => world.view('payment')?.state === 'half_open', 1000);
    const view = world.view('payment');
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
    const directAt = world.clock.now();
    await world.during(world.publish('payment', 'direct'));
    await world.until(() => at.has('direct'));
    t.true((at.get('direct') as number) - directAt < delayMs);
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
    t.like(world.view('payment'), { state: 'closed', expiredTotal: 0, generation: 0, parked: 0 });
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
        { ...encode(messageOf('payment', 'big')), headers: { key: 'k', long: 'x'.repeat(62_000) } },
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

function cycles(run: Run): void {
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
      await stop();
      await world.until(() => world.view('payment')?.badCycles === 1);
      t.is(await world.gate('payment'), 'half_open');
      await drip.stop();
      t.deepEqual(recorded(world, 'payment').moves, ['closed->half_open', 'half_open->closed', 'closed->half_open']);
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

function keeping(run: Run): void {
  run(
    'what expired is parked without the broker’s notes, listed, and put back when the route is closed',
    async (t, world) => {
      await world.breaker();
      await world.until(() => world.view('payment') !== undefined);
      const ids = ['a', 'b', 'c'];
      for (const id of ids) await world.during(world.publish('payment', id));
      await world.gateIs('payment', 'half_open');
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
    await world.until(() => world.view('payment')?.state === 'closed');
    const early = handled.packets.filter(({ headers }) => headers['redriven'] !== undefined);
    t.true(early.length <= 3, `${early.length} within the first moments of closed`);
    t.true((world.view('payment')?.parked ?? 0) > 5);
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
      t.is(await world.during(administrator.depth(parked('payment'))), 0);
    },
  );
}

function operating(run: Run): void {
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
    await world.until(() => world.snapshots.length >= 4, 6000);
    const [newest, older] = world.snapshots;
    const gap = (newest?.at ?? 0) - (older?.at ?? 0);
    t.true(gap >= 900 && gap < 2000, `${gap}`);
  });
}

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

function surviving(run: Run): void {
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
        await world.gateIs('payment', point === 'stored' ? from : to, 2000);
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
