import type { HeaderTable } from './bus.ts';
import { isDeadLetterHeader } from './dead-letter.ts';

/** Whatever is published again has headers of at most this many bytes: a client takes 64 KiB, and the broker adds notes of its own. */
export const MAX_HEADER_BYTES = 60_000;

/** Header: the names of what was cut, as far as they fit. */
export const CUT = 'cut-headers';
const MAX_CUT_BYTES = 200;

/** What the parts of this system write themselves: cut last. */
const OURS =
  /^(key|causation-id|traceparent|deadline|remember-until|reply-route|reply-key|redriven|expiries|(first|last)-expired-at|cut-headers)$/;

/**
 * The headers without those that cannot be published again: what has no encoding, and then the longest, ours last, until `maxBytes`
 * hold the rest as AMQP encodes it. A header is kept or goes, it is never shortened: a shorter key would be another key.
 * The same object when there is nothing to cut.
 */
export function cutHeaders(headers: HeaderTable, maxBytes: number): HeaderTable {
  const whole = headerBytes(headers);
  if (whole <= maxBytes) return headers;
  const sized = Object.entries(headers).map(([name, value]) => ({ name, value, bytes: fieldBytes(name, value) }));
  const sendable = sized.filter(({ bytes }) => bytes < Infinity);
  let bytes = sendable.reduce((sum, field) => sum + field.bytes, TABLE_BYTES + MAX_CUT_BYTES);
  const cut = new Set(sized.filter((field) => field.bytes === Infinity).map(({ name }) => name));
  for (const field of sendable.toSorted((a, b) => rank(a.name) - rank(b.name) || b.bytes - a.bytes)) {
    if (bytes <= maxBytes) break;
    bytes -= field.bytes;
    cut.add(field.name);
  }
  const kept = sized.filter(({ name }) => !cut.has(name)).map(({ name, value }) => [name, value] as const);
  return { ...Object.fromEntries(kept), ...(maxBytes > MAX_CUT_BYTES ? { [CUT]: listOf([...cut]) } : {}) };
}

/** How many bytes the table takes in AMQP 0-9-1 as amqplib encodes it; `Infinity`: it throws. */
export function headerBytes(headers: HeaderTable): number {
  let bytes = TABLE_BYTES;
  for (const name in headers) bytes += fieldBytes(name, headers[name]);
  return bytes;
}

const TABLE_BYTES = 4;
const MAX_NAME_BYTES = 255;
const rank = (name: string): number => (OURS.test(name) || isDeadLetterHeader(name) ? 1 : 0);

function fieldBytes(name: string, value: unknown): number {
  if (value === undefined) return 0;
  const bytes = Buffer.byteLength(name);
  return bytes > MAX_NAME_BYTES ? Infinity : 1 + bytes + valueBytes(value);
}

/** One byte tells the type. */
function valueBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return 5 + Buffer.byteLength(value);
    case 'boolean':
      return 2;
    case 'number':
      return numberBytes(value);
    case 'object':
      if (value === null) return 1;
      if (Array.isArray(value)) return 5 + value.reduce<number>((sum, one) => sum + valueBytes(one), 0);
      if (Buffer.isBuffer(value)) return 5 + value.length;
      return '!' in value ? typedBytes(value) : 1 + headerBytes(value as HeaderTable);
    default:
      return Infinity;
  }
}

const LONG = 2 ** 63;

function numberBytes(value: number): number {
  if (value >= LONG || (Math.abs(value) < 2 ** 50 && !Number.isInteger(value))) return 9;
  if (!(value >= -LONG)) return Infinity;
  if (value >= -128 && value < 128) return 2;
  if (value >= -0x8000 && value < 0x8000) return 3;
  return value >= -0x80000000 && value < 0x80000000 ? 5 : 9;
}

/** What amqplib reads as `{ '!': type, value }`: it writes the same again, when the value is one of that type. */
function typedBytes(typed: { readonly '!'?: unknown; readonly value?: unknown }): number {
  const { '!': type, value } = typed;
  if (type === 'timestamp') return Number.isSafeInteger(value) && (value as number) >= 0 ? 9 : Infinity;
  if (type !== 'decimal' || typeof value !== 'object' || value === null) return Infinity;
  const { places, digits } = value as { readonly places?: unknown; readonly digits?: unknown };
  return isWhole(places, 255) && isWhole(digits, 2 ** 32 - 1) ? 6 : Infinity;
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function listOf(names: readonly string[]): string {
  const text = names.join(', ');
  const room = MAX_CUT_BYTES - 2 * CUT.length;
  return Buffer.byteLength(text) <= room ? text : `${names.length} headers`;
}
