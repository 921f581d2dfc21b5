import { abandon, begin, silentRoutes } from './contract.ts';
import { decided } from './placing.ts';
import type { CheckoutView } from './shapes.ts';
import type { CheckoutQueries, FoundCheckout } from './view.ts';
import { slowing } from '#services/circuit-breaker/contract.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import type { Door, Submission } from '#shared/web/door.ts';
import type { Answer, Call } from '#shared/web/endpoint.ts';
import { dependencyUnavailable, outcomeUnknown, type Problem } from '#shared/web/problems.ts';

/**
 * What to tell a client whose checkout was not decided in time: 202 while those who must answer are at work, or a gate delays it.
 * Where one of them is not heard of it is given up. Throws `Problem`: dependency-unavailable when it is certain that nothing comes of
 * it any more, for only then may the client buy the same under another key; outcome-unknown when that could not be seen.
 */
export async function undecided(
  accepted: Answer,
  { caller, trace }: Pick<Call, 'caller' | 'trace'>,
  door: Pick<Door, 'lookUp' | 'submit'>,
  checkouts: Pick<CheckoutQueries, 'find'>,
): Promise<Answer> {
  const { checkoutId } = accepted.body as CheckoutView;
  const seen = <Value>(looking: Promise<Value>): Promise<Value> =>
    looking.catch((cause: unknown) => {
      throw unknown(accepted, cause);
    });

  const found = await seen(checkouts.find(checkoutId));
  const answer = decided(found);
  if (answer !== undefined) return sameRequest(answer, accepted);
  if (found?.checkout.status === 'failed')
    throw gone(checkoutId, 'checkout', found.checkout.reason?.detail ?? `nothing is left of ${checkoutId}`);
  const waitsFor = found?.waitsFor ?? [begin.route];
  const silent = await door.lookUp(silentRoutes, waitsFor);
  const isComing = found !== undefined || (await door.lookUp(slowing, begin.route)).isHalfOpen;
  if (isComing && silent.length === 0) return accepted;

  const late = await seen(door.submit(givingUp(checkoutId, found, { caller, trace }, checkouts)));
  if (late.status === DECIDED) return sameRequest(late, accepted);
  const dependency = silent[0] ?? waitsFor[0] ?? begin.route;
  if (late.status !== GIVEN_UP) throw unknown(accepted, new Error(`${dependency} does not answer`));
  throw gone(checkoutId, dependency, `${dependency} does not answer; the checkout ${checkoutId} was given up`);
}

const DECIDED = 201;
const GIVEN_UP = 200;

/** Asks for the end of a checkout that nobody decides, and waits until its document says how it ended. */
function givingUp(
  checkoutId: string,
  found: FoundCheckout | undefined,
  { caller, trace }: Pick<Call, 'caller' | 'trace'>,
  checkouts: Pick<CheckoutQueries, 'find'>,
): Submission {
  const body = { orderId: checkoutId };
  return {
    kind: 'checkout-abandon',
    needs: [],
    subject: caller.subject,
    same: body,
    compose: () => ({
      resourceId: `${checkoutId}:abandon`,
      customerId: found?.customerId ?? '',
      exchange: inbox(abandon.route),
      message: {
        id: `${checkoutId}:abandon`,
        type: abandon.name,
        key: checkoutId,
        body,
        correlationId: checkoutId,
        traceparent: trace.traceparent,
      },
      accepted: { status: 202, body },
    }),
    async outcome() {
      const now = await checkouts.find(checkoutId);
      return decided(now) ?? (now?.checkout.status === 'failed' ? { status: GIVEN_UP, body } : undefined);
    },
  };
}

/** Decided meanwhile: to a retry under the same key it is said that it is one. */
function sameRequest(answer: Answer, { headers }: Answer): Answer {
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

/** Nothing comes of it any more. Its id tells this from a refusal that says nothing of what was taken under the same key before. */
function gone(checkoutId: string, dependency: string, detail: string): Problem {
  return dependencyUnavailable(dependency, detail, undefined, { checkoutId });
}

/** It may still be bought: where to look, and that only the same key is the same checkout. */
function unknown({ headers, body }: Answer, cause?: unknown): Problem {
  const { checkoutId } = body as CheckoutView;
  return outcomeUnknown(
    `the checkout ${checkoutId} was taken and is not decided; look at it, or ask again under the same Idempotency-Key`,
    cause,
    { headers: headers ?? {}, members: { checkoutId } },
  );
}
