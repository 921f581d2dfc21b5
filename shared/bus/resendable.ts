import type { Packet } from '#shared/bus/bus.ts';
import { cutHeaders, MAX_HEADER_BYTES } from '#shared/bus/headers.ts';

/** An AMQP short string (message id, type, correlation id) holds this much UTF-8. */
export const SHORT_STRING_BYTES = 255;

/**
 * The packet as it can be published again, whatever a foreign client put into it: headers that fit, and short strings that do (bytes
 * that are no UTF-8 are read as longer ones). The same object when nothing had to be cut; otherwise it may be another message, or none.
 */
export function resendable(packet: Packet): Packet {
  const headers = cutHeaders(packet.headers, MAX_HEADER_BYTES);
  const { contentType, type, messageId, correlationId } = packet;
  const long = [contentType, type, messageId, correlationId].some((text) => text !== undefined && !isShort(text));
  if (headers === packet.headers && !long) return packet;
  return {
    content: packet.content,
    headers,
    ...(contentType === undefined ? undefined : { contentType: shortened(contentType) }),
    ...(type === undefined ? undefined : { type: shortened(type) }),
    ...(messageId === undefined ? undefined : { messageId: shortened(messageId) }),
    ...(correlationId === undefined ? undefined : { correlationId: shortened(correlationId) }),
  };
}

/** No character takes more than three bytes a UTF-16 unit. */
export function isShort(text: string): boolean {
  return text.length * 3 <= SHORT_STRING_BYTES || Buffer.byteLength(text) <= SHORT_STRING_BYTES;
}

function shortened(text: string): string {
  return isShort(text)
    ? text
    : Buffer.from(text)
        .subarray(0, SHORT_STRING_BYTES - 3)
        .toString()
        .replace(/\uFFFD$/, '');
}
