import test from 'ava';
import { row } from './rows.ts';
import { KINDS, type Kind } from '#local/commands/simulator/plan.ts';
import type { OrderRow } from '#local/commands/simulator/result.ts';
import { isSound, type SimulationVerdict, verdictOf } from '#local/commands/simulator/verdict.ts';

const paid: readonly Kind[] = ['ok', 'slow', 'duplicate', 'cancelled', 'retried', 'hot_sku'];

for (const kind of KINDS) {
  test(`${kind}: completing is ${paid.includes(kind) ? 'right' : 'wrong'}`, (t) => {
    t.is(verdictOf(row({ kind, outcome: 'completed' })), paid.includes(kind) ? 'right' : 'wrong');
  });
  test(`${kind}: being cancelled is ${kind === 'cancelled' ? 'right' : 'wrong'}`, (t) => {
    t.is(verdictOf(row({ kind, outcome: 'cancelled' })), kind === 'cancelled' ? 'right' : 'wrong');
  });
}

const others: readonly (readonly [string, Partial<OrderRow>, SimulationVerdict])[] = [
  ['a declined order fails for its reason', { kind: 'declined', outcome: 'failed', reason: 'card_declined' }, 'right'],
  ['a declined order fails for another', { kind: 'declined', outcome: 'failed', reason: 'not_authorized' }, 'wrong'],
  ['short funds', { kind: 'short_funds', outcome: 'failed', reason: 'insufficient_funds' }, 'right'],
  ['another currency', { kind: 'foreign_currency', outcome: 'failed', reason: 'currency_mismatch' }, 'right'],
  ['a good that there is none of', { kind: 'short_stock', outcome: 'failed', reason: 'insufficient_stock' }, 'right'],
  ['a provider that is silent', { kind: 'timeout', outcome: 'failed', reason: 'timed_out' }, 'right'],
  ['a good order that took too long', { outcome: 'failed', reason: 'timed_out' }, 'late'],
  ['a good order that was declined', { outcome: 'failed', reason: 'card_declined' }, 'wrong'],
  ['an order without an end', { outcome: 'open' }, 'hanging'],
  ['a refused one', { outcome: 'refused', httpStatus: 503 }, 'right'],
  ['one without an answer', { outcome: 'unanswered' }, 'right'],
  ['an answer that nobody should get', { outcome: 'rejected', httpStatus: 500 }, 'wrong'],
  ['one key, two orders', { kind: 'duplicate', twins: ['o-1', 'o-2'] }, 'wrong'],
];
for (const [what, fields, verdict] of others)
  test(`${what}: ${verdict}`, (t) => {
    t.is(verdictOf(row(fields)), verdict);
    t.is(isSound([row(), row(fields)]), verdict === 'right' || verdict === 'late');
  });
