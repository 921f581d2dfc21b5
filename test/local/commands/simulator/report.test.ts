import test from 'ava';
import fc from 'fast-check';
import { row, START } from './rows.ts';
import { csv } from '#local/commands/simulator/csv.ts';
import { percentiles, report } from '#local/commands/simulator/report.ts';
import type { OrderResult } from '#local/commands/simulator/result.ts';

const result = (fields: Partial<OrderResult> = {}): OrderResult => ({
  seed: 7,
  rows: [],
  planned: 4,
  placingMs: 2000,
  waitingMs: 300,
  late: { count: 0, maxMs: 12 },
  reads: { pages: 3, orders: 1 },
  ...fields,
});
const rows = [
  row({ endedAt: START + 100 }),
  row({ n: 2, kind: 'declined', outcome: 'failed', reason: 'card_declined', endedAt: START + 50 }),
  row({ n: 3, kind: 'declined', orderId: 'o-3', outcome: 'completed', endedAt: START + 70 }),
  row({ n: 4, kind: 'slow', orderId: 'o-4', outcome: 'open' }),
];

test('percentiles are of the nearest rank', (t) => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  t.deepEqual(percentiles(hundred), { p50: 50, p90: 90, p99: 99, max: 100 });
  t.deepEqual(percentiles([5]), { p50: 5, p90: 5, p99: 5, max: 5 });
  t.is(percentiles([]), undefined);
});

test('percentiles are among the values and rise', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1 }), (values) => {
      const { p50, p90, p99, max } = percentiles(values)!;
      t.true([p50, p90, p99, max].every((value) => values.includes(value)));
      t.true(p50 <= p90 && p90 <= p99 && p99 <= max);
      t.true(values.filter((value) => value <= p50).length * 2 >= values.length);
    }),
  );
});

test('the report counts kinds by outcome and names what is wrong or hangs', (t) => {
  const text = report(result({ rows }));
  t.regex(text, /^Seed 7: 4 of 4 orders sent in 2\.0 s \(2\.0 a second\)/);
  t.regex(text, /^ +completed +failed +open +total$/m);
  t.regex(text, /^declined +1 +1 +- +2$/m);
  t.regex(text, /^total +2 +1 +1 +4$/m);
  t.regex(text, /^ended +70 +100 +100 +100$/m);
  t.regex(text, /^1 wrong:\n {2}order 3 \(declined, o-3\) must not end so: completed$/m);
  t.regex(text, /^1 hanging:\n {2}order 4 \(slow, o-4\) was accepted and has not ended: open$/m);
  t.notRegex(text, /Refused|keep up|late:|Every accepted order has ended/);
  t.regex(report(result({ rows: rows.slice(0, 2) })), /Every accepted order has ended/);
});

test('refusals stand apart, by status, and so does falling behind', (t) => {
  const refused = [429, 503, 503].map((httpStatus, n) => row({ n, outcome: 'refused', httpStatus }));
  const text = report(result({ rows: [...refused, row({ outcome: 'unanswered' })], late: { count: 40, maxMs: 3100 } }));
  t.regex(text, /stored: 1 with 429, 2 with 503\./);
  t.regex(text, /Without a certain answer \(they may exist\): 1 with 202/);
  t.regex(text, /did not keep up: 40 orders were sent late, at most 3\.1 s/);
});

test('a long list of hanging orders is cut', (t) => {
  const open = Array.from({ length: 50 }, (_, n) => row({ n, outcome: 'open' }));
  const text = report(result({ rows: open }));
  t.regex(text, /50 hanging:/);
  t.regex(text, /\.\.\. and 30 more/);
});

test('the CSV file has a line per order, and quotes what needs it', (t) => {
  const odd = row({ n: 2, customerId: 'a "b", c', outcome: 'refused', httpStatus: 503 });
  const { orderId: _, ...refused } = odd;
  t.is(
    csv({ seed: 7, rows: [row({ endedAt: START + 100 }), refused] }),
    [
      'seed,n,kind,customer,order_id,accepted_at,http_status,outcome,ended_at,latency_ms',
      '7,1,ok,sim-1,o-1,2026-01-01T00:00:00.010Z,202,completed,2026-01-01T00:00:00.100Z,100',
      '7,2,ok,"a ""b"", c",,,503,refused,,',
      '',
    ].join('\r\n'),
  );
});
