import type { Backoff } from '#shared/backoff.ts';
import { EVENTS } from '#shared/bus/topology/topology.ts';
import {
  TOO_LATE,
  type CommandType,
  type EventType,
  type Message,
  type MessageType,
  type Send,
} from '#shared/message.ts';

/** What a handler decided. The engine commits `state` first, then publishes `send`, then acknowledges. */
export interface Result<State> {
  readonly state: State;
  /** `undefined` entries are skipped, so that `context.answer(...)` can stand in the list as it is. */
  readonly send?: readonly (Send | undefined)[];
  /** Immutable records with deterministic ids; they ride in the document until they are upserted into the store's journal. */
  readonly journal?: readonly JournalRecord[];
}

/** The state and one answer to the asker. */
export function answering<State>(state: State, answer: Send | undefined): Result<State> {
  return { state, send: [answer] };
}

export interface JournalRecord {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** Between the parts of a record's id: no id of a message holds a control character. */
const SEPARATOR = '\u001F';

/** A record's id among those of all keys of a service: the same parts give the same id, others another one. */
export function joined(...parts: readonly string[]): string {
  return parts.join(SEPARATOR);
}

/** What a handler may use besides its arguments; nothing else is allowed to know the time. */
export interface Context {
  readonly message: Message;
  /** Epoch ms of this run. */
  readonly now: number;
  /** 1 for the first try of this message in this process, 2 for the next, ... */
  readonly attempt: number;
  /** Journal records of this key that may not be in the journal yet: who looks something up there looks here first. */
  readonly unwritten: readonly JournalRecord[];
  /** Of the records that `recalls` named, those that there are, written yet or not. */
  readonly recorded: Recorded;
  /** Aborted when the run has taken the effect's limit; pass it to every call outside. */
  readonly signal: AbortSignal;
  /**
   * Answers the handled command: to its `replyTo`, with id `<command id>><event name>`. Without a `replyTo` nothing is
   * sent, but the answer is remembered with the handled id all the same, where a view can read it.
   */
  answer<Body>(type: EventType<Body>, body: NoInfer<Body>): Send | undefined;
  /** A command to its owner's route: through the gate (`<route>.in`), or past it (`<route>.hash`) if it is an undo. */
  command<Body>(type: CommandType<Body>, body: NoInfer<Body>, options: CommandOptions): Send;
  /** News on the topic exchange `events`, routing key = the event's name. */
  news<Body>(type: EventType<Body>, body: NoInfer<Body>, key: string): Send;
}

export interface CommandOptions {
  /** Deterministic id, e.g. `<order>:<step>:do`. */
  readonly id: string;
  /** Epoch ms; past it the owner answers `engine.too-late` and does nothing. */
  readonly deadline?: number;
  readonly rememberUntil?: number;
  /** Where its answer goes under this entity's key: another route, or an audience. Absent: the route of this entity. */
  readonly replyRoute?: string;
}

/** A journal record of the key by its id, if there is one. */
export type Recorded = (id: string) => JournalRecord | undefined;

/**
 * The ids of the journal records that the handler has to know, as far as they follow from what is known. Asked again with what was
 * found, until it names none that was not looked up; what waits in line for the same key is looked up in the same read.
 */
export type Recalls<State, Body> = (state: State | undefined, body: Body, recorded: Recorded) => readonly string[];

export type Handle<State, Body> = (
  state: State | undefined,
  body: Body,
  context: Context,
) => Result<State> | Promise<Result<State>>;

/**
 * What an effect that may take long needs. When the engine's ordinary limit passes, its message and those behind it move into the
 * stash of the document and are acknowledged, and the run goes on without them, holding neither a delivery nor a slot. The head of the
 * stash is leased meanwhile (`leasedUntil`: start + `limitMs` + a margin): nobody else tries it before this run has surely ended. What
 * comes of the run is applied by compare-and-set as what came of the head of the stash. A run that ends in time costs nothing more.
 */
export interface Effect {
  /** The run is aborted after this long; above the engine's own `effectMs` to have any effect. */
  readonly limitMs?: number;
  /** Instead of the engine's limits for tries of one message. */
  readonly retry?: Backoff & { readonly attempts: number };
}

/** One message type and what the entity does with it. Built by `on`. */
export interface Handler<State> {
  readonly type: MessageType;
  readonly effect?: Effect | undefined;
  /** Absent: it needs to know nothing but the state. */
  recalls?(state: State | undefined, body: unknown, recorded: Recorded): readonly string[];
  handle(state: State | undefined, body: unknown, context: Context): Result<State> | Promise<Result<State>>;
}

/** An entity: one key, one document, one sequential mailbox. */
export interface Entity<State> {
  /** The route whose messages it handles; also the name of its service. */
  readonly route: string;
  readonly handlers: readonly Handler<State>[];
  /** Epoch ms at which the key wants to be woken, derived from its state; `undefined`: never. */
  readonly dueAt?: (state: State) => number | undefined;
  /** Runs when `dueAt` has passed. Must move `dueAt` on or clear it. Required with `dueAt`. */
  readonly wake?: Handle<State, undefined>;
  /** Runs when the owner of a command answers that its deadline had passed; `body.command` is the type of that command. */
  readonly tooLate?: Handle<State, { readonly command: string }>;
  /** Names of what it can go on with that another version may not know, e.g. definitions of sagas; its copies tell each other. */
  readonly runs?: readonly string[];
}

/** Ties a message type to its handler; a handler of another body is a compile error. `effect`: for one that may take long. */
export function on<State, Body>(
  type: MessageType<Body>,
  handle: Handle<State, NoInfer<Body>>,
  effect?: Effect,
): Handler<State> {
  return { type, handle, effect };
}

export interface EntityAnswer {
  readonly type: string;
  readonly body: unknown;
}

/** A handler that knows more than the state: these journal records are looked up before it runs. It stays a pure function. */
export function onRecalled<State, Body>(
  type: MessageType<Body>,
  recalls: Recalls<State, NoInfer<Body>>,
  handle: Handle<State, NoInfer<Body>>,
): Handler<State> {
  return { type, recalls, handle };
}

/** One run of a handler: its context, and the answer that it gave. */
export interface HandlerRun {
  readonly context: Context;
  answered(): EntityAnswer | undefined;
}

export interface HandlerRunOptions {
  /** The route of the entity, where answers to its commands go. */
  readonly route: string;
  readonly message: Message;
  readonly now: number;
  readonly attempt: number;
  readonly unwritten: readonly JournalRecord[];
  /** Absent: nothing was looked up. */
  readonly recorded?: Recorded | undefined;
  /** Asked for on first use, because most handlers are pure and need none. */
  readonly signal: () => AbortSignal;
}

/** Builds the context of one run. */
export function runOf(options: HandlerRunOptions): HandlerRun {
  const { route, message, now, attempt, unwritten, signal } = options;
  const { recorded = (id) => unwritten.find((record) => record.id === id) } = options;
  let answered: EntityAnswer | undefined;
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
    recorded,
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
        exchange: EVENTS,
        message: { ...caused, id: `${message.id}>${type.name}`, type: type.name, key, body },
      };
    },
  };
  return { context, answered: () => answered };
}

/** The send that carries an answer to the asker; `undefined` when there is none. The same message gives the same send. */
export function answerTo(message: Message, answer: EntityAnswer): Send | undefined {
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
