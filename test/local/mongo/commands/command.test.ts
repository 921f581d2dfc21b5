import { connect } from 'node:net';
import { once } from 'node:events';
import test from 'ava';
import mongoose from 'mongoose';
import { startEmbeddedMongo } from '#local/mongo/main.ts';
import { codeOf, embeddedOnly, mongoWorld, temporaryFolder } from '#test/support/mongo-world.ts';
import { testIf } from '#test/support/test-if.ts';

const embedded = testIf(embeddedOnly, 'only the embedded database has it');

test('collections and databases are created, listed and dropped', async (t) => {
  const { db, things } = await mongoWorld(t);
  const native = db.getClient().db(db.name);
  await native.createCollection('empty');
  await things.insertOne({ _id: 1 });
  const names = async () =>
    (await native.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).sort();
  t.deepEqual(await names(), ['empty', 'things']);
  t.is((await native.listCollections({ name: 'empty' }).toArray()).length, 1);
  t.is(await codeOf(native.command({ create: 'empty' })), 48);
  await native.collection('empty').drop();
  t.deepEqual(await names(), ['things']);
  const databases = await native.admin().listDatabases({ nameOnly: true });
  t.true(databases.databases.some(({ name }) => name === db.name));
  await native.dropDatabase();
  t.deepEqual(await names(), []);
  await things.insertOne({ _id: 1 });
  t.is(await things.countDocuments(), 1);
});

test('it says what it is', async (t) => {
  const { db } = await mongoWorld(t);
  const admin = db.getClient().db('admin');
  t.is((await admin.command({ ping: 1 }))['ok'], 1);
  const hello = await admin.command({ hello: 1 });
  t.like(hello, { isWritablePrimary: true, ok: 1, maxBsonObjectSize: 16777216 });
  t.is((await admin.command({ buildInfo: 1 }))['ok'], 1);
});

test('unknown commands and options have the codes of the server', async (t) => {
  const { db } = await mongoWorld(t);
  const native = db.getClient().db(db.name);
  t.is(await codeOf(native.command({ makeCoffee: 1 })), 59);
  t.is(await codeOf(native.command({ find: 'things', flavour: 'sweet' })), 40415);
  t.is(await codeOf(native.command({ find: 'things', filter: { a: { $nonsense: 1 } } })), 2);
  t.is(await codeOf(native.command({ find: 'things', limit: 'many' })), 14);
});

embedded('transactions, change streams and what else it lacks are refused, not ignored', async (t) => {
  const { db, things } = await mongoWorld(t);
  await things.insertOne({ _id: 1, list: [1] });
  await t.throwsAsync(db.transaction(async (session) => things.insertOne({ _id: 2 }, { session })));
  const native = db.getClient().db(db.name);
  const inTransaction = { txnNumber: mongoose.mongo.Long.fromNumber(1), autocommit: false, startTransaction: true };
  t.is(await codeOf(native.command({ insert: 'things', documents: [{ _id: 2 }], ...inTransaction })), 20);
  t.is(await codeOf(things.watch().next()), 238);
  t.is(await codeOf(things.aggregate([{ $out: 'other' }]).toArray()), 238);
  t.is(await codeOf(things.aggregate([{ $merge: 'other' }]).toArray()), 238);
  t.is(await codeOf(things.updateOne({ _id: 1 }, [{ $set: { a: 1 } }])), 238);
  t.is(await codeOf(things.updateOne({ _id: 1 }, { $set: { 'list.$[]': 2 } })), 238);
  t.is(await codeOf(things.find({}, { collation: { locale: 'de' } }).toArray()), 238);
  t.is(await codeOf(things.find({ $where: 'true' }).toArray()), 2);
  t.is(await things.countDocuments(), 1);
});

test('sessions without transactions are fine', async (t) => {
  const { db, things } = await mongoWorld(t);
  const session = await db.startSession();
  await things.insertOne({ _id: 1 }, { session });
  t.is((await things.find({}, { session }).toArray()).length, 1);
  await session.endSession();
});

test('mongoose models work: casting, unique, timestamps, versions, lean reads', async (t) => {
  const { db } = await mongoWorld(t);
  const schema = new mongoose.Schema(
    {
      email: { type: String, unique: true },
      seats: [{ row: Number }],
      bytes: Buffer,
      price: mongoose.Schema.Types.Decimal128,
    },
    { timestamps: true, optimisticConcurrency: true },
  );
  const Guest = db.model('Guest', schema);
  await Guest.init();
  const guest = await Guest.create({ email: 'a@b', seats: [{ row: 1 }], bytes: Buffer.from('hi'), price: '1.50' });
  t.is(await codeOf(Guest.create({ email: 'a@b' })), 11000);
  guest.seats.push({ row: 2 });
  await guest.save();
  const stale = (await Guest.findById(guest._id))!;
  guest.email = 'c@d';
  await guest.save();
  stale.email = 'e@f';
  await t.throwsAsync(stale.save(), { name: 'VersionError' });
  const back = (await Guest.findOne({ email: 'c@d' }).lean())!;
  t.deepEqual(
    back.seats.map(({ row }) => row),
    [1, 2],
  );
  t.is(String(back.price), '1.50');
  t.true(back.updatedAt > back.createdAt);
  t.is(await Guest.countDocuments({ 'seats.row': 2 }), 1);
});

embedded('a client that talks nonsense is cut off and nobody else notices', async (t) => {
  const server = await startEmbeddedMongo({ dataDir: await temporaryFolder(t) });
  t.teardown(() => server.stop());
  const db = await mongoose.createConnection(server.url, { dbName: 'x' }).asPromise();
  t.teardown(() => db.close());
  for (const bytes of [
    'GET / HTTP/1.1\r\n\r\n plus more',
    '\x10\0\0\0aaaabbbbcccc',
    '\x15\0\0\0aaaabbbb\xdd\x07\0\0\0\0\0\0\x09',
  ]) {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.write(Buffer.from(bytes, 'latin1'));
    await once(socket, 'close');
  }
  t.is((await db.db!.command({ ping: 1 }))['ok'], 1);
});
