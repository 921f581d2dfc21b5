import test, { type ExecutionContext } from 'ava';
import { createConnection } from 'mongoose';
import { Registry } from 'prom-client';
import { buried } from './world.ts';
import { mongoWorld } from '#test/support/mongo-world.ts';
import { burialOf } from '#services/dead-letters/letter.ts';
import { letterGauge } from '#services/dead-letters/metrics.ts';
import { createLetterStore, type LetterStore } from '#services/dead-letters/store.ts';
import { deadLetterView } from '#services/dead-letters/view.ts';

const AT = new Date('2026-03-01T00:00:00.000Z');
const at = (day: number): string => `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`;
const idOf = (index: number): string => burialOf('wallet', buried(index), 0).letter._id;

async function storeWith(t: ExecutionContext, count: number) {
  const { db } = await mongoWorld(t);
  const store = createLetterStore(db);
  await store.prepare();
  await store.prepare();
  for (let index = 1; index <= count; index += 1)
    await store.record(burialOf('wallet', buried(index, { 'dead-at': at(index) }), 0));
  return { store, view: deadLetterView(db) };
}

const request = (id: string, ...indexes: readonly number[]): Parameters<LetterStore['mark']>[0] => ({
  id,
  by: 'root',
  at: AT,
  select: indexes.length > 0 ? { ids: indexes.map(idOf) } : { route: 'wallet' },
  ratePerS: 1,
});
const next = async (store: LetterStore) => {
  const letter = await store.next({ requests: [], routes: [] });
  if (letter === undefined) throw new Error('nothing is to be replayed');
  return letter;
};

test('a burial that is recorded by two at the same time is one', async (t) => {
  const { store, view } = await storeWith(t, 0);
  const burial = burialOf('wallet', buried(1), 0);
  const results = await Promise.all(Array.from({ length: 5 }, () => store.record(burial)));
  t.deepEqual(results.toSorted(), ['known', 'known', 'known', 'known', 'stored']);
  t.like(await view.find(idOf(1)), { failures: 1, state: 'dead' });
});

test('what is acknowledged afterwards is written to a majority, and journalled', async (t) => {
  const { db } = await mongoWorld(t);
  const url = `mongodb://${db.host}:${db.port}`;
  const watched = await createConnection(url, { dbName: db.name, monitorCommands: true }).asPromise();
  t.teardown(() => watched.close());
  const concerns: unknown[] = [];
  watched.getClient().on('commandStarted', ({ commandName, command }) => {
    if (commandName === 'update') concerns.push(command['writeConcern']);
  });
  const store = createLetterStore(watched);
  await store.record(burialOf('wallet', buried(1), 0));
  await store.mark(request('r1', 1));
  await store.replayed(await next(store), AT);
  t.is(concerns.length, 3);
  for (const concern of concerns) t.like(concern, { w: 'majority', j: true });
});

test('many burials of a message: all are counted, the newest fifty are kept', async (t) => {
  const { store, view } = await storeWith(t, 0);
  for (let index = 0; index < 60; index += 1)
    await store.record(burialOf('wallet', buried(1, { 'dead-at': new Date(index * 1000).toISOString() }), 0));
  const letter = await view.find(idOf(1));
  t.is(letter?.failures, 60);
  t.is(letter?.failureList.length, 50);
  t.is(letter?.firstFailureAt, new Date(0).toISOString());
  t.is(letter?.failureList[0]?.at, letter?.lastFailureAt);
});

test('the same request carried out twice marks once, also what has failed again since', async (t) => {
  const { store, view } = await storeWith(t, 2);
  t.is(await store.mark(request('r1')), 2);
  await store.replayed(await next(store), AT);
  await store.replayed(await next(store), AT);
  await store.record(burialOf('wallet', buried(1, { 'dead-at': at(20) }), 0));
  t.is(await store.mark(request('r1')), 2);
  t.is((await view.find(idOf(1)))?.state, 'dead', 'another copy that is late does not send it once more');
  t.is(await store.mark(request('r2')), 1);
});

test('a failure that comes before its replay was marked as done stays a failure', async (t) => {
  const { store, view } = await storeWith(t, 1);
  await store.mark(request('r1'));
  const letter = await next(store);
  await store.record(burialOf('wallet', buried(1, { 'dead-at': at(20) }), 0));
  await store.replayed(letter, AT);
  t.like(await view.find(idOf(1)), { state: 'dead', failures: 2 });
});

test('the old burial delivered again after a replay changes nothing', async (t) => {
  const { store, view } = await storeWith(t, 1);
  await store.mark(request('r1'));
  await store.replayed(await next(store), AT);
  t.is(await store.record(burialOf('wallet', buried(1, { 'dead-at': at(1) }), 0)), 'known');
  t.like(await view.find(idOf(1)), { state: 'replayed', failures: 1 });
});

test('only what is dead is discarded, with who and why; by its id it can be wanted again after all', async (t) => {
  const { store, view } = await storeWith(t, 2);
  const discard = (id: string, index: number) =>
    store.discard({ id, letter: idOf(index), by: 'root', reason: 'done by hand', at: AT });
  t.is(await discard('d1', 1), 1);
  t.is(await discard('d1', 1), 1, 'another copy carries out the same');
  t.is(await discard('d2', 1), 0);
  t.like(await view.find(idOf(1)), { state: 'discarded', discarded: { by: 'root', reason: 'done by hand' } });
  await store.mark(request('r1', 2));
  t.is(await discard('d3', 2), 0);
  t.is(await store.mark(request('r2')), 0, 'a selection leaves out what was discarded');
  t.is(await store.mark(request('r3', 1)), 1);
  t.false('discarded' in ((await view.find(idOf(1))) ?? {}));
});

test('one holder at a time has the turn; it ends by itself, or is left', async (t) => {
  const { store } = await storeWith(t, 0);
  const later = (ms: number): Date => new Date(AT.getTime() + ms);
  t.true(await store.takeTurn('a', AT, 1000));
  t.false(await store.takeTurn('b', later(999), 1000));
  t.true(await store.takeTurn('a', later(999), 1000));
  t.false(await store.takeTurn('b', later(1500), 1000));
  t.true(await store.takeTurn('b', later(2000), 1000));
  await store.leaveTurn('b');
  t.true(await store.takeTurn('a', later(2001), 1000));
});

test('listed newest first, page by page, by route, cause, state and order', async (t) => {
  const { store, view } = await storeWith(t, 5);
  await store.record(
    burialOf('order', { content: Buffer.from('4111111111111111'), headers: { 'dead-at': at(9), password: 'x' } }, 0),
  );
  await store.mark(request('r1', 2));
  const idsOf = (items: readonly { readonly messageId?: string | undefined }[]) =>
    items.map(({ messageId }) => messageId);
  const first = await view.list({ route: 'wallet' }, { limit: 3 });
  t.deepEqual(idsOf(first.items), ['top-up-5', 'top-up-4', 'top-up-3']);
  const second = await view.list({ route: 'wallet' }, { limit: 3, cursor: first.nextCursor });
  t.deepEqual(idsOf(second.items), ['top-up-2', 'top-up-1']);
  t.is(second.nextCursor, undefined);
  t.deepEqual(idsOf((await view.list({ state: 'replaying' }, { limit: 9 })).items), ['top-up-2']);
  t.deepEqual(idsOf((await view.list({ orderId: 'top-up-3' }, { limit: 9 })).items), ['top-up-3']);
  t.is((await view.list({ cause: 'the wallet of <id> broke' }, { limit: 9 })).items.length, 5);
  t.deepEqual(idsOf(await view.openOf('top-up-2')), ['top-up-2']);
  const { items } = await view.causes({});
  t.like(items[0], { route: 'wallet', count: 5, states: { dead: 4, replaying: 1 }, types: ['wallet.top-up'] });
  t.like(items[1], { route: 'order', count: 1, states: { dead: 1 }, cause: 'no reason was given' });
  const [broken] = (await view.list({ route: 'order' }, { limit: 1 })).items;
  const shown = await view.find(broken?.id ?? '');
  t.deepEqual(shown?.message, { headers: { password: '***' }, bytes: 16, body: '***' });
  t.is(shown?.replaysTo, undefined);
  t.regex(shown?.broken ?? '', /message id is missing/);
});

test('the message is shown with its headers, where it would go and until when it counts', async (t) => {
  const { store, view } = await storeWith(t, 0);
  await store.record(burialOf('wallet', buried(1, { deadline: Date.parse(at(5)) }), 0));
  t.like(await view.find(idOf(1)), {
    replaysTo: 'wallet.in',
    deadline: at(5),
    message: { type: 'wallet.top-up', headers: { key: 'customer-1' } },
  });
  t.is(await view.find('nothing'), undefined);
});

test('the metric counts by route and state', async (t) => {
  const { store } = await storeWith(t, 3);
  await store.mark(request('r1', 2));
  const registry = new Registry();
  letterGauge(registry, store, ['order', 'wallet'], () => AT.getTime());
  const text = await registry.metrics();
  t.regex(text, /switchyard_dead_letters\{route="wallet",state="dead"\} 2/);
  t.regex(text, /switchyard_dead_letters\{route="wallet",state="replaying"\} 1/);
  t.regex(text, /switchyard_dead_letters\{route="order",state="dead"\} 0/);
});

test('what is dead and past its deadline is obsolete: not counted as dead, not replayed, and shown as that', async (t) => {
  const { db } = await mongoWorld(t);
  const store = createLetterStore(db);
  await store.prepare();
  const view = deadLetterView(db, { now: () => AT.getTime() });
  const [past, future] = [AT.getTime() - 1, AT.getTime() + 1];
  for (const [index, deadline] of [past, future, undefined].entries())
    await store.record(burialOf('wallet', buried(index + 1, deadline === undefined ? {} : { deadline }), 0));
  t.deepEqual(
    (await store.counts(AT)).toSorted((a, b) => a.state.localeCompare(b.state, 'en')),
    [
      { route: 'wallet', state: 'dead', count: 2 },
      { route: 'wallet', state: 'obsolete', count: 1 },
    ],
  );
  const { items } = await view.list({}, { limit: 9 });
  t.deepEqual(items.map(({ obsolete }) => obsolete === true).toSorted(), [false, false, true]);
  t.like((await view.causes({})).items[0], { count: 3, obsolete: 1 });
  t.is(await store.mark(request('r1', 1)), 0, 'by its id');
  t.is(await store.mark(request('r2')), 2, 'by its route');
});

test('all that is dead of one cause is discarded at once, what is obsolete or broken too, and nothing else', async (t) => {
  const { store, view } = await storeWith(t, 4);
  await store.mark(request('r1', 4));
  await store.record(burialOf('order', { content: Buffer.from('odd'), headers: {} }, 0));
  const discard = (id: string, select: object) =>
    store.discardMany({ id, select, by: 'root', reason: 'a test', at: AT });
  t.is(await discard('d1', { cause: 'the wallet of <id> broke' }), 3);
  t.is(await discard('d1', { cause: 'the wallet of <id> broke' }), 3, 'another copy carries out the same');
  t.is(await discard('d2', { route: 'wallet' }), 0);
  t.is(await discard('d3', { route: 'order' }), 1);
  t.like(await view.find(idOf(1)), { state: 'discarded', discarded: { reason: 'a test' } });
  t.like(await view.find(idOf(4)), { state: 'replaying' });
});
