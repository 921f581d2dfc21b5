/** Many who change what is on hand at the same time, over the door of a town. */
import test from 'ava';
import { goodAt } from '#test/support/goods.ts';
import { createDoor } from '#test/town/door.ts';
import { areShelved, shelve } from '#test/town/shelves.ts';
import { startTown } from '#test/town/town.ts';

const START = 500;

async function openDoor() {
  const town = await startTown();
  const goods = [{ ...goodAt(500, 'EUR', 'tea'), initialStock: START }];
  shelve(town.broker, goods);
  await town.clock.until(() => areShelved(town.homes.get('stock')!.store, goods));
  const { ask, answered } = createDoor(town);
  const level = async () => {
    const { headers, body } = await answered<{ onHand: number; version: number }>('GET', '/v1/stock/tea');
    return { etag: headers?.['ETag'], ...body };
  };
  return { ...town, ask, answered, level };
}

test('two hundred adjustments at once, up and down, end at their exact sum; each is one movement', async (t) => {
  const { clock, ask, answered, level } = await openDoor();
  const deltas = Array.from({ length: 200 }, (_, n) => (n % 5 < 3 ? 1 : -1));
  const sum = deltas.reduce((total, delta) => total + delta, 0);
  t.not(sum, 0);
  const answers = await clock.during(
    Promise.all(
      deltas.map((delta, n) =>
        ask('POST', '/v1/stock/tea/adjustments', { body: { delta, reason: 'counted' }, key: `count-${n}` }),
      ),
    ),
  );
  t.true(answers.every(({ status }) => status === 201));
  t.like(await level(), { onHand: START + sum });
  const kinds: (readonly [string, number])[] = [];
  for (let cursor = ''; ;) {
    const target = `/v1/stock/tea/movements?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { body } = await answered<{ items: { kind: string; quantity: number }[]; nextCursor?: string }>(
      'GET',
      target,
    );
    kinds.push(...body.items.map(({ kind, quantity }) => [kind, quantity] as const));
    if (body.nextCursor === undefined) break;
    cursor = body.nextCursor;
  }
  const adjusted = kinds.filter(([kind]) => kind === 'adjusted').map(([, quantity]) => quantity);
  t.deepEqual(adjusted.toSorted(), deltas.toSorted());
});

test('the same adjustment sent again under its key is made once', async (t) => {
  const { clock, ask, level } = await openDoor();
  const again = () => ask('POST', '/v1/stock/tea/adjustments', { body: { delta: 7, reason: 'found' }, key: 'found' });
  const [first, ...meanwhile] = await clock.during(Promise.all([again(), again(), again()]));
  const later = await clock.during(again());
  t.is(first?.status, 201);
  // Sent while the first is on its way: it made the change, or its answer is waited for elsewhere.
  t.true(meanwhile.every(({ status }) => status === 201 || status === 409));
  t.deepEqual([later.status, later.body], [201, first?.body]);
  t.like(await level(), { onHand: START + 7 });
});

test('of twenty who set the level by the version that they read, one succeeds and the others are told the version that there is', async (t) => {
  const { clock, ask, level } = await openDoor();
  const { version } = await level();
  const wanted = Array.from({ length: 20 }, (_, n) => 600 + n);
  const answers = await clock.during(
    Promise.all(wanted.map((onHand) => ask('PUT', '/v1/stock/tea', { body: { onHand }, ifMatch: version }))),
  );
  const statuses = answers.map(({ status }) => status);
  t.deepEqual(statuses.toSorted(), [200, ...Array.from({ length: 19 }, () => 412)]);
  const now = await level();
  t.deepEqual([now.onHand, now.version], [wanted[statuses.indexOf(200)], version + 1]);
  for (const { headers } of answers) t.is(headers?.['ETag'], `"${version + 1}"`);
});
