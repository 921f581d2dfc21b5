import type { CommandOptions, Context, JournalRecord } from './entity.ts';
import { TOO_LATE, type CommandType, type EventType, type Message, type Send } from '#shared/message.ts';

export interface Answer {
  readonly type: string;
  readonly body: unknown;
}

/** One run of a handler: its context, and the answer that it gave. */
export interface Run {
  readonly context: Context;
  answered(): Answer | undefined;
}

export interface RunOptions {
  /** The route of the entity, where answers to its commands go. */
  readonly route: string;
  readonly message: Message;
  readonly now: number;
  readonly attempt: number;
  readonly unwritten: readonly JournalRecord[];
  /** Asked for on first use, because most handlers are pure and need none. */
  readonly signal: () => AbortSignal;
}

/** Builds the context of one run. */
export function runOf({ route, message, now, attempt, unwritten, signal }: RunOptions): Run {
  let answered: Answer | undefined;
  const caused = {
    correlationId: message.correlationId,
    causationId: message.id,
    ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
  };
  const context: Context = {
    message,
    now,
    attempt,
    unwritten,
    get signal() {
      return signal();
    },
    answer<Body>(type: EventType<Body>, body: Body) {
      answered = { type: type.name, body };
      return answerTo(message, answered);
    },
    command<Body>(type: CommandType<Body>, body: Body, { id, deadline, rememberUntil, replyRoute }: CommandOptions) {
      return {
        exchange: `${type.route}.${type.undo ? 'hash' : 'in'}`,
        message: {
          ...caused,
          id,
          type: type.name,
          key: type.key(body),
          body,
          replyTo: { route: replyRoute ?? route, key: message.key },
          ...(deadline === undefined ? {} : { deadline }),
          ...(rememberUntil === undefined ? {} : { rememberUntil }),
        },
      };
    },
    news<Body>(type: EventType<Body>, body: Body, key: string) {
      return {
        exchange: 'events',
        message: { ...caused, id: `${message.id}>${type.name}`, type: type.name, key, body },
      };
    },
  };
  return { context, answered: () => answered };
}

/** The send that carries an answer to whoever asked; `undefined` when nobody did. The same message gives the same send. */
export function answerTo(message: Message, answer: Answer): Send | undefined {
  if (message.replyTo === undefined) return undefined;
  return {
    exchange: `${message.replyTo.route}.hash`,
    message: {
      id: `${message.id}>${answer.type}`,
      type: answer.type,
      key: message.replyTo.key,
      body: answer.body,
      correlationId: message.correlationId,
      causationId: message.id,
      ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
    },
  };
}

/** What the owner of a command answers when its deadline has passed. */
export function tooLateTo(message: Message): Send | undefined {
  return answerTo(message, { type: TOO_LATE, body: { command: message.type } });
}
