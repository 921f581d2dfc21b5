import type { z } from 'zod';

/** What travels between entities. Encoded by `shared/bus/envelope.ts`: body as JSON, the rest as AMQP properties and headers. */
export interface Message<Body = unknown> {
  /** Deterministic: the same cause gives the same id, so that a duplicate is recognised. AMQP `messageId`. */
  readonly id: string;
  /** `<owner>.<verb>`, e.g. `wallet.hold`. AMQP `type`. */
  readonly type: string;
  /** The key of the entity that it is for; decides the partition. Header `key`. */
  readonly key: string;
  readonly body: Body;
  /** The business transaction that it belongs to. AMQP `correlationId`. */
  readonly correlationId: string;
  /** The id of the message that caused it; an answer names its command. Header `causation-id`. */
  readonly causationId?: string;
  /** W3C trace context. Header `traceparent`. */
  readonly traceparent?: string;
  /** Epoch ms after which the owner must not act on it any more. Header `deadline`. */
  readonly deadline?: number;
  /** Epoch ms until which the receiver remembers that it handled it; absent: `deadline`, or as long as the entity. Header `remember-until`. */
  readonly rememberUntil?: number;
  /** Where an answer goes: the asker's route and entity key. Headers `reply-route`, `reply-key`. */
  readonly replyTo?: ReplyTo;
  /** How often it was put back after it expired. Header `redriven`. */
  readonly redriven?: number;
  /** It was published past the gate, to `<route>.hash`: that is the way back of its dead letter. Header `past-gate`. */
  readonly pastGate?: true;
}

export interface ReplyTo {
  readonly route: string;
  readonly key: string;
}

/** A message on its way to an exchange. */
export interface Send {
  readonly exchange: string;
  readonly message: Message;
}

/** A fact in the past tense: an answer to the asker, or news for subscribers. */
export interface EventType<Body = unknown> {
  readonly kind: 'event';
  readonly name: string;
  readonly body: z.ZodType<Body>;
}

/** A request in the imperative, for exactly one owner. */
export interface CommandType<Body = unknown> {
  readonly kind: 'command';
  readonly name: string;
  readonly body: z.ZodType<Body>;
  /** The route of its owner: the part of the name before the dot. */
  readonly route: string;
  /** The key of the entity in the body that it is for. */
  key(body: Body): string;
  /** The answer when it was done. */
  readonly done?: EventType | undefined;
  /** The answer when the owner will certainly not do it. */
  readonly refused?: EventType | undefined;
  /** Bypasses the gate: a compensation is never refused by an open route. */
  readonly undo: boolean;
}

export type MessageType<Body = unknown> = EventType<Body> | CommandType<Body>;
export type BodyOf<Type> = Type extends { readonly body: z.ZodType<infer Body> } ? Body : never;

const NAME = /^[a-z][a-z-]*\.[a-z][a-z-]*$/;

/** The same name; throws `TypeError` when it is none of a message. */
export function messageName(name: string): string {
  if (!NAME.test(name))
    throw new TypeError(`a message name is <owner>.<verb> in lower case, not ${JSON.stringify(name)}`);
  return name;
}

/** Declares an event. `name` is in the past tense: `wallet.held`. */
export function event<Body>(name: string, body: z.ZodType<Body>): EventType<Body> {
  return { kind: 'event', name: messageName(name), body };
}

/** Declares a command with its answers. `name` is imperative: `wallet.hold`. */
export function command<Body, Done = never, Refused = never>(
  name: string,
  spec: {
    readonly body: z.ZodType<Body>;
    readonly key: (body: Body) => string;
    readonly done?: EventType<Done>;
    readonly refused?: EventType<Refused>;
    readonly undo?: boolean;
  },
): CommandType<Body> & { readonly done: EventType<Done>; readonly refused: EventType<Refused> } {
  return {
    kind: 'command',
    name: messageName(name),
    body: spec.body,
    route: ownerOf(name),
    key: spec.key,
    done: spec.done as EventType<Done>,
    refused: spec.refused as EventType<Refused>,
    undo: spec.undo ?? false,
  };
}

/** The owner of a message name: `wallet` of `wallet.hold`. */
export function ownerOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

/** What the engine sends to a key whose `dueAt` has passed; never leaves its route. */
export const WAKE = 'engine.wake';
/** What an owner answers to a command whose deadline has passed: it did not act now; an earlier copy may have. */
export const TOO_LATE = 'engine.too-late';
