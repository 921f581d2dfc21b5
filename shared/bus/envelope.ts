import { isUtf8 } from 'node:buffer';
import type { Delivery, HeaderValue, Packet } from './bus.ts';
import { PAST_GATE, SENT_AT } from './deaths.ts';
import { isShort, SHORT_STRING_BYTES } from './resendable.ts';
import { InvalidMessage } from '#shared/errors.ts';
import type { Message, ReplyTo, Send } from '#shared/message.ts';

/** Throws `InvalidMessage` for what AMQP cannot carry. `sentAt`: epoch ms of this publish; part of the packet, not of the message. */
export function encode(message: Message, sentAt?: number): Packet {
  const headers: Record<string, HeaderValue> = { key: message.key };
  if (message.causationId !== undefined) headers['causation-id'] = message.causationId;
  if (message.traceparent !== undefined) headers['traceparent'] = message.traceparent;
  if (message.deadline !== undefined) headers['deadline'] = message.deadline;
  if (message.rememberUntil !== undefined) headers['remember-until'] = message.rememberUntil;
  if (message.replyTo !== undefined) {
    headers['reply-route'] = message.replyTo.route;
    headers['reply-key'] = message.replyTo.key;
  }
  if (message.redriven !== undefined) headers['redriven'] = message.redriven;
  if (message.pastGate) headers[PAST_GATE] = true;
  if (sentAt !== undefined) headers[SENT_AT] = sentAt;
  return {
    content: Buffer.from(JSON.stringify(message.body ?? null)),
    contentType: 'application/json',
    type: short('type', message.type),
    messageId: short('id', message.id),
    correlationId: short('correlation id', message.correlationId),
    headers,
  };
}

/** The packet of a send; it says whether it goes past the gate. */
export function encodeSend({ exchange, message }: Send, sentAt?: number): Packet {
  return encode(exchange.endsWith('.hash') ? { ...message, pastGate: true } : message, sentAt);
}

/** Throws `InvalidMessage` for what could never be sent: `encode`'s limits and that of the exchange's name, without the work. */
export function requireSendable({ exchange, message }: Send): void {
  short('exchange', exchange);
  short('type', message.type);
  short('id', message.id);
  short('correlation id', message.correlationId);
}

/**
 * When it was published, epoch ms by the publisher's clock, if all the time since then was spent waiting for its turn. `undefined`: its
 * publisher did not say; or the gate delayed it, or it was redriven or delivered before.
 */
export function sentAtOf({
  packet: { headers },
  redelivered,
}: Pick<Delivery, 'packet' | 'redelivered'>): number | undefined {
  const sentAt = headers[SENT_AT];
  return typeof sentAt !== 'number' || redelivered || headers['x-death'] !== undefined ? undefined : sentAt;
}

/** Throws `InvalidMessage`, naming the part, for a packet that is not one of our messages. The body is not checked beyond being JSON. */
export function decode(packet: Packet): Message {
  const { headers } = packet;
  const causationId = text(headers['causation-id'], 'header causation-id');
  const traceparent = text(headers['traceparent'], 'header traceparent');
  const deadline = whole(headers['deadline'], 'header deadline');
  const rememberUntil = whole(headers['remember-until'], 'header remember-until');
  const redriven = whole(headers['redriven'], 'header redriven');
  const replyTo = replyOf(
    text(headers['reply-route'], 'header reply-route'),
    text(headers['reply-key'], 'header reply-key'),
  );
  return {
    id: required(packet.messageId, 'message id'),
    type: required(packet.type, 'type'),
    key: required(text(headers['key'], 'header key'), 'header key'),
    correlationId: required(packet.correlationId, 'correlation id'),
    body: parsed(packet.content),
    ...(causationId === undefined ? undefined : { causationId }),
    ...(traceparent === undefined ? undefined : { traceparent }),
    ...(deadline === undefined ? undefined : { deadline }),
    ...(rememberUntil === undefined ? undefined : { rememberUntil }),
    ...(replyTo === undefined ? undefined : { replyTo }),
    ...(redriven === undefined ? undefined : { redriven }),
    ...(headers[PAST_GATE] === true ? { pastGate: true as const } : undefined),
  };
}

function short(name: string, value: string): string {
  if (!isShort(value)) {
    throw new InvalidMessage(`the ${name} is longer than ${SHORT_STRING_BYTES} bytes: ${value.slice(0, 40)}...`);
  }
  return value;
}

function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new InvalidMessage(`the ${name} is missing`);
  return value;
}

function text(value: HeaderValue | undefined, name: string): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw new InvalidMessage(`the ${name} is not a text`);
  return value;
}

function whole(value: HeaderValue | undefined, name: string): number | undefined {
  if (value !== undefined && (typeof value !== 'number' || !Number.isSafeInteger(value))) {
    throw new InvalidMessage(`the ${name} is not a whole number`);
  }
  return value;
}

function replyOf(route: string | undefined, key: string | undefined): ReplyTo | undefined {
  if (route === undefined && key === undefined) return undefined;
  return { route: required(route, 'header reply-route'), key: required(key, 'header reply-key') };
}

function parsed(content: Buffer): unknown {
  if (!isUtf8(content)) throw new InvalidMessage('the body is not UTF-8');
  try {
    return JSON.parse(content.toString());
  } catch (cause) {
    throw new InvalidMessage('the body is not JSON', { cause });
  }
}
