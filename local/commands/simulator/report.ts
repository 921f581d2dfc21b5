import { listed } from './listed.ts';
import { KINDS } from './plan.ts';
import { ENDS, OUTCOMES, type OrderResult, type OrderRow } from './result.ts';
import { isSound, verdictOf } from './verdict.ts';

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** By nearest rank; `undefined` of nothing. */
export function percentiles(values: readonly number[]): Percentiles | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const max = sorted.at(-1);
  if (max === undefined) return undefined;
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max };
}

/** From when it was due until it ended, ms. Never negative, also when the clocks of two machines disagree. */
export function endLatencyMs({ dueAt, endedAt }: OrderRow): number | undefined {
  return endedAt === undefined ? undefined : Math.max(0, endedAt - dueAt);
}

/** What a person reads at the end. */
export function report(result: OrderResult): string {
  const { rows } = result;
  return [
    summary(result),
    '',
    ...table(rows),
    '',
    ...latencies(rows),
    ...refusals(rows),
    ...listed(rows, 'wrong', verdictOf, (row) => sentence(row, 'must not end so')),
    ...listed(rows, 'hanging', verdictOf, (row) => sentence(row, 'was accepted and has not ended')),
    ...listed(rows, 'late', verdictOf, (row) => sentence(row, 'was undone because a step took too long')),
    ...(isSound(rows) ? ['', 'Every accepted order has ended, and none as it must not.'] : []),
  ].join('\n');
}

function summary({ seed, rows, planned, placingMs, waitingMs, late, reads }: OrderResult): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const rate = placingMs === 0 ? 0 : (rows.length * 1000) / placingMs;
  const lines = [
    `Seed ${seed}: ${rows.length} of ${planned} orders sent in ${seconds(placingMs)} (${rate.toFixed(1)} a second); waited ${seconds(waitingMs)} for the last to end.`,
    `Watching them took ${reads.pages} pages of the list and ${reads.orders} single orders.`,
  ];
  if (late.count > 0)
    lines.push(
      `The stack did not keep up: ${late.count} orders were sent late, at most ${seconds(late.maxMs)}, because too many were without an answer.`,
    );
  return lines.join('\n');
}

function table(rows: readonly OrderRow[]): readonly string[] {
  const outcomes = OUTCOMES.filter((outcome) => rows.some((row) => row.outcome === outcome));
  const kinds = KINDS.filter((kind) => rows.some((row) => row.kind === kind));
  const line = (name: string, of: readonly OrderRow[]): string =>
    columns(name, [...outcomes.map((outcome) => of.filter((row) => row.outcome === outcome).length || '-'), of.length]);
  return [
    columns('', [...outcomes, 'total']),
    ...kinds.map((kind) =>
      line(
        kind,
        rows.filter((row) => row.kind === kind),
      ),
    ),
    line('total', rows),
  ];
}

function latencies(rows: readonly OrderRow[]): readonly string[] {
  const ended = rows.filter(({ outcome }) => (ENDS as readonly string[]).includes(outcome));
  const of = (name: string, values: readonly (number | undefined)[]): readonly string[] => {
    const found = percentiles(values.filter((value) => value !== undefined));
    return found === undefined ? [] : [columns(name, [found.p50, found.p90, found.p99, found.max])];
  };
  return [
    columns('ms from when due', ['p50', 'p90', 'p99', 'max']),
    ...of(
      'accepted',
      rows.flatMap(({ orderId, answeredAt, dueAt }) =>
        orderId === undefined || answeredAt === undefined ? [] : [answeredAt - dueAt],
      ),
    ),
    ...of('ended', ended.map(endLatencyMs)),
    ...of('ended (kind ok)', ended.filter(({ kind }) => kind === 'ok').map(endLatencyMs)),
  ];
}

function refusals(rows: readonly OrderRow[]): readonly string[] {
  const counted = (outcome: OrderRow['outcome']): string =>
    Object.entries(
      Object.groupBy(
        rows.filter((row) => row.outcome === outcome),
        ({ httpStatus }) => httpStatus ?? 'no answer',
      ),
    )
      .map(([status, of]) => `${of?.length ?? 0} with ${status}`)
      .join(', ');
  const [refused, unanswered] = [counted('refused'), counted('unanswered')];
  return [
    ...(refused === '' ? [] : ['', `Refused before anything was stored: ${refused}.`]),
    ...(unanswered === '' ? [] : ['', `Without a certain answer (they may exist): ${unanswered}.`]),
  ];
}

function sentence({ n, kind, orderId, outcome, reason, httpStatus, twins }: OrderRow, what: string): string {
  const named = `order ${n} (${kind}${orderId === undefined ? '' : `, ${orderId}`})`;
  if (twins !== undefined) return `${named}: one Idempotency-Key made ${twins.length} orders: ${twins.join(', ')}`;
  const status = outcome === 'rejected' ? ` with ${httpStatus}` : '';
  return `${named} ${what}: ${outcome}${status}${reason === undefined ? '' : `, ${reason}`}`;
}

function columns(name: string, cells: readonly (string | number)[]): string {
  return `${name.padEnd(18)}${cells.map((cell) => String(cell).padStart(11)).join('')}`;
}
