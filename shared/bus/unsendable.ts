import type { Packet } from '#shared/bus/bus.ts';
import { headerBytes } from '#shared/bus/headers.ts';
import { isShort, SHORT_STRING_BYTES } from './resendable.ts';

/** What the client can encode. */
const MOST_HEADER_BYTES = 65_536;

/** Why a packet can never be sent, known without asking the broker, which would close the channel on everybody; `undefined`: it can. */
export function unsendable(exchange: string, packet: Packet, routingKey: string): string | undefined {
  const { contentType, type, messageId, correlationId, headers } = packet;
  const texts = { exchange, 'routing key': routingKey, 'content type': contentType, type, 'message id': messageId };
  for (const [name, text] of Object.entries({ ...texts, 'correlation id': correlationId }))
    if (text !== undefined && !isShort(text)) return `the ${name} is longer than ${SHORT_STRING_BYTES} bytes`;
  const bytes = headerBytes(headers);
  if (bytes === Infinity) return 'a header has no encoding';
  return bytes > MOST_HEADER_BYTES ? `the headers are too long: ${bytes} bytes` : undefined;
}
