import test from 'ava';
import { createWorkersWorld } from './workers-world.ts';
import { WORKERS } from '#shared/bus/topology/topology.ts';

const owners = (table: { partitions: readonly { owner: string }[] } | undefined): readonly string[] =>
  (table?.partitions ?? []).map(({ owner }) => owner);

test('workers that start at once share the partitions; the owner is active, one other stands by', async (t) => {
  const world = createWorkersWorld({ latencyMs: 5 });
  for (const name of ['a', 'b', 'c']) world.start(name);
  t.true((await world.calm()) < 2000);
  t.deepEqual(await world.actives(), owners(await world.table()));
  t.is(new Set(owners(await world.table())).size, 3);
});

test('a first worker alone takes everything at once', async (t) => {
  const world = createWorkersWorld();
  const only = world.start('a');
  t.false(only.worker.ready);
  t.true((await world.calm()) <= 500);
  t.deepEqual(await world.actives(), ['a', 'a', 'a', 'a']);
});

test('of more workers than partitions some have nothing to do and are ready', async (t) => {
  const world = createWorkersWorld({ latencyMs: 5 });
  const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => world.start(name));
  await world.calm();
  t.true(all.every(({ worker }) => worker.ready));
  t.true(all.some(({ worker }) => worker.describe().owner.length === 0));
});

test('a joiner gets its share under load: no partition is without a consumer, order holds, nothing is lost', async (t) => {
  const world = createWorkersWorld({ latencyMs: 8 });
  for (const name of ['a', 'b']) world.start(name);
  await world.calm();
  const before = await world.table();
  let n = 0;
  const bare = await world.watch(3000, (passed) => {
    if (passed === 100) world.start('c');
    if (passed % 2 === 0) world.put(`k${n % 25}`, (n += 1));
  });
  t.deepEqual(bare, []);
  await world.calm();
  await world.clock.until(() => world.waiting() === 0);
  const after = await world.table();
  t.true(owners(after).every((owner, index) => owner === owners(before)[index] || owner === 'c'));
  t.true(owners(after).includes('c'));
  let handled = 0;
  for (let key = 0; key < 25; key += 1) {
    const seen = world.store.documents.get(`k${key}`)?.state?.seen ?? [];
    handled += seen.length;
    t.deepEqual(
      seen,
      seen.toSorted((one, other) => one - other),
    );
    t.is(new Set(seen).size, seen.length);
  }
  t.is(handled, n);
  t.deepEqual(await world.actives(), owners(after));
});

test('a worker that drains hands everything over and leaves; nothing is without a consumer', async (t) => {
  const world = createWorkersWorld({ latencyMs: 8 });
  const [a] = ['a', 'b', 'c'].map((name) => world.start(name));
  await world.calm();
  const draining = world.drain(a!);
  t.deepEqual(await world.watch(1500), []);
  const tookMs = await draining;
  t.true(tookMs < 1500, `${tookMs} ms`);
  t.deepEqual(a!.held(), []);
  await world.calm();
  t.deepEqual((await world.table())?.members, ['b', 'c']);
  t.deepEqual(await world.actives(), owners(await world.table()));
});

test('the standby of a killed worker goes on at once, and the table follows when it counts as dead', async (t) => {
  const world = createWorkersWorld();
  const [a] = ['a', 'b', 'c'].map((name) => world.start(name));
  await world.calm();
  const before = (await world.table())!.partitions;
  const standbys = before.map(({ owner, standby }) => (owner === 'a' ? standby! : owner));
  a!.kill();
  t.deepEqual(await world.actives(), standbys);
  const tookMs = 1000 + (await world.calm());
  t.true(tookMs > 3800 && tookMs < 6500, `${tookMs} ms`);
  const after = owners(await world.table());
  t.true(after.every((owner, index) => owner === before[index]!.owner || before[index]!.owner === 'a'));
  t.deepEqual(await world.actives(), after);
});

test('a worker that comes back under its name takes its partitions without a new table', async (t) => {
  const world = createWorkersWorld();
  const [a] = ['a', 'b'].map((name) => world.start(name));
  await world.calm();
  const { version } = (await world.table())!;
  a!.kill();
  await world.clock.advance(2000);
  world.start('a');
  await world.calm();
  t.is((await world.table())!.version, version);
  t.deepEqual(await world.actives(), owners(await world.table()));
});

test('a newcomer takes over from a table whose members do not answer within 1500 ms', async (t) => {
  const world = createWorkersWorld();
  const gone = { version: 3, members: ['x', 'y'], partitions: ['x', 'x', 'y', 'y'].map((owner) => ({ owner })) };
  await world.tables.replace('tally', 0, gone);
  const a = world.start('a');
  await world.clock.advance(1400);
  t.deepEqual(a.held(), []);
  t.true((await world.calm()) < 600);
  t.deepEqual((await world.table())?.members, ['a']);
});

test('workers that lose the broker keep what they have, and the same table counts when it is back', async (t) => {
  const world = createWorkersWorld();
  const all = ['a', 'b', 'c'].map((name) => world.start(name));
  await world.calm();
  const before = await world.table();
  for (const [at, { name }] of all.entries()) world.broker.dropConnection(`${name}#${at + 1}`, { stayDown: true });
  await world.clock.advance(60_000);
  t.true(all.every(({ worker }) => !worker.ready));
  for (const [at, { name }] of all.entries()) world.broker.restore(`${name}#${at + 1}`);
  t.true((await world.calm()) < 8000);
  t.deepEqual(await world.table(), before);
  t.deepEqual(await world.actives(), owners(before));
  const told = all.flatMap(({ log }) => log).filter((line) => line.includes('announce'));
  t.deepEqual(told, [], 'the connection tells of the outage');
});

test('without the store everybody keeps what it has; who waits is let in when it is back', async (t) => {
  const world = createWorkersWorld();
  const a = world.start('a');
  await world.calm();
  world.storeAway(true);
  const b = world.start('b');
  t.deepEqual(await world.watch(20_000), []);
  t.true(a.worker.ready);
  t.false(b.worker.ready);
  t.is(b.log.filter((line) => line.includes('no access')).length, 1);
  world.storeAway(false);
  t.true((await world.calm()) < 5000);
  t.deepEqual((await world.table())?.members, ['a', 'b']);
});

test('a worker that was declared dead and is not hands over, and joins again when it is heard', async (t) => {
  const world = createWorkersWorld();
  const [a] = ['a', 'b'].map((name) => world.start(name));
  await world.calm();
  a!.mute(true);
  await world.clock.advance(8000);
  t.deepEqual((await world.table())?.members, ['b']);
  a!.mute(false);
  await world.calm();
  t.deepEqual((await world.table())?.members, ['a', 'b']);
  t.deepEqual(await world.actives(), owners(await world.table()));
});

test('the last worker gives everything back without waiting for anybody', async (t) => {
  const world = createWorkersWorld();
  const all = ['a', 'b'].map((name) => world.start(name));
  await world.calm();
  const from = world.clock.now();
  await world.clock.during(Promise.all(all.map((one) => one.worker.drain(10_000))));
  t.true(world.clock.now() - from < 200, `${world.clock.now() - from} ms`);
  t.deepEqual(
    all.flatMap((one) => one.held()),
    [],
  );
});

test('what nobody takes over is given back before the deadline', async (t) => {
  const world = createWorkersWorld();
  const [a] = ['a', 'b'].map((name) => world.start(name));
  await world.calm();
  world.storeAway(true);
  const tookMs = await world.drain(a!, 4000);
  t.true(tookMs >= 2000 && tookMs <= 4000, `${tookMs} ms`);
  t.deepEqual(a!.held(), []);
});

test('a worker drains while the broker is away, within its deadline', async (t) => {
  const world = createWorkersWorld();
  const a = world.start('a');
  await world.calm();
  world.broker.dropConnection('a#1', { stayDown: true });
  await world.clock.advance(500);
  const tookMs = await world.drain(a, 3000);
  t.true(tookMs <= 4000, `${tookMs} ms`);
  t.deepEqual(a.held(), []);
});

test('an announcement that cannot be read is ignored and logged once', async (t) => {
  const world = createWorkersWorld();
  const a = world.start('a');
  await world.calm();
  for (const text of ['no json', '{}', '{"kind":"alive"}'])
    world.broker.put(WORKERS, { content: Buffer.from(text), headers: {} }, 'tally');
  await world.clock.advance(3000);
  t.true(a.worker.ready);
  t.is(a.log.filter((line) => line.includes('cannot be read')).length, 1);
});

test('two processes of one name are complained about', async (t) => {
  const world = createWorkersWorld();
  const a = world.start('a');
  await world.calm();
  world.start('a');
  await world.clock.advance(3000);
  t.is(a.log.filter((line) => line.includes('same worker id')).length, 1);
});

test('a worker that fell silent while another was away is not put in and out of the table in turns', async (t) => {
  const world = createWorkersWorld();
  const [, b] = ['a', 'b'].map((name) => world.start(name));
  await world.calm();
  b!.kill();
  await world.clock.advance(300);
  world.broker.dropConnection('a#1', { stayDown: true });
  await world.clock.advance(10_000);
  world.start('c');
  await world.clock.advance(4000);
  const { version, members } = (await world.table())!;
  t.deepEqual(members, ['c']);
  world.broker.restore('a#1');
  await world.calm();
  await world.clock.advance(10_000);
  t.is((await world.table())!.version, version + 1);
});

for (let seed = 1; seed <= 20; seed += 1) {
  test(`workers that come, drain, die, fall silent and lose channels come to rest again (seed ${seed})`, async (t) => {
    const world = createWorkersWorld({ seed, latencyMs: 15 });
    const { clock } = world;
    const pick = (below: number): number => Math.floor(clock.random() * below);
    const drains: Promise<void>[] = [];
    let names = 0;
    let n = 0;
    for (let step = 0; step < 25; step += 1) {
      const all = [...world.living.values()];
      const one = all[pick(all.length)];
      const what = pick(10);
      if (one === undefined || (what < 3 && all.length < 6)) world.start(`w${(names += 1)}`);
      else if (what < 5 && all.length > 1) {
        world.living.delete(one.name);
        drains.push(one.worker.drain(10_000));
      } else if (what === 5) one.kill();
      else if (what === 6) one.mute(true);
      else if (what === 7) one.mute(false);
      else if (what === 8) world.storeAway(pick(2) === 0);
      else world.broker.dropConnection(`${one.name}#${one.name.slice(1)}`, { kind: 'consume' });
      for (let some = 0; some < 20; some += 1) world.put(`k${pick(15)}`, (n += 1));
      await clock.advance(pick(3000));
    }
    world.storeAway(false);
    for (const one of world.living.values()) one.mute(false);
    if (world.living.size === 0) world.start('w99');
    await clock.during(Promise.all(drains));
    await world.calm(30_000);
    t.deepEqual(await world.actives(), owners(await world.table()));
  });
}

test('copies tell each other what they can go on with; one that says nothing counts until it has left', async (t) => {
  const world = createWorkersWorld({ latencyMs: 5 });
  const newer = world.start('newer', ['road@2', 'road@1']);
  await world.calm();
  t.deepEqual(newer.worker.othersRun(), [], 'alone it has nobody to mind');
  const older = world.start('older', ['road@1']);
  const oldest = world.start('oldest');
  await world.calm();
  t.deepEqual(newer.worker.othersRun().toSorted(), [['road@1'], undefined]);
  await world.drain(oldest);
  t.deepEqual(newer.worker.othersRun(), [['road@1']]);
  older.kill();
  await world.clock.until(() => newer.worker.othersRun().length === 0);
  t.pass();
});
