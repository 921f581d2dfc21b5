import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { openCatalog } from '#local/mongo/storage/catalog.ts';
import { createCheckpoints } from '#local/mongo/storage/checkpoint.ts';
import { createCursors } from '#local/mongo/protocol/cursors.ts';
import { openJournal } from '#local/mongo/storage/journal.ts';
import { type Doc, decode, encode } from '#local/mongo/protocol/raw.ts';
import { openStorage } from '#local/mongo/storage/storage.ts';
import { createTurns } from '#local/mongo/protocol/turn.ts';
import { temporaryFolder } from '#test/support/mongo-world.ts';

/** Turns whose end the test decides, over a storage whose commit can fail. */
async function world(t: ExecutionContext) {
  const storage = openStorage({ dataDir: await temporaryFolder(t), maxBytes: Infinity });
  t.teardown(() => storage.close());
  const journal = openJournal(storage.database);
  const catalog = openCatalog(storage, journal, 1_000_000);
  const checkpoints = createCheckpoints(storage, catalog, journal, 1_000_000);
  let end: (() => void) | undefined;
  const clock = { ...systemClock, soon: (run: () => void) => void (end = run) };
  let failure: Error | undefined;
  const failing = {
    ...storage,
    get open() {
      return storage.open;
    },
    commit() {
      if (failure !== undefined) throw failure;
      storage.commit();
    },
  };
  const server = { storage: failing, catalog, journal, checkpoints, cursors: createCursors(clock), clock };
  const turns = createTurns(server, silentLog);
  const answers: { readonly answer: Doc; readonly committed: boolean }[] = [];
  const socket = {
    writable: true,
    write: (bytes: Buffer) => answers.push({ answer: decode(bytes.subarray(21)), committed: !storage.open }),
  } as unknown as Socket;
  return {
    answers,
    send(command: Doc) {
      const body = encode({ ...command, $db: 'd' });
      turns.accept(socket, { requestId: 1, legacy: false, silent: false, body, sequences: new Map() });
    },
    endTurn: () => end?.(),
    fail(error: Error | undefined) {
      failure = error;
    },
  };
}

test('nobody is answered before the commit of the turn, neither writers nor readers', async (t) => {
  const { send, endTurn, answers } = await world(t);
  send({ insert: 'things', documents: [{ _id: 1 }] });
  send({ find: 'things' });
  t.deepEqual(answers, []);
  endTurn();
  t.deepEqual(
    answers.map(({ committed }) => committed),
    [true, true],
  );
  t.deepEqual((answers[1]!.answer['cursor'] as Doc)['firstBatch'], [{ _id: 1 }]);
});

test('when the commit fails everybody of the turn is told and nothing of it happened', async (t) => {
  const { send, endTurn, answers, fail } = await world(t);
  send({ insert: 'things', documents: [{ _id: 1, n: 1 }] });
  endTurn();
  send({ update: 'things', updates: [{ q: { _id: 1 }, u: { n: 2 } }] });
  send({ insert: 'others', documents: [{ _id: 1 }] });
  fail(new Error('database or disk is full'));
  endTurn();
  t.deepEqual(
    answers.slice(1).map(({ answer }) => [answer['ok'], answer['code']]),
    [
      [0, 14031],
      [0, 14031],
    ],
  );
  fail(undefined);
  send({ find: 'things' });
  send({ find: 'others' });
  send({ update: 'things', updates: [{ q: { _id: 1, n: 1 }, u: { n: 3 } }] });
  endTurn();
  t.deepEqual((answers[3]!.answer['cursor'] as Doc)['firstBatch'], [{ _id: 1, n: 1 }]);
  t.deepEqual((answers[4]!.answer['cursor'] as Doc)['firstBatch'], []);
  t.is(answers[5]!.answer['nModified'], 1);
});
