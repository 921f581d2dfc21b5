import test from 'ava';
import { queueTally } from '#services/executor/audit.ts';
import type { QueueRow } from '#services/executor/audited.ts';
import { QUEUE } from '#services/executor/contract.ts';
import type { QueueRecord } from '#services/executor/state.ts';
import type { AuditedThing } from '#shared/audited-thing.ts';

type Told = readonly ['queued', number] | readonly ['executed', number, term: number, executor: string];

const recordsOf = (told: readonly Told[]): readonly QueueRecord[] =>
  told.map(([kind, entry, term = 0, executor = ''], n): QueueRecord => {
    const head = { id: `${kind}:${entry}`, queue: QUEUE, seq: n + 1, entry, orderId: `order-${entry}`, at: 1000 * n };
    return kind === 'queued' ? { ...head, kind } : { ...head, kind, term, executor };
  });

/** What is wrong with a queue that went like this; the last `riding` records are in its document, the record `swapped` names another order. */
function wrong(
  told: readonly Told[],
  { riding = 0, hangingAfterMs = 60_000, lost = 0, swapped = undefined as number | undefined } = {},
): readonly string[] {
  let records = recordsOf(told);
  if (swapped !== undefined)
    records = records.map((one) => (one.seq === swapped ? { ...one, orderId: 'another' } : one));
  const last = (kind: string): number => records.findLast((one) => one.kind === kind)?.entry ?? 0;
  const document = {
    queued: last('queued'),
    executed: last('executed'),
    term: 9,
    records: records.length,
    riding: records.slice(records.length - riding),
  };
  const written = records.slice(0, records.length - riding).filter(({ seq }) => seq !== lost);
  const rows: QueueRow[] = [
    { queue: QUEUE, document },
    ...written.toReversed().map((record) => ({ queue: QUEUE, record })),
  ];
  const tally = queueTally();
  for (const row of rows) tally.add(row);
  const thing = { id: QUEUE, exists: true, steps: [], told: () => undefined } as unknown as AuditedThing;
  return tally.check(thing, { now: 10_000, hangingAfterMs }).map(({ check, detail }) => `${check}: ${detail}`);
}

const sound: readonly Told[] = [
  ['queued', 1],
  ['queued', 2],
  ['executed', 1, 1, 'executor-1'],
  ['queued', 3],
  ['executed', 2, 3, 'executor-2'],
  ['executed', 3, 3, 'executor-2'],
];

test('a queue that was worked off is right, wherever its records are', (t) => {
  for (const riding of [0, 1, 3, 6]) t.deepEqual(wrong(sound, { riding }), []);
});

test('terms that fall, two executors of a term, an entry executed twice, out of order or never, and a lost record are found', (t) => {
  const with5 = (at: number, told: Told): readonly Told[] => sound.with(at, told);
  t.deepEqual(wrong(with5(5, ['executed', 3, 2, 'executor-2'])), [
    'order-queue: entry 2 was executed in term 3, later ones in 2',
  ]);
  t.deepEqual(wrong(with5(5, ['executed', 3, 3, 'executor-1'])), [
    'order-queue: executor-2 and executor-1 executed in term 3',
  ]);
  t.true(wrong(with5(5, ['executed', 2, 3, 'executor-2'])).length > 0);
  t.true(wrong([...sound, ['queued', 5]]).length > 0);
  t.true(wrong(sound, { lost: 4 }).length > 0);
  t.deepEqual(wrong(sound, { lost: 1 }), [
    'order-queue: the records up to 1 are missing',
    'order-queue: entry 1 was executed and has no place',
  ]);
});

test('an entry that was executed as the order of another one is found, wherever its records are', (t) => {
  for (const riding of [0, 1, 6])
    t.deepEqual(wrong(sound, { riding, swapped: 5 }), [
      'order-queue: entry 2 is of order-2 and was executed as another',
    ]);
});

test('an entry whose turn does not come hangs', (t) => {
  const waits: readonly Told[] = [...sound, ['queued', 4]];
  t.deepEqual(wrong(waits), []);
  t.deepEqual(wrong(waits, { hangingAfterMs: 0 }), ['hanging: entry 4 of order-4 has waited for its turn for 4000 ms']);
});
