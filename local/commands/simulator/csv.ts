import { endLatencyMs } from './report.ts';
import type { OrderResult, OrderRow } from './result.ts';

const COLUMNS: readonly (readonly [string, (row: OrderRow) => string | number | undefined])[] = [
  ['n', ({ n }) => n],
  ['kind', ({ kind }) => kind],
  ['customer', ({ customerId }) => customerId],
  ['order_id', ({ orderId }) => orderId],
  ['accepted_at', ({ orderId, answeredAt }) => (orderId === undefined ? undefined : time(answeredAt))],
  ['http_status', ({ httpStatus }) => httpStatus],
  ['outcome', ({ outcome }) => outcome],
  ['ended_at', ({ endedAt }) => time(endedAt)],
  ['latency_ms', endLatencyMs],
];

/** A line per order with a header (RFC 4180); times are RFC 3339, what is not known is empty. */
export function csv({ seed, rows }: Pick<OrderResult, 'seed' | 'rows'>): string {
  const lines = [
    ['seed', ...COLUMNS.map(([name]) => name)],
    ...rows.map((row) => [seed, ...COLUMNS.map(([, read]) => read(row))]),
  ];
  return lines.map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

function field(value: string | number | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function time(epochMs: number | undefined): string | undefined {
  return epochMs === undefined ? undefined : new Date(epochMs).toISOString();
}
