import {
  DEAD_LETTERS_REQUEST,
  type DeadLettersReply,
  type DeadLettersRequest,
} from '#services/dead-letters/contract.ts';
import type { Clock } from '#shared/clock.ts';
import type { Asking } from '#shared/control/ask.ts';
import { PublishError } from '#shared/errors.ts';
import type { Call } from '#shared/web/endpoint.ts';
import { dependencyUnavailable, outcomeUnknown } from '#shared/web/problems.ts';
import { Late } from '#shared/within.ts';

export type AskDeadLetters = Asking<DeadLettersReply>['ask'];

type Question = DeadLettersRequest extends infer Kind
  ? Kind extends DeadLettersRequest
    ? Omit<Kind, 'id' | 'by'>
    : never
  : never;

/** Asks the service `dead-letters` in the caller's name. Throws `Problem`: dependency-unavailable, outcome-unknown. */
export function asker(askService: AskDeadLetters, clock: Clock) {
  return async (question: Question, { caller }: Call): Promise<Extract<DeadLettersReply, { ok: true }>> => {
    const reply = await replyTo({ ...question, id: clock.id(), by: caller.subject });
    if (reply.ok) return reply;
    throw dependencyUnavailable('dead-letters', `the service dead-letters could not do it: ${reply.problem}`);
  };

  async function replyTo(question: DeadLettersRequest): Promise<DeadLettersReply> {
    try {
      return await askService(DEAD_LETTERS_REQUEST, question);
    } catch (cause) {
      if (cause instanceof PublishError && cause.code !== 'outcome-unknown')
        throw dependencyUnavailable('dead-letters', 'the service dead-letters does not listen', cause);
      if (cause instanceof Late || cause instanceof PublishError)
        throw outcomeUnknown('the service dead-letters does not answer: it may still happen', cause);
      throw cause;
    }
  }
}
