import type { Answer } from './endpoint.ts';
import type { Ask } from '#shared/question/question.ts';
import type { LookUp } from './lookup.ts';
import type { Clock } from '#shared/clock.ts';
import type { Message } from '#shared/message.ts';

/** What the endpoints of a service are made from, beside its view. */
export interface Door {
  readonly clock: Clock;
  /** Takes a POST at most once: stored, published, confirmed, answered. */
  readonly submit: Submit;
  /** How long a client waits for the owner's answer. */
  readonly outcomeMs: number;
  /** What was accepted under the id of what it created, for `REQUEST_KEPT_MS`. */
  accepted(resourceId: string): Promise<AcceptedRequest | undefined>;
  /** The route, and those without which what begins there gets nowhere. */
  needs(route: string): readonly string[];
  /**
   * Asks the owner of a key something that changes nothing. A route that is open and a broker that is away are the doors' problems;
   * the rest is the asker's to tell: `QuestionProblem` is the owner's, `QuestionError` is `late` or `broken`.
   */
  readonly ask: Ask;
  /** What another service tells. */
  readonly lookUp: LookUp;
}

/** How long requests are kept after they were confirmed. */
export const REQUEST_KEPT_MS = 24 * 60 * 60 * 1000;

/** A POST, as it was sent on. */
export interface AcceptedRequest {
  readonly kind: string;
  /** The id of what it creates. */
  readonly resourceId: string;
  /** Whose it is. */
  readonly customerId: string;
  readonly message: Message;
  /** What the client is told when the broker has taken the message and nothing more is known. */
  readonly accepted: Answer;
  /** The body of the message is kept no longer than until the broker has it. */
  readonly forgetsBody?: true;
}

/** What a POST becomes: the message, where it goes, and what the client is told. */
export type Composed = Omit<AcceptedRequest, 'kind'> & { readonly exchange: string };

/** A POST that becomes a message. */
export interface Submission {
  /** Part of what must be equal for a reused key to be the same request. */
  readonly kind: string;
  /** The routes without which it is not worth beginning. */
  readonly needs: readonly string[];
  /** It begins much work: under load it is told to come later. */
  readonly isLoad?: boolean;
  readonly subject: string;
  readonly idempotencyKey?: string | undefined;
  /** Whatever must be equal for a reused key to be the same request. */
  readonly same: unknown;
  /** What it becomes when it is new; what was stored first counts when it is not, also against a `Problem` that this throws. */
  readonly compose: () => Composed | Promise<Composed>;
  /** Looks once whether the owner has answered. Throws the `Problem` of a refusal. Absent: being accepted is the answer. */
  readonly outcome?: (request: AcceptedRequest) => Promise<Answer | undefined>;
}

export type Submit = (submission: Submission) => Promise<Answer>;
