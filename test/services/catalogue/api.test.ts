import test from 'ava';
import { aProduct, catalogueWorld } from './world.ts';

type World = Awaited<ReturnType<typeof catalogueWorld>>;
interface FieldProblem {
  readonly pointer: string;
  readonly in: string;
}

async function inWorld(run: (world: World) => Promise<void>): Promise<void> {
  const world = await catalogueWorld();
  try {
    await run(world);
  } finally {
    await world.stop();
  }
}

test('a product that is created answers 201 with its address and its ETag, and is read there by anybody with a token', (t) =>
  inWorld(async ({ create, get, call }) => {
    const reply = await create();
    t.is(reply.status, 201);
    t.like(reply.body, { ...aProduct, version: 1 });
    t.is(reply.headers.get('location'), '/v1/products/tea');
    t.is(reply.headers.get('etag'), '"1"');
    const read = await get('/tea');
    t.deepEqual(read.body, reply.body);
    t.is(read.headers.get('etag'), '"1"');
    t.is((await call('GET', '/v1/products/tea')).status, 401);
    t.is((await get('/none')).status, 404);
  }));

test('a product without a SKU gets one, the same again under its key', (t) =>
  inWorld(async ({ create, states }) => {
    const headers = { 'idempotency-key': 'k' };
    const reply = await create({ sku: undefined }, { headers });
    t.is(reply.status, 201);
    t.is(reply.headers.get('location'), `/v1/products/${String(reply.body['sku'])}`);
    const again = await create({ sku: undefined }, { headers });
    t.deepEqual(again.body, reply.body);
    t.is(again.headers.get('idempotency-replayed'), 'true');
    t.is(again.headers.get('etag'), '"1"');
    t.is(states.size, 1);
    t.is((await create({ sku: undefined, name: 'Other' }, { headers })).status, 422);
  }));

test('a SKU of any letters is readable at the Location that it got', (t) =>
  inWorld(async ({ create, call }) => {
    for (const sku of ['a/b c?#%', 'Tee 茶', '+1&=']) {
      const location = (await create({ sku })).headers.get('location')!;
      t.is((await call('GET', location, { as: 'alice' })).body['sku'], sku);
    }
    for (const sku of ['.', '..', '', 'x'.repeat(101), 'a\nb']) t.is((await create({ sku })).status, 400, sku);
  }));

test('a second product of one SKU is 409, stores nothing and does not burn its key', (t) =>
  inWorld(async (world) => {
    await world.create();
    const { [0]: first, length } = world.requests.all();
    const headers = { 'idempotency-key': 'k' };
    const reply = await world.create({ name: 'Other' }, { headers });
    t.is(reply.status, 409);
    t.like(reply.body, { type: '/problems/product-exists', sku: 'tea' });
    t.deepEqual([world.requests.all()[0], world.requests.all().length], [first, length]);
    t.is((await world.create({ sku: 'mug' }, { headers })).status, 201);
  }));

test('everything that is wrong with a body is told at once, each with its pointer', (t) =>
  inWorld(async ({ create, put, bus }) => {
    const wrong = {
      name: '',
      price: { amount: -1, currency: 'XXX' },
      initialStock: 1.5,
      description: 7,
      sku: '',
      colour: 'red',
    };
    const pointers = ({ body }: { readonly body: object }) =>
      [...new Set((body as { errors: FieldProblem[] }).errors.map(({ pointer }) => pointer))].toSorted();
    const reply = await create(wrong);
    t.is(reply.status, 400);
    t.deepEqual(pointers(reply), [
      '/colour',
      '/description',
      '/initialStock',
      '/name',
      '/price/amount',
      '/price/currency',
      '/sku',
    ]);
    t.deepEqual(pointers(await put('tea', '"1"', { ...wrong, initialStock: undefined })), [
      '/colour',
      '/description',
      '/name',
      '/price/amount',
      '/price/currency',
      '/sku',
    ]);
    t.deepEqual(pointers(await put('tea', '"1"', { sku: 'mug' })), ['/sku']);
    t.is(bus.published.length, 0);
  }));

test('a price may be 0, and may not be negative, a fraction, above 2^53, a text or of an unknown currency', (t) =>
  inWorld(async ({ create, call }) => {
    t.is((await create({ price: { amount: 0, currency: 'JPY' } })).status, 201);
    for (const price of [
      { amount: -1, currency: 'EUR' },
      { amount: 0.5, currency: 'EUR' },
      { amount: 2 ** 53, currency: 'EUR' },
      { amount: '1', currency: 'EUR' },
      { amount: 1, currency: 'EURO' },
      { amount: 1, currency: 'eur' },
      { amount: 1 },
      undefined,
    ])
      t.is((await create({ sku: 'mug', price })).status, 400, JSON.stringify(price));
    const raw = '{"sku":"mug","name":"Mug","price":{"amount":9007199254740993,"currency":"EUR"}}';
    t.is((await call('POST', '/v1/products', { as: 'ops', role: 'operator', raw })).status, 400);
  }));

test('a name is text of 1 to 200 characters as people count them, of any script', (t) =>
  inWorld(async ({ create }) => {
    let sku = 0;
    for (const name of [
      'x',
      'é'.repeat(200),
      'e\u0301'.repeat(200),
      '💥'.repeat(200),
      '👨‍👩‍👧‍👦'.repeat(200),
      'كتاب',
      'שלום \u200f!',
      'a"\\b',
    ])
      t.is((await create({ sku: `s${(sku += 1)}`, name })).status, 201, name);
    for (const name of [
      '',
      ' ',
      'x'.repeat(201),
      '💥'.repeat(201),
      'a\0b',
      'a\nb',
      '\u200b',
      '\ud800',
      `x${'\u0301'.repeat(9000)}`,
      7,
      null,
    ])
      t.is((await create({ sku: 'none', name })).status, 400, String(name));
  }));

test('a description is text of several lines, bounded', (t) =>
  inWorld(async ({ create }) => {
    t.is((await create({ description: 'Black.\n\n\t100 g' })).status, 201);
    t.is((await create({ sku: 'mug', description: '' })).status, 201);
    for (const description of ['x'.repeat(4001), 'a\0b', null])
      t.is((await create({ sku: 'none', description })).status, 400);
  }));

test('an update with the ETag that was read is 200 and has the next one; without one 428, stale 412 with the current one', (t) =>
  inWorld(async ({ create, put, get }) => {
    await create();
    t.is((await put('tea', undefined)).status, 428);
    const reply = await put('tea', '"1"', { sku: 'tea', name: 'Green tea' });
    t.is(reply.status, 200);
    t.like(reply.body, { name: 'Green tea', version: 2 });
    t.false('description' in reply.body, 'the body is the whole content');
    t.is(reply.headers.get('etag'), '"2"');
    t.deepEqual((await get('/tea')).body, reply.body);
    for (const etag of ['"1"', '"3"', 'W/"2"', '"x"']) {
      const stale = await put('tea', etag);
      t.is(stale.status, 412, etag);
      t.is(stale.headers.get('etag'), '"2"');
      t.like(stale.body, { type: '/problems/precondition-failed' });
    }
    t.is((await put('tea', '*')).status, 200);
    t.is((await put('none', '"1"')).status, 404);
  }));

test('a product is deleted with its ETag, once; its SKU is free and the old ETag is not good any more', (t) =>
  inWorld(async ({ create, get, put, remove, stocks }) => {
    await create();
    t.is((await remove('tea', undefined)).status, 428);
    t.is((await remove('tea', '"2"')).status, 412);
    const reply = await remove('tea', '"1"');
    t.is(reply.status, 204);
    t.is(reply.text, '');
    t.is((await get('/tea')).status, 404);
    t.is(stocks.size, 0);
    t.is((await remove('tea', '"1"')).status, 404);
    t.is((await put('tea', '"1"')).status, 404);
    t.is((await create()).status, 201);
    t.is((await put('tea', '"1"')).status, 412);
  }));

test('a product of which something is reserved is not deleted, and the answer says how much', (t) =>
  inWorld(async ({ create, remove, reserve, get }) => {
    await create();
    reserve({ reserved: 3, openOrders: 2 });
    const reply = await remove('tea', '"1"');
    t.is(reply.status, 409);
    t.like(reply.body, { type: '/problems/product-reserved', reserved: 3, openOrders: 2 });
    t.is((await get('/tea')).headers.get('etag'), '"1"');
    reserve(undefined);
    t.is((await remove('tea', '"1"')).status, 204);
  }));

test('what is not decided in time is 202, and the Location is where the product will be', (t) =>
  inWorld(async (world) => {
    await world.create();
    world.stall();
    for (const reply of [
      await world.create({ sku: 'mug' }),
      await world.put('mug', '"1"'),
      await world.remove('mug', '"1"'),
    ]) {
      t.is(reply.status, 202);
      t.deepEqual(reply.body, { sku: 'mug', state: 'pending' });
      t.is(reply.headers.get('location'), '/v1/products/mug');
    }
  }));

test('products are changed by operators alone', (t) =>
  inWorld(async ({ create, put, remove }) => {
    const customer = { as: 'alice', role: 'customer' } as const;
    t.is((await create({}, customer)).status, 403);
    t.is((await put('tea', '"1"', {}, customer)).status, 403);
    t.is((await remove('tea', '"1"', customer)).status, 403);
  }));

test('a list is read page by page, and a cursor is good for its own list only', (t) =>
  inWorld(async ({ create, get }) => {
    for (const sku of ['a', 'b', 'c']) await create({ sku });
    const skus = ({ body }: { readonly body: object }) =>
      (body as { items: { sku: string }[] }).items.map(({ sku }) => sku);
    const first = await get('?limit=2');
    t.deepEqual(skus(first), ['a', 'b']);
    const cursor = String(first.body['nextCursor']);
    const last = await get(`?limit=2&cursor=${cursor}`);
    t.deepEqual(skus(last), ['c']);
    t.false('nextCursor' in last.body);
    t.is((await get(`?limit=2&q=Tea&cursor=${cursor}`)).status, 400);
    t.is((await get('?q=')).status, 400);
    t.is((await get('?limit=0')).status, 400);
    t.deepEqual(skus(await get('?q=Coffee')), []);
  }));
