import type { Entity, Handler } from './entity.ts';
import { answerTo } from './context.ts';
import { decode, requireSendable } from '#shared/bus/envelope.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { InvalidMessage } from '#shared/errors.ts';
import { TOO_LATE, WAKE, type Message } from '#shared/message.ts';

/** Turns packets into messages that the entity has a handler for; everything else is an `InvalidMessage` with its reason. */
export function createInbox<State>(entity: Entity<State>): {
  read(packet: Packet): Message;
  handlerOf(message: Message): Handler<State> | undefined;
} {
  const handlers = new Map(entity.handlers.map((handler) => [handler.type.name, handler]));
  /** An id to which no answer could be sent would be tried for ever, with everything behind it. */
  const longestAnswer = entity.handlers
    .flatMap(({ type }) => (type.kind === 'command' ? [type.done, type.refused] : []))
    .map((type) => type?.name ?? '')
    .reduce((longest, name) => (name.length > longest.length ? name : longest), TOO_LATE);
  return {
    handlerOf: (message) => handlers.get(message.type),
    read(packet) {
      const message = decode(packet);
      const answer = answerTo(message, { type: longestAnswer, body: null });
      if (answer !== undefined) requireSendable(answer);
      if (message.type === WAKE || message.type === TOO_LATE) return message;
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
    },
  };
}
