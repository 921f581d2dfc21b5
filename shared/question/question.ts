import type { z } from 'zod';
import { messageName, ownerOf } from '#shared/message.ts';

/**
 * Something that the owner of a key is asked and that changes nothing: it leaves no document and no durable message, may be
 * asked more than once, and is answered at most once.
 */
export interface QuestionType<Body = unknown, Answer = unknown> {
  readonly kind: 'question';
  /** `<owner>.<what>`, e.g. `pricing.price`. AMQP `type`. */
  readonly name: string;
  /** The route of its owner: the part of the name before the dot. */
  readonly route: string;
  readonly body: z.ZodType<Body>;
  readonly answer: z.ZodType<Answer>;
  /** The key of the entity in the body that it is about; decides the partition, as for a command. */
  key(body: Body): string;
}

/** Declares a question in the contract of its owner. Schemas are tolerant and bound every text and list, as those of commands. */
export function question<Body, Answer>(
  name: string,
  spec: {
    readonly body: z.ZodType<Body>;
    readonly key: (body: Body) => string;
    readonly answer: z.ZodType<Answer>;
  },
): QuestionType<Body, Answer> {
  return { kind: 'question', name: messageName(name), route: ownerOf(name), ...spec };
}

/** What a handler of a question knows beside its body. */
export interface QuestionContext<State = unknown> {
  readonly key: string;
  /** Epoch ms. */
  readonly now: number;
  /** Epoch ms; nobody waits for the answer afterwards. */
  readonly deadline: number;
  /** W3C trace context of whoever asks. */
  readonly traceparent?: string | undefined;
  /** Aborted at the deadline, when nothing that the handler tells is heard any more; pass it to every call outside. */
  readonly signal: AbortSignal;
  /** What the key's document says: everything whose answer or news anybody has seen is in it. `undefined`: there is none. */
  state(): Promise<State | undefined>;
}

/** A question with its owner's answer. */
export interface QuestionHandler {
  readonly type: QuestionType;
  handle(body: unknown, context: QuestionContext): unknown;
}

/**
 * Ties a question to its owner's handler, which runs beside the key's commands and must change nothing. It answers, or throws a
 * `QuestionProblem`, which whoever asks gets.
 */
export function answerQuestion<Body, Answer, State = unknown>(
  type: QuestionType<Body, Answer>,
  handle: (body: NoInfer<Body>, context: QuestionContext<State>) => NoInfer<Answer> | Promise<NoInfer<Answer>>,
): QuestionHandler {
  return {
    type,
    handle: (body, context) => handle(body as Body, context as QuestionContext<State>),
  };
}

/** The owner's own answer that there is none: thrown by its handler, and then by `ask`. */
export class QuestionProblem extends Error {
  override readonly name = 'QuestionProblem';
  /** For programs: `unknown-product`. */
  readonly code: string;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.members = members;
  }
}

/** Why a question has no answer, if it is not its owner who says so. */
export type QuestionFailure =
  | 'refused' // the owner's route is open: the broker gave it back
  | 'unheard' // it was not sent: no connection, no right, too long, or too many wait
  | 'late' // no answer came in time; it may have been heard
  | 'broken'; // the owner's handler failed, does not know the question, or gave no such answer

/** A question without an answer. `code` says why. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError';
  readonly code: QuestionFailure;
  readonly question: string;
  /** The route of its owner. */
  readonly route: string;

  constructor(code: QuestionFailure, { name, route }: Pick<QuestionType, 'name' | 'route'>, detail: string) {
    super(`${name} ${code}: ${detail}`);
    this.code = code;
    this.question = name;
    this.route = route;
  }
}

export interface AskOptions {
  /** How long an answer is waited for, ms. */
  readonly waitMs: number;
  /** W3C trace context under which it is asked. */
  readonly traceparent?: string | undefined;
}

/** Resolves with the answer. Rejects with the owner's `QuestionProblem`, or with `QuestionError`. */
export type Ask = <Body, Answer>(
  type: QuestionType<Body, Answer>,
  body: NoInfer<Body>,
  options: AskOptions,
) => Promise<Answer>;
