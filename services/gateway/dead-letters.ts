import type { Asking } from './asking.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import { type Answer, type Call, type Caller, ok } from '#shared/web/endpoint.ts';
import { dependencyUnavailable, Problem, retryAfter } from '#shared/web/problems.ts';
import type { DiscardLetter, ListCauses, ListLetters, ReplayLetter, ReplayLetters } from './schemas.ts';
import { Late } from '#shared/within.ts';
import {
  DEAD_LETTERS_REQUEST,
  DEFAULT_RATE_PER_S,
  type DeadLettersReply,
  type DeadLettersRequest,
} from '#services/dead-letters/contract.ts';
import type { deadLetterView, LetterView } from '#services/dead-letters/view.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';

/** Where the gateway knows them from, and whom it asks. */
export interface DeadLetters {
  readonly view: ReturnType<typeof deadLetterView>;
  readonly ask: Asking<DeadLettersReply>['ask'];
}

type Question = DeadLettersRequest extends infer Kind
  ? Kind extends DeadLettersRequest
    ? Omit<Kind, 'id' | 'by'>
    : never
  : never;

/** Messages of an order that wait for a person; why they failed is for operators. */
export async function lettersOnTimeline({ view }: DeadLetters, orderId: string, { role }: Caller): Promise<object> {
  const open = await view.openOf(orderId);
  if (open.length === 0) return {};
  return {
    deadLetters: open.map(({ id, type, step, undo, state, lastFailureAt, cause }) => ({
      id,
      type,
      step,
      undo,
      state,
      lastFailureAt,
      ...(role === 'operator' && { cause }),
    })),
  };
}

/** Reads what the service `dead-letters` keeps; what it is to do, it is asked for. */
export function deadLetterHandlers({ view, ask: askService }: DeadLetters, clock: Clock) {
  return {
    async list({ query }: Call<ListLetters>): Promise<Answer> {
      const { limit, cursor, ...filter } = query;
      const scope = ['dead-letters', filter];
      return ok(sealed(scope, await view.list(filter, { limit, ...opened(scope, cursor) })));
    },

    async causes({ query }: Call<ListCauses>): Promise<Answer> {
      return ok(await view.causes(query));
    },

    async find({ params }: Call): Promise<Answer> {
      return ok(await letterOf(params));
    },

    /** One that is being replayed already is as good as asked for. */
    async replayOne(call: Call<unknown, ReplayLetter>): Promise<Answer> {
      const { id, state, broken } = await letterOf(call.params);
      if (broken !== undefined)
        throw new Problem(
          'invalid-transition',
          `it is no message of ours (${broken}): nobody could handle it, however often it is sent. It can be discarded.`,
          { members: { state, broken } },
        );
      if (state !== 'replaying') {
        const { selected } = await ask({ kind: 'replay', select: { ids: [id] } }, call);
        if (selected === 0) throw notNow(await letterOf(call.params), 'replayed');
      }
      return { status: 202, body: await letterOf(call.params) };
    },

    async replayMany(call: Call<unknown, ReplayLetters>): Promise<Answer> {
      const { ratePerS = DEFAULT_RATE_PER_S, ...select } = call.body;
      const { id, selected } = await ask({ kind: 'replay', select, ratePerS }, call);
      return { status: 202, body: { requestId: id, selected, ratePerS } };
    },

    async discard(call: Call<unknown, DiscardLetter>): Promise<Answer> {
      const { id } = await letterOf(call.params);
      const { selected } = await ask({ kind: 'discard', letter: id, reason: call.body.reason }, call);
      const letter = await letterOf(call.params);
      if (selected === 0) throw notNow(letter, 'discarded');
      return ok(letter);
    },
  };

  async function letterOf(params: Call['params']): Promise<LetterView> {
    const letter = await view.find(params['letterId'] ?? '');
    if (letter === undefined) throw new Problem('not-found', 'there is no such dead letter');
    return letter;
  }

  async function ask(question: Question, { caller }: Call): Promise<Extract<DeadLettersReply, { ok: true }>> {
    const id = clock.id();
    const reply = await replyTo({ ...question, id, by: caller.subject });
    if (reply.ok) return reply;
    throw dependencyUnavailable('dead-letters', `the service dead-letters could not do it: ${reply.problem}`);
  }

  async function replyTo(question: DeadLettersRequest): Promise<DeadLettersReply> {
    try {
      return await askService(DEAD_LETTERS_REQUEST, question);
    } catch (cause) {
      if (cause instanceof PublishError && cause.code !== 'outcome-unknown')
        throw dependencyUnavailable('dead-letters', 'the service dead-letters does not listen', cause);
      if (cause instanceof Late || cause instanceof PublishError)
        throw new Problem('outcome-unknown', 'the service dead-letters does not answer: it may still happen', {
          headers: retryAfter(1000),
          cause,
        });
      throw cause;
    }
  }
}

function notNow({ state }: LetterView, what: string): Problem {
  const why = state === 'replayed' ? 'it was replayed, and has not failed since' : `it is ${state}`;
  return new Problem('invalid-transition', `${why}: it can not be ${what}`, { members: { state } });
}
