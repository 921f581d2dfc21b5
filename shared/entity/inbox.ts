import type { Entity, Handler } from './entity.ts';
import { answerTo } from './context.ts';
import { decode, requireSendable } from '#shared/bus/envelope.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { InvalidMessage } from '#shared/errors.ts';
import { TOO_LATE, WAKE, type Message } from '#shared/message.ts';

/** What goes into the headers of what a message causes, each: far less than AMQP's 64 KiB for all of them. */
const MAX_HEADER_BYTES = 4096;

/** A message as the inbox read it. */
export interface Read {
  readonly message: Message;
  /** There is no handler for it (yet): its body is as it came. */
  readonly unread: boolean;
}

export interface Inbox<State> {
  read(packet: Packet): Read;
  /** The body of a message that was unread when it came. Throws `InvalidMessage` like `read`. */
  readBody(message: Message): Message;
  handlerOf(message: Message): Handler<State> | undefined;
  /** The type as the label of a metric: foreign senders do not choose how many there are. */
  labelOf(type: string | undefined): string;
}

/**
 * Turns packets into messages that the entity can handle and answer; everything else is an `InvalidMessage` with its reason.
 * @param mayAnswer whether this service may write to a route's `.hash`
 */
export function createInbox<State>(entity: Entity<State>, mayAnswer: (route: string) => boolean): Inbox<State> {
  const handlers = new Map(entity.handlers.map((handler) => [handler.type.name, handler]));
  /** An id to which no answer could be sent would be tried for ever, with everything behind it. */
  const longestAnswer = entity.handlers
    .flatMap(({ type }) => (type.kind === 'command' ? [type.done, type.refused] : []))
    .map((type) => type?.name ?? '')
    .reduce((longest, name) => (name.length > longest.length ? name : longest), TOO_LATE);

  function requireAnswerable(message: Message): void {
    requireShort('key', message.key);
    requireShort('traceparent', message.traceparent);
    requireShort('reply key', message.replyTo?.key);
    // It may have to wait in a stash and be published again from there.
    requireSendable({ exchange: entity.route, message });
    const answer = answerTo(message, { type: longestAnswer, body: null });
    if (answer === undefined) return;
    requireSendable(answer);
    const { route } = message.replyTo ?? { route: entity.route };
    if (!mayAnswer(route)) throw new InvalidMessage(`${entity.route} may not answer to the route ${route}`);
  }

  function readBody(message: Message): Message {
    const handler = handlers.get(message.type);
    if (handler === undefined) throw new InvalidMessage(`${entity.route} has no handler for ${message.type}`);
    const parsed = handler.type.body.safeParse(message.body);
    if (!parsed.success) {
      const problems = parsed.error.issues.map((issue) => `/${issue.path.join('/')} ${issue.message}`);
      throw new InvalidMessage(`${message.type}: ${problems.join('; ')}`);
    }
    if (handler.type.kind === 'command') {
      const key = handler.type.key(parsed.data);
      if (key !== message.key)
        throw new InvalidMessage(`${message.type}: header key is not the entity of the body (${key})`);
    }
    return { ...message, body: parsed.data };
  }

  return {
    handlerOf: (message) => handlers.get(message.type),
    readBody,
    labelOf: (type) =>
      type !== undefined && (handlers.has(type) || type === WAKE || type === TOO_LATE) ? type : 'unknown',
    read(packet) {
      const message = decode(packet);
      requireAnswerable(message);
      if (message.type === WAKE || message.type === TOO_LATE) return { message, unread: false };
      if (!handlers.has(message.type)) return { message, unread: true };
      return { message: readBody(message), unread: false };
    },
  };
}

function requireShort(name: string, value: string | undefined): void {
  if (value !== undefined && value.length * 3 > MAX_HEADER_BYTES && Buffer.byteLength(value) > MAX_HEADER_BYTES)
    throw new InvalidMessage(`the ${name} is longer than ${MAX_HEADER_BYTES} bytes`);
}
