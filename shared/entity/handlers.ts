import {
  answerTo,
  runOf,
  type EntityAnswer,
  type Context,
  type Handler,
  type Recorded,
  type Result,
} from './entity.ts';
import type { EngineOptions, Limits } from './options.ts';
import type { Document } from './store.ts';
import { decode, requireSendable } from '#shared/bus/envelope.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { InvalidMessage } from '#shared/errors.ts';
import { TOO_LATE, WAKE, type Message } from '#shared/message.ts';

/** What goes into the headers of what a message causes, each: far less than AMQP's 64 KiB for all of them. */
const MAX_HEADER_BYTES = 4096;

/** A message as it was read from the bus. */
export interface Read {
  readonly message: Message;
  /** There is no handler for it (yet): its body is as it came. */
  readonly unread: boolean;
}

export type HandlerOutcome<State> =
  | { readonly ok: true; readonly result: Result<State>; readonly answer: EntityAnswer | undefined }
  | { readonly ok: false; readonly error: unknown };

/** An effect took longer than its limit; what it did is not known. */
export class EffectTimeout extends Error {
  override readonly name = 'EffectTimeout';
}

/** No handler knows the type; a newer version of this service may. */
export class UnknownType extends Error {
  override readonly name = 'UnknownType';
}

export interface Handlers<State> {
  /** A message that the entity can handle and answer; everything else is an `InvalidMessage` with its reason. */
  read(packet: Packet): Read;
  of(message: Message): Handler<State> | undefined;
  /** The type as the label of a metric: foreign senders do not choose how many there are. */
  labelOf(type: string | undefined): string;
  /** How long a run may take, ms; longer than `effectMs` if it goes on without its delivery. */
  limitOf(message: Message): number;
  /** Runs one message against a state. Pure handlers come back at once, others as a promise that never outlives the limit. */
  run(
    on: Pick<Document<State>, 'state' | 'journal'>,
    message: Message,
    attempt: number,
    unread?: boolean,
    recorded?: Recorded,
  ): HandlerOutcome<State> | Promise<HandlerOutcome<State>>;
}

export type HandlersOptions<State> = Pick<EngineOptions<State>, 'entity' | 'clock' | 'mayAnswer' | 'intercept'> & {
  readonly limits: Pick<Limits, 'effectMs'>;
};

/** The handlers of an entity: reads messages for them, and runs them. */
export function createHandlers<State>(options: HandlersOptions<State>): Handlers<State> {
  const { entity, clock, limits, mayAnswer = () => true, intercept } = options;
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

  function readBody(handler: Handler<State>, message: Message): Message {
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

  const limitOf = (message: Message): number =>
    Math.max(limits.effectMs, handlers.get(message.type)?.effect?.limitMs ?? 0);

  function run(
    { state, journal }: Pick<Document<State>, 'state' | 'journal'>,
    message: Message,
    attempt: number,
    unread = false,
    recorded?: Recorded,
  ): HandlerOutcome<State> | Promise<HandlerOutcome<State>> {
    let abort: AbortController | undefined;
    try {
      const handler = handlers.get(message.type);
      const read = unread && handler !== undefined ? readBody(handler, message) : message;
      const { context, answered } = runOf({
        route: entity.route,
        message: read,
        now: clock.now(),
        attempt,
        unwritten: journal,
        recorded,
        signal: () => (abort ??= new AbortController()).signal,
      });
      const done = (result: Result<State>): HandlerOutcome<State> => {
        for (const send of result.send ?? []) if (send !== undefined) requireSendable(send);
        return { ok: true, result, answer: answered() };
      };
      const call = () => handle(handler, state, read, context);
      const result = intercept === undefined ? call() : intercept(handler, state, context, call);
      if (!(result instanceof Promise)) return done(result);
      return limited(result, limitOf(message), () => abort)
        .then(done)
        .catch(failed);
    } catch (error) {
      return failed(error);
    }
  }

  function handle(handler: Handler<State> | undefined, state: State | undefined, message: Message, context: Context) {
    if (handler !== undefined) return handler.handle(state, message.body, context);
    if (message.type === WAKE && entity.wake !== undefined) return entity.wake(state, undefined, context);
    if (message.type === TOO_LATE && entity.tooLate !== undefined) {
      return entity.tooLate(state, message.body as { command: string }, context);
    }
    const problem = `${entity.route} has no handler for ${message.type}`;
    throw message.type === WAKE || message.type === TOO_LATE ? new InvalidMessage(problem) : new UnknownType(problem);
  }

  async function limited(
    result: Promise<Result<State>>,
    limitMs: number,
    abort: () => AbortController | undefined,
  ): Promise<Result<State>> {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const cancel = clock.after(limitMs, () => {
      const error = new EffectTimeout(`no result within ${limitMs} ms`);
      abort()?.abort(error);
      reject(error);
    });
    try {
      return await Promise.race([result, timeout]);
    } finally {
      cancel();
    }
  }

  return {
    of: (message) => handlers.get(message.type),
    labelOf: (type) =>
      type !== undefined && (handlers.has(type) || type === WAKE || type === TOO_LATE) ? type : 'unknown',
    limitOf,
    run,
    read(packet) {
      const message = decode(packet);
      requireAnswerable(message);
      if (message.type === WAKE || message.type === TOO_LATE) return { message, unread: false };
      const handler = handlers.get(message.type);
      if (handler === undefined) return { message, unread: true };
      return { message: readBody(handler, message), unread: false };
    },
  };
}

function failed(error: unknown): { readonly ok: false; readonly error: unknown } {
  return { ok: false, error };
}

function requireShort(name: string, value: string | undefined): void {
  if (value !== undefined && value.length * 3 > MAX_HEADER_BYTES && Buffer.byteLength(value) > MAX_HEADER_BYTES)
    throw new InvalidMessage(`the ${name} is longer than ${MAX_HEADER_BYTES} bytes`);
}
