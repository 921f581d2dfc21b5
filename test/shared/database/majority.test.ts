import { randomUUID } from 'node:crypto';
import test from 'ava';
import { createConnection } from 'mongoose';
import { createLetterStore } from '#services/dead-letters/store.ts';
import { createMongoRequests } from '#services/gateway/model.ts';
import { findRecordsIn } from '#services/wallet/model.ts';
import { storedAnswerTo } from '#shared/entity/stores/mongo-store.ts';
import { createMongoTableStore } from '#shared/partition/table-store.ts';

const url = process.env['SWITCHYARD_TEST_MONGO_URL'];
if (url === undefined) throw new Error('SWITCHYARD_TEST_MONGO_URL is not set: run the tests with npm test');

const READS = new Set(['find', 'aggregate', 'count', 'distinct']);
const WRITES = new Set(['insert', 'update', 'delete', 'findAndModify']);

test('whatever decides reads what a majority has from the primary and writes for a majority', async (t) => {
  const options = {
    monitorCommands: true,
    readPreference: 'secondaryPreferred',
    readConcern: { level: 'local' },
  } as const;
  const db = await createConnection(url, { dbName: `majority-${randomUUID()}`, ...options }).asPromise();
  t.teardown(async () => {
    await db.dropDatabase();
    await db.close();
  });
  const requests = createMongoRequests(db, () => 0);
  const letters = createLetterStore(db);
  const tables = createMongoTableStore(db);
  const now = new Date();
  const letter = { id: 'x', by: 'x', reason: 'x', at: now, letter: 'x' };
  const deciding: Readonly<Record<string, () => Promise<unknown>>> = {
    'the answer to a message': () => storedAnswerTo(db, 'things', 'a', 'm'),
    "a wallet's entries": () => findRecordsIn(db)(['e1']),
    'a request': () => requests.find('a'),
    'a request by what it created': () => requests.ofResource('a'),
    'a request that is taken over': () => requests.takeOver('a', 5),
    'a request that is due': () => requests.takeDue(5, 6),
    'a confirmed request': () => requests.confirm('a', { expiresAt: 5 }),
    'a settled request': () => requests.settle('a', { status: 200, body: {} }),
    'a request that is withdrawn': () => requests.withdraw('a'),
    'a request whose outcome is unknown': () => requests.giveUp('a', 5),
    'a request that is forgotten': () => requests.forget('a'),
    'the next letter to replay': () => letters.next({ requests: [], routes: [] }),
    'letters that are marked': () => letters.mark({ id: 'x', by: 'x', at: now, select: { ids: ['x'] }, ratePerS: 1 }),
    'a letter that is discarded': () => letters.discard(letter),
    'the right to replay': () => letters.takeTurn('x', now, 5),
    'who owns a partition': () => tables.load('order'),
    'a change of owners': () => tables.replace('order', 1, { version: 2, members: [], partitions: [] }),
  };
  const sent: { readonly name: string; readonly command: Readonly<Record<string, unknown>> }[] = [];
  db.getClient().on('commandStarted', ({ commandName: name, command }) => void sent.push({ name, command }));
  for (const [what, run] of Object.entries(deciding)) {
    sent.length = 0;
    await run();
    t.true(sent.length > 0, what);
    for (const { name, command } of sent) {
      if (READS.has(name)) {
        t.like(command, { readConcern: { level: 'majority' } }, what);
        const { mode = 'primary' } = (command['$readPreference'] ?? {}) as { readonly mode?: string };
        // To a server that is no member of a set the driver says that any will do.
        t.true(['primary', 'primaryPreferred'].includes(mode), `${what}: ${mode}`);
      } else {
        t.true(WRITES.has(name), name);
        t.like(command, { writeConcern: { w: 'majority', j: true } }, what);
      }
    }
  }
});
