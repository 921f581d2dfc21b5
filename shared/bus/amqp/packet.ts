import type { Message, Options } from 'amqplib';
import type { Packet } from '#shared/bus/bus.ts';

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** Persistent and mandatory. `appId` tells two packets under way with the same id apart when one is returned. */
export function publishOptions(packet: Packet, appId?: string): Options.Publish {
  const options: Options.Publish = { mandatory: true, persistent: true, headers: packet.headers };
  if (packet.contentType !== undefined) options.contentType = packet.contentType;
  if (packet.type !== undefined) options.type = packet.type;
  if (packet.messageId !== undefined) options.messageId = packet.messageId;
  if (packet.correlationId !== undefined) options.correlationId = packet.correlationId;
  if (appId !== undefined) options.appId = appId;
  return options;
}

/** Kept nowhere but in memory, and given back when nothing is bound there. */
export function transientOptions(packet: Packet): Options.Publish {
  return { ...publishOptions(packet), persistent: false };
}

export function packetOf({ content, properties }: Message): Packet {
  const packet: Mutable<Packet> = { content, headers: properties.headers ?? {} };
  if (typeof properties.contentType === 'string') packet.contentType = properties.contentType;
  if (typeof properties.type === 'string') packet.type = properties.type;
  if (typeof properties.messageId === 'string') packet.messageId = properties.messageId;
  if (typeof properties.correlationId === 'string') packet.correlationId = properties.correlationId;
  return packet;
}
