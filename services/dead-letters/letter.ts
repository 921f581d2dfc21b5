import { createHash } from 'node:crypto';
import type { LetterFailure, StoredLetter, StoredPacket } from './model.ts';
import type { HeaderTable, HeaderValue, Packet } from '#shared/bus/bus.ts';
import { deadLetterNoteIn, isDeadLetterHeader } from '#shared/bus/dead-letter.ts';
import { withoutDeaths } from '#shared/bus/deaths.ts';
import { decode } from '#shared/bus/envelope.ts';
import { resendable } from '#shared/bus/resendable.ts';
import { canonicalJson } from '#shared/canonical-json.ts';
import { InvalidMessage } from '#shared/errors.ts';
import { maskText } from '#shared/masking.ts';

/** What a burial adds to a letter, or makes one of. */
export interface Burial {
  readonly failure: LetterFailure;
  readonly letter: Pick<
    StoredLetter,
    | '_id'
    | 'route'
    | 'type'
    | 'key'
    | 'messageId'
    | 'correlationId'
    | 'cause'
    | 'reason'
    | 'attempts'
    | 'packet'
    | 'deadline'
    | 'broken'
  >;
}

/** Counted anew after a replay: how often it was put back, and why it died. */
const COUNTS = new Set(['redriven', 'expiries', 'first-expired-at', 'last-expired-at']);

/** Reads a packet from `<route>.dead`. `now` (epoch ms) stands for a time of death that it does not tell. */
export function burialOf(route: string, packet: Packet, now: number): Burial {
  const { headers, content, contentType, type, messageId, correlationId } = packet;
  const note = deadLetterNoteIn(headers);
  const reason = maskText(note.reason ?? 'no reason was given');
  const { attempts = 0 } = note;
  const key = textOf(headers['key']);
  const notes = JSON.stringify(withoutNotes(headers));
  const kept: StoredPacket = { content, contentType, type, messageId, correlationId, headers: notes };
  const broken = brokenBecause(packet);
  // Without an id of its own, a broken one is told from another by all that it carries.
  const envelope = broken === undefined ? [] : [correlationId ?? '', notes];
  const id = digest(route, messageId ?? '', type ?? '', canonical(content), ...envelope);
  const at = new Date(note.at ?? now);
  const cause = causeOf(reason, [messageId, correlationId, key]);
  return {
    failure: {
      id: digest(id, note.at === undefined ? '' : at.toISOString(), reason, String(attempts)),
      at,
      reason,
      attempts,
    },
    letter: {
      _id: id,
      route,
      type,
      key,
      messageId,
      correlationId,
      cause,
      reason,
      attempts,
      packet: kept,
      deadline: timeOf(headers['deadline']),
      broken,
    },
  };
}

/** What is published again: the message as it was, under the same id, without headers that cannot be sent. */
export function packetOfLetter({
  content,
  contentType,
  type,
  messageId,
  correlationId,
  headers,
}: StoredPacket): Packet {
  return resendable({
    content: bytesOfLetter(content),
    headers: JSON.parse(headers) as HeaderTable,
    ...(contentType === undefined ? undefined : { contentType }),
    ...(type === undefined ? undefined : { type }),
    ...(messageId === undefined ? undefined : { messageId }),
    ...(correlationId === undefined ? undefined : { correlationId }),
  });
}

export function bytesOfLetter(content: StoredPacket['content']): Buffer {
  return Buffer.isBuffer(content) ? content : Buffer.from(content.buffer);
}

/**
 * What failures with the same cause have in common: the first line, without the ids of the message, without UUIDs, what is
 * quoted, and numbers other than HTTP statuses.
 */
export function causeOf(reason: string, ids: readonly (string | undefined)[]): string {
  const [line = ''] = reason.split('\n', 1);
  return ids
    .filter((id) => id !== undefined && id.length > 2)
    .toSorted((a, b) => b!.length - a!.length)
    .reduce<string>((text, id) => text.replaceAll(id!, '<id>'), line)
    .replaceAll(/ \(after \d+ tries\)$/g, '')
    .replaceAll(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi, '<id>')
    .replaceAll(/(["'`])(?:(?!\1).){1,200}\1/g, '<...>')
    .replaceAll(/\b(?=[\w-]*\d)[\w-]{16,}\b/g, '<id>')
    .replaceAll(/(?<![\w#])\d+(?![\w])/g, (number) => (/^[1-5]\d\d$/.test(number) ? number : '#'))
    .slice(0, 300);
}

/** Which step of its order a saga's command does or undoes, from its id: `<order>:<step>:do` or `:undo`. */
export function stepOf(messageId = '', orderId = ''): { readonly step?: string; readonly undo?: boolean } {
  if (orderId === '' || !messageId.startsWith(`${orderId}:`)) return {};
  const [, step, which] = /^([a-z0-9-]+)(?:#\d+)?:(do|undo)$/.exec(messageId.slice(orderId.length + 1)) ?? [];
  return step === undefined ? {} : { step, undo: which === 'undo' };
}

/** `undefined`: it is a message of ours. */
function brokenBecause(packet: Packet): string | undefined {
  try {
    decode(packet);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidMessage) return error.message;
    throw error;
  }
}

function withoutNotes(headers: HeaderTable): HeaderTable {
  return Object.fromEntries(
    Object.entries(withoutDeaths(headers)).filter(([name]) => !isDeadLetterHeader(name) && !COUNTS.has(name)),
  );
}

/** The same text for the same JSON; what is no JSON as it is. */
function canonical(content: Buffer): string {
  try {
    return canonicalJson(JSON.parse(content.toString()));
  } catch {
    return content.toString('base64');
  }
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

const LAST_MS = 8.64e15;
const timeOf = (value: HeaderValue | undefined): Date | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && Math.abs(value) <= LAST_MS ? new Date(value) : undefined;
const textOf = (value: HeaderValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
