import { z } from 'zod';
import { asker, type AskDeadLetters } from './dead-letters-asker.ts';
import {
  DEFAULT_RATE_PER_S,
  letterStateSchema,
  rateSchema,
  type Selection,
  selectionSchema,
} from '#services/dead-letters/contract.ts';
import {
  causeShape,
  letterDetailsShape,
  letterShape,
  type LetterDetails,
  type LetterView,
} from '#services/dead-letters/letter-shape.ts';
import type { LetterQueries } from '#services/dead-letters/view.ts';
import { bounded } from '#shared/bounded.ts';
import type { Clock } from '#shared/clock.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import { type Call, type Endpoint, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { cursor, limit } from '#shared/web/parameters.ts';
import { Problem } from '#shared/web/problems.ts';
import { listOf, shape } from '#shared/web/shapes.ts';

const deadLettersTag: Tag = {
  name: 'Dead letters',
  description: 'Messages that nobody could handle. For operators.',
};

/** Where the door knows them from, and whom it asks. */
export interface DeadLetters {
  readonly view: LetterQueries;
  readonly ask: AskDeadLetters;
}

const query = z.string().min(1).max(1000).optional();
const replayLetter = z.strictObject({});
const reason = bounded(1000);
const discardLetter = z.strictObject({ reason: reason.describe('Why nobody needs it.') });
const REQUEST = '0193f7a0-5a5a-7000-8000-0000decade01';
const discardDone = shape({
  requestId: z.string().describe('The id of the request.'),
  selected: z.int().describe('How many were discarded.'),
}).meta({ examples: [{ requestId: REQUEST, selected: 12 }] });
const replayRequested = shape({
  requestId: z.string().describe('The id of the replay.'),
  selected: z.int().describe('How many will be sent.'),
  ratePerS: z.number().describe('Messages a second at most.'),
}).meta({ examples: [{ requestId: REQUEST, selected: 12, ratePerS: 20 }] });

/** For readers of the document: one of these must be there. */
const oneOf = { anyOf: ['ids', 'route', 'type', 'cause'].map((name) => ({ required: [name] })) };
const SAY_WHICH = { message: 'say which: ids, route, type or cause' };
const isSelection = ({ ids, route, type, cause }: Selection): boolean => (ids ?? route ?? type ?? cause) !== undefined;

/** Reads what the service `dead-letters` keeps; what it is to do, it is asked for. */
export function deadLetterEndpoints(
  { view, ask: askService }: DeadLetters,
  clock: Clock,
  routes: readonly string[],
): readonly Endpoint[] {
  const ask = asker(askService, clock);
  const route = z.enum(routes).optional();
  const listLetters = z.strictObject({
    limit,
    cursor,
    route: route.describe('Only those of this route.'),
    type: query.describe('Only messages of this name.'),
    cause: query.describe('Only those with this cause, as `/causes` lists it.'),
    state: letterStateSchema.optional().describe('Only those in this state.'),
    orderId: query.describe('Only those of this order.'),
  });
  const listCauses = z.strictObject({
    route: route.describe('Only those of this route.'),
    state: letterStateSchema.optional().describe('Only those in this state.'),
  });
  /** Everything at once is nobody's intention. */
  const replayLetters = z
    .strictObject({
      ...selectionSchema.shape,
      route: route.describe('Only those of this route.'),
      ratePerS: rateSchema.optional().describe('Messages a second at most.'),
    })
    .refine(isSelection, SAY_WHICH)
    .meta(oneOf);
  const discardLetters = z
    .strictObject({
      ...selectionSchema.shape,
      route: route.describe('Only those of this route.'),
      reason: reason.describe('Why nobody needs them.'),
    })
    .refine(isSelection, SAY_WHICH)
    .meta(oneOf);

  return [
    endpoint('GET', '/v1/dead-letters', {
      id: 'listDeadLetters',
      tag: deadLettersTag,
      summary: 'Messages that nobody could handle, the newest failure first, secrets masked.',
      access: 'operator',
      query: listLetters,
      answers: { 200: listOf(letterShape) },
      async handle(call) {
        const { limit: size, cursor: from, ...filter } = call.query;
        const scope = ['dead-letters', filter];
        return ok(sealed(scope, await view.list(filter, { limit: size, ...opened(scope, from) })));
      },
    }),
    endpoint('GET', '/v1/dead-letters/causes', {
      id: 'listCauses',
      tag: deadLettersTag,
      summary: 'What they died of, by route, with how many are in which state; the most frequent first.',
      access: 'operator',
      query: listCauses,
      answers: { 200: listOf(causeShape) },
      handle: async (call) => ok(await view.causes(call.query)),
    }),
    endpoint('GET', '/v1/dead-letters/:letterId', {
      id: 'getDeadLetter',
      tag: deadLettersTag,
      summary: 'One, with the message itself, its failures, and where a replay would send it.',
      params: { letterId: 'The id of the dead letter.' },
      access: 'operator',
      answers: { 200: letterDetailsShape },
      handle: async ({ params }) => ok(await letterOf(params)),
    }),
    endpoint('POST', '/v1/dead-letters/replay', {
      id: 'replayDeadLetters',
      tag: deadLettersTag,
      summary: 'Send many again.',
      description:
        'All that are `dead` and match everything given (those named by id also when discarded), at most `ratePerS` a second. 202: they are marked, and will be sent even when a process dies.',
      access: 'operator',
      body: replayLetters,
      problems: ['outcome-unknown'],
      example: { route: 'payment', cause: 'the provider does not answer', ratePerS: 20 },
      answers: { 202: replayRequested },
      async handle(call) {
        const { ratePerS = DEFAULT_RATE_PER_S, ...select } = call.body;
        const { id, selected } = await ask({ kind: 'replay', select, ratePerS }, call);
        return { status: 202, body: { requestId: id, selected, ratePerS } };
      },
    }),
    endpoint('POST', '/v1/dead-letters/discard', {
      id: 'discardDeadLetters',
      tag: deadLettersTag,
      summary: 'Say of all that are `dead` and match everything given that nobody needs them any more, and why.',
      example: { route: 'payment', reason: 'test orders of yesterday' },
      access: 'operator',
      body: discardLetters,
      problems: ['outcome-unknown'],
      answers: { 200: discardDone },
      async handle(call) {
        const { reason: why, ...select } = call.body;
        const { id, selected } = await ask({ kind: 'discard-many', select, reason: why }, call);
        return ok({ requestId: id, selected });
      },
    }),
    endpoint('POST', '/v1/dead-letters/:letterId/replay', {
      id: 'replayDeadLetter',
      tag: deadLettersTag,
      summary: 'Send one again, the way it came, under the same message id.',
      description: '409: it was replayed and did not fail since, it is obsolete, or broken.',
      params: { letterId: 'The id of the dead letter.' },
      access: 'operator',
      body: replayLetter,
      bodyOptional: true,
      problems: ['invalid-transition', 'outcome-unknown'],
      example: {},
      answers: { 202: letterDetailsShape },
      handle: replayOne,
    }),
    endpoint('POST', '/v1/dead-letters/:letterId/discard', {
      id: 'discardDeadLetter',
      tag: deadLettersTag,
      summary: 'Say that nobody needs it any more, and why.',
      description: 'It is kept for 90 days. 409: it is not `dead`.',
      params: { letterId: 'The id of the dead letter.' },
      access: 'operator',
      body: discardLetter,
      problems: ['invalid-transition', 'outcome-unknown'],
      example: { reason: 'a test order of yesterday' },
      answers: { 200: letterDetailsShape },
      async handle(call) {
        const { id } = await letterOf(call.params);
        const { selected } = await ask({ kind: 'discard', letter: id, reason: call.body.reason }, call);
        const letter = await letterOf(call.params);
        if (selected === 0) throw notNow(letter, 'discarded');
        return ok(letter);
      },
    }),
  ];

  /** One that is being replayed already is as good as asked for. */
  async function replayOne(call: Call) {
    const letter = await letterOf(call.params);
    const { id, state, broken } = letter;
    refuseObsolete(letter);
    if (broken !== undefined)
      throw new Problem(
        'invalid-transition',
        `it is no message of ours (${broken}): nobody could handle it, however often it is sent. It can be discarded.`,
        { members: { state, broken } },
      );
    if (state !== 'replaying') {
      const { selected } = await ask({ kind: 'replay', select: { ids: [id] } }, call);
      if (selected === 0) {
        const now = await letterOf(call.params);
        refuseObsolete(now);
        throw notNow(now, 'replayed');
      }
    }
    return { status: 202, body: await letterOf(call.params) };
  }

  async function letterOf(params: Call['params']): Promise<LetterDetails> {
    const letter = await view.find(params['letterId'] ?? '');
    if (letter === undefined) throw new Problem('not-found', 'there is no such dead letter');
    return letter;
  }
}

function refuseObsolete({ state, obsolete, deadline, orderEndedAt }: LetterView): void {
  if (obsolete !== true) return;
  const why =
    orderEndedAt === undefined
      ? `its deadline passed at ${deadline}: its owner would not act on it, because its order has long gone another way`
      : `its order ended at ${orderEndedAt}: nothing that is sent for it changes anything`;
  throw new Problem('invalid-transition', `${why}. It needs nobody.`, { members: { state, obsolete } });
}

function notNow({ state }: LetterView, what: string): Problem {
  const why = state === 'replayed' ? 'it was replayed, and has not failed since' : `it is ${state}`;
  return new Problem('invalid-transition', `${why}: it can not be ${what}`, { members: { state } });
}
