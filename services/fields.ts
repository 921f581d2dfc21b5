import { z } from 'zod';
import { bounded, fits } from '#shared/bounded.ts';

export { bounded };

/**
 * The vocabulary of what messages and requests carry: every string is bounded in bytes of UTF-8 as JSON writes it, every list in its
 * length, so that no valid message makes a document large, and whatever is derived from an id still fits where AMQP and the
 * database put it.
 */

/** Ids that clients and services choose: AMQP's 255 bytes hold the longest message id that is derived from one. */
export const MAX_ID_BYTES = 128;
/** An id with what its service puts before it and behind it: `hold-<order>:capture`. */
const MAX_DERIVED_ID_BYTES = 160;
export const MAX_CUSTOMER_BYTES = 200;
/** RFC 5321 section 4.5.3.1.3: a path has 256 octets, its brackets included. */
export const MAX_EMAIL_BYTES = 254;
export const MAX_SKU_BYTES = 100;
/** Lines of an order. */
export const MAX_ITEMS = 100;
const MAX_REASON_BYTES = 200;
const MAX_DETAIL_BYTES = 2000;
/** An AMQP short string. */
const MAX_MESSAGE_ID_BYTES = 255;

/** At least one, at most `max`. */
export function listOf<Item extends z.ZodType>(item: Item, max: number) {
  return z.array(item).min(1).max(max);
}

/** What some scripts and emoji need between their letters: joiners, marks of direction, tags of flags. */
const JOINING = '\\u200c-\\u200f\\u061c\\u{e0020}-\\u{e007f}';
const PLAIN = `[^[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]--[${JOINING}]]`;

/** Text that people read, of any script and with emoji, of at most `maxBytes` bytes as JSON writes them; no control characters. */
export function textOf(
  maxBytes: number,
  { lines = false }: { /** Line breaks and tabs belong to it, and it may be empty. */ readonly lines?: boolean } = {},
) {
  const pattern = lines ? `^(?:${PLAIN}|[\\n\\r\\t])*$` : `^(?=${PLAIN}*[^\\s\\p{Cf}])${PLAIN}+$`;
  return z
    .string()
    .min(lines ? 0 : 1)
    .max(maxBytes)
    .regex(new RegExp(pattern, 'v'), 'must be visible text without control characters')
    .refine((text) => fits(text, maxBytes), `must be at most ${maxBytes} bytes of UTF-8 as JSON writes it`)
    .meta({ pattern: lines ? '^[^\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F\\x7F]*$' : '^[^\\x00-\\x1F\\x7F]+$' });
}

export const orderId = bounded(MAX_ID_BYTES);
/** A query for what belongs to one order. */
export const ofOrder = z.strictObject({ orderId: orderId.describe('The id of the order.') });
export const topUpId = bounded(MAX_ID_BYTES);
/** Of a payment, a hold, a delivery, a capture: its order's id with a prefix. */
export const derivedId = bounded(MAX_DERIVED_ID_BYTES);
/** The key of a wallet. */
export const customerId = bounded(MAX_CUSTOMER_BYTES);
/** As far as the bus is concerned; the HTTP door also looks at its form. */
export const emailAddress = bounded(MAX_EMAIL_BYTES).min(3);
export const sku = bounded(MAX_SKU_BYTES);
export const quantity = z.int().min(1).max(1_000_000);
/** Of an item that the items of a whole order were added up to. */
export const totalQuantity = z
  .int()
  .min(1)
  .max(MAX_ITEMS * 1_000_000);
/** A word such as `insufficient_funds`, or what somebody outside said. */
export const reason = bounded(MAX_REASON_BYTES);
export const stepName = bounded(100);
export const messageId = bounded(MAX_MESSAGE_ID_BYTES);
/** With angle brackets: an order's id, of which each byte may be escaped (RFC 5322 section 2.1.1: a line has 998 characters). */
export const mailId = bounded(3 * MAX_ID_BYTES + 100);
/** Epoch ms. */
export const epochMs = z.int();

/**
 * A writer may use only these words. A reader also takes words of a newer version, as text: what it does with an unknown
 * one must be right.
 */
export function wordOf<const Word extends string>(_words: readonly Word[]): z.ZodType<Word> {
  return reason as z.ZodType<string> as z.ZodType<Word>;
}

/** What somebody outside said, at more length, when it did not fit a `reason`: absent in messages of versions that did not tell it. */
export const detail = bounded(MAX_DETAIL_BYTES).optional();

/** What somebody outside gave as a reason, as messages carry it. */
export interface Said {
  readonly reason: string;
  readonly detail?: string;
}

/** What somebody outside gave as a reason, made to fit: whole as the reason where it is short, else its beginning, and more of it as the detail. */
export function saidFrom(text: string): Said {
  const line = lineOf(text);
  if (fits(line, MAX_REASON_BYTES)) return { reason: line };
  return { reason: cut(line, MAX_REASON_BYTES, '…'), detail: detailFrom(line) };
}

/** One visible line that fits `detail`; of a longer one the beginning, and how long it was. */
export function detailFrom(text: string): string {
  const line = lineOf(text);
  const mark = `… (cut: it had ${Array.from(line).length} characters)`;
  return fits(line, MAX_DETAIL_BYTES) ? line : cut(line, MAX_DETAIL_BYTES, mark);
}

function lineOf(text: string): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return line === '' ? 'unknown' : line;
}

/** Between two characters. */
function cut(line: string, maxBytes: number, mark: string): string {
  let left = maxBytes - Buffer.byteLength(mark);
  let kept = '';
  for (const character of line) {
    left -= Buffer.byteLength(JSON.stringify(character)) - 2;
    if (left < 0) break;
    kept += character;
  }
  return kept + mark;
}
