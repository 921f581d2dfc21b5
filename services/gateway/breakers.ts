import { type Answer, type Call, ok } from '#shared/web/endpoint.ts';
import { type Asking, wasNotHeard } from './asking.ts';
import { breakerShape, parkedShape } from './breaker-shape.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import type { Gateway } from './gateway.ts';
import { dependencyUnavailable, Problem } from '#shared/web/problems.ts';
import type { ListParked, ListTransitions, OverrideBreaker } from './schemas.ts';
import type { Known } from './snapshot.ts';
import { Late } from '#shared/within.ts';
import {
  BREAKER_REQUEST,
  type Breaker,
  type BreakerReply,
  type BreakerRequest,
} from '#services/circuit-breaker/contract.ts';
import { PublishError } from '#shared/errors.ts';

type Question = BreakerRequest extends infer Kind ? (Kind extends BreakerRequest ? Omit<Kind, 'id'> : never) : never;

/** As many letters of an operator's name as an override keeps. */
const MAX_BY = 50;

/** Reads what the acting breaker broadcasts; what it is to do, it is asked for. */
export function breakerHandlers({ table, board, askBreaker, stream, views, clock }: Gateway) {
  return {
    async list(): Promise<Answer> {
      const all = board.all();
      if (all.length === 0) throw unreported();
      return ok({ items: all.map(shape) });
    },

    async find({ params }: Call): Promise<Answer> {
      const known = board.find(routeOf(params, table.routes));
      if (known === undefined) throw unreported();
      return ok(shape(known));
    },

    async override({ params, body, caller }: Call<unknown, OverrideBreaker>): Promise<Answer> {
      const route = routeOf(params, table.routes);
      const { reason, ...wanted } = body;
      const told = { by: caller.subject.slice(0, MAX_BY), ...(reason !== undefined && { reason }) };
      return ok(changed(route, await ask({ kind: 'override', route, ...wanted, ...told })));
    },

    async clearOverride({ params }: Call): Promise<Answer> {
      const route = routeOf(params, table.routes);
      return ok(changed(route, await ask({ kind: 'clear-override', route })));
    },

    async parked({ query }: Call<ListParked>): Promise<Answer> {
      const { limit, route } = query;
      const filter = route === undefined ? {} : { route };
      const list = ['parked', filter];
      const { parked, nextCursor } = await ask({ kind: 'parked', ...filter, limit, ...opened(list, query.cursor) });
      return ok(sealed(list, { items: (parked ?? []).map(parkedShape), nextCursor }));
    },

    async transitions({ params, query }: Call<ListTransitions>): Promise<Answer> {
      const route = routeOf(params, table.routes);
      const { limit, cursor } = query;
      const list = ['transitions', route];
      return ok(sealed(list, await views.breakers.transitions(route, { limit, ...opened(list, cursor) })));
    },

    async events({ lastEventId, acceptedUntil }: Call): Promise<Answer> {
      return { status: 200, headers: { Connection: 'close' }, body: stream.open({ lastEventId, acceptedUntil }) };
    },
  };

  function shape(known: Known): object {
    return {
      ...breakerShape(known.breaker),
      reportedAt: new Date(known.arrivedAt).toISOString(),
      stale: board.isStale(known),
    };
  }

  /** The breaker's own word after a change; the next broadcast says the same. */
  function changed(route: string, { breaker }: { readonly breaker?: Breaker | undefined }): object {
    if (breaker !== undefined) return breakerShape(breaker);
    const known = board.find(route);
    if (known === undefined) throw unreported();
    return shape(known);
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

export type AskBreaker = Asking<BreakerReply>['ask'];

function routeOf(params: Call['params'], routes: readonly string[]): string {
  const route = params['route'] ?? '';
  if (!routes.includes(route)) throw new Problem('not-found', 'there is no such route');
  return route;
}

function unreported(): Problem {
  return dependencyUnavailable('circuit-breaker', 'the circuit breaker has not reported yet');
}

function why(cause: Late | PublishError): string {
  if (cause instanceof Late) return cause.message;
  if (cause.code === 'returned') return 'nobody listens';
  return cause.code === 'not-connected' ? 'the broker is not connected' : 'the broker did not take the question';
}
