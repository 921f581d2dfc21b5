import { BASKET_KINDS } from './basket-plan.ts';
import { type BasketRow, basketsAreSound, basketVerdict } from './basket-verdict.ts';
import { listed, WORDS } from './listed.ts';
import { percentiles } from './report.ts';

/** What a person reads at the end: of each kind how many ended how, and each one that ended otherwise than it has to. */
export function basketReport(seed: number, rows: readonly BasketRow[]): string {
  const kinds = BASKET_KINDS.flatMap((kind) => {
    const ends = Map.groupBy(
      rows.filter((row) => row.kind === kind),
      endOf,
    );
    const counts = [...ends].toSorted().map(([end, { length }]) => `${length} ${end}`);
    const all = [...ends.values()].reduce((sum, { length }) => sum + length, 0);
    return all === 0 ? [] : [`${kind.padEnd(18)}${String(all).padStart(6)}   ${counts.join(', ')}`];
  });
  const took = percentiles(
    rows.flatMap(({ kind, end, answeredAt, dueAt }) =>
      ['codes', 'objects', 'codes_and_objects'].includes(kind) && end === 'done' ? [answeredAt! - dueAt] : [],
    ),
  );
  return [
    `Seed ${seed}: ${rows.length} baskets and swaps.`,
    '',
    ...kinds,
    ...(took ? ['', `Priced after ${took.p50} ms (half of them), ${took.p99} (99 of 100), ${took.max} at most.`] : []),
    ...WORDS.flatMap(([verdict, words]) => listed(rows, verdict, basketVerdict, (row) => sentence(row, words))),
    ...(basketsAreSound(rows)
      ? ['', 'Every total is what the versions of its lines compute, and every order of a basket was charged it.']
      : []),
  ].join('\n');
}

function endOf({ kind, end, order, orderReason }: BasketRow): string {
  const words = end.replace('_', ' ');
  if (kind !== 'ordered' || end !== 'done') return words;
  return `ordered, order ${order ?? 'open'}${orderReason === undefined ? '' : ` (${orderReason})`}`;
}

function sentence(row: BasketRow, words: string): string {
  const { n, kind, orderId, httpStatus, odd } = row;
  const named = `basket ${n} (${kind}${orderId === undefined ? '' : `, ${orderId}`})`;
  return `${named} ${words}: ${odd ?? `${endOf(row)}${httpStatus === undefined ? '' : `, ${httpStatus}`}`}`;
}
