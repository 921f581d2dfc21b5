import { z } from 'zod';
import {
  breakerOf,
  breakerShape,
  parkedOf,
  parkedShape,
  transitionShape,
  type BreakerView,
  streamEvents,
} from './breaker-shape.ts';
import type { EventStream } from './stream.ts';
import type { BreakerBoard, KnownBreaker } from '#services/circuit-breaker/board.ts';
import {
  BREAKER_REQUEST,
  type Breaker,
  type BreakerReply,
  type BreakerRequest,
  gateSchema,
  MAX_OVERRIDE_MS,
  MAX_PARKED_LISTED,
} from '#services/circuit-breaker/contract.ts';
import type { BreakerQueries } from '#services/circuit-breaker/view.ts';
import { bounded } from '#shared/bounded.ts';
import type { Clock } from '#shared/clock.ts';
import { type Asking, wasNotHeard } from '#shared/control/ask.ts';
import { PublishError } from '#shared/errors.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import { type Call, type Endpoint, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { cursor, limitUpTo, page } from '#shared/web/parameters.ts';
import { dependencyUnavailable, Problem } from '#shared/web/problems.ts';
import { listOf } from '#shared/web/shapes.ts';
import { Late } from '#shared/within.ts';

const breakersTag: Tag = {
  name: 'Circuit breakers',
  description: 'Whether the routes of the broker take messages. For operators.',
};

export type AskBreaker = Asking<BreakerReply>['ask'];

export interface BreakerParts {
  readonly board: BreakerBoard;
  readonly askBreaker: AskBreaker;
  readonly stream: EventStream;
  readonly transitions: BreakerQueries['transitions'];
  readonly routes: readonly string[];
  readonly clock: Clock;
}

type Question = BreakerRequest extends infer Kind ? (Kind extends BreakerRequest ? Omit<Kind, 'id'> : never) : never;

/** As many letters of an operator's name as an override keeps. */
const MAX_BY = 50;

const ofRoute = { route: 'The name of the route, such as `payment`.' };

/** Without an end an override would be forgotten. */
const overrideBreaker = z.strictObject({
  state: gateSchema.describe('What the gate is to be.'),
  expiresInMs: z.int().min(1).max(MAX_OVERRIDE_MS).describe('For how long, ms; without an end it would be forgotten.'),
  reason: bounded(500).optional().describe('Why.'),
});
/** Server-sent events: see `streamEvents`. */
const events = z.string();

/** Reads what the acting breaker broadcasts; what it is to do, it is asked for. */
export function breakerEndpoints({
  board,
  askBreaker,
  stream,
  transitions,
  routes,
  clock,
}: BreakerParts): readonly Endpoint[] {
  const listParked = z.strictObject({
    route: z.enum(routes).optional().describe('Only messages of this route.'),
    limit: limitUpTo(MAX_PARKED_LISTED, 100),
    cursor,
  });
  return [
    endpoint('GET', '/v1/breakers', {
      id: 'listBreakers',
      tag: breakersTag,
      summary: 'The circuit breaker of every route, as last reported.',
      access: 'operator',
      answers: { 200: listOf(breakerShape) },
      async handle() {
        const all = board.all();
        if (all.length === 0) throw unreported();
        return ok({ items: all.map(shown) });
      },
    }),
    endpoint('GET', '/v1/breakers/:route', {
      id: 'getBreaker',
      tag: breakersTag,
      summary: 'The circuit breaker of a route, its last transitions and why.',
      params: ofRoute,
      access: 'operator',
      answers: { 200: breakerShape },
      async handle({ params }) {
        const known = board.find(routeOf(params));
        if (known === undefined) throw unreported();
        return ok(shown(known));
      },
    }),
    endpoint('GET', '/v1/breakers/:route/transitions', {
      id: 'listTransitions',
      tag: breakersTag,
      summary: 'Every transition of the last 90 days, newest first.',
      description: 'As far as the database was there to keep it.',
      params: ofRoute,
      access: 'operator',
      query: page,
      answers: { 200: listOf(transitionShape) },
      async handle({ params, query }) {
        const route = routeOf(params);
        const list = ['transitions', route];
        const found = await transitions(route, { limit: query.limit, ...opened(list, query.cursor) });
        return ok(sealed(list, found));
      },
    }),
    endpoint('PUT', '/v1/breakers/:route/override', {
      id: 'overrideBreaker',
      tag: breakersTag,
      summary: 'Force a state for a time.',
      description: 'The breaker counts on underneath. The answer comes when it is applied.',
      params: ofRoute,
      access: 'operator',
      body: overrideBreaker,
      example: { state: 'open', expiresInMs: 60_000 },
      answers: { 200: breakerShape },
      async handle({ params, body, caller }) {
        const route = routeOf(params);
        const { reason, ...wanted } = body;
        const told = { by: caller.subject.slice(0, MAX_BY), ...(reason !== undefined && { reason }) };
        return ok(changed(route, await ask({ kind: 'override', route, ...wanted, ...told })));
      },
    }),
    endpoint('DELETE', '/v1/breakers/:route/override', {
      id: 'endOverride',
      tag: breakersTag,
      summary: 'End the override now.',
      params: ofRoute,
      access: 'operator',
      answers: { 200: breakerShape },
      async handle({ params }) {
        const route = routeOf(params);
        return ok(changed(route, await ask({ kind: 'clear-override', route })));
      },
    }),
    endpoint('GET', '/v1/parked', {
      id: 'listParked',
      tag: breakersTag,
      summary: 'Messages that expired and wait until their route is closed.',
      description: 'Since when, how often. By last expiry, oldest first.',
      access: 'operator',
      query: listParked,
      answers: { 200: listOf(parkedShape) },
      async handle({ query }) {
        const { limit, route } = query;
        const filter = route === undefined ? {} : { route };
        const list = ['parked', filter];
        const { parked, nextCursor } = await ask({ kind: 'parked', ...filter, limit, ...opened(list, query.cursor) });
        return ok(sealed(list, { items: (parked ?? []).map(parkedOf), nextCursor }));
      },
    }),
    endpoint('GET', '/v1/stream', {
      id: 'streamBreakers',
      tag: breakersTag,
      summary: 'What the breakers do, live: server-sent events.',
      description:
        'First what happened since `Last-Event-ID`, then a `snapshot` of all routes, then each transition as `breaker`, and another `snapshot` when anything else changed. `end` is the last event, when the token has expired.',
      access: 'operator',
      produces: 'text/event-stream',
      events: streamEvents,
      answers: { 200: events },
      handle: async ({ lastEventId, acceptedUntil }) => ({
        status: 200,
        headers: { Connection: 'close' },
        body: stream.open({ lastEventId, acceptedUntil }),
      }),
    }),
  ];

  function shown(known: KnownBreaker): BreakerView {
    return {
      ...breakerOf(known.breaker),
      reportedAt: new Date(known.arrivedAt).toISOString(),
      stale: board.isStale(known),
    };
  }

  /** The breaker's own word after a change; the next broadcast says the same. */
  function changed(route: string, { breaker }: { readonly breaker?: Breaker | undefined }): BreakerView {
    if (breaker !== undefined) return breakerOf(breaker);
    const known = board.find(route);
    if (known === undefined) throw unreported();
    return shown(known);
  }

  function routeOf(params: Call['params']): string {
    const route = params['route'] ?? '';
    if (!routes.includes(route)) throw new Problem('not-found', 'there is no such route');
    return route;
  }

  async function ask(question: Question): Promise<Extract<BreakerReply, { ok: true }>> {
    const reply = await answerTo({ id: clock.id(), ...question });
    if (reply.ok) return reply;
    throw dependencyUnavailable('circuit-breaker', `the circuit breaker could not do it: ${reply.problem}`);
  }

  async function answerTo(question: BreakerRequest): Promise<BreakerReply> {
    const changesNothing = question.kind === 'parked' || question.kind === 'partitions';
    try {
      return await askBreaker(BREAKER_REQUEST, question, { changesNothing });
    } catch (cause) {
      if (!(cause instanceof Late) && !(cause instanceof PublishError)) throw cause;
      const warning = changesNothing || wasNotHeard(cause) ? '' : '; what it was asked for may still happen';
      throw dependencyUnavailable(
        'circuit-breaker',
        `the circuit breaker does not answer: ${why(cause)}${warning}`,
        cause,
      );
    }
  }
}

function unreported(): Problem {
  return dependencyUnavailable('circuit-breaker', 'the circuit breaker has not reported yet');
}

function why(cause: Late | PublishError): string {
  if (cause instanceof Late) return cause.message;
  if (cause.code === 'returned') return 'nobody listens';
  return cause.code === 'not-connected' ? 'the broker is not connected' : 'the broker did not take the question';
}
