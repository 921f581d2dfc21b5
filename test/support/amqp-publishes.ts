/** What a client of RabbitMQ publishes, read from its bytes (AMQP 0-9-1, sections 2.3.5 and 4.2.3), so that some of it can be lost on the way. */

export interface Publish {
  readonly key: string;
  readonly body: Buffer;
}

export interface PublishFilter {
  /** Only these are read, by their routing key; all else goes through as it comes. */
  readonly wants: (key: string) => boolean;
  readonly isLost: (publish: Publish) => boolean;
}

/** What a client says while it has nothing to say (section 4.2.7): without it the broker ends the connection. */
export const HEARTBEAT: Buffer = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce]);

const GREETING_BYTES = 8;
/** Type, channel, size; and the octet that ends a frame. */
const HEAD_BYTES = 7;
const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const BASIC = 60;
const PUBLISH = 40;

interface Reading {
  readonly key: string;
  readonly frames: Buffer[];
  readonly body: Buffer[];
  left: number | undefined;
}

/**
 * Of one connection, from its first byte: what it is given goes through, in whole frames, except the publishes that the filter says are
 * lost, each as a whole. A channel with confirms must not lose any: its client would wait.
 */
export function losing(filter: () => PublishFilter | undefined): (chunk: Buffer) => Buffer {
  const reading = new Map<number, Reading>();
  let isGreeted = false;
  let rest: Buffer = Buffer.alloc(0);

  function taken(frame: Buffer): readonly Buffer[] {
    const [type, channel] = [frame.readUInt8(0), frame.readUInt16BE(1)];
    const payload = frame.subarray(HEAD_BYTES, -1);
    const current = reading.get(channel);
    if (type === METHOD) {
      const key = routingKeyOf(payload);
      if (key === undefined || filter()?.wants(key) !== true) return [frame];
      reading.set(channel, { key, frames: [frame], body: [], left: undefined });
      return [];
    }
    if (current === undefined || (type !== HEADER && type !== BODY)) return [frame];
    current.frames.push(frame);
    if (type === HEADER) current.left = Number(payload.readBigUInt64BE(4));
    else {
      current.body.push(payload);
      current.left = (current.left ?? 0) - payload.length;
    }
    if (current.left !== 0) return [];
    reading.delete(channel);
    const publish = { key: current.key, body: Buffer.concat(current.body) };
    return filter()?.isLost(publish) === true ? [] : current.frames;
  }

  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const out: Buffer[] = [];
    if (!isGreeted) {
      if (rest.length < GREETING_BYTES) return Buffer.alloc(0);
      isGreeted = true;
      out.push(rest.subarray(0, GREETING_BYTES));
      rest = rest.subarray(GREETING_BYTES);
    }
    while (rest.length >= HEAD_BYTES) {
      const size = HEAD_BYTES + rest.readUInt32BE(3) + 1;
      if (rest.length < size) break;
      out.push(...taken(rest.subarray(0, size)));
      rest = rest.subarray(size);
    }
    return Buffer.concat(out);
  };
}

/** `undefined`: it publishes nothing. */
function routingKeyOf(payload: Buffer): string | undefined {
  if (payload.readUInt16BE(0) !== BASIC || payload.readUInt16BE(2) !== PUBLISH) return undefined;
  // After two octets that are reserved: the exchange, then the key, each with its length.
  const exchange = payload.readUInt8(6);
  const at = 7 + exchange;
  return payload.toString('utf8', at + 1, at + 1 + payload.readUInt8(at));
}
