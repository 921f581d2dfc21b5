import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { ask } from './asking.ts';
import { rabbitGround } from './grounds.ts';
import { messageOf, openWorld, policy, type World } from './world.ts';
import { BREAKER_REPLY, BREAKER_REQUEST } from '#services/circuit-breaker/contract.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { CONTROL, expired, gate, hash, inbox, parked, SNAPSHOT, state } from '#shared/bus/topology/topology.ts';

async function open(t: ExecutionContext, given = policy): Promise<World> {
  const world = await openWorld(rabbitGround, given);
  t.teardown(() => world.close());
  return world;
}

/** A breaker as a process, with heartbeats of a second. */
function startProcess(t: ExecutionContext, url: string, name: string) {
  const file = fileURLToPath(new URL('breaker-process.ts', import.meta.url));
  const child = spawn(process.execPath, [file, url, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  child.stdout.on('data', (data: Buffer) => lines.push(...data.toString().split('\n').filter(Boolean)));
  t.teardown(() => child.kill('SIGKILL'));
  return { lines, freeze: () => child.kill('SIGSTOP'), wake: () => child.kill('SIGCONT') };
}

test('a leader that is frozen in the middle of a transition and woken after another took over changes nothing', async (t) => {
  const world = await open(t);
  const frozen = startProcess(t, world.urlOf('circuit-breaker'), 'frozen');
  await world.until(() => frozen.lines.includes('standing leader'));
  const forced = ask(world, { id: '1', kind: 'override', route: 'payment', state: 'half_open', expiresInMs: 60_000 });
  t.true((await forced).ok);
  // It is about to bind the route directly, and will not come to answer.
  const clear = { id: '2', kind: 'clear-override', route: 'payment' };
  const cleared = ask(world, clear, 1000).catch(() => undefined);
  await world.until(() => frozen.lines.includes('stored half_open closed'));
  frozen.freeze();
  const frozenAt = world.clock.now();
  const second = await world.breaker();
  await world.until(() => second.circuit.standing === 'leader', 15_000);
  t.log(`taken over ${world.clock.now() - frozenAt} ms after the freeze, with heartbeats of 1 s`);
  await world.until(() => world.snapshots[0]?.leader === 'breaker-1');
  t.is(world.view('payment')?.state, 'closed');
  t.true((await ask(world, { id: '3', kind: 'override', route: 'payment', state: 'open', expiresInMs: 60_000 })).ok);
  t.is(await world.gate('payment'), 'open');

  const known = world.snapshots.length;
  frozen.wake();
  await world.until(() => frozen.lines.at(-1) === 'standing next');
  await world.until(() => world.snapshots.length > known + 3);
  t.is(await world.gate('payment'), 'open');
  t.deepEqual(new Set(world.snapshots.slice(0, -known).map(({ leader }) => leader)), new Set(['breaker-1']));
  t.false(frozen.lines.includes('applied half_open closed'));
  t.is(second.circuit.standing, 'leader');
  const administrator = await world.administrator();
  const stored = await administrator.get(state('payment'));
  t.is(JSON.parse(stored?.packet.content.toString() ?? '{}').state.override.state, 'open');
  t.is(await cleared, undefined);
});

test('while half-open, one partition with 1,000 messages that nobody takes does not hold up the others', async (t) => {
  const world = await open(t, { ...policy, ttlMs: 60_000, cycleMs: 120_000 });
  await world.breaker();
  await world.until(() => world.view('payment') !== undefined);
  const payment = await world.connect('payment');
  const gateway = await world.connect('gateway');
  const at = new Map<string, number>();
  const owner = new Map<string, string>();
  const take = (queue: string) =>
    payment.consume(queue, {
      prefetch: 5000,
      onChannelLost() {},
      onDelivery({ packet: { messageId = '' } }) {
        at.set(messageId, world.clock.now());
        owner.set(messageId, queue);
      },
    });
  const [stuck] = [await take('payment.000'), await take('payment.001')];
  const keyed = (key: string, id: string): Packet => ({ ...encode(messageOf('payment', id)), headers: { key } });
  const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
  await Promise.all(keys.map((key) => gateway.publish(inbox('payment'), keyed(key, key))));
  await world.until(() => owner.size === keys.length);
  const ofQueue = (queue: string): string[] => keys.filter((key) => owner.get(key) === queue);
  const [full, free] = [ofQueue('payment.000'), ofQueue('payment.001')];
  t.true(full.length > 0 && free.length > 0);
  await stuck.close();

  t.true(
    (await ask(world, { id: '1', kind: 'override', route: 'payment', state: 'half_open', expiresInMs: 60_000 })).ok,
  );
  const pick = (list: string[], index: number): string => list[index % list.length] as string;
  const blocked = Array.from({ length: 1000 }, (_, index) => keyed(pick(full, index), `stuck-${index}`));
  await Promise.all(blocked.map((packet) => gateway.publish(inbox('payment'), packet)));
  const sentAt = world.clock.now();
  const ids = Array.from({ length: 200 }, (_, index) => `free-${index}`);
  await Promise.all(ids.map((id, index) => gateway.publish(inbox('payment'), keyed(pick(free, index), id))));
  await world.until(() => ids.every((id) => at.has(id)), policy.delayMs + 5000);
  const worstMs = Math.max(...ids.map((id) => (at.get(id) as number) - sentAt));
  t.true(worstMs <= policy.delayMs + 5000);
  t.false([...at.keys()].some((id) => id.startsWith('stuck-')));
  const administrator = await world.administrator();
  await world.until(async () => (await administrator.depth('payment.000')) >= 1000);
  t.log(`the last of 200 arrived after ${worstMs} ms, with a delay of ${policy.delayMs} ms`);
});

test('no other service’s user can move the gate, speak for the breaker or see what it keeps', async (t) => {
  const world = await open(t);
  for (const service of ['payment', 'notify', 'gateway']) {
    const bus = await world.connect(service);
    const session = await bus.session();
    const { direct, delayed } = gate('payment');
    for (const binding of [direct, delayed]) {
      await t.throwsAsync(session.bind(binding), undefined, service);
      await t.throwsAsync(session.unbind(binding), undefined, service);
    }
    const packet = encode(messageOf('payment', 'x'));
    for (const exchange of [state('payment'), expired('payment'), parked('payment'), SNAPSHOT]) {
      await t.throwsAsync(bus.publish(exchange, packet), undefined, `${service} to ${exchange}`);
      await world.until(() => bus.connected);
    }
    await t.throwsAsync(bus.publish(CONTROL, packet, BREAKER_REPLY), undefined, `${service} answers`);
    await world.until(() => bus.connected);
    await t.throwsAsync(session.get(state('payment')), undefined, service);
    if (service === 'gateway') continue;
    await t.throwsAsync(bus.publish(CONTROL, packet, BREAKER_REQUEST), undefined, `${service} asks`);
    await world.until(() => bus.connected);
    const listening = bus.subscribe(CONTROL, [BREAKER_REQUEST], () => {});
    await t.throwsAsync(listening, undefined, `${service} hears`);
  }
  t.is(await world.gate('payment'), 'closed');
  const breaker = await world.connect('circuit-breaker');
  await t.throwsAsync((await breaker.session()).get('payment.000'));
  await breaker.publish(hash('payment'), encode(messageOf('payment', 'mine')));
});
