import { CHECKOUT_KINDS } from './checkout-plan.ts';
import { areSound, type CheckoutRow, checkoutVerdict } from './checkout-verdict.ts';
import { listed, WORDS } from './listed.ts';
import { percentiles } from './report.ts';

/** What a person reads at the end: of each kind how many ended how, and each one that ended otherwise than it has to. */
export function checkoutReport(seed: number, rows: readonly CheckoutRow[]): string {
  const ends = [...new Set(rows.map(endOf))].toSorted();
  const kinds = CHECKOUT_KINDS.flatMap((kind) => {
    const of = rows.filter((row) => row.kind === kind);
    const counts = ends.flatMap((end) => {
      const count = of.filter((row) => endOf(row) === end).length;
      return count === 0 ? [] : [`${count} ${end}`];
    });
    return of.length === 0 ? [] : [`${kind.padEnd(18)}${String(of.length).padStart(6)}   ${counts.join(', ')}`];
  });
  const took = percentiles(
    rows.flatMap(({ decidedAt, dueAt }) => (decidedAt === undefined ? [] : [decidedAt - dueAt])),
  );
  return [
    `Seed ${seed}: ${rows.length} checkouts.`,
    '',
    ...kinds,
    ...(took ? ['', `Decided after ${took.p50} ms (half of them), ${took.p99} (99 of 100), ${took.max} at most.`] : []),
    ...WORDS.flatMap(([verdict, words]) => listed(rows, verdict, checkoutVerdict, (row) => sentence(row, words))),
    ...(areSound(rows)
      ? ['', 'Every checkout was decided as it has to be, and every order behind one has ended.']
      : []),
  ].join('\n');
}

function endOf({ decision, event, code, order, orderReason }: CheckoutRow): string {
  if (decision === 'rejected') return `rejected at ${event} (${code})`;
  if (decision !== 'approved') return decision.replace('_', ' ');
  const why = orderReason === undefined ? '' : ` (${orderReason})`;
  return `approved, order ${order ?? 'open'}${why}`;
}

function sentence(row: CheckoutRow, words: string): string {
  const { n, kind, checkoutId, httpStatus, odd } = row;
  const named = `checkout ${n} (${kind}${checkoutId === undefined ? '' : `, ${checkoutId}`})`;
  return `${named} ${words}: ${odd ?? `${endOf(row)}${httpStatus === undefined ? '' : `, ${httpStatus}`}`}`;
}
